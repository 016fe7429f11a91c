package integration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/nearcache"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// A meter counts what goes over the connections of a store: bytes of the server's
// protocol, and writes, of which each round trip has one.
type meter struct{ trips, sent, received atomic.Int64 }

func (m *meter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	return metered{conn, m}, err
}

type metered struct {
	net.Conn
	meter *meter
}

func (c metered) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.meter.trips.Add(1)
	c.meter.sent.Add(int64(n))
	return n, err
}

func (c metered) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.meter.received.Add(int64(n))
	return n, err
}

// SyscallConn lets drivers look whether the server has closed the connection.
func (c metered) SyscallConn() (syscall.RawConn, error) {
	if conn, ok := c.Conn.(syscall.Conn); ok {
		return conn.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// A borne store says what it costs: over its connections, and its server.
type borne struct {
	meter  *meter
	open   func() session.Store // a store of another process, by connections that are counted
	server int                  // the process ID of the server
}

// cpu returns the processor time that a process and its children have taken.
func cpu(t testing.TB, pid int) time.Duration {
	t.Helper()
	const hz = 100 // of /proc on Linux
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	var ticks int64
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		number, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if number != pid && fields[1] != strconv.Itoa(pid) {
			continue
		}
		for i, field := range fields[11:15] {
			if n, err := strconv.ParseInt(field, 10, 64); err == nil && (i < 2 || number == pid) {
				ticks += n
			}
		}
	}
	require.NotZero(t, ticks, "the server is on another machine, or runs no Linux")
	return time.Duration(ticks) * time.Second / hz
}

// own returns the processor time that this process has taken.
func own(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// borne returns a store in the engine.
func (e engine) borne(b *testing.B) borne {
	b.Helper()
	plain := e.open(b)
	_, table := e.store(b, plain)
	m := &meter{}
	dsn := e.dsn(b)
	open := func() session.Store {
		var db *sql.DB
		config := sqlstore.Config{Dialect: e.dialect, Table: table}
		if e.dialect == sqlstore.PostgreSQL {
			parsed, err := pgx.ParseConfig(dsn)
			require.NoError(b, err)
			parsed.DialFunc = m.dial
			db = stdlib.OpenDB(*parsed)
			config.Listen = func(ctx context.Context) (sqlstore.Listener, error) {
				conn, err := pgx.ConnectConfig(ctx, parsed)
				return listener{conn}, err
			}
		} else {
			parsed, err := mysql.ParseDSN(dsn)
			require.NoError(b, err)
			parsed.DialFunc = m.dial
			connector, err := mysql.NewConnector(parsed)
			require.NoError(b, err)
			db = sql.OpenDB(connector)
		}
		b.Cleanup(func() { _ = db.Close() })
		db.SetMaxOpenConns(2 * atOnce)
		db.SetMaxIdleConns(2 * atOnce)
		store, err := sqlstore.New(db, config)
		require.NoError(b, err)
		b.Cleanup(func() { _ = store.Close() })
		return store
	}
	var pid int
	if e.dialect == sqlstore.PostgreSQL {
		require.NoError(b, plain.QueryRowContext(b.Context(), "SELECT pg_backend_pid()").Scan(&pid))
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		require.NoError(b, err, "the server is on another machine, or runs no Linux")
		pid, err = strconv.Atoi(strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))[1])
		require.NoError(b, err)
	} else {
		var file string
		require.NoError(b, plain.QueryRowContext(b.Context(), "SELECT @@pid_file").Scan(&file))
		text, err := os.ReadFile(file)
		require.NoError(b, err, "the server is on another machine, or its file cannot be read")
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		require.NoError(b, err)
	}
	return borne{m, open, pid}
}

func borneRedis(b *testing.B) borne {
	b.Helper()
	_, client, prefix := inRedisAs(b, &redis.Options{Addr: redisAddr()})
	m := &meter{}
	open := func() session.Store {
		client := redis.NewClient(&redis.Options{Addr: redisAddr(), ContextTimeoutEnabled: true, PoolSize: 2 * atOnce, Dialer: m.dial})
		b.Cleanup(func() { _ = client.Close() })
		store, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
		require.NoError(b, err)
		return store
	}
	found := regexp.MustCompile(`process_id:(\d+)`).FindStringSubmatch(client.Info(b.Context(), "server").Val())
	require.NotNil(b, found)
	pid, err := strconv.Atoi(found[1])
	require.NoError(b, err)
	return borne{m, open, pid}
}

// costs measures what n steps of the name take, each.
func (s borne) costs(b *testing.B, name string, n int, step func(i int) error) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		for range b.N {
			runtime.GC()
			trips, sent, received := s.meter.trips.Load(), s.meter.sent.Load(), s.meter.received.Load()
			server, client := cpu(b, s.server), own(b)
			took := eachOf(b, n, step)
			per := float64(n)
			b.ReportMetric(float64(s.meter.trips.Load()-trips)/per, "trips/op")
			b.ReportMetric(float64(s.meter.sent.Load()-sent)/per, "B-sent/op")
			b.ReportMetric(float64(s.meter.received.Load()-received)/per, "B-received/op")
			b.ReportMetric(float64((own(b)-client).Nanoseconds())/1000/per, "client-us/op")
			b.ReportMetric(float64((cpu(b, s.server)-server).Nanoseconds())/1000/per, "server-us/op")
			b.ReportMetric(per/took.Seconds(), "ops/s")
			b.ReportMetric(0, "ns/op")
		}
	})
}

// BenchmarkCapacity is where the figures in docs/capacity.md come from: what each step
// takes of the network, of this process and of the server, whose machine has to be this
// one. MOORING_SIZING_SESSIONS is how many sessions there are, 20,000 if it says nothing.
// Nothing else may use the servers. From the root of the repository:
//
//	go test -run '^$' -bench Capacity -benchtime 1x -timeout 1h ./session/integration
func BenchmarkCapacity(b *testing.B) {
	n := 20_000
	if text := os.Getenv("MOORING_SIZING_SESSIONS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(b, err, "MOORING_SIZING_SESSIONS")
		require.Greater(b, n, 1000, "MOORING_SIZING_SESSIONS")
	}
	for _, e := range engines {
		if e.driver == "pgx" || e.driver == "mysql" {
			b.Run(e.name, func(b *testing.B) { capacity(b, n, e.borne(b)) })
		}
	}
	b.Run("Redis", func(b *testing.B) { capacity(b, n, borneRedis(b)) })
}

func capacity(b *testing.B, n int, s borne) {
	store := s.open()
	at := time.Now()
	sessions := make([]session.Session, n+n/4)
	for i := range sessions {
		one := newSession(fmt.Sprint("user ", i))
		one.Anchor.Geo = &placed
		sessions[i] = one
	}
	get := func(store session.Store) func(i int) error {
		return func(i int) error {
			_, err := store.Get(b.Context(), sessions[i*7919%n].ID)
			return err
		}
	}
	s.costs(b, "sign-in", len(sessions), func(i int) error {
		_, err := store.Start(b.Context(), sessions[i], session.Replace{})
		return err
	})
	s.costs(b, "read", 4*n, get(store))
	s.costs(b, "touch", n, func(i int) error {
		return store.Touch(b.Context(), sessions[i*7919%n].ID, session.Seen{Time: at.Add(-5*time.Second + time.Duration(i)), IP: sessions[0].IP})
	})

	end := func(from int) func(int) error {
		return func(i int) error {
			_, err := store.End(b.Context(), sessions[from+i].ID, newEnding(session.CauseSignedOut))
			return err
		}
	}
	s.costs(b, "ending, nobody watches", n/4, end(n))

	near := cachedFor(b, s.open(), time.Second)
	eachOf(b, n, get(near)) // the first one of each session asks the store
	s.costs(b, "read, kept near", 20*n, get(near))
	const seconds = 10
	s.costs(b, "nothing for a second, one process", seconds, func(int) error {
		time.Sleep(seconds * time.Second) // all of them at once
		return nil
	})
	s.costs(b, "ending, one process watches", n/4, end(0))
	for range 9 {
		cachedFor(b, s.open(), time.Second)
	}
	s.costs(b, "ending, ten processes watch", n/4, end(n/4))
	s.costs(b, "ending in the journal, ten processes watch", n/4, func(i int) error {
		_, err := store.End(b.Context(), sessions[n/2+i].ID, journaled(session.CauseSignedOut))
		return err
	})
}

// cachedFor is a near cache of the bound in front of the store, watched until the
// benchmark is over.
func cachedFor(b *testing.B, store session.Store, bound time.Duration) *nearcache.Store {
	b.Helper()
	cache, err := nearcache.New(store, nearcache.Config{MaxStale: bound})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	connected, done := make(chan struct{}), make(chan struct{})
	said := false
	go func() {
		defer close(done)
		_ = cache.Watch(ctx, 0, func(c session.Change) {
			if c.Kind == session.ChangeConnected && !said {
				said = true
				close(connected)
			}
		})
	}()
	b.Cleanup(func() { cancel(); <-done })
	<-connected
	return cache
}
