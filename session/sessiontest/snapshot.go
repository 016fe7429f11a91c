package sessiontest

import (
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// snapshotFixture is a store that takes snapshots.
type snapshotFixture struct {
	*storeFixture
	take func(session.ID) session.Snapshot
}

// isGot checks that a snapshot, if the store takes one now, is what Get returns.
func (f *snapshotFixture) isGot(id session.ID) {
	f.Helper()
	want, err := f.Get(f.Context(), id)
	if taken := f.take(id); taken != nil {
		require.NoError(f, err, "a snapshot of what Get does not return")
		require.Equal(f, want, taken.Session())
	}
}

// snapshotRules are all rules of a session.Snapshotter.
var snapshotRules = []rule[*snapshotFixture]{
	{"a snapshot is what Get returns",
		"A Manager asks for a snapshot before Get, so that one is taken of a live session alone, and has all of its fields and changes.",
		func(f *snapshotFixture) {
			require.Nil(f, f.take(session.NewToken("ada").ID()), "an ID that was never started")
			s := f.started(f.full())
			f.isGot(s.ID)
			f.touch(&s, session.Seen{Time: f.now, IP: f.session("ada").IP, Drift: session.Drift{Reported: []string{"a move"}}})
			f.isGot(s.ID)
			f.updated(&s, session.Update{Version: s.Version, Value: []byte(`"new"`)})
			f.isGot(s.ID)
		}},
	{"no snapshot is taken of a session that has ended",
		"However a session ends, its snapshot admits nobody from the moment at which the call that ended it returned.",
		func(f *snapshotFixture) {
			for name, end := range map[string]func(s session.Session) error{
				"End": func(s session.Session) error {
					_, err := f.End(f.Context(), s.ID, f.ending(session.CauseSignedOut))
					return err
				},
				"EndUser": func(s session.Session) error {
					_, err := f.EndUser(f.Context(), s.User, session.ID{}, f.ending(session.CauseRevoked))
					return err
				},
				"Start": func(s session.Session) error {
					_, err := f.Start(f.Context(), f.session(s.User), session.Replace{Before: s.ID, Ending: f.ending(session.CauseReplaced)})
					return err
				},
			} {
				s := f.started(f.session("ada"))
				f.isGot(s.ID)
				require.NoError(f, end(s), name)
				require.Nil(f, f.take(s.ID), name)
			}
		}},
	{"a snapshot stays as it was taken",
		"It is of one instant: a request is handled by the session that it was admitted in.",
		func(f *snapshotFixture) {
			s := f.started(f.session("ada"))
			_, err := f.Get(f.Context(), s.ID)
			require.NoError(f, err)
			taken := f.take(s.ID)
			if taken == nil {
				f.Skip("the store has none in memory")
			}
			require.NoError(f, f.Touch(f.Context(), s.ID, session.Seen{Time: f.now, IP: f.full().IP}))
			_, err = f.End(f.Context(), s.ID, f.ending(session.CauseSignedOut))
			require.NoError(f, err)
			require.Equal(f, s, taken.Session())
		}},
	{"a store that embeds another takes no snapshots of it",
		"Its Get may fail, or say something else, and that is what counts.",
		func(f *snapshotFixture) {
			inner := f.Store.(session.Snapshotter)
			require.Nil(f, inner.Snapshots(struct{ session.Snapshotter }{inner}))
			require.NotNil(f, inner.Snapshots(inner), "of the store itself it does")
		}},
}
