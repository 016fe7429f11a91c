package session_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// A manager with another configuration has the store and what is known of its clock.
func TestManagerWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &clocked{Store: memstore.New(), ahead: 5 * time.Second}
		m := clockedManager(t, store, nil)
		now := m.Now(t.Context())
		var told []session.Cause
		changed, err := m.With(func(c *session.Config) {
			c.Store, c.KeepEndings = memstore.New(), time.Minute
			c.OnEnd = func(_ context.Context, ended ...session.Ended) { told = append(told, ended[0].Ending.Cause) }
		})
		require.NoError(t, err)
		assert.Equal(t, now, changed.Now(t.Context()))
		assert.Equal(t, 1, store.asked, "the store was asked for its time before")

		_, s, err := m.Issue(t.Context(), session.Session{User: "ada", Expires: now.Add(time.Hour)}, session.Replace{})
		require.NoError(t, err)
		_, err = changed.End(t.Context(), s.ID, session.Ending{Cause: session.CauseRevoked})
		require.NoError(t, err, "it is the same store")
		assert.Equal(t, []session.Cause{session.CauseRevoked}, told)
		_, err = m.Get(t.Context(), s.ID, session.KindSession)
		ended, ok := errors.AsType[*session.EndedError](err)
		require.True(t, ok, err)
		assert.Equal(t, now.Add(time.Minute), ended.Ending.Keep)

		_, s, err = m.Issue(t.Context(), session.Session{User: "ada", Expires: now.Add(time.Hour)}, session.Replace{})
		require.NoError(t, err)
		_, err = m.End(t.Context(), s.ID, session.Ending{Cause: session.CauseRevoked})
		require.NoError(t, err)
		assert.Len(t, told, 1, "the manager before is as it was")
	})
}

func TestManagerWithMistakes(t *testing.T) {
	m, err := session.NewManager(session.Config{Store: memstore.New()})
	require.NoError(t, err)
	_, err = m.With(func(c *session.Config) { c.KeepEndings, c.StoreTimeout = -1, -1 })
	assert.ErrorContains(t, err, "KeepEndings")
	assert.ErrorContains(t, err, "StoreTimeout")
}
