package sessiontest

import (
	"context"
	"errors"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// stepRules are about steps that fail: here those whose context is done.
var stepRules = []rule[*storeFixture]{
	{"a Start whose context is done is whole or none",
		"If a step fails it is unknown whether it was made, but it was made whole or not at all. One that does not fail was made.",
		func(f *storeFixture) {
			from, old, over := f.session("bob"), f.session("ada"), f.session("ada")
			f.started(from, old, over)
			s := f.session("ada")
			_, err := f.Start(f.done(), s, f.replacing(session.Replace{Before: from.ID, Others: true}))
			f.whole(err, f.isIn(s), !f.isIn(from), !f.isIn(old), !f.isIn(over))
		}},
	{"an EndUser whose context is done is whole or none",
		"If a step fails it is unknown whether it was made, but it was made whole or not at all. One that does not fail was made.",
		func(f *storeFixture) {
			a, b, c := f.session("ada"), f.pending("ada"), f.session("ada")
			f.started(a, b, c)
			_, err := f.EndUser(f.done(), "ada", session.ID{}, f.ending(session.CauseRevoked))
			f.whole(err, !f.isIn(a), !f.isIn(b), !f.isIn(c))
		}},
	{"an End or Touch whose context is done is whole or none",
		"If a step fails it is unknown whether it was made, but it was made whole or not at all. One that does not fail was made.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			seen := session.Seen{Time: f.now, IP: f.full().IP}
			err := f.Touch(f.done(), s.ID, seen)
			got, getErr := f.Get(f.Context(), s.ID)
			require.NoError(f, getErr)
			f.whole(err, got.LastSeen.Equal(seen.Time), got.IP == seen.IP)

			_, err = f.End(f.done(), s.ID, f.ending(session.CauseSignedOut))
			list, listErr := f.List(f.Context(), "ada")
			require.NoError(f, listErr)
			f.whole(err, !f.isIn(s), len(list) == 0)
		}},
	{"a store that does not answer is no verdict",
		"A Get that could not be made says so with an error of its own. It never says that a live session ended or was not found.",
		func(f *storeFixture) {
			s := f.started(f.session("ada"))
			got, err := f.Get(f.done(), s.ID)
			if err == nil {
				require.Equal(f, s, got)
				return
			}
			require.NotErrorIs(f, err, session.ErrNotFound)
			_, ended := errors.AsType[*session.EndedError](err)
			require.False(f, ended, "%v", err)
		}},
}

// done returns a context that has ended.
func (f *storeFixture) done() context.Context {
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	return ctx
}

// isIn reports whether the session is live.
func (f *storeFixture) isIn(s session.Session) bool {
	f.Helper()
	_, err := f.Get(f.Context(), s.ID)
	if err == nil {
		return true
	}
	_, ended := errors.AsType[*session.EndedError](err)
	require.True(f, ended || errors.Is(err, session.ErrNotFound), "%v", err)
	return false
}

// whole checks that all parts of a step were made or none, and all if it did
// not fail.
func (f *storeFixture) whole(err error, parts ...bool) {
	f.Helper()
	for _, made := range parts {
		assert.Equal(f, parts[0], made, "the parts of the step that were made: %v; its error: %v", parts, err)
	}
	if err == nil {
		assert.True(f, parts[0], "the step did not fail, and was not made")
	}
}
