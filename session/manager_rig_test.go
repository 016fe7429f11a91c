package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

var errOut = errors.New("out of order")

// faulty is a store that can be made to fail or hang, and that counts touches.
// It does not say that it is in memory.
type faulty struct {
	session.Store
	err     error // of every step
	hang    bool
	touches int
}

func (f *faulty) before(ctx context.Context) error {
	if f.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return f.err
}

func (f *faulty) Start(ctx context.Context, s session.Session, replace session.Replace) ([]session.Ended, error) {
	if err := f.before(ctx); err != nil {
		return nil, err
	}
	return f.Store.Start(ctx, s, replace)
}

func (f *faulty) Get(ctx context.Context, id session.ID) (session.Session, error) {
	if err := f.before(ctx); err != nil {
		return session.Session{}, err
	}
	return f.Store.Get(ctx, id)
}

func (f *faulty) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	f.touches++
	if err := f.before(ctx); err != nil {
		return err
	}
	return f.Store.Touch(ctx, id, seen)
}

func (f *faulty) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	if err := f.before(ctx); err != nil {
		return session.Session{}, err
	}
	return f.Store.End(ctx, id, ending)
}

func (f *faulty) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	if err := f.before(ctx); err != nil {
		return nil, err
	}
	return f.Store.EndUser(ctx, user, keep, ending, kinds...)
}

func (f *faulty) List(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
	if err := f.before(ctx); err != nil {
		return nil, err
	}
	return f.Store.List(ctx, user, kinds...)
}

func (f *faulty) Sweep(ctx context.Context, now time.Time) (session.Swept, error) {
	if err := f.before(ctx); err != nil {
		return session.Swept{}, err
	}
	return f.Store.Sweep(ctx, now)
}

// slot is a carrier that holds one token for all requests, and notes what is
// done to it.
type slot struct {
	token                  session.Token
	maxAge                 time.Duration
	done                   []string
	readErr, writeErr, err error
}

func (c *slot) Read(*http.Request) (session.Token, error) { return c.token, c.readErr }

func (c *slot) Write(_ http.ResponseWriter, _ *http.Request, t session.Token, maxAge time.Duration) error {
	c.done = append(c.done, "write")
	if c.writeErr == nil {
		c.token, c.maxAge = t, maxAge
	}
	return c.writeErr
}

func (c *slot) Clear(http.ResponseWriter, *http.Request) error {
	c.done = append(c.done, "clear")
	if c.err == nil {
		c.token = session.Token{}
	}
	return c.err
}

// rig is a manager with a store, a carrier and an ear.
type rig struct {
	*session.Manager
	store   *faulty
	carrier *slot
	mu      sync.Mutex
	ended   []session.Ended
	told    int // how often OnEnd was called
}

func newRig(t *testing.T, change ...func(*session.Config)) *rig {
	t.Helper()
	r := &rig{store: &faulty{Store: memstore.New()}, carrier: &slot{}}
	config := session.Config{Store: r.store, Carrier: r.carrier, OnEnd: func(_ context.Context, ended ...session.Ended) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ended = append(r.ended, ended...)
		r.told++
	}}
	for _, c := range change {
		c(&config)
	}
	manager, err := session.NewManager(config)
	require.NoError(t, err)
	r.Manager = manager
	return r
}

func request() *http.Request { return httptest.NewRequest("GET", "/", nil) }

// start starts a session of an hour for the user.
func (r *rig) start(t *testing.T, s session.Session) session.Session {
	t.Helper()
	if s.Expires.IsZero() {
		s.Expires = r.Now(t.Context()).Add(time.Hour)
	}
	started, err := r.Start(httptest.NewRecorder(), request(), s, session.Replace{})
	require.NoError(t, err)
	return started
}

// stored starts a session of an hour as it is, past what the manager would make of
// it, and gives its token to the carrier.
func (r *rig) stored(t *testing.T, s session.Session) session.Session {
	t.Helper()
	r.carrier.token = session.NewToken(s.User)
	s.ID, s.Created, s.Expires = r.carrier.token.ID(), r.Now(t.Context()), r.Now(t.Context()).Add(time.Hour)
	if s.LastSeen.IsZero() {
		s.LastSeen = s.Created
	}
	_, err := r.store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	return s
}

func (r *rig) causes() []session.Cause {
	var all []session.Cause
	for _, e := range r.ended {
		all = append(all, e.Ending.Cause)
	}
	return all
}
