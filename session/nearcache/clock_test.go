package nearcache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/nearcache"
)

// A wallClock is the clock of a process whose wall clock is set now and then, by whole
// seconds. Its monotonic clock goes on. The time of a synctest bubble has no such part, so
// it counts on from a time of the system's.
type wallClock struct {
	system time.Time
	began  time.Time // in the bubble
	ahead  time.Duration
}

func (w *wallClock) set(by time.Duration) { w.ahead += by }

func (w *wallClock) right() time.Time { return w.system.Add(time.Since(w.began)) }

func (w *wallClock) Now() time.Time { return setBy(w.right(), w.ahead) }

// setBy returns t as it would have been read from a wall clock that was set by d. No
// function of package time makes such a time, so it goes by how a Time is laid out.
func setBy(t time.Time, d time.Duration) time.Time {
	const hasMonotonic, second = 1 << 63, 1 << 30 // see type Time in package time
	wall := (*uint64)(unsafe.Pointer(&t))
	if *wall&hasMonotonic == 0 {
		panic("a time without a monotonic part")
	}
	*wall += uint64(d/time.Second) * second
	return t
}

func TestAClockThatIsSet(t *testing.T) {
	now := time.Now()
	for _, by := range []time.Duration{-time.Hour, 0, time.Second, 24 * time.Hour} {
		set := setBy(now, by)
		require.Equal(t, by, set.Round(0).Sub(now.Round(0)), "by the wall clock")
		require.Zero(t, set.Sub(now), "by the monotonic clock")
	}
}

// However the wall clock of the process is set, nothing is believed past MaxStale: a
// clock that is set back does not make what is kept look younger.
func TestTheClockIsSet(t *testing.T) {
	const maxStale = time.Second
	for name, by := range map[string]time.Duration{
		"not": 0, "back a second": -time.Second, "back an hour": -time.Hour, "back years": -20_000 * time.Hour,
		"forth a second": time.Second, "forth an hour": time.Hour, "forth years": 20_000 * time.Hour,
	} {
		for _, clocked := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", the store has a clock"}[clocked], func(t *testing.T) {
				system := time.Now()
				synctest.Test(t, func(t *testing.T) {
					clock := &wallClock{system: system, began: time.Now()}
					store := newTap()
					inner := session.Store(store)
					if clocked {
						inner = timed{store, clock}
					}
					cache, err := nearcache.New(watched{inner, store}, nearcache.Config{MaxStale: maxStale})
					require.NoError(t, err)
					cache.SetClock(clock.Now)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					go func() { _ = cache.Watch(ctx, 0, func(session.Change) {}) }()
					heard := func(kind session.ChangeKind) {
						store.changes <- session.Change{Kind: kind, Heard: clock.Now()}
						synctest.Wait()
					}
					heard(session.ChangeConnected)
					s := signIn(t, store, "ada")
					s.ID = session.NewToken("ada").ID()
					s.Expires = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) // wherever the clock is set
					_, err = store.Start(t.Context(), s, session.Replace{})
					require.NoError(t, err)
					reads(t, cache, store, s, true)
					reads(t, cache, store, s, false)

					clock.set(by)
					_, err = store.End(t.Context(), s.ID, ending(session.CauseRevoked)) // of which nobody tells
					require.NoError(t, err)
					time.Sleep(maxStale + 1)
					_, err = cache.Get(t.Context(), s.ID)
					var ended *session.EndedError
					assert.ErrorAs(t, err, &ended, "after MaxStale")

					// By the clock as it is now, it goes on as before.
					heard(session.ChangeHeard)
					other := signIn(t, store, "bob")
					other.ID, other.Expires = session.NewToken("bob").ID(), s.Expires
					_, err = store.Start(t.Context(), other, session.Replace{})
					require.NoError(t, err)
					reads(t, cache, store, other, true)
					reads(t, cache, store, other, false)
					clock.set(-by)
					time.Sleep(maxStale + 1)
					reads(t, cache, store, other, true)
				})
			})
		}
	}
}

// A clock that is set while nothing is lost makes a session be read again, or believed
// for as long as before, and never longer after it was read than a minute.
func TestTheClockIsSetWhileChangesAreHeard(t *testing.T) {
	for name, by := range map[string]time.Duration{"back": -time.Hour, "forth": time.Hour} {
		t.Run(name, func(t *testing.T) {
			system := time.Now()
			synctest.Test(t, func(t *testing.T) {
				clock := &wallClock{system: system, began: time.Now()}
				cache, store := rig(t, time.Second)
				cache.SetClock(clock.Now)
				heard := func(kind session.ChangeKind) {
					store.changes <- session.Change{Kind: kind, Heard: clock.Now()}
					synctest.Wait()
				}
				heard(session.ChangeConnected)
				s := signIn(t, store, "ada")
				s.ID, s.Expires = session.NewToken("ada").ID(), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
				_, err := store.Start(t.Context(), s, session.Replace{})
				require.NoError(t, err)
				_, err = cache.Get(t.Context(), s.ID)
				require.NoError(t, err)
				store.asked()
				clock.set(by)
				began, asked := time.Now(), false
				for time.Since(began) < 61*time.Second {
					time.Sleep(time.Second / 2)
					heard(session.ChangeHeard)
					_, err := cache.Get(t.Context(), s.ID)
					require.NoError(t, err)
					asked = asked || store.asked() > 0
				}
				require.True(t, asked, "it was read again within a minute by the monotonic clock")
			})
		})
	}
}

// timed is a store with a clock that is right.
type timed struct {
	session.Store
	clock *wallClock
}

func (s timed) Now(context.Context) (time.Time, error) { return s.clock.right().Round(0), nil }

// watched is a store with the changes of a tap.
type watched struct {
	session.Store
	tap *tap
}

func (w watched) Watch(ctx context.Context, every time.Duration, tell func(session.Change)) error {
	return w.tap.Watch(ctx, every, tell)
}
func (w watched) Unwrap() session.Store { return w.Store }
