package histories_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/nearcache"
	"github.com/mooring-go/mooring/session/sessiontest/histories"
)

// caches returns n caches in front of the store, watched until the test is over.
func caches(t *testing.T, store session.Store, n int) []session.Store {
	t.Helper()
	all := make([]session.Store, n)
	for i := range all {
		cache, err := nearcache.New(store, nearcache.Config{MaxStale: nearcache.MinMaxStale})
		require.NoError(t, err)
		all[i] = cache
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		connected, done := make(chan struct{}), make(chan struct{})
		var once sync.Once
		go func() {
			defer close(done)
			_ = cache.Watch(ctx, 0, func(c session.Change) {
				if c.Kind == session.ChangeConnected {
					once.Do(func() { close(connected) })
				}
			})
		}()
		t.Cleanup(func() { cancel(); <-done })
		<-connected
	}
	return all
}

func TestCachesAreStaleWithinTheirBound(t *testing.T) {
	histories.RunBounded(t, func(t *testing.T) []session.Store { return caches(t, memstore.New(), 3) }, nearcache.MinMaxStale)
}

func TestACacheReadsWhatItHasWritten(t *testing.T) {
	histories.RunBounded(t, func(t *testing.T) []session.Store { return caches(t, memstore.New(), 1) }, 0)
}

// A store whose Watch keeps some changes to itself, or says too early that it has told
// them, makes a cache that is found, and so is a cache that heeds none.
func TestBoundedFindsWhatIsBroken(t *testing.T) {
	for name, broken := range map[string]func(session.Store) session.Store{
		"some endings are not told": func(store session.Store) session.Store { return &deaf{store.(session.Watcher)} },
		"a use is told late":        func(store session.Store) session.Store { return &late{store.(session.Watcher)} },
		"live for a while after all": func(store session.Store) session.Store {
			return &remembering{Store: store}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			for begin := time.Now(); time.Since(begin) < time.Minute; { // a history that shows it comes by chance
				store := broken(memstore.New())
				stores := []session.Store{store, store}
				if _, ok := store.(session.Watcher); ok {
					stores = caches(t, store, 2)
				}
				if _, err = histories.CheckBounded(t.Context(), stores, nearcache.MinMaxStale); err != nil {
					break
				}
			}
			require.ErrorIs(t, err, histories.ErrNotLinearizable)
		})
	}
}

// deaf tells of no ending by EndUser.
type deaf struct{ session.Watcher }

func (d *deaf) Watch(ctx context.Context, every time.Duration, tell func(session.Change)) error {
	return d.Watcher.Watch(ctx, every, func(c session.Change) {
		if c.Cause != session.CauseRevoked {
			tell(c)
		}
	})
}

// late tells of changes long after it says that it has heard of all before.
type late struct{ session.Watcher }

func (d *late) Watch(ctx context.Context, every time.Duration, tell func(session.Change)) error {
	var mu sync.Mutex
	return d.Watcher.Watch(ctx, every, func(c session.Change) {
		mu.Lock()
		defer mu.Unlock()
		if c.Kind == session.ChangeConnected || c.Kind == session.ChangeHeard {
			tell(c)
			return
		}
		time.AfterFunc(20*nearcache.MinMaxStale, func() {
			mu.Lock()
			defer mu.Unlock()
			tell(c)
		})
	})
}

// remembering is a cache that believes what it read for ever.
type remembering struct {
	session.Store
	known sync.Map
}

func (r *remembering) Get(ctx context.Context, id session.ID) (session.Session, error) {
	if s, ok := r.known.Load(id); ok {
		return s.(session.Session), nil
	}
	s, err := r.Store.Get(ctx, id)
	if err == nil {
		r.known.Store(id, s)
	}
	return s, err
}
