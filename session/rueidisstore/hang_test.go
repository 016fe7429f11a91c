package rueidisstore_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/rueidisstore"
)

func dialer(timeout time.Duration) net.Dialer { return net.Dialer{Timeout: timeout} }

// slack is how much later than a deadline a call may return on a machine with other work.
// It is less than MaxTimeout, after which a connection that hangs may be given up.
const slack = 4 * time.Second

// crowd is more than all queues of a client's connections have room for: 1024 each.
const crowd = 6000

// A crowd that waits for a server that hangs is told so by its deadline, each of it, though
// the queues of the connections are full. Once the server goes on, so does the store.
func TestDeadlinesHoldWhileTheServerHangs(t *testing.T) {
	t.Parallel()
	// So slow to give up a connection that nothing but the deadline can end the wait.
	server := redistest.Run(t)
	store := open(t, dial(t, []*redistest.Server{server}, func(o *rueidis.ClientOption) {
		o.ConnWriteTimeout, o.Dialer.KeepAlive = rueidisstore.MaxTimeout, rueidisstore.MaxTimeout
		o.AlwaysPipelining = true // as with much to do
	}))
	s := signedIn(t, store, "ada")
	server.Hang(t)
	const wait = 300 * time.Millisecond
	var latest atomic.Int64
	var running sync.WaitGroup
	for range crowd {
		running.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			began := time.Now()
			_, err := store.Get(ctx, s.ID)
			took := int64(time.Since(began))
			for before := latest.Load(); took > before && !latest.CompareAndSwap(before, took); before = latest.Load() {
			}
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
	}
	running.Wait()
	t.Logf("%d calls with a deadline of %s returned after %s at the latest", crowd, wait, time.Duration(latest.Load()))
	require.Less(t, time.Duration(latest.Load()), wait+slack)

	// Steps that write, and a context that is cancelled and has no deadline.
	for name, step := range map[string]func(context.Context) error{
		"End":       func(ctx context.Context) error { _, err := store.End(ctx, s.ID, newEnding("")); return err },
		"Sweep":     func(ctx context.Context) error { _, err := store.Sweep(ctx, now); return err },
		"Delivered": func(ctx context.Context) error { return store.Delivered(ctx, s.ID) },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(wait, cancel)
		began := time.Now()
		require.ErrorIs(t, step(ctx), context.Canceled, name)
		require.Less(t, time.Since(began), wait+slack, name)
	}

	server.Resume(t)
	recovers(t, store, newSession("bob"))
}

// recovers checks that the store works again, and returns after how long.
func recovers(t *testing.T, store *rueidisstore.Store, s session.Session) time.Duration {
	t.Helper()
	began := time.Now()
	redistest.Until(t, "the store to go on", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := store.Start(ctx, s, session.Replace{})
		return err == nil || errors.Is(err, session.ErrExists) // a try that seemed to fail
	})
	return time.Since(began)
}

// Connections that hang for good, as where a firewall forgot them, are given up. Until then
// all requests fail, since they share the connections, each by its deadline.
func TestConnectionsThatHangAreGivenUp(t *testing.T) {
	t.Parallel()
	proxy := redistest.NewProxy(t, redistest.Run(t).Addr)
	client, err := rueidisstore.Dial(rueidis.ClientOption{InitAddress: []string{proxy.Addr}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	store := open(t, client)
	s := signedIn(t, store, "ada")
	asked := asking(t, store, s.ID)
	time.Sleep(200 * time.Millisecond)
	proxy.Forget()
	took := recovers(t, store, newSession("bob"))
	t.Logf("given up after %s", took.Round(time.Millisecond))
	require.Less(t, took, rueidisstore.DefaultConnWriteTimeout+2*rueidisstore.DefaultKeepAlive+slack)
	require.Less(t, asked(), storeTimeout+slack)
}

// While the network loses everything, also what new connections send, the same holds.
func TestANetworkThatLosesEverything(t *testing.T) {
	t.Parallel()
	proxy := redistest.NewProxy(t, redistest.Run(t).Addr)
	client, err := rueidisstore.Dial(rueidis.ClientOption{InitAddress: []string{proxy.Addr}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	store := open(t, client)
	s := signedIn(t, store, "ada")
	asked := asking(t, store, s.ID)
	time.Sleep(200 * time.Millisecond)
	proxy.Lose(true)
	time.Sleep(4 * time.Second) // connections are given up, and those that follow hang too
	proxy.Lose(false)
	took := recovers(t, store, newSession("bob"))
	t.Logf("back after %s", took.Round(time.Millisecond))
	require.Less(t, took, rueidisstore.DefaultConnWriteTimeout+2*rueidisstore.DefaultKeepAlive+slack)
	require.Less(t, asked(), storeTimeout+slack)
}

// storeTimeout is the default of loginstage.Config.StoreTimeout.
const storeTimeout = 3 * time.Second

// asking has 16 requests at a time ask for the session. The function that it returns ends
// them, and returns how long the slowest took.
func asking(t *testing.T, store *rueidisstore.Store, id session.ID) func() time.Duration {
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var slowest time.Duration
	var mu sync.Mutex
	var running sync.WaitGroup
	for range 16 {
		running.Go(func() {
			for ctx.Err() == nil {
				request, cancel := context.WithTimeout(t.Context(), storeTimeout)
				began := time.Now()
				_, err := store.Get(request, id)
				cancel()
				mu.Lock()
				slowest = max(slowest, time.Since(began))
				mu.Unlock()
				assert.NotErrorIs(t, err, session.ErrNotFound)
			}
		})
	}
	end := sync.OnceValue(func() time.Duration {
		stop()
		running.Wait()
		return slowest
	})
	t.Cleanup(func() { end() })
	return end
}
