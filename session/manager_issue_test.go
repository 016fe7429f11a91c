package session_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/sessiontest"
)

func TestIssueWithoutARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		token, s, err := r.Issue(t.Context(), session.Session{User: "ada", Expires: time.Now().Add(time.Hour), LastSeen: farAhead}, session.Replace{})
		require.NoError(t, err)
		assert.Equal(t, token.ID(), s.ID)
		assert.Equal(t, time.Now().UTC(), s.Created)
		assert.Equal(t, s.Created, s.LastSeen, "it was not used in the future")
		assert.Empty(t, r.carrier.done, "nothing is carried")
		found, err := r.Authenticate(t.Context(), token)
		require.NoError(t, err)
		assert.Equal(t, s, found)

		next, renewed, err := r.Issue(t.Context(), session.Session{User: "ada", Expires: time.Now().Add(time.Hour)}, session.Replace{Renews: s.ID})
		require.NoError(t, err)
		assert.NotEqual(t, s.ID, renewed.ID)
		_, err = r.Authenticate(t.Context(), token)
		ended, ok := errors.AsType[*session.EndedError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, session.CauseRenewed, ended.Ending.Cause)
		_, err = r.Authenticate(t.Context(), next)
		require.NoError(t, err)

		_, _, err = r.Issue(t.Context(), session.Session{User: "ada", Expires: time.Now().Add(time.Hour)}, session.Replace{Renews: s.ID})
		_, ok = errors.AsType[*session.EndedError](err)
		assert.True(t, ok, "what has ended is not renewed: %v", err)
	})
}

func TestIssueRefusesWhatCannotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC()
		for name, s := range map[string]session.Session{
			"no user":           {Expires: now.Add(time.Hour)},
			"no Expires":        {User: "ada"},
			"expired already":   {User: "ada", Expires: now.Add(-1)},
			"expires right now": {User: "ada", Expires: now},
			"expires in 2262":   {User: "ada", Expires: time.Date(2262, 5, 1, 0, 0, 0, 0, time.UTC)},
			"idle below 0":      {User: "ada", Expires: now.Add(time.Hour), Idle: -1},
		} {
			r := newRig(t)
			token, started, err := r.Issue(t.Context(), s, session.Replace{})
			assert.ErrorIs(t, err, session.ErrInvalid, name)
			assert.True(t, token.IsZero(), name)
			assert.Zero(t, started, name)
			_, err = r.Start(httptest.NewRecorder(), request(), s, session.Replace{})
			assert.ErrorIs(t, err, session.ErrInvalid, name)
			assert.Empty(t, r.carrier.done, name)
		}
		r := newRig(t)
		_, _, err := r.Issue(t.Context(), session.Session{User: "ada", Expires: now.Add(1)}, session.Replace{})
		assert.NoError(t, err, "a nanosecond is a life")
	})
}

// Where the host wants to be told of every ending, a session that is only swept has
// one too, and so has a device that is forgotten. A pending one tells nobody anything.
func TestExpiryIsToldWithAJournal(t *testing.T) {
	for _, journal := range []bool{true, false} {
		for _, kind := range []session.Kind{session.KindSession, session.KindPending, session.KindDevice} {
			m, err := session.NewManager(session.Config{Store: sessiontest.NewJournal(), Journal: journal, KeepEndings: time.Hour})
			require.NoError(t, err)
			_, s, err := m.Issue(t.Context(), session.Session{
				User: "ada", Kind: kind, Expires: time.Now().Add(time.Hour), TellExpiry: time.Minute,
			}, session.Replace{})
			require.NoError(t, err)
			want := time.Duration(0)
			if journal && kind != session.KindPending {
				want = time.Hour
			}
			assert.Equal(t, want, s.TellExpiry, "%s, journal: %t", kind, journal)
		}
	}
}

func TestCarry(t *testing.T) {
	r := newRig(t)
	token, s, err := r.Issue(t.Context(), session.Session{User: "ada", Kind: session.KindDevice, MaxAge: time.Minute, Expires: r.Now(t.Context()).Add(time.Hour)}, session.Replace{})
	require.NoError(t, err)
	other := &slot{}
	require.NoError(t, r.Carry(httptest.NewRecorder(), request(), other, token, s))
	assert.Equal(t, token, other.token)
	assert.Equal(t, time.Minute, other.maxAge)
	assert.Empty(t, r.carrier.done, "the manager's own carrier is another one")

	other.writeErr = errOut
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.Carry(httptest.NewRecorder(), request().WithContext(ctx), other, token, s), errOut)
	assert.Equal(t, []session.Cause{session.CauseNotCarried}, r.causes(), "nobody has the token of it, and the client is gone")
}

// slow is a store that ends as many of a user's sessions as fit into the time of one
// call, and has more to do.
type slow struct {
	*memstore.Store
	perCall int
	calls   int
	err     error // what it returns for a call that it cuts short; nil: the context's
}

func (s *slow) cut(ctx context.Context) error {
	<-ctx.Done()
	if s.err != nil {
		return s.err
	}
	return ctx.Err()
}

func (s *slow) some(ctx context.Context, user string, keep session.ID, ending session.Ending) (ended []session.Session, more bool) {
	live, _ := s.List(ctx, user)
	for _, one := range live {
		if one.ID == keep {
			continue
		}
		if len(ended) == s.perCall {
			return ended, true
		}
		old, _ := s.End(ctx, one.ID, ending)
		ended = append(ended, old)
	}
	return ended, false
}

func (s *slow) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, _ ...session.Kind) ([]session.Session, error) {
	s.calls++
	ended, more := s.some(ctx, user, keep, ending)
	if more {
		return ended, s.cut(ctx)
	}
	return ended, nil
}

func (s *slow) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	if !replace.Others {
		return s.Store.Start(ctx, started, replace)
	}
	if _, err := s.Get(ctx, started.ID); err == nil {
		return nil, session.ErrExists
	}
	s.calls++
	some, more := s.some(ctx, started.User, session.ID{}, replace.Because(session.CauseTerminated))
	var ended []session.Ended
	for _, one := range some {
		ended = append(ended, session.Ended{Session: one, Ending: replace.Because(session.CauseTerminated)})
	}
	if more {
		return ended, s.cut(ctx)
	}
	rest, err := s.Store.Start(ctx, started, replace)
	return append(ended, rest...), err
}

// notInMemory hides what memstore says: this store takes time.
type notInMemory struct{ session.Store }

// A user may have more sessions than one deadline is enough for.
func TestAnyNumberIsEnded(t *testing.T) {
	steps := map[string]func(ctx context.Context, r *rig) (int, error){
		"EndUser": func(ctx context.Context, r *rig) (int, error) {
			return r.EndUser(ctx, "ada", session.ID{}, session.Ending{Cause: session.CauseRevoked})
		},
		"Issue": func(ctx context.Context, r *rig) (int, error) {
			before := len(r.ended)
			_, _, err := r.Issue(ctx, session.Session{User: "ada", Expires: time.Now().Add(time.Hour)}, session.Replace{Others: true})
			return len(r.ended) - before, err
		},
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &slow{Store: memstore.New(), perCall: 100, err: errors.New("driver: i/o timeout")}
				r := newRig(t, func(c *session.Config) { c.Store, c.StoreTimeout = notInMemory{store}, time.Second })
				const many = 450
				for range many {
					_, _, err := r.Issue(t.Context(), session.Session{User: "ada", Expires: time.Now().Add(24 * time.Hour)}, session.Replace{})
					require.NoError(t, err)
				}
				n, err := step(t.Context(), r)
				require.NoError(t, err)
				assert.Equal(t, many, n)
				assert.Equal(t, 5, store.calls)
				assert.Len(t, r.ended, many)
				assert.Equal(t, 5, r.told, "told of all that one attempt ended together")
			})
			synctest.Test(t, func(t *testing.T) {
				store := &slow{Store: memstore.New(), perCall: 100}
				r := newRig(t, func(c *session.Config) { c.Store, c.StoreTimeout = notInMemory{store}, time.Second })
				for range 450 {
					_, _, err := r.Issue(t.Context(), session.Session{User: "ada", Expires: time.Now().Add(24 * time.Hour)}, session.Replace{})
					require.NoError(t, err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
				defer cancel()
				n, err := step(ctx, r)
				assert.ErrorIs(t, err, context.DeadlineExceeded, "the caller's own deadline ends it")
				assert.Equal(t, 300, n, "what was ended is told")
				store.perCall = 0
				n, err = step(t.Context(), r)
				assert.Error(t, err, "an attempt that ends nothing is the last")
				assert.Zero(t, n)
			})
		})
	}
}

// An attempt that seemed to fail may have started the session.
func TestIssueThatWasMadeAfterAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slow{Store: memstore.New(), perCall: 1}
		r := newRig(t, func(c *session.Config) { c.Store, c.StoreTimeout = notInMemory{store}, time.Second })
		for range 2 {
			_, _, err := r.Issue(t.Context(), session.Session{User: "ada", Expires: time.Now().Add(24 * time.Hour)}, session.Replace{})
			require.NoError(t, err)
		}
		r = newRig(t, func(c *session.Config) { c.Store, c.StoreTimeout = notInMemory{madeAfterAll{store}}, time.Second })
		token, _, err := r.Issue(t.Context(), session.Session{User: "ada", Expires: time.Now().Add(time.Hour)}, session.Replace{Others: true})
		require.NoError(t, err)
		_, err = r.Authenticate(t.Context(), token)
		require.NoError(t, err)
	})
}

// madeAfterAll is a slow store that starts the session though it says that it ran out
// of time.
type madeAfterAll struct{ *slow }

func (m madeAfterAll) Start(ctx context.Context, s session.Session, replace session.Replace) ([]session.Ended, error) {
	ended, err := m.slow.Start(ctx, s, replace)
	if err != nil {
		_, _ = m.slow.Store.Start(context.WithoutCancel(ctx), s, session.Replace{})
		return ended, err
	}
	return ended, err
}
