package session_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

func TestLoad(t *testing.T) {
	r := newRig(t)
	_, err := r.Load(request())
	assert.Equal(t, session.ErrNotFound, err)
	_, err = r.LoadPending(request())
	assert.Equal(t, session.ErrNotFound, err)

	r.carrier.token = session.NewToken("ada")
	_, err = r.Load(request())
	assert.Equal(t, session.ErrNotFound, err)

	r.start(t, session.Session{User: "ada"})
	s, err := r.Load(request())
	require.NoError(t, err)
	assert.Equal(t, "ada", s.User)
	_, err = r.LoadPending(request())
	assert.Equal(t, session.ErrNotFound, err, "it is not pending")

	r.start(t, session.Session{User: "ada", Pending: true})
	s, err = r.Load(request())
	assert.Equal(t, session.ErrPending, err)
	assert.Zero(t, s, "what is pending is not handed out by accident")
	s, err = r.LoadPending(request())
	require.NoError(t, err)
	assert.True(t, s.Pending)

	_, err = r.End(t.Context(), s.ID, session.Ending{Cause: session.CauseRevoked})
	require.NoError(t, err)
	var ended *session.EndedError
	_, err = r.Load(request())
	require.ErrorAs(t, err, &ended)
	assert.Equal(t, session.CauseRevoked, ended.Ending.Cause)

	r.store.err = errOut
	_, err = r.Load(request())
	assert.ErrorIs(t, err, errOut)
	assert.NotErrorIs(t, err, session.ErrNotFound, "nobody knows")
	r.carrier.readErr = errOut
	_, err = r.Load(request())
	assert.ErrorIs(t, err, errOut)
}

// An overdue session is ended by whoever finds it, once.
func TestOverdue(t *testing.T) {
	for _, test := range []struct {
		name    string
		session session.Session
		limit   time.Duration
		cause   session.Cause
	}{
		{"absolute", session.Session{User: "ada"}, time.Hour, session.CauseExpired},
		{"idle", session.Session{User: "ada", Idle: time.Minute}, time.Minute, session.CauseIdle},
		{"pending", session.Session{User: "ada", Pending: true}, time.Hour, session.CauseExpired},
	} {
		for _, off := range []time.Duration{-1, 0, 1} {
			t.Run(test.name+" "+off.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					s := r.start(t, test.session)
					time.Sleep(test.limit + off)
					if off < 0 {
						_, err := r.Get(t.Context(), s.ID)
						assert.NoError(t, err)
						return
					}
					var running sync.WaitGroup
					for range 8 {
						running.Go(func() {
							var ended *session.EndedError
							_, err := r.Get(t.Context(), s.ID)
							if assert.ErrorAs(t, err, &ended) {
								assert.Equal(t, test.cause, ended.Ending.Cause)
								assert.Equal(t, s.ID, ended.Session.ID)
							}
						})
					}
					running.Wait()
					require.Len(t, r.ended, 1)
					assert.Equal(t, time.Now().UTC(), r.ended[0].Ending.Time)
					assert.Equal(t, time.Now().UTC().Add(24*time.Hour), r.ended[0].Ending.Keep)
					_, err := r.Load(request())
					var ended *session.EndedError
					assert.ErrorAs(t, err, &ended)
				})
			})
		}
	}
}

// What is overdue and cannot be ended is not handed out.
func TestOverdueThatCannotBeEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := r.start(t, session.Session{User: "ada"})
		time.Sleep(time.Hour)
		r.store.Store = endFails{r.store.Store}
		got, err := r.Get(t.Context(), s.ID)
		assert.ErrorIs(t, err, errOut)
		assert.Zero(t, got)
		assert.Empty(t, r.ended)
	})
}

type endFails struct{ session.Store }

func (endFails) End(context.Context, session.ID, session.Ending) (session.Session, error) {
	return session.Session{}, errOut
}

func TestListHasWhatIsSignedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		add := func(s session.Session) session.ID {
			r.carrier.token = session.Token{}
			time.Sleep(time.Second)
			s.User = "ada"
			return r.start(t, s).ID
		}
		first := add(session.Session{Expires: session.Now().Add(time.Hour)})
		add(session.Session{Expires: session.Now().Add(time.Minute)})
		add(session.Session{Expires: session.Now().Add(time.Hour), Idle: time.Minute})
		add(session.Session{Expires: session.Now().Add(time.Hour), Pending: true})
		last := add(session.Session{Expires: session.Now().Add(time.Hour)})
		time.Sleep(time.Minute)
		listed, err := r.List(t.Context(), "ada")
		require.NoError(t, err)
		require.Len(t, listed, 2)
		assert.Equal(t, last, listed[0].ID)
		assert.Equal(t, first, listed[1].ID)
		assert.Empty(t, r.ended, "to look ends nothing")
	})
}
