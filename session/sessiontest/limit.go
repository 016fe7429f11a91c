package sessiontest

import (
	"errors"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// limitRules are about sign-ins that are denied, and about what counts.
var limitRules = []rule[*storeFixture]{
	{"Deny starts nothing over Max",
		"Where Max would end sessions and Deny is set, Start is a *LimitError that names those, the oldest first, starts nothing and ends nothing.",
		func(f *storeFixture) {
			sessions := f.newSessions("ada", 4)
			f.started(sessions...)
			s := f.signedIn("ada", f.now)
			f.denies(s, session.Replace{Max: 2, Deny: true}, sessions[:3]...)
			f.denies(s, session.Replace{Max: 4, Deny: true, Renews: session.ID{}}, sessions[0])
			f.isLive(sessions...)
			f.replaces(s, session.Replace{Max: 5, Deny: true}, nil, sessions...)
		}},
	{"Deny counts what ends anyway as ended",
		"A session that the new one replaces, renews or terminates leaves room for it.",
		func(f *storeFixture) {
			before, renewed := f.session("ada"), f.session("bob")
			f.started(before, renewed)
			f.replaces(f.session("ada"), session.Replace{Max: 1, Deny: true, Before: before.ID}, ends{session.CauseReplaced: {before}})
			f.replaces(f.session("bob"), session.Replace{Max: 1, Deny: true, Renews: renewed.ID}, ends{session.CauseRenewed: {renewed}})
			others := f.newSessions("carol", 3)
			f.started(others...)
			f.replaces(f.signedIn("carol", f.now), session.Replace{Max: 1, Deny: true, Others: true}, ends{session.CauseTerminated: others})
		}},
	{"Deny leaves the session before",
		"A Start that is denied ends nothing, the session of another user that Before names among it.",
		func(f *storeFixture) {
			for _, user := range []string{"bob", "carol", "dave", "erin"} {
				before, old := f.session("ada"), f.session(user)
				f.started(before, old)
				f.denies(f.session(user), session.Replace{Max: 1, Deny: true, Before: before.ID}, old)
				f.isLive(before, old)
			}
		}},
	{"PerTenant counts the sessions of one tenant",
		"Max counts the user's sessions of the new one's Tenant, and ends and denies for those alone.",
		func(f *storeFixture) {
			sessions := f.newSessions("ada", 4)
			for i := range sessions {
				sessions[i].Tenant = []string{"", "a \"ü\"", "", "b"}[i]
			}
			f.started(sessions...)
			s := f.signedIn("ada", f.now)
			f.denies(s, session.Replace{Max: 1, PerTenant: true, Deny: true}, sessions[0], sessions[2])
			f.replaces(s, session.Replace{Max: 2, PerTenant: true}, ends{session.CauseMaxSessions: {sessions[0]}}, sessions[1:]...)
			s = f.signedIn("ada", f.now)
			s.Tenant = sessions[1].Tenant
			f.replaces(s, session.Replace{Max: 1, PerTenant: true}, ends{session.CauseMaxSessions: {sessions[1]}}, sessions[2:]...)
		}},
	{"of parallel sign-ins with Deny as many succeed as fit",
		"With Deny no more than Max are live, however many come at the same moment, and none of those that were denied.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				sessions := f.newSessions(user, racers)
				var mu sync.Mutex
				var live []session.Session
				return times(racers, func(i int) error {
						_, err := f.Start(f.Context(), sessions[i], f.replacing(session.Replace{Max: 3, Deny: true}))
						if _, denied := errors.AsType[*session.LimitError](err); denied {
							return nil
						}
						mu.Lock()
						defer mu.Unlock()
						live = append(live, sessions[i])
						return err
					}), func() {
						require.Len(f, live, 3)
						got, err := f.List(f.Context(), user)
						require.NoError(f, err)
						require.ElementsMatch(f, live, got)
					}
			})
		}},
}

// denies checks that s cannot be started, since the surplus would have to end.
func (f *storeFixture) denies(s session.Session, r session.Replace, surplus ...session.Session) {
	f.Helper()
	ended, err := f.Start(f.Context(), s, f.replacing(r))
	limit, denied := errors.AsType[*session.LimitError](err)
	require.True(f, denied, "want *LimitError, got %v", err)
	require.Empty(f, ended)
	var want []session.ID
	for _, one := range surplus {
		want = append(want, one.ID)
	}
	require.Equal(f, want, limit.Surplus, "what would have to end, the oldest first")
	f.isGone(s)
}
