package sessiontest

import (
	"errors"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

var endRules = []rule[*storeFixture]{
	{"an unknown ID is ErrNotFound",
		"There is no session of an ID that was never started, or of the zero ID; Get, Touch and End make none.",
		func(f *storeFixture) {
			f.started(f.session("ada"))
			for _, id := range []session.ID{session.NewToken("ada").ID(), session.NewToken("bob").ID(), {}} {
				_, err := f.Get(f.Context(), id)
				require.ErrorIs(f, err, session.ErrNotFound, "Get")
				err = f.Touch(f.Context(), id, session.Seen{Time: f.now})
				require.ErrorIs(f, err, session.ErrNotFound, "Touch")
				_, err = f.End(f.Context(), id, f.ending(session.CauseSignedOut))
				require.ErrorIs(f, err, session.ErrNotFound, "End")
				_, err = f.Get(f.Context(), id)
				require.ErrorIs(f, err, session.ErrNotFound, "Get after Touch and End")
			}
		}},
	{"End ends a live session and returns it",
		"End returns the session as it was last, and from then on it is not live. Other sessions are.",
		func(f *storeFixture) {
			s, waiting, other := f.session("ada"), f.pending("ada"), f.session("ada")
			f.started(s, waiting, other)
			s.LastSeen, s.IP = f.now, f.full().IP
			require.NoError(f, f.Touch(f.Context(), s.ID, session.Seen{Time: s.LastSeen, IP: s.IP}))
			for _, s := range []session.Session{s, waiting} {
				got, err := f.End(f.Context(), s.ID, f.ending(session.CauseSignedOut))
				require.NoError(f, err)
				require.Equal(f, s, got)
				f.isEnded(s, f.ending(session.CauseSignedOut))
			}
			f.list("ada", other)
			f.isLive(other)
		}},
	{"every field of an ending is kept",
		"An ending is kept as it was given, Detail to the byte: the caller who ended the session encoded it, and may have signed it.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			_, err := f.End(f.Context(), s.ID, f.fullEnding())
			require.NoError(f, err)
			f.isEnded(s, f.fullEnding())
		}},
	{"the first ending counts",
		"One caller gets the session that it ended, and all others *EndedError with the ending that came first.",
		func(f *storeFixture) {
			s := f.ended(f.session("ada"))
			later := f.fullEnding()
			_, err := f.End(f.Context(), s.ID, later)
			f.tellsEnding(err, s, f.ending(session.CauseSignedOut))
			ended, err := f.EndUser(f.Context(), "ada", session.ID{}, later)
			require.NoError(f, err)
			require.Empty(f, ended, "EndUser")
			f.isEnded(s, f.ending(session.CauseSignedOut))
		}},
	{"what is returned is a copy",
		"To change what the store returned changes nothing in the store.",
		func(f *storeFixture) {
			s, other := f.session("ada"), f.session("ada")
			f.started(s)
			list, err := f.List(f.Context(), "ada")
			require.NoError(f, err)
			require.Len(f, list, 1)
			list[0].User, list[0].Name = "changed", "changed"
			f.isLive(s)
			f.list("ada", s)

			f.started(other)
			_, err = f.End(f.Context(), other.ID, f.fullEnding())
			require.NoError(f, err)
			_, err = f.Get(f.Context(), other.ID)
			f.tellsEnding(err, other, f.fullEnding())
			told, _ := errors.AsType[*session.EndedError](err)
			detail := told.Ending.Detail
			for i := range detail {
				detail[i] = 'x'
			}
			f.isEnded(other, f.fullEnding())
		}},
}
