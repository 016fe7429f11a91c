package sessiontest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// journalFixture is a journal of one rule's own, and what rules say about it.
type journalFixture struct {
	*storeFixture
	journal session.Journal
}

// journaled returns an ending that is kept for delivery.
func (f *journalFixture) journaled(cause session.Cause) session.Ending {
	e := f.ending(cause)
	e.Journal = true
	return e
}

// told starts a session of the user and ends it, to be delivered.
func (f *journalFixture) told(user string) session.ID {
	f.Helper()
	s := f.started(f.session(user))
	_, err := f.End(f.Context(), s.ID, f.journaled(session.CauseSignedOut))
	require.NoError(f, err)
	return s.ID
}

// lease leases up to limit endings.
func (f *journalFixture) lease(term time.Duration, limit int) []session.Ended {
	f.Helper()
	leased, err := f.journal.Lease(f.Context(), term, limit)
	require.NoError(f, err)
	require.LessOrEqual(f, len(leased), limit, "endings leased")
	return leased
}

// leases checks which endings are leased for a minute: those of each user in the
// order in which they are given.
func (f *journalFixture) leases(limit int, want ...session.ID) {
	f.Helper()
	ofUser := func(ids []session.ID) map[string][]session.ID {
		users := map[string][]session.ID{}
		for _, id := range ids {
			users[id.Shard()] = append(users[id.Shard()], id)
		}
		return users
	}
	require.Equal(f, ofUser(want), ofUser(idsOf(f.lease(time.Minute, limit))), "sessions whose endings were leased, by shard")
}

func (f *journalFixture) delivers(ids ...session.ID) {
	f.Helper()
	require.NoError(f, f.journal.Delivered(f.Context(), ids...))
}

func (f *journalFixture) releases(pause time.Duration, ids ...session.ID) {
	f.Helper()
	require.NoError(f, f.journal.Release(f.Context(), pause, ids...))
}

// sweepsAs checks what a sweep at the time does.
func (f *journalFixture) sweepsAs(at time.Time, want session.Swept) {
	f.Helper()
	swept, err := f.Sweep(f.Context(), at)
	require.NoError(f, err)
	require.Equal(f, want, swept, "what Sweep said that it did")
}

// telling returns a session of the user that reached its absolute limit at past, and
// is to be told of for an hour.
func (f *journalFixture) telling(user string) session.Session {
	s := f.expiring(user)
	s.TellExpiry = time.Hour
	return s
}

func idsOf(ended []session.Ended) []session.ID {
	var ids []session.ID
	for _, e := range ended {
		ids = append(ids, e.Session.ID)
	}
	return ids
}

// shortTerm is a lease or a pause that a rule waits for.
const shortTerm = 500 * time.Millisecond

// termPatience is how long a rule waits for what is due after a shortTerm.
var termPatience = time.Minute

var journalRules = []rule[*journalFixture]{
	{"a journal keeps the endings that ask for it",
		"An ending whose Journal is set is kept for delivery in the step that ends the session, by whatever step; no other is.",
		func(f *journalFixture) {
			quiet, a, b, c := f.session("ada"), f.session("ada"), f.session("ada"), f.pending("ada")
			f.started(quiet, a, b, c)
			_, err := f.End(f.Context(), quiet.ID, f.ending(session.CauseSignedOut))
			require.NoError(f, err)
			next := f.session("ada")
			ended, err := f.Start(f.Context(), next, session.Replace{
				Answers: c.ID, Renews: a.ID, Others: true, Ending: f.journaled(""),
			})
			require.NoError(f, err)
			require.Len(f, ended, 3)
			require.ElementsMatch(f, ended, f.lease(time.Minute, 10))
			f.delivers(a.ID, b.ID, c.ID)

			ending := f.fullEnding()
			revoked, err := f.EndUser(f.Context(), "ada", session.ID{}, ending)
			require.NoError(f, err)
			require.Equal(f, []session.Session{next}, revoked)
			require.Equal(f, []session.Ended{{Session: next, Ending: ending}}, f.lease(time.Minute, 10))
			f.delivers(next.ID)
			f.leases(10)
		}},
	{"a step that fails tells nothing",
		"What a Start that fails did not end is not in the journal.",
		func(f *journalFixture) {
			s, other := f.session("ada"), f.session("ada")
			f.started(s, other)
			_, err := f.Start(f.Context(), s, session.Replace{Others: true, Ending: f.journaled("")})
			require.ErrorIs(f, err, session.ErrExists)
			_, err = f.Start(f.Context(), f.session("ada"), session.Replace{
				Renews: session.NewToken("ada").ID(), Others: true, Ending: f.journaled(""),
			})
			require.ErrorIs(f, err, session.ErrNotFound)
			f.leases(10)
			f.isLive(s, other)
		}},
	{"a user's endings are leased in order",
		"Per user endings come in the order in which they happened, and while one is leased nobody gets a later one of that user.",
		func(f *journalFixture) {
			a1, b1, a2, a3 := f.told("ada"), f.told("bob"), f.told("ada"), f.told("ada")
			first := idsOf(f.lease(time.Minute, 1))
			second := idsOf(f.lease(time.Minute, 1))
			require.ElementsMatch(f, []session.ID{a1, b1}, slices.Concat(first, second), "the first of each user")
			f.leases(10) // ada's others wait for the first
			f.delivers(a1)
			f.leases(1, a2)
			f.releases(0, a2)
			f.leases(10, a2, a3)
			f.leases(10)
			f.releases(0, a3)
			f.leases(10) // a2 comes first
			f.delivers(a2, b1)
			f.leases(10, a3)
		}},
	{"Lease returns no more than it is asked for",
		"Up to limit endings are leased, and a limit of 0 leases none.",
		func(f *journalFixture) {
			for range 5 {
				f.told("ada")
				f.told("bob")
			}
			require.Empty(f, f.lease(time.Minute, 0))
			require.Len(f, f.lease(time.Minute, 3), 3)
			f.lease(time.Minute, 1)
		}},
	{"a lease ends with its term",
		"For the term, by the store's clock, nobody else gets what is leased. Afterwards it can be leased again: a deliverer may have died.",
		func(f *journalFixture) {
			id := f.told("ada")
			began := time.Now()
			require.Len(f, f.lease(shortTerm, 10), 1)
			f.isLeasedAgain(began, shortTerm, id)
		}},
	{"Release gives back at once",
		"What is released without a pause can be leased at once. What is not leased, or unknown, is passed over.",
		func(f *journalFixture) {
			a, b := f.told("ada"), f.told("bob")
			f.leases(10, a, b)
			f.releases(0, a, session.NewToken("ada").ID(), session.ID{})
			f.leases(10, a)
			f.releases(0, b)
			f.releases(0, b)
			f.leases(10, b)
		}},
	{"Release with a pause holds back that user alone",
		"Until the pause is over nobody gets what was released, nor a later ending of the same user. Endings of other users do not wait.",
		func(f *journalFixture) {
			a1, a2, b := f.told("ada"), f.told("ada"), f.told("bob")
			c1, c2 := f.told("carol"), f.told("carol")
			f.leases(10, a1, a2, b, c1, c2)
			f.releases(time.Hour, a1)
			f.releases(0, a2, b)
			f.leases(10, b)
			began := time.Now()
			f.releases(shortTerm, c1)
			f.releases(0, c2)
			f.isLeasedAgain(began, shortTerm, c1, c2)
		}},
	{"users take turns",
		"One user's backlog does not hold up the endings of others: who has waited for a lease comes before who has had one.",
		func(f *journalFixture) {
			const backlog, limit = 200, 20
			sessions := f.newSessions("ada", backlog)
			f.started(sessions...)
			_, err := f.EndUser(f.Context(), "ada", session.ID{}, f.journaled(session.CauseRevoked))
			require.NoError(f, err)
			bob := f.told("bob")
			for range 3 {
				ids := idsOf(f.lease(time.Minute, limit))
				if slices.Contains(ids, bob) {
					return
				}
				f.delivers(ids...)
			}
			require.Fail(f, "three leases were of one user while an ending of another waited")
		}},
	{"what is delivered is forgotten by the journal",
		"Delivered forgets endings in the journal, and no others; the sessions' endings stay as they are. What is not there is passed over.",
		func(f *journalFixture) {
			a, b := f.told("ada"), f.told("bob")
			f.leases(10, a, b)
			f.delivers(a, session.NewToken("ada").ID(), session.ID{})
			f.releases(0, a, b)
			f.leases(10, b)
			_, err := f.Get(f.Context(), a)
			_, ended := errors.AsType[*session.EndedError](err)
			require.True(f, ended, "%v", err)
		}},
	{"what nobody was told of is counted",
		"An ending stays in the journal until it is delivered or its Keep has come. Sweep counts those that it forgets undelivered.",
		func(f *journalFixture) {
			old, delivered, leased := f.expiring("ada"), f.expiring("bob"), f.expiring("carol")
			ending := f.over(session.CauseSignedOut)
			ending.Journal, ending.Keep = true, f.now.Add(time.Hour)
			f.started(old, delivered, leased)
			for _, s := range []session.Session{delivered, leased} {
				_, err := f.End(f.Context(), s.ID, ending)
				require.NoError(f, err)
			}
			f.leases(10, delivered.ID, leased.ID)
			f.delivers(delivered.ID)
			ending.Keep = f.past()
			_, err := f.End(f.Context(), old.ID, ending)
			require.NoError(f, err)
			f.leases(10) // its Keep has come
			f.sweepsAs(f.past().Add(-1), session.Swept{})
			f.sweepsAs(f.past(), session.Swept{Forgotten: 1, Undelivered: 1})
			f.isGone(old)
			f.leases(10)
			f.releases(0, leased.ID)
			f.leases(10, leased.ID)
		}},
	{"a limit that is reached is told",
		"A session whose TellExpiry is set is not forgotten by Sweep but ended, at its Deadline, with the limit as the cause, and the journal keeps that for TellExpiry.",
		func(f *journalFixture) {
			absolute, idle, quiet, ahead := f.telling("ada"), f.telling("bob"), f.expiring("carol"), f.telling("dave")
			idle.Expires, idle.Idle = f.now.Add(time.Hour), f.past().Sub(idle.LastSeen)
			ahead.Expires = f.past().Add(1)
			f.started(absolute, idle, quiet, ahead)
			f.sweepsAs(f.past().Add(-1), session.Swept{})
			f.sweepsAs(f.past(), session.Swept{Forgotten: 1, Expired: 2})
			f.isGone(quiet)
			f.isLive(ahead)
			leased := f.lease(time.Minute, 10)
			require.Len(f, leased, 2)
			for _, e := range leased {
				want, cause := absolute, session.CauseExpired
				if e.Session.ID == idle.ID {
					want, cause = idle, session.CauseIdle
				}
				require.Equal(f, want, e.Session)
				keep := e.Ending.Keep
				require.WithinRange(f, keep, f.past().Add(time.Hour), time.Now().Add(time.Hour+time.Minute), "Keep")
				require.Equal(f, session.Ending{Cause: cause, Time: f.past(), Keep: keep, Journal: true}, e.Ending)
				f.isEnded(want, e.Ending)
				f.list(want.User)
			}
			f.sweepsAs(f.past(), session.Swept{}) // once
			f.delivers(absolute.ID, idle.ID)
			f.leases(10)
		}},
	{"a limit is told whatever else happens meanwhile",
		"A session whose TellExpiry is set is never forgotten untold: not by a Start, and not by who ends it otherwise, which is then its ending.",
		func(f *journalFixture) {
			s, signedOut := f.telling("ada"), f.telling("ada")
			f.started(s, signedOut)
			for range 5 {
				f.started(f.session("ada"))
			}
			ending := f.over(session.CauseSignedOut)
			_, err := f.End(f.Context(), signedOut.ID, ending)
			if told, ended := errors.AsType[*session.EndedError](err); ended {
				require.Equal(f, session.CauseExpired, told.Ending.Cause) // by a Start, which sweeps too
			} else {
				require.NoError(f, err)
			}
			_, err = f.Sweep(f.Context(), f.now)
			require.NoError(f, err)
			require.Contains(f, idsOf(f.lease(time.Minute, 10)), s.ID)
			_, err = f.Get(f.Context(), s.ID)
			_, ended := errors.AsType[*session.EndedError](err)
			require.True(f, ended, "%v", err)
		}},
	{"an expiry that nobody was told of is counted",
		"What Sweep ended is forgotten after TellExpiry, and counted if it was not delivered.",
		func(f *journalFixture) {
			s := f.telling("ada")
			s.TellExpiry = 1
			f.started(s)
			f.sweepsAs(f.past(), session.Swept{Expired: 1})
			var all session.Swept
			require.Eventually(f, func() bool {
				swept, err := f.Sweep(f.Context(), time.Now())
				all.Forgotten += swept.Forgotten
				all.Undelivered += swept.Undelivered
				return err != nil || all.Forgotten > 0
			}, time.Minute, 20*time.Millisecond, "the ending is forgotten")
			require.Equal(f, session.Swept{Forgotten: 1, Undelivered: 1}, all)
			f.isGone(s)
		}},
	{"what was used meanwhile is not told as over",
		"Sweep ends a session only if it is overdue in the very step that ends it: either the touch comes first and it lives on, or it gets *EndedError and the ending is told.",
		func(f *journalFixture) {
			f.race(func(user string) ([]func() error, func()) {
				s := f.telling(user)
				s.Expires, s.Idle = f.now.Add(time.Hour), f.past().Sub(s.LastSeen)
				f.started(s)
				var touched error
				var mu sync.Mutex
				expired := 0
				calls := times(3, func(int) error {
					swept, err := f.Sweep(f.Context(), f.past())
					mu.Lock()
					defer mu.Unlock()
					expired += swept.Expired
					return err
				})
				calls = append(calls, func() error {
					touched = f.Touch(f.Context(), s.ID, session.Seen{Time: f.now, IP: s.IP})
					return nil
				})
				return calls, func() {
					told := idsOf(f.lease(time.Minute, 10))
					f.delivers(told...)
					if touched == nil {
						require.Empty(f, told, "it was used")
						require.Zero(f, expired)
						s.LastSeen = f.now
						f.isLive(s)
						return
					}
					_, ended := errors.AsType[*session.EndedError](touched)
					require.True(f, ended, "Touch: %v", touched)
					require.Equal(f, []session.ID{s.ID}, told)
					require.Equal(f, 1, expired, "how many all sweeps together said that they ended")
				}
			})
		}},
	{"parallel leases share the endings",
		"Each ending is leased to one at a time, and per user in order, however many lease at once.",
		func(f *journalFixture) {
			const users, each = 5, 6
			want, got := map[string][]session.ID{}, map[string][]session.ID{}
			for i := range users {
				user := fmt.Sprint("user ", i)
				for range each {
					want[user] = append(want[user], f.told(user))
				}
			}
			var mu sync.Mutex
			var running sync.WaitGroup
			left := users * each
			for range 4 {
				running.Go(func() {
					for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
						leased, err := f.journal.Lease(f.Context(), time.Minute, 4)
						if !assert.NoError(f, err) {
							return
						}
						mu.Lock()
						for _, e := range leased {
							got[e.Session.User] = append(got[e.Session.User], e.Session.ID)
						}
						left -= len(leased)
						over := left <= 0
						mu.Unlock()
						if ids := idsOf(leased); len(ids) > 0 && !assert.NoError(f, f.journal.Delivered(f.Context(), ids...)) || over {
							return
						}
					}
				})
			}
			running.Wait()
			require.Equal(f, want, got, "the sessions of each user, in the order in which their endings were leased")
		}},
}

// isLeasedAgain checks that the endings can be leased again once the term since
// began is over, and not before.
func (f *journalFixture) isLeasedAgain(began time.Time, term time.Duration, want ...session.ID) {
	f.Helper()
	var got []session.ID
	for len(got) == 0 {
		require.Less(f, time.Since(began), termPatience, "it was never leased again")
		got = idsOf(f.lease(time.Minute, 10))
		if len(got) == 0 {
			time.Sleep(term / 20)
		}
	}
	// The store's clock may go a little faster than this one.
	require.GreaterOrEqual(f, time.Since(began), term*9/10, "it was leased again before the term was over")
	require.Equal(f, want, got)
}
