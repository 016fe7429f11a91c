package benchmarks

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// totals are numbers of sessions in a store; what a step touches is the same for
// all of them.
var totals = []int{1_000, 5_000}

// A request from an unchanged address asks the server one thing, and writes
// nothing.
func TestAnUnchangedAddressIsOneGET(t *testing.T) {
	client := redisClient(t, redisServer(t))
	asked := new(commands)
	client.AddHook(asked)
	handler, request := guarded(t, redisStore(t, client))
	for range 3 {
		asked.take()
		w := &discard{header: http.Header{}}
		handler.ServeHTTP(w, request.Clone(t.Context()))
		require.Equal(t, http.StatusNoContent, w.status)
		assert.Equal(t, []string{"get"}, asked.take())
	}
}

func TestAnUnchangedAddressIsOneSELECT(t *testing.T) {
	config, asked := postgres(t), new(statements)
	config.ConnConfig.Tracer = asked
	db := sqlDB(t, config)
	db.SetMaxOpenConns(1)
	handler, request := guarded(t, sqlStore(t, db, config))
	for i := range 3 {
		asked.take()
		w := &discard{header: http.Header{}}
		handler.ServeHTTP(w, request.Clone(t.Context()))
		require.Equal(t, http.StatusNoContent, w.status)
		if got := asked.take(); i > 0 && assert.Len(t, got, 1) { // the first one prepares it
			assert.True(t, strings.HasPrefix(got[0], "SELECT "), got[0])
		}
	}
}

// A request from an unchanged address that a near cache has read before asks the server
// nothing.
func TestANearCacheAsksNothing(t *testing.T) {
	t.Run("Redis", func(t *testing.T) {
		client := redisClient(t, redisServer(t))
		asked := new(commands)
		client.AddHook(asked)
		asksOnce(t, redisStore(t, client), func() (n int) {
			for _, command := range asked.take() {
				if command == "get" { // Watch publishes
					n++
				}
			}
			return n
		})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		config, asked := postgres(t), new(statements)
		config.ConnConfig.Tracer = asked
		asksOnce(t, sqlStore(t, sqlDB(t, config), config), func() (n int) {
			for _, statement := range asked.take() {
				if strings.HasPrefix(statement, "SELECT record,") { // Get
					n++
				}
			}
			return n
		})
	})
}

// asksOnce checks that of several requests through a near cache the first one alone asks
// the store.
func asksOnce(t *testing.T, store session.Store, asked func() int) {
	t.Helper()
	handler, request := guarded(t, nearCache(t, store))
	asked()
	for i := range 5 {
		w := &discard{header: http.Header{}}
		handler.ServeHTTP(w, request.Clone(t.Context()))
		require.Equal(t, http.StatusNoContent, w.status)
		require.Equal(t, i == 0, asked() > 0, "request %d", i)
	}
}

// A sign-in that ends the user's other sessions is one script, and touches the
// same number of keys however many sessions others have.
func TestEndingOthersIsOneScript(t *testing.T) {
	var touched []string
	for _, total := range totals {
		client := redisClient(t, redisServer(t))
		store := redisStore(t, client)
		parallelFill(t, store, total)
		newSession := makeSession(t)
		signIn := func() {
			ended, err := store.Start(t.Context(), newSession(0), session.Replace{Others: true, Ending: session.Ending{Keep: time.Now().UTC()}})
			require.NoError(t, err)
			require.NotEmpty(t, ended)
		}
		signIn() // loads the script, and leaves the user one session
		asked := new(commands)
		client.AddHook(asked)
		require.NoError(t, client.ConfigResetStat(t.Context()).Err())
		asked.take()
		signIn()
		assert.Equal(t, []string{"evalsha"}, asked.take())
		touched = append(touched, calls(t, client))
	}
	assert.Equal(t, touched[0], touched[1])
	assert.Contains(t, touched[0], "set:")
}

// The same in SQL is one transaction, and as many rows.
func TestEndingOthersIsOneTransaction(t *testing.T) {
	var touched []string
	for _, total := range totals {
		config, asked := postgres(t), new(statements)
		config.ConnConfig.Tracer = asked
		many := sqlDB(t, config)
		parallelFill(t, sqlStore(t, many, config), total)
		require.NoError(t, many.Close())

		db := sqlDB(t, config)
		db.SetMaxOpenConns(1)
		store := sqlStore(t, db, config)
		_, err := db.ExecContext(t.Context(), "VACUUM ANALYZE mooring_session")
		require.NoError(t, err)
		_, err = store.List(t.Context(), userOf(0)) // looks for the schema
		require.NoError(t, err)
		newSession := makeSession(t)
		// The connections that are closed are counted when they are gone.
		require.Eventually(t, func() bool { return rows(t, db)[1] == int64(total) }, time.Minute, 10*time.Millisecond)
		before := rows(t, db)
		asked.take()
		ended, err := store.Start(t.Context(), newSession(0), session.Replace{Others: true, Ending: session.Ending{Keep: time.Now().UTC()}})
		require.NoError(t, err)
		require.Len(t, ended, perUser)
		sent := asked.take()
		assert.Equal(t, "begin isolation level read committed", sent[0])
		assert.Equal(t, "commit", sent[len(sent)-1])
		assert.LessOrEqual(t, len(sent), 8, "%q", sent)
		after := rows(t, db)
		touched = append(touched, fmt.Sprintf("read %d inserted %d updated %d deleted %d",
			after[0]-before[0], after[1]-before[1], after[2]-before[2], after[3]-before[3]))
	}
	assert.Equal(t, touched[0], touched[1])
	assert.Contains(t, touched[0], "inserted 1 updated 2 deleted 0")
}

// parallelFill starts n sessions.
func parallelFill(t *testing.T, store session.Store, n int) {
	newSession := makeSession(t)
	var running sync.WaitGroup
	for part := range clients {
		running.Go(func() {
			for i := part; i < n; i += clients {
				_, err := store.Start(t.Context(), newSession(i), session.Replace{})
				if !assert.NoError(t, err) {
					return
				}
			}
		})
	}
	running.Wait()
}

// commands are the names of what a Redis client sent.
type commands struct {
	mu   sync.Mutex
	sent []string
}

func (c *commands) add(sent ...redis.Cmder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, command := range sent {
		c.sent = append(c.sent, command.Name())
	}
}

func (c *commands) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.sent
	c.sent = nil
	return taken
}

func (c *commands) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *commands) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		c.add(command)
		return next(ctx, command)
	}
}

func (c *commands) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, all []redis.Cmder) error {
		c.add(all...)
		return next(ctx, all)
	}
}

// calls is how often each command was called since the counters were reset, from
// scripts too. PEXPIRE is left out: whether the index has to be kept longer is a
// matter of milliseconds.
func calls(t *testing.T, client *redis.Client) string {
	info, err := client.Info(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	var all []string
	for _, found := range regexp.MustCompile(`cmdstat_([^:]+):calls=(\d+)`).FindAllStringSubmatch(info, -1) {
		switch name, _, _ := strings.Cut(found[1], "|"); name {
		case "config", "info", "hello", "client", "pexpire":
		default:
			all = append(all, found[1]+":"+found[2])
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// statements are what was sent to PostgreSQL.
type statements struct {
	mu   sync.Mutex
	sent []string
}

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, data.SQL)
	return ctx
}

func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *statements) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.sent
	s.sent = nil
	return taken
}
