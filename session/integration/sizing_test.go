package integration

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// sized is a store whose size can be told.
type sized struct {
	session.Store
	bytes func() int64
}

// placed is where GeoLite2-City says that an address in Berlin is.
var placed = binding.Geo{
	Continent: binding.Continent{Code: "EU", GeoNameID: 6255148, Names: binding.Names{
		"de": "Europa", "en": "Europe", "es": "Europa", "fr": "Europe", "ja": "ヨーロッパ", "pt-BR": "Europa", "ru": "Европа", "zh-CN": "欧洲"}},
	Country: binding.Country{ISOCode: "DE", GeoNameID: 2921044, Names: binding.Names{
		"de": "Deutschland", "en": "Germany", "es": "Alemania", "fr": "Allemagne", "ja": "ドイツ連邦共和国", "pt-BR": "Alemanha", "ru": "Германия", "zh-CN": "德国"}},
	City: binding.City{GeoNameID: 2950159, Names: binding.Names{
		"de": "Berlin", "en": "Berlin", "es": "Berlín", "fr": "Berlin", "ja": "ベルリン", "pt-BR": "Berlim", "ru": "Берлин", "zh-CN": "柏林"}},
	Coordinates: &binding.Coordinates{Latitude: 52.5196, Longitude: 13.4069},
}

// BenchmarkSizing is where the sizes and rates in docs/sizing.md come from. It has
// as many sessions as MOORING_SIZING_SESSIONS says, 100,000 if it says nothing,
// each with an anchor out of GeoLite2 and of a user of its own, and reports what one costs, how
// many can be touched in a second, and how long it takes to sweep when nothing is
// overdue, and when all are. From the root of the repository:
//
//	go test -run '^$' -bench Sizing -benchtime 1x -timeout 1h ./session/integration
func BenchmarkSizing(b *testing.B) {
	n := 100_000
	if text := os.Getenv("MOORING_SIZING_SESSIONS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(b, err, "MOORING_SIZING_SESSIONS")
		require.Positive(b, n, "MOORING_SIZING_SESSIONS")
	}
	b.Run("memory", func(b *testing.B) { sizing(b, n, sizedMemory()) })
	for _, e := range engines {
		if e.driver == "postgres" || e.driver == cSQLite {
			continue // one driver for each dialect will do
		}
		b.Run(e.name, func(b *testing.B) { sizing(b, n, e.sized(b)) })
	}
	b.Run("Redis", func(b *testing.B) { sizing(b, n, sizedRedis(b)) })
}

func sizing(b *testing.B, n int, store sized) {
	for range b.N {
		empty := store.bytes()
		ids := make([]session.ID, n)
		took := eachOf(b, n, func(i int) error {
			s := overdue(fmt.Sprint("user ", i))
			s.Expires, s.Idle = now.Add(-time.Hour), 0
			s.Anchor.Geo = &placed
			ids[i] = s.ID
			_, err := store.Start(b.Context(), s, session.Replace{})
			return err
		})
		b.ReportMetric(float64(n)/took.Seconds(), "sign-ins/s")
		b.ReportMetric(float64(store.bytes()-empty)/float64(n), "bytes/session")

		took = eachOf(b, n, func(i int) error {
			return store.Touch(b.Context(), ids[i*7919%n], session.Seen{Time: now.Add(time.Duration(i) - 2*time.Hour), IP: newSession("ada").IP})
		})
		b.ReportMetric(float64(n)/took.Seconds(), "touches/s")
		b.ReportMetric(float64(store.bytes()-empty)/float64(n), "bytes/touched-session")

		for _, sweep := range []struct {
			at   time.Time
			want int
			unit string
		}{{now.Add(-2 * time.Hour), 0, "ms/empty-sweep"}, {now, n, "ms/sweep-of-all"}} {
			began := time.Now()
			swept, err := store.Sweep(b.Context(), sweep.at)
			require.NoError(b, err)
			require.Equal(b, session.Swept{Forgotten: sweep.want}, swept)
			b.ReportMetric(float64(time.Since(began).Microseconds())/1000, sweep.unit)
		}
	}
}

// eachOf calls do for the numbers below n, from many goroutines, and returns how
// long that took.
func eachOf(b *testing.B, n int, do func(int) error) time.Duration {
	b.Helper()
	began := time.Now()
	var next atomic.Int64
	var running sync.WaitGroup
	for range 2 * atOnce {
		running.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return time.Since(began)
}

func sizedMemory() sized {
	return sized{memstore.New(), func() int64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}}
}

// sized returns a store in the engine. Its bytes are those of all tables and indexes.
func (e engine) sized(b *testing.B) sized {
	db := e.open(b)
	store, table := e.store(b, db)
	number := func(query string, args ...any) (n int64) {
		b.Helper()
		require.NoError(b, db.QueryRowContext(b.Context(), query, args...).Scan(&n), query)
		return n
	}
	return sized{store, map[sqlstore.Dialect]func() int64{
		sqlstore.PostgreSQL: func() int64 {
			return number("SELECT pg_total_relation_size($1::regclass)", e.quote(table))
		},
		sqlstore.MySQL: func() int64 {
			var ignored sql.RawBytes
			rows, err := db.QueryContext(b.Context(), "ANALYZE TABLE "+e.quote(table)) // it tells the size as it was then
			require.NoError(b, err)
			require.True(b, rows.Next())
			require.NoError(b, rows.Scan(&ignored, &ignored, &ignored, &ignored))
			require.NoError(b, rows.Close())
			return number("SELECT data_length + index_length FROM information_schema.tables WHERE table_schema = database() AND table_name = ?", table)
		},
		sqlstore.SQLite: func() int64 {
			_, err := db.ExecContext(b.Context(), "PRAGMA wal_checkpoint(TRUNCATE)")
			require.NoError(b, err)
			return number("PRAGMA page_count") * number("PRAGMA page_size")
		},
	}[e.dialect]}
}

// sizedRedis returns a store in a server of its own, whose memory is nobody else's,
// and which writes to disk once in a second.
func sizedRedis(b *testing.B) sized {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		missing(b, "the binary redis-server", err)
	}
	socket := filepath.Join(b.TempDir(), "redis")
	server := exec.Command(binary, "--port", "0", "--unixsocket", socket, "--dir", b.TempDir(), "--save", "", "--appendonly", "yes")
	require.NoError(b, server.Start())
	b.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, PoolSize: 2 * atOnce, ContextTimeoutEnabled: true})
	b.Cleanup(func() { _ = client.Close() })
	require.Eventually(b, func() bool { return client.Ping(context.Background()).Err() == nil }, time.Minute, 10*time.Millisecond)
	store, err := redisstore.New(client, redisstore.Config{})
	require.NoError(b, err)
	memory := regexp.MustCompile(`used_memory:(\d+)`)
	return sized{store, func() int64 {
		// The notes of scripts are gone in a minute by themselves.
		for notes := client.Scan(b.Context(), 0, "mooring:*:c:*", 1000).Iterator(); notes.Next(b.Context()); {
			require.NoError(b, client.Del(b.Context(), notes.Val()).Err())
		}
		found := memory.FindStringSubmatch(client.Info(b.Context(), "memory").Val())
		require.NotNil(b, found)
		used, err := strconv.ParseInt(found[1], 10, 64)
		require.NoError(b, err)
		return used
	}}
}
