package sessiontest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// Races are run until one of these is reached, but at least a few times, so
// that a store in memory gets many rounds and one over a network does not take
// minutes.
const (
	fewRounds  = 5
	manyRounds = 300
	raceTime   = 200 * time.Millisecond
)

// racers is how many calls meet in a race.
const racers = 8

// race calls what round returns at the same time, in any order, for each of many
// rounds with a user of its own, and then checks what became of it.
func (f *storeFixture) race(round func(user string) (calls []func() error, check func())) {
	f.Helper()
	for i, end := 0, time.Now().Add(raceTime); i < fewRounds || i < manyRounds && time.Now().Before(end); i++ {
		calls, check := round(fmt.Sprintf("user %d", i))
		f.atOnce(calls)
		check()
	}
}

// atOnce makes the calls at the same time, and waits for all of them.
func (f *storeFixture) atOnce(calls []func() error) {
	f.Helper()
	rand.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
	start := make(chan struct{})
	errs := make([]error, len(calls))
	var running sync.WaitGroup
	for i, call := range calls {
		running.Go(func() {
			<-start
			errs[i] = call()
		})
	}
	close(start)
	running.Wait()
	require.NoError(f, errors.Join(errs...))
}

// orEnded returns err, or nil for that of a session that has ended.
func orEnded(err error) error {
	if _, ended := errors.AsType[*session.EndedError](err); ended {
		return nil
	}
	return err
}

// times returns n calls of the same kind.
func times(n int, call func(i int) error) []func() error {
	calls := make([]func() error, n)
	for i := range calls {
		calls[i] = func() error { return call(i) }
	}
	return calls
}

// winner collects which calls won a race, and the errors of the others.
type winner struct {
	mu     sync.Mutex
	won    []int
	losers []error
}

func (w *winner) add(i int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.won = append(w.won, i)
		return
	}
	w.losers = append(w.losers, err)
}

// newSessions returns n sessions of the user, each signed in later than the last.
func (f *storeFixture) newSessions(user string, n int) []session.Session {
	sessions := make([]session.Session, n)
	for i := range sessions {
		sessions[i] = f.signedIn(user, f.now.Add(time.Duration(i-n)))
	}
	return sessions
}

// startAll returns a call for each session that starts it with the Replace, and adds
// what it ended to ended.
func (f *storeFixture) startAll(sessions []session.Session, r session.Replace, ended *[]session.Ended) []func() error {
	var mu sync.Mutex
	return times(len(sessions), func(i int) error {
		replaced, err := f.Start(f.Context(), sessions[i], f.replacing(r))
		mu.Lock()
		defer mu.Unlock()
		*ended = append(*ended, replaced...)
		return err
	})
}

var raceRules = []rule[*storeFixture]{
	{"of parallel Ends exactly one ends the session",
		"End returns the session to exactly one caller. All others get *EndedError with the ending that came first: so there is one event.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				s := f.started(f.session(user))
				var ends winner
				ending := func(i int) session.Ending {
					e := f.ending(session.CauseSignedOut)
					e.Actor = fmt.Sprint(i)
					return e
				}
				return times(racers, func(i int) error {
						_, err := f.End(f.Context(), s.ID, ending(i))
						ends.add(i, err)
						return nil
					}), func() {
						require.Len(f, ends.won, 1, "calls that ended the session; errors of the others: %v", ends.losers)
						for _, err := range ends.losers {
							f.tellsEnding(err, s, ending(ends.won[0]))
						}
						f.isEnded(s, ending(ends.won[0]))
					}
			})
		}},
	{"a touch in flight revives nothing",
		"A session once ended never lives again, whatever was in flight.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				s := f.started(f.session(user))
				calls := times(racers, func(i int) error {
					return orEnded(f.Touch(f.Context(), s.ID, session.Seen{Time: f.now.Add(time.Duration(i)), IP: s.IP}))
				})
				calls = append(calls, func() error {
					_, err := f.End(f.Context(), s.ID, f.ending(session.CauseSignedOut))
					return err
				})
				return calls, func() {
					_, err := f.Get(f.Context(), s.ID)
					_, ended := errors.AsType[*session.EndedError](err)
					require.True(f, ended, "want *session.EndedError, got %v", err)
					f.list(user)
				}
			})
		}},
	{"of parallel touches none is lost",
		"Each touch is one step: the latest time wins with its address, and what each adds to the drift is there.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				s := f.started(f.session(user))
				seen := func(i int) session.Seen {
					at := f.now.Add(time.Duration(i))
					ip := netip.AddrFrom4([4]byte{192, 0, 2, byte(100 + i)})
					return session.Seen{Time: at, IP: ip, Drift: session.Drift{Moves: []time.Time{at}}}
				}
				return times(racers, func(i int) error { return f.Touch(f.Context(), s.ID, seen(i)) }), func() {
					for i := range racers {
						s.Apply(seen(i), f.now.Add(time.Second))
					}
					f.isLive(s)
				}
			})
		}},
	{"of parallel touches one teaches the second anchor",
		"What is learned is never replaced: a caller who looks after a touch sees the anchor that stays.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				s := f.started(f.session(user))
				var seen [racers]binding.Location
				return times(racers, func(i int) error {
						second := binding.Location{IP: netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i)})}
						at := f.now.Add(time.Duration(i))
						if err := f.Touch(f.Context(), s.ID, session.Seen{Time: at, IP: second.IP, Drift: session.Drift{Second: second}}); err != nil {
							return err
						}
						got, err := f.Get(f.Context(), s.ID)
						seen[i] = got.Drift.Second
						return err
					}), func() {
						got, err := f.Get(f.Context(), s.ID)
						require.NoError(f, err)
						for i := range racers {
							require.Equal(f, got.Drift.Second, seen[i], "racer %d", i)
						}
					}
			})
		}},
	{"of parallel touches one binds the device key",
		"Of keys that meet, and of page loads beside them, one key stays and no use is lost: a caller that looks after its touch sees the key that stays.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				s := f.started(f.session(user))
				var seen [racers]devicekey.Key
				calls := times(racers, func(i int) error {
					drift := session.Drift{Key: deviceKey(fmt.Sprint(i)), Proved: []string{fmt.Sprint(i)}}
					if err := f.Touch(f.Context(), s.ID, session.Seen{Time: s.LastSeen, IP: s.IP, Drift: drift}); err != nil {
						return err
					}
					got, err := f.Get(f.Context(), s.ID)
					seen[i] = got.Drift.Key
					return err
				})
				used := session.Seen{Time: f.now.Add(racers), IP: netip.AddrFrom4([4]byte{192, 0, 2, 200})}
				calls = append(calls, times(racers, func(i int) error {
					return f.Touch(f.Context(), s.ID, session.Seen{Time: used.Time.Add(time.Duration(i + 1 - racers)), IP: used.IP})
				})...)
				return calls, func() {
					got, err := f.Get(f.Context(), s.ID)
					require.NoError(f, err)
					require.False(f, got.Drift.Key.IsZero())
					require.Len(f, got.Drift.Proved, racers)
					require.Equal(f, used, session.Seen{Time: got.LastSeen, IP: got.IP})
					for i := range racers {
						require.Equal(f, got.Drift.Key, seen[i], "racer %d", i)
					}
				}
			})
		}},
	{"of parallel Starts of one ID exactly one succeeds",
		"An ID that is live is ErrExists, also to a caller at the same moment.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				s := f.session(user)
				var starts winner
				return times(racers, func(i int) error {
						_, err := f.Start(f.Context(), s, session.Replace{})
						starts.add(i, err)
						return nil
					}), func() {
						require.Len(f, starts.won, 1, "calls that started the session; errors of the others: %v", starts.losers)
						for _, err := range starts.losers {
							require.ErrorIs(f, err, session.ErrExists)
						}
						f.list(user, s)
					}
			})
		}},
	{"of parallel sign-ins with Others exactly one stays",
		"Each new session ends all others in the step that makes it live, so of any number exactly one survives, and each of the rest ends once.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				old := f.started(f.session(user))
				sessions := f.newSessions(user, racers)
				var ended []session.Ended
				return f.startAll(sessions, session.Replace{Others: true}, &ended), func() {
					f.survive(append(sessions, old), ended, 1)
				}
			})
		}},
	{"of parallel sign-ins with Max as many stay",
		"With each new session no more than Max are live, so of any number exactly Max survive, and each of the rest ends once.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				sessions := f.newSessions(user, racers)
				var ended []session.Ended
				return f.startAll(sessions, session.Replace{Max: 3}, &ended), func() { f.survive(sessions, ended, 3) }
			})
		}},
	{"sessions that replace each other's end once",
		"Two users who change places, each from the other's session, hold each other up for no longer than a step takes, and each session ends once.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				other := user + " too"
				a, b := f.session(user), f.session(other)
				f.started(a, b)
				var mu sync.Mutex
				var all []session.Ended
				calls := times(racers, func(i int) error {
					s, from := f.session(user), b
					if i%2 == 1 {
						s, from = f.session(other), a
					}
					ended, err := f.Start(f.Context(), s, f.replacing(session.Replace{Before: from.ID}))
					mu.Lock()
					defer mu.Unlock()
					all = append(all, ended...)
					return err
				})
				return calls, func() {
					require.Len(f, all, 2, "endings")
					require.Equal(f, map[session.ID]session.Cause{a.ID: session.CauseReplaced, b.ID: session.CauseReplaced}, causes(all))
				}
			})
		}},
	{"an ended session is never listed",
		"Once End has returned, no List that begins later has the session.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				sessions := f.newSessions(user, racers)
				f.started(sessions...)
				return times(racers, func(i int) error {
					if _, err := f.End(f.Context(), sessions[i].ID, f.ending(session.CauseSignedOut)); err != nil {
						return err
					}
					list, err := f.List(f.Context(), user)
					for _, s := range list {
						assert.NotEqual(f, sessions[i].ID, s.ID, "listed after its End had returned")
					}
					return err
				}), func() { f.list(user) }
			})
		}},
	{"no session slips past EndUser",
		"EndUser is one step: a session that is started at the same time is returned by it or lives on, and never both or neither.",
		func(f *storeFixture) {
			f.race(func(user string) ([]func() error, func()) {
				sessions := f.newSessions(user, racers)
				f.started(sessions[:racers/2]...)
				var mu sync.Mutex
				var ended []session.Session
				calls := times(racers/2, func(i int) error {
					_, err := f.Start(f.Context(), sessions[racers/2+i], session.Replace{})
					return err
				})
				for range 2 {
					calls = append(calls, func() error {
						some, err := f.EndUser(f.Context(), user, session.ID{}, f.ending(session.CauseRevoked))
						mu.Lock()
						defer mu.Unlock()
						ended = append(ended, some...)
						return err
					})
				}
				return calls, func() {
					live, err := f.List(f.Context(), user)
					require.NoError(f, err)
					require.ElementsMatch(f, sessions, append(live, ended...), "those that EndUser returned and those that are live")
					f.isLive(live...)
					for _, s := range ended {
						f.isEnded(s, f.ending(session.CauseRevoked))
					}
				}
			})
		}},
}

// survive checks that n of the sessions are live, and that each of the rest
// ended once.
func (f *storeFixture) survive(sessions []session.Session, ended []session.Ended, n int) {
	f.Helper()
	live, err := f.List(f.Context(), sessions[0].User)
	require.NoError(f, err)
	require.Len(f, live, n, "live sessions")
	f.isLive(live...)
	for _, e := range ended {
		live = append(live, e.Session)
	}
	require.ElementsMatch(f, sessions, live, "those that were ended, as Start returned them, and those that are live")
}
