package session_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

func TestOnceIsOnceInAllProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: memstore.New()}
		here, err := session.NewManager(session.Config{Store: store})
		require.NoError(t, err)
		there, err := session.NewManager(session.Config{Store: store})
		require.NoError(t, err)
		once := func(m *session.Manager, owner, text string) error {
			return m.Once(t.Context(), owner, text, time.Minute)
		}

		require.NoError(t, once(here, "ada", "proof"))
		assert.ErrorIs(t, once(here, "ada", "proof"), session.ErrExists)
		assert.ErrorIs(t, once(there, "ada", "proof"), session.ErrExists)
		assert.NoError(t, once(there, "ada", "other proof"))
		assert.NoError(t, once(there, "bob", "proof"), "another owner's")
		sessions, err := here.List(t.Context(), "ada", session.KindSession)
		require.NoError(t, err)
		assert.Empty(t, sessions, "it signs nobody in")

		store.err = errOut
		err = once(here, "ada", "third proof")
		assert.ErrorIs(t, err, errOut)
		assert.NotErrorIs(t, err, session.ErrExists, "nobody knows")
		store.err = nil

		time.Sleep(time.Minute - 1)
		_, err = here.Sweep(t.Context())
		require.NoError(t, err)
		assert.ErrorIs(t, once(there, "ada", "proof"), session.ErrExists, "until keep has passed")
		time.Sleep(1)
		_, err = here.Sweep(t.Context())
		require.NoError(t, err)
		assert.NoError(t, once(there, "ada", "proof"), "after it")
	})
}

func TestOnceOfManyAtOnceOneIsFirst(t *testing.T) {
	m, err := session.NewManager(session.Config{Store: memstore.New()})
	require.NoError(t, err)
	var first atomic.Int32
	var calls sync.WaitGroup
	for range 32 {
		calls.Go(func() {
			if err := m.Once(context.Background(), "ada", "proof", time.Minute); err == nil {
				first.Add(1)
			} else if !errors.Is(err, session.ErrExists) {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	assert.EqualValues(t, 1, first.Load())
}

// A client that sends one proof after the other makes the store keep no more than a
// bound, and what is told nobody.
func TestOnceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		m, err := session.NewManager(session.Config{Store: store, OnEnd: func(context.Context, ...session.Ended) {
			t.Error("nobody is told")
		}})
		require.NoError(t, err)
		const most = 16_384
		for i := range most + 4096 {
			require.NoError(t, m.Once(t.Context(), "ada", fmt.Sprint(i), time.Hour))
		}
		time.Sleep(1)
		_, err = m.Sweep(t.Context()) // what is over the bound
		require.NoError(t, err)
		time.Sleep(time.Hour)
		swept, err := m.Sweep(t.Context())
		require.NoError(t, err)
		assert.LessOrEqual(t, swept.Forgotten, most)
		assert.Greater(t, swept.Forgotten, most/2)
		assert.NoError(t, m.Once(t.Context(), "ada", "late", time.Hour))
	})
}
