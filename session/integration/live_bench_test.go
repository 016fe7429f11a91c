package integration

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// eachShared runs the benchmark on each database, with stores that share nothing in
// this process.
func eachShared(b *testing.B, run func(b *testing.B, open func() session.Store)) {
	for _, e := range engines {
		if e.driver == "postgres" || e.dialect == sqlstore.SQLite {
			continue
		}
		b.Run(e.name, func(b *testing.B) {
			_, table := e.store(b, e.open(b))
			run(b, func() session.Store {
				db := e.open(b)
				db.SetMaxOpenConns(8)
				return e.over(b, db, table)
			})
		})
	}
	b.Run("Redis", func(b *testing.B) {
		_, _, prefix := inRedisAs(b, &redis.Options{Addr: redisAddr()})
		run(b, func() session.Store {
			client := redis.NewClient(&redis.Options{Addr: redisAddr(), ContextTimeoutEnabled: true})
			b.Cleanup(func() { _ = client.Close() })
			store, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
			require.NoError(b, err)
			return store
		})
	})
}

// stage is a login stage on the store, which watches until the benchmark is over.
func stage(b *testing.B, store session.Store) *loginstage.UserLogin {
	b.Helper()
	login, err := loginstage.New(loginstage.Config{Store: store})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = login.Watch(ctx)
	}()
	b.Cleanup(func() { cancel(); <-done })
	return login
}

// request is one of a user who has just signed in.
func request(b *testing.B, store session.Store, user string) *http.Request {
	b.Helper()
	manager, err := session.NewManager(session.Config{Store: store})
	require.NoError(b, err)
	r, w := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil), httptest.NewRecorder()
	_, err = manager.Start(w, r, session.Session{
		User: user, Stage: loginstage.DefaultName, Expires: time.Now().Add(time.Hour), IP: netip.MustParseAddr("192.0.2.1"),
	}, session.Replace{})
	require.NoError(b, err)
	r.AddCookie(w.Result().Cookies()[0])
	return r
}

// BenchmarkRevokedToClosed is the time from the call of RevokeUser in one process to the
// end of a stream in another one, while both serve requests: of 1,000 revocations, one
// after the other.
func BenchmarkRevokedToClosed(b *testing.B) {
	eachShared(b, func(b *testing.B, open func() session.Store) {
		here, there := open(), open()
		revoker, server := stage(b, here), stage(b, there)
		load, stop := context.WithCancel(b.Context())
		var running sync.WaitGroup
		for i := range 4 {
			r := request(b, there, fmt.Sprint("load ", i))
			handler := server.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			running.Go(func() {
				for load.Err() == nil {
					handler.ServeHTTP(httptest.NewRecorder(), r.Clone(r.Context()))
					time.Sleep(time.Millisecond)
				}
			})
		}
		for b.Loop() {
			b.StopTimer()
			revocations := 1000
			if strings.Contains(b.Name(), "MySQL") {
				revocations = 100 // each takes up to the interval
			}
			streams := make([]context.Context, revocations)
			for i := range streams {
				streams[i] = server.Live(request(b, there, fmt.Sprint("user ", i)))
				require.NoError(b, streams[i].Err())
			}
			took := make([]time.Duration, revocations)
			b.StartTimer()
			for i, stream := range streams {
				begin := time.Now()
				_, err := revoker.RevokeUser(b.Context(), fmt.Sprint("user ", i), "operator")
				require.NoError(b, err)
				<-stream.Done()
				took[i] = time.Since(begin)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[revocations/2].Microseconds())/1000, "ms-p50")
			b.ReportMetric(float64(took[revocations*99/100].Microseconds())/1000, "ms-p99")
			b.ReportMetric(float64(took[revocations-1].Microseconds())/1000, "ms-max")
		}
		stop()
		running.Wait()
	})
}

// BenchmarkGuardWithNearCache is a request of an unchanged session, at 16 goroutines.
func BenchmarkGuardWithNearCache(b *testing.B) {
	eachShared(b, func(b *testing.B, open func() session.Store) {
		for _, with := range []bool{false, true} {
			b.Run(map[bool]string{false: "without", true: "with"}[with], func(b *testing.B) {
				store := open()
				if with {
					store = cached(b, store)
				}
				login, err := loginstage.New(loginstage.Config{Store: store})
				require.NoError(b, err)
				handler := login.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
				var requests []*http.Request
				for i := range 16 {
					requests = append(requests, request(b, store, fmt.Sprint("user ", i)))
				}
				b.SetParallelism(8) // of two processors
				b.ReportAllocs()
				var mu sync.Mutex
				n := 0
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					mu.Lock()
					r, w := requests[n%len(requests)], httptest.NewRecorder()
					n++
					mu.Unlock()
					for pb.Next() {
						clear(w.Header())
						handler.ServeHTTP(w, r)
					}
				})
			})
		}
	})
}
