package sessiontest

import (
	"fmt"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// A continuation is a step by which a record goes on as another one: a session
// that is renewed, or a challenge that is answered.
type continuation struct {
	record  func(f *storeFixture, user string) session.Session
	replace func(id session.ID) session.Replace
	cause   session.Cause
}

var (
	renewal = continuation{(*storeFixture).session, func(id session.ID) session.Replace { return session.Replace{Renews: id} }, session.CauseRenewed}
	answer  = continuation{(*storeFixture).pending, func(id session.ID) session.Replace { return session.Replace{Answers: id} }, session.CauseAnswered}
)

// Each continuation meets, at the same time, each way in which what goes on can be
// ended.
var continuationRules = []rule[*storeFixture]{
	{"a pending session is answered exactly once",
		"Of any number of answers one starts a session. The others get *EndedError with CauseAnswered, and start none.",
		func(f *storeFixture) { f.goesOnOnce(answer) }},
	{"a session is renewed exactly once",
		"Of any number of renewals one starts a session. The others get *EndedError with CauseRenewed, and start none.",
		func(f *storeFixture) { f.goesOnOnce(renewal) }},
	{"a renewal beside End has one outcome",
		"Either the session is renewed or it is ended: what was ended does not go on, and what goes on was not ended.",
		func(f *storeFixture) { f.goesOnOrEnds(renewal) }},
	{"an answer beside End has one outcome",
		"Either the challenge is answered or it is ended: what was ended signs nobody in.",
		func(f *storeFixture) { f.goesOnOrEnds(answer) }},
	{"no renewal outlives EndUser",
		"When EndUser has returned the user has no session but those that were started on their own: none that goes on from an ended one.",
		func(f *storeFixture) { f.outlivesNot(renewal) }},
	{"no answer outlives EndUser",
		"When EndUser has returned the user has no session but those that were started on their own: none by an answer to a challenge that has ended.",
		func(f *storeFixture) { f.outlivesNot(answer) }},
	{"a renewal beside Others leaves one session",
		"A sign-in with Others ends the session or what it went on as, so that the sign-in alone is left.",
		func(f *storeFixture) { f.leavesTheNewOne(session.Replace{Others: true}) }},
	{"a renewal beside Max leaves Max",
		"A sign-in with Max 1 ends the session or what it went on as, so that the sign-in alone is left.",
		func(f *storeFixture) { f.leavesTheNewOne(session.Replace{Max: 1}) }},
}

func (f *storeFixture) goesOnOnce(c continuation) {
	f.race(func(user string) ([]func() error, func()) {
		old := f.started(c.record(f, user))
		sessions := f.newSessions(user, racers)
		replace := f.replacing(c.replace(old.ID))
		var starts winner
		return times(racers, func(i int) error {
				_, err := f.Start(f.Context(), sessions[i], replace)
				starts.add(i, err)
				return nil
			}), func() {
				require.Len(f, starts.won, 1, "calls that went on; errors of the others: %v", starts.losers)
				for _, err := range starts.losers {
					f.tellsEnding(err, old, replace.Because(c.cause))
				}
				f.list(user, sessions[starts.won[0]])
			}
	})
}

func (f *storeFixture) goesOnOrEnds(c continuation) {
	f.race(func(user string) ([]func() error, func()) {
		old := f.started(c.record(f, user))
		sessions := f.newSessions(user, racers/2)
		replace := f.replacing(c.replace(old.ID))
		var starts, ends winner
		calls := times(racers/2, func(i int) error {
			_, err := f.Start(f.Context(), sessions[i], replace)
			starts.add(i, err)
			return nil
		})
		calls = append(calls, times(racers/2, func(i int) error {
			_, err := f.End(f.Context(), old.ID, f.ending(session.CauseSignedOut))
			ends.add(i, err)
			return nil
		})...)
		return calls, func() {
			require.Equal(f, 1, len(starts.won)+len(ends.won), "calls that went on: %d, or ended it: %d", len(starts.won), len(ends.won))
			ending := f.ending(session.CauseSignedOut)
			var live []session.Session
			if len(starts.won) == 1 {
				ending = replace.Because(c.cause)
				live = append(live, sessions[starts.won[0]])
			}
			for _, err := range append(starts.losers, ends.losers...) {
				f.tellsEnding(err, old, ending)
			}
			f.list(user, live...)
		}
	})
}

func (f *storeFixture) outlivesNot(c continuation) {
	f.race(func(user string) ([]func() error, func()) {
		old := f.started(c.record(f, user))
		sessions := f.newSessions(user, racers/2)
		replace := f.replacing(c.replace(old.ID))
		var mu sync.Mutex
		all := map[session.ID]int{} // how often each was ended
		calls := times(racers/2, func(i int) error {
			ended, err := f.Start(f.Context(), sessions[i], replace)
			mu.Lock()
			defer mu.Unlock()
			for _, e := range ended {
				all[e.Session.ID]++
			}
			return orEnded(err)
		})
		calls = append(calls, func() error {
			ended, err := f.EndUser(f.Context(), user, session.ID{}, f.ending(session.CauseRevoked))
			mu.Lock()
			defer mu.Unlock()
			for _, s := range ended {
				all[s.ID]++
			}
			return err
		})
		return calls, func() {
			f.list(user)
			require.Equal(f, 1, all[old.ID], "how often the old one was ended")
			for id, n := range all {
				require.Equal(f, 1, n, "how often %s was ended", id)
			}
			require.LessOrEqual(f, len(all), 2, "the old one, and the one that it went on as")
		}
	})
}

func (f *storeFixture) leavesTheNewOne(replace session.Replace) {
	f.race(func(user string) ([]func() error, func()) {
		old := f.started(f.session(user))
		renewed, signIn := f.newSessions(user, racers/2), f.signedIn(user, f.now)
		signIn.Name = fmt.Sprint("the sign-in of ", user)
		calls := times(racers/2, func(i int) error {
			_, err := f.Start(f.Context(), renewed[i], f.replacing(session.Replace{Renews: old.ID}))
			return orEnded(err)
		})
		calls = append(calls, func() error {
			_, err := f.Start(f.Context(), signIn, f.replacing(replace))
			return err
		})
		return calls, func() { f.list(user, signIn) }
	})
}
