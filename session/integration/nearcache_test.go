package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/nearcache"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/sessiontest/histories"
)

const maxStale = 200 * time.Millisecond

// cached is a cache in front of the store, watched until the test is over.
func cached(t testing.TB, store session.Store) *nearcache.Store {
	t.Helper()
	cache, err := nearcache.New(store, nearcache.Config{MaxStale: maxStale})
	require.NoError(t, err)
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
	select {
	case <-connected:
	case <-time.After(time.Minute):
		require.Fail(t, "the cache is not connected")
	}
	return cache
}

// Caches of several processes in front of one database are stale within their bound.
func TestHistoriesOfNearCaches(t *testing.T) {
	eachStore(t, func(t *testing.T, open func(*testing.T) session.Store) {
		store := open(t)
		histories.RunBounded(t, func(t *testing.T) []session.Store {
			return []session.Store{cached(t, store), cached(t, store), store}
		}, maxStale)
	})
}

// Whatever is cut, no cache shows a session as live for longer than MaxStale after it
// was ended: neither with a reset nor where packets are dropped.
func TestNearCacheThroughCuts(t *testing.T) {
	eachWatched(t, func(t *testing.T, through, direct session.Store, p *proxy) {
		cache := cached(t, through)
		ctx, stop := context.WithTimeout(t.Context(), 4*time.Second)
		defer stop()
		var running sync.WaitGroup
		var mu sync.Mutex
		ended := map[session.ID]time.Time{}
		current := make(chan session.ID, 1)
		running.Go(func() { // sessions that last a moment
			for ctx.Err() == nil {
				s := newSession("ada")
				_, err := direct.Start(t.Context(), s, session.Replace{})
				if !assert.NoError(t, err) {
					return
				}
				select {
				case current <- s.ID:
				case <-ctx.Done():
				}
				time.Sleep(rand.N(30 * time.Millisecond))
				_, err = direct.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
				if !assert.NoError(t, err) {
					return
				}
				mu.Lock()
				ended[s.ID] = time.Now()
				mu.Unlock()
			}
		})
		var reads, stale int
		running.Go(func() {
			for ctx.Err() == nil {
				var id session.ID
				select {
				case id = <-current:
				case <-ctx.Done():
					return
				}
				running.Go(func() { // until it is told to have ended
					for ctx.Err() == nil {
						bounded, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
						called := time.Now()
						_, err := cache.Get(bounded, id)
						cancel()
						if _, over := errors.AsType[*session.EndedError](err); over {
							return
						}
						mu.Lock()
						at, hasEnded := ended[id]
						reads++
						if err == nil && hasEnded && called.After(at) {
							stale++
							assert.LessOrEqual(t, called.Sub(at), maxStale, "after it had ended")
						}
						mu.Unlock()
						time.Sleep(time.Millisecond)
					}
				})
			}
		})
		for round := 0; ctx.Err() == nil; round++ {
			time.Sleep(rand.N(2 * maxStale))
			if round%2 == 0 {
				p.set(true)
				time.Sleep(rand.N(maxStale))
				p.set(false)
				continue
			}
			p.silence.Lock()
			time.Sleep(rand.N(4 * maxStale))
			p.silence.Unlock()
		}
		running.Wait()
		t.Logf("%d sessions, %d reads, of them %d within the bound after an ending", len(ended), reads, stale)
	})
}

// A process that is stopped for longer than MaxStale believes nothing of what it kept
// when it goes on.
func TestNearCacheOfAStoppedProcess(t *testing.T) {
	store, _, prefix := inRedisAs(t, &redis.Options{Addr: redisAddr()})
	s := newSession("ada")
	_, err := store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	executable, err := os.Executable()
	require.NoError(t, err)
	child := exec.Command(executable, "-test.run=^TestStoppedChild$", "-test.v")
	child.Env = append(os.Environ(), "MOORING_STOPPED="+prefix+" "+s.ID.String())
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	lines := bufio.NewScanner(out)
	next := func() string {
		for lines.Scan() {
			if said, ok := strings.CutPrefix(lines.Text(), "child: "); ok {
				return said
			}
		}
		require.Fail(t, "the child has ended", "%v", lines.Err())
		return ""
	}
	require.Equal(t, "kept", next())
	require.NoError(t, child.Process.Signal(syscall.SIGSTOP))
	var status syscall.WaitStatus
	_, err = syscall.Wait4(child.Process.Pid, &status, syscall.WUNTRACED, nil)
	require.NoError(t, err)
	require.True(t, status.Stopped())
	_, err = store.End(t.Context(), s.ID, newEnding(session.CauseRevoked))
	require.NoError(t, err)
	ended := time.Now()
	time.Sleep(4 * maxStale)
	require.NoError(t, child.Process.Signal(syscall.SIGCONT))
	said, ok := strings.CutPrefix(next(), "ended, and live at ")
	require.True(t, ok)
	live, err := time.Parse(time.RFC3339Nano, said)
	require.NoError(t, err)
	require.LessOrEqual(t, live.Sub(ended), maxStale, "after it had ended")
}

// counted is a store whose reads are counted.
type counted struct {
	*redisstore.Store
	gets int
}

func (a *counted) Get(ctx context.Context, id session.ID) (session.Session, error) {
	a.gets++
	return a.Store.Get(ctx, id)
}

// TestStoppedChild is the process of TestNearCacheOfAStoppedProcess. It says when a
// session is kept, and when it last asked for it and found it live, once it has ended.
func TestStoppedChild(t *testing.T) {
	prefix, text, ok := strings.Cut(os.Getenv("MOORING_STOPPED"), " ")
	if !ok {
		t.Skip("it is run by TestNearCacheOfAStoppedProcess")
	}
	id, err := session.ParseID(text)
	require.NoError(t, err)
	client := redis.NewClient(&redis.Options{Addr: redisAddr(), ContextTimeoutEnabled: true})
	store, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
	require.NoError(t, err)
	inner := &counted{Store: store}
	cache := cached(t, inner)
	kept := false
	for live := (time.Time{}); ; time.Sleep(time.Millisecond) {
		called, gets := time.Now(), inner.gets
		_, err := cache.Get(t.Context(), id)
		if _, over := errors.AsType[*session.EndedError](err); over {
			fmt.Println("child: ended, and live at " + live.Format(time.RFC3339Nano))
			return
		}
		require.NoError(t, err)
		live = called
		if !kept && inner.gets == gets {
			fmt.Println("child: kept")
			kept = true
		}
	}
}
