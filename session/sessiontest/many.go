package sessiontest

import (
	"context"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// ManySessions is the environment variable by which RunStore takes another number
// of sessions than 500 for the rules about users who have many: 20000, say.
const ManySessions = "MOORING_MANY_SESSIONS"

// many returns how many sessions a user with many has: several times EndBatch.
func (f *storeFixture) many() int {
	f.Helper()
	text, set := os.LookupEnv(ManySessions)
	if !set {
		return 5 * session.EndBatch
	}
	n, err := strconv.Atoi(text)
	require.NoError(f, err, ManySessions)
	require.Greater(f, n, 2*session.EndBatch, ManySessions)
	return n
}

// startedMany starts that many sessions of the user, and returns them, the latest
// sign-in first.
func (f *storeFixture) startedMany(user string) []session.Session {
	f.Helper()
	sessions := f.newSessions(user, f.many())
	slices.Reverse(sessions)
	f.started(sessions...)
	return sessions
}

var manyRules = []rule[*storeFixture]{
	{"EndUser ends any number",
		"All means all: no page, batch or list of parameters cuts what List returns or what EndUser ends.",
		func(f *storeFixture) {
			all := f.startedMany("ada")
			f.list("ada", all...)
			kept := all[len(all)/2]
			want := slices.Delete(slices.Clone(all), len(all)/2, len(all)/2+1)
			ended, err := f.EndUser(f.Context(), "ada", kept.ID, f.ending(session.CauseRevoked))
			require.NoError(f, err)
			f.same(want, ended)
			f.list("ada", kept)
			f.isEnded(all[0], f.ending(session.CauseRevoked))
			f.isEnded(all[len(all)-1], f.ending(session.CauseRevoked))
		}},
	{"a sign-in with Others ends any number",
		"All means all: no page, batch or list of parameters cuts what a Start with Others ends.",
		func(f *storeFixture) {
			all := f.startedMany("ada")
			s := f.signedIn("ada", f.now)
			replaced, err := f.Start(f.Context(), s, f.replacing(session.Replace{Others: true}))
			require.NoError(f, err)
			ended := make([]session.Session, len(replaced))
			for i, e := range replaced {
				require.Equal(f, session.CauseTerminated, e.Ending.Cause)
				ended[i] = e.Session
			}
			f.same(all, ended)
			f.list("ada", s)
		}},
	{"what an EndUser ended that is cut short stays ended",
		"A call that is cut short returns what it has ended, and that stays ended. The next call goes on with the rest: no record is ended twice.",
		func(f *storeFixture) {
			all := f.startedMany("ada")
			ended := map[session.ID]bool{}
			for patience := time.Millisecond; ; patience *= 2 {
				ctx, cancel := context.WithTimeout(f.Context(), patience)
				some, err := f.EndUser(ctx, "ada", session.ID{}, f.ending(session.CauseRevoked))
				cancel()
				for _, s := range some {
					require.False(f, ended[s.ID], "%s was returned twice", s.ID)
					ended[s.ID] = true
				}
				for _, s := range some[:min(len(some), 3)] {
					f.isEnded(s, f.ending(session.CauseRevoked))
				}
				if err == nil {
					break
				}
				require.Less(f, patience, time.Minute, "it was never done")
			}
			f.list("ada")
			for _, s := range all[:3] {
				f.isEnded(s, f.ending(session.CauseRevoked))
			}
		}},
	{"no renewal slips past an EndUser of many",
		"EndUser may take several steps, and its last one has seen what went on meanwhile: when it returns nothing of the user is live.",
		func(f *storeFixture) {
			all := f.startedMany("ada")
			next := f.newSessions("ada", racers)
			calls := times(racers, func(i int) error {
				_, err := f.Start(f.Context(), next[i], f.replacing(session.Replace{Renews: all[i].ID}))
				return orEnded(err)
			})
			calls = append(calls, func() error {
				_, err := f.EndUser(f.Context(), "ada", session.ID{}, f.ending(session.CauseRevoked))
				return err
			})
			f.atOnce(calls)
			f.list("ada")
		}},
}

// same checks that the sessions are the same ones, in any order.
func (f *storeFixture) same(want, got []session.Session) {
	f.Helper()
	byID := make(map[session.ID]session.Session, len(got))
	for _, s := range got {
		byID[s.ID] = s
	}
	require.Len(f, byID, len(got), "each is returned once")
	require.Len(f, got, len(want))
	for _, s := range want {
		require.Equal(f, s, byID[s.ID])
	}
}
