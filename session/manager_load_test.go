package session_test

import (
	"context"
	"errors"
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
	r.carrier.token = session.NewToken("ada")
	_, err = r.Load(request())
	assert.Equal(t, session.ErrNotFound, err)

	r.start(t, session.Session{User: "ada"})
	s, err := r.Load(request())
	require.NoError(t, err)
	assert.Equal(t, "ada", s.User)

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

// A token of one kind is worth nothing where another is wanted, live or ended, and
// nothing becomes of its record.
func TestFindKeepsKindsApart(t *testing.T) {
	kinds := []session.Kind{session.KindSession, session.KindPending, session.KindDevice, "later"}
	for _, kind := range kinds {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				token, s, err := r.Issue(t.Context(), session.Session{User: "ada", Kind: kind, Expires: time.Now().Add(time.Hour)}, session.Replace{})
				require.NoError(t, err)
				others := func() {
					for _, other := range kinds {
						if other == kind {
							continue
						}
						_, err := r.Find(t.Context(), token, other)
						assert.Equal(t, session.ErrNotFound, err, "wanted: %s", other)
						_, err = r.Get(t.Context(), s.ID, other)
						assert.Equal(t, session.ErrNotFound, err, "wanted: %s", other)
					}
					if kind != session.KindSession {
						_, err := r.Authenticate(t.Context(), token)
						assert.Equal(t, session.ErrNotFound, err)
					}
				}
				found, err := r.Find(t.Context(), token, kind)
				require.NoError(t, err)
				assert.Equal(t, s, found)
				others()
				time.Sleep(time.Hour)
				others()
				assert.Empty(t, r.ended, "what is overdue is ended by who looks for its kind")
				_, err = r.Find(t.Context(), token, kind)
				_, ended := errors.AsType[*session.EndedError](err)
				assert.True(t, ended, "%v", err)
				others()
			})
		})
	}
	r := newRig(t)
	_, err := r.Find(t.Context(), session.Token{}, session.KindSession)
	assert.Equal(t, session.ErrNotFound, err)
}

// An overdue session is ended once, by the caller who finds it.
func TestOverdue(t *testing.T) {
	for _, test := range []struct {
		name    string
		session session.Session
		limit   time.Duration
		cause   session.Cause
	}{
		{"absolute", session.Session{User: "ada"}, time.Hour, session.CauseExpired},
		{"idle", session.Session{User: "ada", Idle: time.Minute}, time.Minute, session.CauseIdle},
		{"seen ahead of the clock, idle since Created", session.Session{User: "ada", Idle: time.Minute, LastSeen: farAhead}, time.Minute, session.CauseIdle},
	} {
		for _, off := range []time.Duration{-1, 0, 1} {
			t.Run(test.name+" "+off.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					s := r.stored(t, test.session)
					time.Sleep(test.limit + off)
					if off < 0 {
						_, err := r.Get(t.Context(), s.ID, session.KindSession)
						assert.NoError(t, err)
						return
					}
					var running sync.WaitGroup
					for range 8 {
						running.Go(func() {
							var ended *session.EndedError
							_, err := r.Get(t.Context(), s.ID, session.KindSession)
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

// A wrong clock wrote that a session was used in the future: the next request puts
// that right, with one write, and its idle limit counts from then on.
func TestASessionSeenAheadOfTheClockIsPutRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := r.stored(t, session.Session{User: "ada", Idle: 10 * time.Minute, LastSeen: farAhead})
		request := func() error {
			s, err := r.Load(request())
			if err != nil {
				return err
			}
			_, err = r.Touch(t.Context(), s, session.Seen{Time: r.Now(t.Context())})
			return err
		}
		time.Sleep(10*time.Minute - 1)
		for range 5 {
			require.NoError(t, request())
		}
		assert.Equal(t, 1, r.store.touches, "no write on every request")
		touched, err := r.Get(t.Context(), s.ID, session.KindSession)
		require.NoError(t, err)
		assert.Equal(t, time.Now().UTC(), touched.LastSeen)
		time.Sleep(10*time.Minute - 1)
		_, err = r.Get(t.Context(), s.ID, session.KindSession)
		require.NoError(t, err)
		time.Sleep(1)
		_, err = r.Get(t.Context(), s.ID, session.KindSession)
		ended, ok := errors.AsType[*session.EndedError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, session.CauseIdle, ended.Ending.Cause)
	})
}

// farAhead is ahead of the clock of a test in a bubble, which begins in 2000.
var farAhead = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

// What is overdue and cannot be ended is not handed out.
func TestOverdueThatCannotBeEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := r.start(t, session.Session{User: "ada"})
		time.Sleep(time.Hour)
		r.store.Store = endFails{r.store.Store}
		got, err := r.Get(t.Context(), s.ID, session.KindSession)
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
		first := add(session.Session{Expires: r.Now(t.Context()).Add(time.Hour)})
		add(session.Session{Expires: r.Now(t.Context()).Add(time.Minute)})
		add(session.Session{Expires: r.Now(t.Context()).Add(time.Hour), Idle: time.Minute})
		add(session.Session{Expires: r.Now(t.Context()).Add(time.Hour), Kind: session.KindPending})
		last := add(session.Session{Expires: r.Now(t.Context()).Add(time.Hour)})
		time.Sleep(time.Minute)
		listed, err := r.List(t.Context(), "ada", session.KindSession)
		require.NoError(t, err)
		require.Len(t, listed, 2)
		assert.Equal(t, last, listed[0].ID)
		assert.Equal(t, first, listed[1].ID)
		assert.Empty(t, r.ended, "to look ends nothing")
	})
}
