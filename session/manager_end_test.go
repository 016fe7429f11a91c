package session_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

func TestOnEndIsToldOnce(t *testing.T) {
	r := newRig(t)
	s := r.start(t, session.Session{User: "ada"})
	var mu sync.Mutex
	var won, lost int
	var running sync.WaitGroup
	for range 16 {
		running.Go(func() {
			_, err := r.End(t.Context(), s.ID, session.Ending{Cause: session.CauseSignedOut})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
				return
			}
			var ended *session.EndedError
			if assert.ErrorAs(t, err, &ended) {
				lost++
			}
		})
	}
	running.Wait()
	assert.Equal(t, 1, won)
	assert.Equal(t, 15, lost)
	require.Len(t, r.ended, 1)
	assert.Equal(t, s.ID, r.ended[0].Session.ID)

	_, err := r.End(t.Context(), session.NewToken("ada").ID(), session.Ending{Cause: session.CauseSignedOut})
	assert.ErrorIs(t, err, session.ErrNotFound)
	assert.Len(t, r.ended, 1)
}

func TestEndUserTellsOfEach(t *testing.T) {
	r := newRig(t)
	var ids []session.ID
	for range 3 {
		r.carrier.token = session.Token{}
		ids = append(ids, r.start(t, session.Session{User: "ada"}).ID)
	}
	given := session.Ending{Cause: session.CauseRevoked, Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Keep: time.Date(2126, 1, 1, 0, 0, 0, 0, time.UTC)}
	n, err := r.EndUser(t.Context(), "ada", ids[1], given)
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	require.Len(t, r.ended, 2)
	for i, id := range []session.ID{ids[0], ids[2]} {
		assert.Equal(t, id, r.ended[i].Session.ID)
		assert.Equal(t, given, r.ended[i].Ending, "what is given is left as it is")
	}
	_, err = r.Get(t.Context(), ids[1], session.KindSession)
	assert.NoError(t, err)
}

// Nothing listens, and nothing is the matter.
func TestWithoutOnEnd(t *testing.T) {
	r := newRig(t, func(c *session.Config) { c.OnEnd = nil })
	s := r.start(t, session.Session{User: "ada"})
	_, err := r.End(t.Context(), s.ID, session.Ending{Cause: session.CauseRevoked})
	assert.NoError(t, err)
}

func TestClear(t *testing.T) {
	r := newRig(t)
	r.start(t, session.Session{User: "ada"})
	require.NoError(t, r.Clear(httptest.NewRecorder(), request()))
	assert.Empty(t, r.ended, "to clear ends nothing")
	r.carrier.err = errOut
	assert.ErrorIs(t, r.Clear(httptest.NewRecorder(), request()), errOut)
}

// hasty is a store whose endings are not safe yet when it returns.
type hasty struct{ session.Store }

var errHasty = errors.New("too few replicas have acknowledged it")

func (h hasty) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	s, err := h.Store.End(ctx, id, ending)
	if err != nil {
		return session.Session{}, errHasty
	}
	return s, errHasty
}

// An ending that has happened is told, once, though the store says that it may not last.
func TestAnEndingThatMayNotLastIsTold(t *testing.T) {
	var told []session.Ended
	manager, err := session.NewManager(session.Config{
		Store: hasty{memstore.New()},
		OnEnd: func(_ context.Context, ended ...session.Ended) { told = append(told, ended...) },
	})
	require.NoError(t, err)
	s, err := manager.Start(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), session.Session{User: "ada", Expires: time.Now().Add(time.Hour)}, session.Replace{})
	require.NoError(t, err)
	for _, want := range []session.ID{s.ID, {}} {
		ended, err := manager.End(t.Context(), s.ID, session.Ending{Cause: session.CauseRevoked})
		require.ErrorIs(t, err, errHasty)
		assert.Equal(t, want, ended.ID)
	}
	require.Len(t, told, 1)
	assert.Equal(t, s.ID, told[0].Session.ID)
	assert.Equal(t, session.CauseRevoked, told[0].Ending.Cause)
}
