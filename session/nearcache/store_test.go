package nearcache_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/nearcache"
	"github.com/mooring-go/mooring/session/sessiontest"
)

// open returns a cache that is watched until the test is over.
func open(t *testing.T, store session.Store, config nearcache.Config) *nearcache.Store {
	t.Helper()
	cache, err := nearcache.New(store, config)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	connected, done := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		done <- cache.Watch(ctx, 0, func(c session.Change) {
			if c.Kind == session.ChangeConnected {
				once.Do(func() { close(connected) })
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		assert.ErrorIs(t, <-done, context.Canceled)
	})
	<-connected
	return cache
}

func TestCacheKeepsTheContract(t *testing.T) {
	sessiontest.RunStore(t, func(t *testing.T) session.Store {
		return open(t, memstore.New(), nearcache.Config{MaxStale: time.Second})
	})
}

// A tap is a store whose reads are counted and can be held, and whose test says what
// it tells.
type tap struct {
	session.Store
	changes chan session.Change

	mu    sync.Mutex
	gets  int
	after func() // called after a Get has read, before it returns
}

func newTap() *tap { return &tap{Store: memstore.New(), changes: make(chan session.Change)} }

func (s *tap) Get(ctx context.Context, id session.ID) (session.Session, error) {
	found, err := s.Store.Get(ctx, id)
	s.mu.Lock()
	s.gets++
	after := s.after
	s.mu.Unlock()
	if after != nil {
		after()
	}
	return found, err
}

func (s *tap) Watch(ctx context.Context, _ time.Duration, tell func(session.Change)) error {
	for {
		select {
		case c := <-s.changes:
			tell(c)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// says has the store tell something, and returns once it is heard.
func (s *tap) says(kind session.ChangeKind, id session.ID) {
	s.changes <- session.Change{Kind: kind, ID: id, Heard: time.Now()}
	synctest.Wait()
}

// asked returns how often the store was asked since it was called last.
func (s *tap) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.gets
	s.gets = 0
	return n
}

func signIn(t *testing.T, store session.Store, user string) session.Session {
	t.Helper()
	now := time.Now().UTC()
	s := session.Session{
		ID: session.NewToken(user).ID(), User: user, Created: now, LastSeen: now,
		IP: netip.MustParseAddr("192.0.2.1"), Expires: now.Add(24 * time.Hour),
	}
	_, err := store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	return s
}

func ending(cause session.Cause) session.Ending {
	return session.Ending{Cause: cause, Time: time.Now(), Keep: time.Now().Add(time.Hour)}
}

// rig returns a cache over a tap whose Watch runs.
func rig(t *testing.T, maxStale time.Duration) (*nearcache.Store, *tap) {
	t.Helper()
	store := newTap()
	cache, err := nearcache.New(store, nearcache.Config{MaxStale: maxStale})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _ = cache.Watch(ctx, 0, func(session.Change) {}) }()
	t.Cleanup(cancel)
	synctest.Wait()
	return cache, store
}

// reads checks that the session is live, and whether the store was asked for it: there is a
// snapshot where it was not.
func reads(t *testing.T, cache *nearcache.Store, store *tap, s session.Session, asked bool) {
	t.Helper()
	snapshot := cache.Snapshots(cache)(s.ID)
	require.Equal(t, asked, snapshot == nil, "no snapshot")
	if snapshot != nil {
		require.Equal(t, s, snapshot.Session())
	}
	got, err := cache.Get(t.Context(), s.ID)
	require.NoError(t, err)
	require.Equal(t, s, got)
	require.Equal(t, asked, store.asked() > 0, "the store was asked")
}

func TestWhatIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, store := rig(t, time.Second)
		s, other := signIn(t, store, "ada"), signIn(t, store, "bob")
		reads(t, cache, store, s, true)
		reads(t, cache, store, s, true) // nothing is heard yet

		store.says(session.ChangeConnected, session.ID{})
		reads(t, cache, store, s, true)
		reads(t, cache, store, s, false)
		reads(t, cache, store, other, true)

		store.says(session.ChangeUpdated, s.ID)
		reads(t, cache, store, s, true)
		reads(t, cache, store, s, false)
		reads(t, cache, store, other, false)
		store.says(session.ChangeKind(99), s.ID) // of a later release
		reads(t, cache, store, s, true)

		// Silence: what is kept is believed for MaxStale, and again once it is broken,
		// since all changes were told by then.
		time.Sleep(time.Second)
		reads(t, cache, store, s, false)
		time.Sleep(1)
		reads(t, cache, store, s, true)
		store.says(session.ChangeHeard, session.ID{})
		reads(t, cache, store, s, false)

		store.says(session.ChangeLost, session.ID{})
		reads(t, cache, store, s, true)
		reads(t, cache, store, s, true)
		store.says(session.ChangeConnected, session.ID{})
		reads(t, cache, store, s, true)
		reads(t, cache, store, s, false)

		store.says(session.ChangeEnded, session.NewToken("nobody").ID()) // whom nobody knows
		_, err := store.End(t.Context(), s.ID, ending(session.CauseRevoked))
		require.NoError(t, err)
		reads(t, cache, store, s, false) // nobody has told yet
		store.says(session.ChangeEnded, s.ID)
		_, err = cache.Get(t.Context(), s.ID)
		_, ended := errors.AsType[*session.EndedError](err)
		require.True(t, ended, "%v", err)
		store.says(session.ChangeEnded, s.ID) // twice
	})
}

// What was read before a change is not kept after it, however the two meet.
func TestAReadThatAChangeOvertakes(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, cache *nearcache.Store, store *tap, s session.Session){
		"told": func(t *testing.T, _ *nearcache.Store, store *tap, s session.Session) {
			_, err := store.End(t.Context(), s.ID, ending(session.CauseRevoked))
			require.NoError(t, err)
			store.says(session.ChangeEnded, s.ID)
		},
		"lost and back": func(t *testing.T, _ *nearcache.Store, store *tap, s session.Session) {
			store.says(session.ChangeLost, session.ID{})
			_, err := store.End(t.Context(), s.ID, ending(session.CauseRevoked))
			require.NoError(t, err)
			store.says(session.ChangeConnected, session.ID{})
		},
		"End": func(t *testing.T, cache *nearcache.Store, _ *tap, s session.Session) {
			_, err := cache.End(t.Context(), s.ID, ending(session.CauseRevoked))
			require.NoError(t, err)
		},
		"EndUser": func(t *testing.T, cache *nearcache.Store, _ *tap, s session.Session) {
			_, err := cache.EndUser(t.Context(), s.User, session.ID{}, ending(session.CauseRevoked))
			require.NoError(t, err)
		},
		"Start of others": func(t *testing.T, cache *nearcache.Store, _ *tap, s session.Session) {
			next := s
			next.ID = session.NewToken(s.User).ID()
			_, err := cache.Start(t.Context(), next, session.Replace{Others: true, Ending: ending("")})
			require.NoError(t, err)
		},
		"Start by another user": func(t *testing.T, cache *nearcache.Store, _ *tap, s session.Session) {
			next := s
			next.User, next.ID = "bob", session.NewToken("bob").ID()
			_, err := cache.Start(t.Context(), next, session.Replace{Before: s.ID, Ending: ending("")})
			require.NoError(t, err)
		},
	} {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, kept %t", name, kept), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cache, store := rig(t, time.Second)
					store.says(session.ChangeConnected, session.ID{})
					s := signIn(t, store, "ada")
					if kept {
						reads(t, cache, store, s, true)
						reads(t, cache, store, s, false)
						change(t, cache, store, s)
					} else {
						store.after = func() {
							store.after = nil
							change(t, cache, store, s)
						}
						got, err := cache.Get(t.Context(), s.ID)
						require.NoError(t, err, "it was live when it was asked for")
						require.Equal(t, s, got)
					}
					_, err := cache.Get(t.Context(), s.ID)
					_, ended := errors.AsType[*session.EndedError](err)
					require.True(t, ended, "%v", err)
				})
			})
		}
	}
}

// A session that this process has changed is read again, before the store tells of it.
func TestAChangeOfThisProcess(t *testing.T) {
	for name, change := range map[string]func(cache *nearcache.Store, s session.Session) error{
		"Touch": func(cache *nearcache.Store, s session.Session) error {
			return cache.Touch(t.Context(), s.ID, session.Seen{Time: time.Now(), IP: netip.MustParseAddr("192.0.2.2")})
		},
		"Update": func(cache *nearcache.Store, s session.Session) error {
			_, err := cache.Update(t.Context(), s.ID, session.Update{Value: []byte(`"new"`)})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cache, store := rig(t, time.Second)
				store.says(session.ChangeConnected, session.ID{})
				s := signIn(t, store, "ada")
				reads(t, cache, store, s, true)
				reads(t, cache, store, s, false)
				time.Sleep(time.Millisecond)

				require.NoError(t, change(cache, s))
				changed, err := cache.Get(t.Context(), s.ID)
				require.NoError(t, err)
				require.NotEqual(t, s, changed)
			})
		})
	}
}

// What a step may have changed that failed is not believed.
func TestAStepThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, store := rig(t, time.Second)
		store.says(session.ChangeConnected, session.ID{})
		s := signIn(t, store, "ada")
		done, cancel := context.WithCancel(t.Context())
		cancel()
		for name, step := range map[string]func() error{
			"End":     func() error { _, err := cache.End(done, session.NewToken("ada").ID(), ending("")); return err },
			"EndUser": func() error { _, err := cache.EndUser(done, "ada", s.ID, ending("")); return err },
			"Touch":   func() error { return cache.Touch(done, s.ID, session.Seen{Time: s.LastSeen}) },
			"Start":   func() error { _, err := cache.Start(done, s, session.Replace{}); return err },
		} {
			reads(t, cache, store, s, true)
			reads(t, cache, store, s, false)
			_ = step()
			if name == "End" {
				reads(t, cache, store, s, false) // it was about another one
				store.says(session.ChangeUpdated, s.ID)
			}
		}
	})
}

// A session near a limit is asked for: another process may have moved that by a use.
func TestNearALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, store := rig(t, time.Second)
		store.says(session.ChangeConnected, session.ID{})
		s := signIn(t, store, "ada")
		s.ID, s.Idle = session.NewToken("ada").ID(), 10*time.Second
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		heard := func(after time.Duration) {
			time.Sleep(after)
			store.says(session.ChangeHeard, session.ID{})
		}
		reads(t, cache, store, s, true)
		heard(8 * time.Second)
		reads(t, cache, store, s, false)
		seen := session.Seen{Time: time.Now().UTC(), IP: s.IP}
		require.NoError(t, store.Touch(t.Context(), s.ID, seen)) // by another process
		heard(1500 * time.Millisecond)
		s.LastSeen = seen.Time
		reads(t, cache, store, s, true)
		reads(t, cache, store, s, false)
	})
}

// A last use is not older than a minute.
func TestKeptForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, store := rig(t, time.Second)
		store.says(session.ChangeConnected, session.ID{})
		s := signIn(t, store, "ada")
		reads(t, cache, store, s, true)
		for range 59 {
			time.Sleep(time.Second)
			store.says(session.ChangeHeard, session.ID{})
			reads(t, cache, store, s, false)
		}
		time.Sleep(time.Second)
		store.says(session.ChangeHeard, session.ID{})
		reads(t, cache, store, s, true)
	})
}

// A second Watch takes over from one that ends, with nothing kept.
func TestWatchesTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &counted{Store: memstore.New()}
		cache, err := nearcache.New(inner, nearcache.Config{MaxStale: time.Second})
		require.NoError(t, err)
		watch := func() context.CancelFunc {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { _ = cache.Watch(ctx, 0, func(session.Change) {}) }()
			synctest.Wait()
			return cancel
		}
		first, second := watch(), watch()
		defer second()
		s := signIn(t, inner, "ada")
		get := func() int {
			before := inner.gets
			_, err := cache.Get(t.Context(), s.ID)
			require.NoError(t, err)
			return inner.gets - before
		}
		get()
		require.Zero(t, get())
		first()
		synctest.Wait()
		require.Equal(t, 1, get())
		require.Equal(t, 1, get())
		time.Sleep(time.Second)
		get()
		require.Zero(t, get())
		_, err = inner.End(t.Context(), s.ID, ending(session.CauseRevoked))
		require.NoError(t, err)
		synctest.Wait()
		_, err = cache.Get(t.Context(), s.ID)
		require.Error(t, err)
	})
}

type counted struct {
	*memstore.Store
	gets int
}

func (c *counted) Get(ctx context.Context, id session.ID) (session.Session, error) {
	c.gets++
	return c.Store.Get(ctx, id)
}

// What is kept stays within its bounds.
func TestBounds(t *testing.T) {
	for name, config := range map[string]nearcache.Config{
		"count": {MaxStale: time.Second, MaxSessions: 50},
		"bytes": {MaxStale: time.Second, MaxBytes: 64 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := memstore.New()
				cache := open(t, inner, config)
				for i := range 2000 {
					s := signIn(t, inner, fmt.Sprint("user ", i))
					_, err := cache.Get(t.Context(), s.ID)
					require.NoError(t, err)
					sessions, bytes := cache.Kept()
					require.LessOrEqual(t, sessions, int64(100))
					if config.MaxSessions > 0 {
						require.LessOrEqual(t, sessions, int64(config.MaxSessions))
					}
					require.LessOrEqual(t, bytes, int64(64<<10))
				}
				sessions, _ := cache.Kept()
				require.Greater(t, sessions, int64(10))
			})
		})
	}
}

func TestConfig(t *testing.T) {
	for _, config := range []nearcache.Config{{}, {MaxStale: 99 * time.Millisecond}, {MaxStale: 11 * time.Second}, {MaxStale: time.Second, MaxSessions: -1}, {MaxStale: time.Second, MaxBytes: -1}} {
		_, err := nearcache.New(memstore.New(), config)
		require.ErrorContains(t, err, "want")
	}
	_, err := nearcache.New(nil, nearcache.Config{MaxStale: time.Second})
	require.Error(t, err)
	_, err = nearcache.New(struct{ session.Store }{memstore.New()}, nearcache.Config{MaxStale: time.Second})
	require.ErrorIs(t, err, session.ErrNotWatched)
}

// 100,000 endings told in a moment keep no request waiting.
func TestAFloodOfChanges(t *testing.T) {
	inner := memstore.New()
	cache := open(t, inner, nearcache.Config{MaxStale: 10 * time.Second})
	s := signIn(t, inner, "ada")
	others := make([]session.Session, 100_000)
	for i := range others {
		others[i] = signIn(t, inner, fmt.Sprint("user ", i%1000))
	}
	flooding := make(chan struct{})
	go func() {
		defer close(flooding)
		for i := range 1000 {
			_, _ = inner.EndUser(t.Context(), fmt.Sprint("user ", i), session.ID{}, ending(session.CauseRevoked))
		}
	}()
	reads := 0
	for flooded := false; !flooded; {
		_, err := cache.Get(t.Context(), s.ID)
		require.NoError(t, err)
		reads++
		select {
		case <-flooding:
			flooded = true
		default:
		}
	}
	t.Logf("%d reads beside the flood", reads)
	require.Greater(t, reads, 1000, "reads that waited for it would be few")
	require.Eventually(t, func() bool {
		_, err := cache.Get(t.Context(), others[len(others)-1].ID)
		return err != nil
	}, time.Minute, time.Millisecond)
}

func BenchmarkGet(b *testing.B) {
	inner := memstore.New()
	cache, err := nearcache.New(inner, nearcache.Config{MaxStale: 10 * time.Second})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	go func() { _ = cache.Watch(ctx, 0, func(session.Change) {}) }()
	now := time.Now()
	s := session.Session{ID: session.NewToken("ada").ID(), User: "ada", Created: now, LastSeen: now, Expires: now.Add(time.Hour)}
	_, err = inner.Start(b.Context(), s, session.Replace{})
	require.NoError(b, err)
	b.SetParallelism(8)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := cache.Get(ctx, s.ID); err != nil {
				b.Error(err)
			}
		}
	})
}
