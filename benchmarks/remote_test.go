package benchmarks

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/alexedwards/scs/pgxstore"
	scsredis "github.com/alexedwards/scs/redisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/gomodule/redigo/redis"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/session"
)

// clients is how many goroutines ask at the same time.
const clients = 16

// people is how many sessions are asked for in turn.
const people = 1000

// A remote is one way to find the session of a request on a server: what is done
// for a request, and the store's part of that alone. Each takes a number below
// people.
type remote struct {
	request []*http.Request
	handler http.Handler
	find    func(ctx context.Context, i int) error
}

// measure runs both, one client at a time and many.
func (m remote) measure(b *testing.B, name string) {
	each := func(part string, once func(w *discard, i int) error) {
		b.Run(part+"/"+name+"/clients=1", func(b *testing.B) {
			b.ReportAllocs()
			w := &discard{header: http.Header{}}
			for i := 0; b.Loop(); i = (i + 1) % people {
				if err := once(w, i); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(part+"/"+name+"/clients=16", func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism((clients + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				w := &discard{header: http.Header{}}
				for i := 0; pb.Next(); i = (i + 1) % people {
					if err := once(w, i); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
	for i := range people { // what is kept of each session is kept from here on
		require.NoError(b, m.find(b.Context(), i))
	}
	each("find", func(_ *discard, i int) error { return m.find(b.Context(), i) })
	each("request", func(w *discard, i int) error {
		ctx, cancel := context.WithCancel(context.Background()) // as a server gives each request one
		defer cancel()
		clear(w.header)
		m.handler.ServeHTTP(w, m.request[i].WithContext(ctx))
		if w.status != http.StatusNoContent {
			return fmt.Errorf("status %d", w.status)
		}
		return nil
	})
}

// ofMooring returns a stage on the store.
func ofMooring(b *testing.B, store session.Store) (m remote, ids []session.ID) {
	login := mooring(b, store, bindingtest.Places(), nil)
	m.handler = login.Guard(answer(current))
	for range people {
		request := signIn(b, login, user, bindingtest.Berlin.String())
		token, err := session.ParseToken(request.Cookies()[0].Value)
		require.NoError(b, err)
		m.request, ids = append(m.request, request), append(ids, token.ID())
	}
	m.find = func(ctx context.Context, i int) error { _, err := store.Get(ctx, ids[i]); return err }
	return m, ids
}

// ofSCS returns scs on the store.
func ofSCS(b *testing.B, store scs.Store) remote {
	var m remote
	for range people {
		var request *http.Request
		m.handler, request = withSCS(b, store)
		m.request = append(m.request, request)
	}
	var tokens []string
	for _, request := range m.request {
		tokens = append(tokens, request.Cookies()[0].Value)
	}
	m.find = func(ctx context.Context, i int) error {
		var found bool
		var err error
		if withContext, ok := store.(scs.CtxStore); ok {
			_, found, err = withContext.FindCtx(ctx, tokens[i])
		} else {
			_, found, err = store.Find(tokens[i])
		}
		if err == nil && !found {
			err = session.ErrNotFound
		}
		return err
	}
	return m
}

// raw returns find and nothing else, for each request, with what it finds left as it
// is: what any store must cost.
func raw(m remote, find func(ctx context.Context, i int) error) remote {
	byCookie := map[string]int{}
	for i, request := range m.request {
		byCookie[request.Header.Get("Cookie")] = i
	}
	handler := answer(func(r *http.Request) string {
		if find(r.Context(), byCookie[r.Header.Get("Cookie")]) != nil {
			return ""
		}
		return user
	})
	return remote{m.request, handler, find}
}

// BenchmarkRedis asks a Redis server for the session of each request.
func BenchmarkRedis(b *testing.B) {
	addr := redisServer(b)
	client := redisClient(b, addr)
	ours, ids := ofMooring(b, redisStore(b, client))
	raw(ours, func(ctx context.Context, i int) error {
		return client.Get(ctx, "mooring:{"+ids[i].Shard()+"}:s:"+ids[i].String()).Err()
	}).measure(b, "raw")
	ours.measure(b, "mooring")

	pipelined := rueidisClient(b, addr)
	ours, ids = ofMooring(b, rueidisStore(b, addr, 0))
	raw(ours, func(ctx context.Context, i int) error {
		key := "mooring:{" + ids[i].Shard() + "}:s:" + ids[i].String()
		return pipelined.Do(ctx, pipelined.B().Get().Key(key).Build()).Error()
	}).measure(b, "raw-rueidis")
	ours.measure(b, "rueidis")
	ours, _ = ofMooring(b, rueidisStore(b, addr, 20*time.Microsecond))
	ours.measure(b, "rueidis-delayed")

	pool := &redis.Pool{MaxIdle: connections, Dial: func() (redis.Conn, error) { return redis.Dial("tcp", addr) }}
	b.Cleanup(func() { _ = pool.Close() })
	ofSCS(b, scsredis.New(pool)).measure(b, "scs")

	near, _ := ofMooring(b, nearCache(b, redisStore(b, client)))
	near.measure(b, "nearcache")
}

// BenchmarkPostgres asks a PostgreSQL server.
func BenchmarkPostgres(b *testing.B) {
	config := postgres(b)
	db, pool := sqlDB(b, config), pgxPool(b, config)
	ours, ids := ofMooring(b, sqlStore(b, db, config))
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.String()
	}

	const query = "SELECT record, last_seen, ip, ending FROM mooring_session WHERE id = $1"
	statement, err := db.PrepareContext(b.Context(), query)
	require.NoError(b, err)
	b.Cleanup(func() { _ = statement.Close() })
	type scanner interface{ Scan(into ...any) error }
	scan := func(row scanner) error {
		var record, ending []byte
		var seen int64
		var ip string
		return row.Scan(&record, &seen, &ip, &ending)
	}
	raw(ours, func(ctx context.Context, i int) error { return scan(statement.QueryRowContext(ctx, names[i])) }).measure(b, "raw-sql")
	raw(ours, func(ctx context.Context, i int) error { return scan(pool.QueryRow(ctx, query, names[i])) }).measure(b, "raw-pgx")
	ours.measure(b, "mooring")

	_, err = pool.Exec(b.Context(), "CREATE TABLE sessions (token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL)")
	require.NoError(b, err)
	ofSCS(b, pgxstore.NewWithCleanupInterval(pool, 0)).measure(b, "scs")

	near, _ := ofMooring(b, nearCache(b, sqlStore(b, db, config)))
	near.measure(b, "nearcache")
}
