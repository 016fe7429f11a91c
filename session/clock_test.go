package session_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// clocked is a store with a clock of its own, which is ahead of the process's.
type clocked struct {
	session.Store
	ahead time.Duration
	err   error
	hang  bool
	takes time.Duration

	mu    sync.Mutex
	asked int
}

func (c *clocked) Now(ctx context.Context) (time.Time, error) {
	c.mu.Lock()
	c.asked++
	c.mu.Unlock()
	if c.hang {
		<-ctx.Done()
		return time.Time{}, ctx.Err()
	}
	time.Sleep(c.takes / 2)
	defer time.Sleep(c.takes / 2)
	return time.Now().Add(c.ahead), c.err
}

func clockedManager(t *testing.T, store session.Store, logs *bytes.Buffer) *session.Manager {
	t.Helper()
	config := session.Config{Store: store}
	if logs != nil {
		config.Logger = slog.New(slog.NewTextHandler(logs, nil))
	}
	manager, err := session.NewManager(config)
	require.NoError(t, err)
	return manager
}

func TestTheStoresClockCounts(t *testing.T) {
	for name, test := range map[string]struct {
		ahead, takes time.Duration
		want         time.Duration
		logged       bool
	}{
		"equal":                        {0, 0, 0, false},
		"a tenth of a second ahead":    {100 * time.Millisecond, 0, 0, false},
		"a little more":                {100*time.Millisecond + 1, 0, 100*time.Millisecond + 1, false},
		"a second ahead":               {time.Second, 0, time.Second, true},
		"300 seconds ahead":            {300 * time.Second, 0, 300 * time.Second, true},
		"300 seconds behind":           {-300 * time.Second, 0, -300 * time.Second, true},
		"300 seconds ahead, slowly":    {300 * time.Second, 200 * time.Millisecond, 300 * time.Second, true},
		"within what a slow one takes": {200 * time.Millisecond, 200 * time.Millisecond, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logs bytes.Buffer
				m := clockedManager(t, &clocked{Store: memstore.New(), ahead: test.ahead, takes: test.takes}, &logs)
				now := m.Now(t.Context())
				assert.Equal(t, time.Now().Add(test.want).UTC(), now)
				assert.Equal(t, test.logged, strings.Contains(logs.String(), "clock differs"), "%s", logs.String())
				logs.Reset()
				time.Sleep(time.Hour)
				m.Now(t.Context())
				assert.Empty(t, logs.String(), "it is said once")
			})
		})
	}
}

func TestTheStoreIsAskedEveryHalfMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &clocked{Store: memstore.New(), ahead: 300 * time.Second}
		m := clockedManager(t, store, &bytes.Buffer{})
		m.Now(t.Context())
		time.Sleep(30*time.Second - 1)
		m.Now(t.Context())
		assert.Equal(t, 1, store.asked)
		store.ahead = 0
		time.Sleep(1)
		assert.Equal(t, time.Now().UTC(), m.Now(t.Context()), "the clock was put right")
		assert.Equal(t, 2, store.asked)
	})
}

func TestOneCallerAsksTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &clocked{Store: memstore.New(), ahead: 300 * time.Second, takes: 100 * time.Millisecond}
		m := clockedManager(t, store, &bytes.Buffer{})
		for round := 1; round <= 2; round++ {
			var running sync.WaitGroup
			for range 50 {
				running.Go(func() {
					now := m.Now(t.Context())
					assert.Equal(t, time.Now().Add(300*time.Second).UTC(), now, "for every caller")
				})
			}
			running.Wait()
			assert.Equal(t, round, store.asked)
			time.Sleep(time.Minute)
		}
	})
}

func TestAStoreThatDoesNotTellTheTime(t *testing.T) {
	for name, spoil := range map[string]func(*clocked){
		"fails": func(c *clocked) { c.err = errOut },
		"hangs": func(c *clocked) { c.hang = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &clocked{Store: memstore.New(), ahead: 300 * time.Second}
				spoil(store)
				m := clockedManager(t, store, &bytes.Buffer{})
				began := time.Now()
				now := m.Now(t.Context())
				assert.Equal(t, time.Now().UTC(), now, "the process's clock, for want of another")
				assert.LessOrEqual(t, time.Since(began), time.Second)

				store.err, store.hang = nil, false
				time.Sleep(time.Second)
				assert.Equal(t, time.Now().Add(300*time.Second).UTC(), m.Now(t.Context()), "asked again after a second")

				spoil(store)
				time.Sleep(time.Hour)
				now = m.Now(t.Context())
				assert.Equal(t, time.Now().Add(300*time.Second).UTC(), now, "what the store said last")
			})
		})
	}
}

// A client that hangs up is no reason to go by the process's clock.
func TestAClientThatHangsUpDoesNotEndTheComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &clocked{Store: memstore.New(), ahead: 300 * time.Second}
		m := clockedManager(t, ctxHeeding{store}, &bytes.Buffer{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		assert.Equal(t, time.Now().Add(300*time.Second).UTC(), m.Now(ctx))
	})
}

// ctxHeeding is a clocked store that fails if the context is done.
type ctxHeeding struct{ *clocked }

func (c ctxHeeding) Now(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	return c.clocked.Now(ctx)
}

// wrapper is a store that has none of the optional methods, around another one.
type wrapper struct{ session.Store }

func (w wrapper) Unwrap() session.Store { return w.Store }

func TestAClockIsFoundBehindAWrapper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &clocked{Store: memstore.New(), ahead: 300 * time.Second}
		m := clockedManager(t, wrapper{wrapper{inner}}, &bytes.Buffer{})
		assert.Equal(t, time.Now().Add(300*time.Second).UTC(), m.Now(t.Context()))
	})
}

// A process whose clock is wrong makes, holds and sweeps sessions as all others on
// the store do.
func TestLimitsHoldByTheStoresClock(t *testing.T) {
	for _, ahead := range []time.Duration{300 * time.Second, 0, -300 * time.Second} {
		t.Run(ahead.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &clocked{Store: memstore.New(), ahead: ahead}
				m := clockedManager(t, store, &bytes.Buffer{})
				begun := time.Now().Add(ahead).UTC()
				token, s, err := m.Issue(t.Context(), session.Session{
					User: "ada", Expires: begun.Add(time.Hour), Idle: 5 * time.Minute,
				}, session.Replace{})
				require.NoError(t, err)
				assert.Equal(t, begun, s.Created)
				assert.Equal(t, begun, s.LastSeen)
				time.Sleep(5*time.Minute - 1)
				_, err = m.Authenticate(t.Context(), token)
				require.NoError(t, err, "a nanosecond before the limit by the store's clock")
				time.Sleep(1)
				_, err = m.Authenticate(t.Context(), token)
				ended, ok := errors.AsType[*session.EndedError](err)
				require.True(t, ok, "%v", err)
				assert.Equal(t, session.CauseIdle, ended.Ending.Cause)
				assert.Equal(t, begun.Add(5*time.Minute), ended.Ending.Time)

				_, _, err = m.Issue(t.Context(), session.Session{User: "ada", Expires: m.Now(t.Context())}, session.Replace{})
				require.ErrorIs(t, err, session.ErrInvalid, "it has expired by the store's clock")
			})
		})
	}
}
