package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// watchEvery is the interval of the watches of the rules.
const watchEvery = 50 * time.Millisecond

// watchPatience is how long a rule waits for what has to be told.
var watchPatience = time.Minute

// watchFixture is a store that tells of changes, and what one watch has been told.
type watchFixture struct {
	*storeFixture
	watcher session.Watcher
	told    *told
	anew    func() *watchFixture // with another store
}

// told is what a watch was told, in order.
type told struct {
	mu   sync.Mutex
	all  []session.Change
	more chan struct{} // closed at the next change
}

func newTold() *told { return &told{more: make(chan struct{})} }

func (w *told) add(change session.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, change)
	close(w.more)
	w.more = make(chan struct{})
}

// errLost is what until panics with when the watch was lost before.
var errLost = errors.New("the watch was lost")

// lost returns where a watch that was connected was lost first; -1 if it was not.
func lost(all []session.Change) int {
	connected := slices.IndexFunc(all, func(c session.Change) bool { return c.Kind == session.ChangeConnected })
	at := slices.IndexFunc(all[connected+1:], func(c session.Change) bool { return c.Kind == session.ChangeLost })
	if connected < 0 || at < 0 {
		return -1
	}
	return connected + 1 + at
}

// unlessLost returns the rules so that one whose watch is lost meanwhile is checked again.
// A watch may be lost whenever the machine is busy for a second, and says so: what it is
// not told then breaks no rule.
func unlessLost(rules []rule[*watchFixture]) []rule[*watchFixture] {
	for i, r := range rules {
		rules[i].check = func(f *watchFixture) {
			for began := time.Now(); f.loses(r.check); f = f.anew() {
				require.Less(f.T, time.Since(began), watchPatience, "the watch is lost time and again")
			}
		}
	}
	return rules
}

// loses makes the check, and reports whether the watch was lost in it.
func (f *watchFixture) loses(check func(*watchFixture)) (lost bool) {
	defer func() {
		if failure := recover(); failure == errLost { //nolint:errorlint // it is the very one
			lost = true
		} else if failure != nil {
			panic(failure)
		}
	}()
	check(f)
	return false
}

// until waits until something in what was told is wanted, and returns all that was
// told up to there.
func (w *told) until(t *testing.T, what string, wanted func(session.Change) bool) []session.Change {
	t.Helper()
	timeout := time.After(watchPatience)
	for {
		w.mu.Lock()
		at, all, more := slices.IndexFunc(w.all, wanted), slices.Clone(w.all), w.more
		w.mu.Unlock()
		end := lost(all)
		if at >= 0 && (end < 0 || at < end) {
			return all[:at+1]
		}
		if end >= 0 {
			panic(errLost)
		}
		select {
		case <-more:
		case <-timeout:
			require.Fail(t, "not told: "+what, "%d told: %v", len(all), all[max(0, len(all)-20):])
		}
	}
}

// upTo returns all that was told until a watch had heard everything up to now.
func (w *told) upTo(t *testing.T, now time.Time) []session.Change {
	t.Helper()
	return w.until(t, "ChangeHeard", func(c session.Change) bool {
		return c.Kind == session.ChangeHeard && !c.Heard.Before(now)
	})
}

// watching returns fixtures with a watch that is connected.
func watching(open func(*testing.T) session.Store) func(*testing.T) *watchFixture {
	return func(t *testing.T) *watchFixture {
		f := newStoreFixture(t, open(t))
		watcher, _ := session.StoreAs[session.Watcher](f.Store)
		w := &watchFixture{f, watcher, newTold(), func() *watchFixture { return watching(open)(t) }}
		w.watch(w.told)
		return w
	}
}

// watch begins to watch, and returns once it is connected.
func (f *watchFixture) watch(into *told) (stop context.CancelFunc) {
	t := f.T
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- f.watcher.Watch(ctx, watchEvery, into.add) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			assert.ErrorIs(t, err, context.Canceled, "what Watch returns once its context has ended")
		case <-time.After(watchPatience):
			assert.Fail(t, "Watch goes on though its context has ended")
		}
	})
	t.Cleanup(stop)
	into.until(t, "ChangeConnected", func(c session.Change) bool { return c.Kind == session.ChangeConnected })
	return stop
}

// ends makes a step, and checks that the watch is told of exactly these endings and
// of their causes, before it says that it has heard everything up to then.
func (f *watchFixture) ends(step func(), want map[session.ID]session.Cause) {
	t := f.T
	t.Helper()
	step()
	got := map[session.ID]session.Cause{}
	for _, c := range f.told.upTo(t, time.Now()) {
		if c.Kind == session.ChangeEnded {
			require.NotEmpty(t, c.User, "the user of an ending")
			got[c.ID] = c.Cause
		}
	}
	require.Equal(t, want, got, "the endings that were told")
}

var watchRules = unlessLost([]rule[*watchFixture]{
	{"each way to end a session is told",
		"Whatever ends a record is told with its ID, its user and its cause, before a ChangeHeard of a time after the step.",
		func(f *watchFixture) {
			s := f.storeFixture
			before, answered, renewed := s.session("bob"), s.pending("ada"), s.session("ada")
			terminated, device, single, revoked, kept := s.session("ada"), s.device("ada"), s.session("eve"), s.session("mel"), s.session("mel")
			s.started(before, answered, renewed, terminated, device, single, revoked, kept)
			oldest := s.signedIn("max", s.now.Add(-2*time.Minute))
			s.started(oldest)
			f.ends(func() {
				_, err := s.Start(s.Context(), s.session("ada"), s.replacing(session.Replace{
					Before: before.ID, Answers: answered.ID, Renews: renewed.ID, Others: true}))
				require.NoError(f.T, err)
				_, err = s.Start(s.Context(), s.session("max"), s.replacing(session.Replace{Max: 1}))
				require.NoError(f.T, err)
				_, err = s.End(s.Context(), single.ID, s.ending(session.CauseSignedOut))
				require.NoError(f.T, err)
				_, err = s.EndUser(s.Context(), "mel", kept.ID, s.ending(session.CauseRevoked))
				require.NoError(f.T, err)
			}, map[session.ID]session.Cause{
				before.ID: session.CauseReplaced, answered.ID: session.CauseAnswered, renewed.ID: session.CauseRenewed,
				terminated.ID: session.CauseTerminated, oldest.ID: session.CauseMaxSessions,
				single.ID: session.CauseSignedOut, revoked.ID: session.CauseRevoked,
			})
		}},
	{"what ended nothing is not told as an ending",
		"A step that found nothing to end, and one that failed, tell of no ending.",
		func(f *watchFixture) {
			s := f.storeFixture
			live := s.started(s.session("ada"))
			f.ends(func() {
				_, err := s.End(s.Context(), session.NewToken("ada").ID(), s.ending(session.CauseSignedOut))
				require.ErrorIs(f.T, err, session.ErrNotFound)
				_, err = s.Start(s.Context(), live, s.replacing(session.Replace{Others: true}))
				require.ErrorIs(f.T, err, session.ErrExists)
				_, err = s.EndUser(s.Context(), "ada", live.ID, s.ending(session.CauseRevoked))
				require.NoError(f.T, err)
				require.NoError(f.T, s.Touch(s.Context(), live.ID, session.Seen{Time: s.now, IP: live.IP}))
			}, map[session.ID]session.Cause{})
		}},
	{"an expiry that Sweep tells is told",
		"A store that ends a session at its limit, since its TellExpiry is set, tells of that like of any other ending.",
		func(f *watchFixture) {
			if _, ok := session.StoreAs[session.Journal](f.watcher); !ok {
				f.T.Skip("the store is not a session.Journal")
			}
			s := f.storeFixture
			over := s.expiring("ada")
			over.TellExpiry = time.Hour
			s.started(over)
			f.ends(func() {
				_, err := s.Sweep(s.Context(), s.now)
				require.NoError(f.T, err)
			}, map[session.ID]session.Cause{over.ID: session.CauseExpired})
		}},
	{"an update is told",
		"An Update of a session is told, in the step that makes it.",
		func(f *watchFixture) {
			s := f.storeFixture
			updated := s.session("ada")
			s.started(updated)
			_, err := s.Update(s.Context(), updated.ID, session.Update{Version: updated.Version, Value: []byte("1")})
			require.NoError(f.T, err)
			told := 0
			for _, c := range f.told.upTo(f.T, time.Now()) {
				if c.Kind == session.ChangeUpdated && c.ID == updated.ID {
					told++
				}
			}
			require.Equal(f.T, 1, told)
		}},
	{"a drift is told",
		"A Touch that adds to a session's drift is told, with the reason if the session is restricted by then.",
		func(f *watchFixture) {
			s := f.storeFixture
			a, b := s.session("ada"), s.session("bob")
			s.started(a, b)
			for id, drift := range map[session.ID]session.Drift{
				a.ID: {Moves: []time.Time{s.now}}, b.ID: {Restricted: binding.GeoIPCityChanged},
			} {
				require.NoError(f.T, s.Touch(s.Context(), id, session.Seen{Time: s.now, IP: a.IP, Drift: drift}))
			}
			got := map[session.Change]bool{}
			for _, c := range f.told.upTo(f.T, time.Now()) {
				if c.Kind == session.ChangeUpdated {
					got[c] = true
				}
			}
			require.Equal(f.T, map[session.Change]bool{
				{Kind: session.ChangeUpdated, ID: a.ID, User: "ada"}:                                       true,
				{Kind: session.ChangeUpdated, ID: b.ID, User: "bob", Restricted: binding.GeoIPCityChanged}: true,
			}, got)
		}},
	{"all of many endings are told",
		"However many sessions one call ends, each is told.",
		func(f *watchFixture) {
			s := f.storeFixture
			want := map[session.ID]session.Cause{}
			for range session.EndBatch*2 + 30 {
				each := s.started(s.session("ada"))
				want[each.ID] = session.CauseRevoked
			}
			f.ends(func() {
				ended, err := s.EndUser(s.Context(), "ada", session.ID{}, s.ending(session.CauseRevoked))
				require.NoError(f.T, err)
				require.Len(f.T, ended, len(want))
			}, want)
		}},
	{"endings of many at the same time are all told before they are said to be",
		"A ChangeHeard promises that each change before its time was told. Watchers that were promised so would believe what has ended for ever.",
		func(f *watchFixture) {
			s := f.storeFixture
			var mu sync.Mutex
			returned := map[session.ID]Span{}
			var running sync.WaitGroup
			for n := range 8 {
				user := fmt.Sprintf("user %d", n)
				running.Go(func() {
					for range 15 {
						each := s.session(user)
						called := time.Now()
						_, err := s.Start(s.Context(), each, session.Replace{})
						if err == nil {
							_, err = s.End(s.Context(), each.ID, s.ending(session.CauseSignedOut))
						}
						if !assert.NoError(f.T, err) {
							return
						}
						mu.Lock()
						returned[each.ID] = Span{called, time.Now()}
						mu.Unlock()
					}
				})
			}
			running.Wait()
			all := f.told.upTo(f.T, time.Now())
			require.Empty(f.T, Untold(all, returned), "sessions that ended before a ChangeHeard and were not told before it")
		}},
	{"each watcher is told, from when it is connected on",
		"Any number of watches may run, and one that ends takes nothing from the others.",
		func(f *watchFixture) {
			s := f.storeFixture
			early, second := s.session("ada"), newTold()
			s.started(early)
			_, err := s.End(s.Context(), early.ID, s.ending(session.CauseSignedOut))
			require.NoError(f.T, err)
			stop := f.watch(second)
			for _, stopped := range []bool{false, true} {
				if stopped {
					stop()
				}
				each := s.started(s.session("ada"))
				_, err := s.End(s.Context(), each.ID, s.ending(session.CauseSignedOut))
				require.NoError(f.T, err)
				ended := func(c session.Change) bool { return c.Kind == session.ChangeEnded && c.ID == each.ID }
				f.told.until(f.T, "an ending", ended)
				if !stopped {
					second.until(f.T, "an ending", ended)
				}
			}
		}},
	{"a watch shows that it hears",
		"While nothing changes a watch says ChangeHeard, of a time that goes on and that has been.",
		func(f *watchFixture) {
			begin := time.Now()
			var last time.Time
			for range 3 {
				all := f.told.upTo(f.T, time.Now())
				heard := all[len(all)-1].Heard
				require.False(f.T, heard.After(time.Now()), "ChangeHeard of a time that has not come")
				require.False(f.T, heard.Before(begin))
				require.True(f.T, heard.After(last))
				last = heard
			}
		}},
})

// watchable reports whether the store can tell of changes as it is set up.
func watchable(t *testing.T, store session.Store) bool {
	watcher, ok := session.StoreAs[session.Watcher](store)
	if !ok {
		return false
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	return !errors.Is(watcher.Watch(ctx, watchEvery, func(session.Change) { cancel() }), session.ErrNotWatched)
}

// A Span is when a call was made that ended a session, and when it had returned, by
// the process's clock.
type Span struct{ Called, Returned time.Time }

// Untold returns the sessions whose ending a watch kept from its caller: it was told
// that it had heard everything up to a time after the call that ended the session, and
// neither the ending nor a [session.ChangeConnected] of a time after the call began
// had come before. told is what it was told, in order. A store's own tests call it
// after they have cut connections and killed servers.
func Untold(told []session.Change, ended map[session.ID]Span) []session.ID {
	waiting := maps.Clone(ended)
	var untold []session.ID
	for _, change := range told {
		if change.Kind == session.ChangeEnded {
			delete(waiting, change.ID)
		}
		for id, call := range waiting {
			switch {
			case change.Kind == session.ChangeConnected && change.Heard.After(call.Called):
				delete(waiting, id) // what was known before is not believed
			case change.Kind == session.ChangeHeard && change.Heard.After(call.Returned):
				delete(waiting, id)
				untold = append(untold, id)
			}
		}
	}
	return untold
}
