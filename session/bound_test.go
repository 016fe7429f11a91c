package session_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// A store that hangs holds nobody up for longer than the bound.
func TestEveryStepIsBounded(t *testing.T) {
	for name, step := range map[string]func(r *rig, s session.Session) error{
		"Start": func(r *rig, _ session.Session) error {
			_, err := r.Start(httptest.NewRecorder(), request(), session.Session{User: "ada", Expires: time.Now().Add(time.Hour)}, session.Replace{})
			return err
		},
		"Load": func(r *rig, _ session.Session) error { _, err := r.Load(request()); return err },
		"Touch": func(r *rig, s session.Session) error {
			_, err := r.Touch(context.Background(), s, session.Seen{Time: r.Now(t.Context()).Add(time.Hour)})
			return err
		},
		"End": func(r *rig, s session.Session) error {
			_, err := r.End(context.Background(), s.ID, session.Ending{Cause: session.CauseRevoked})
			return err
		},
		"EndUser": func(r *rig, _ session.Session) error {
			_, err := r.EndUser(context.Background(), "ada", session.ID{}, session.Ending{Cause: session.CauseRevoked})
			return err
		},
		"List": func(r *rig, _ session.Session) error {
			_, err := r.List(context.Background(), "ada", session.KindSession)
			return err
		},
	} {
		for timeout, want := range map[time.Duration]time.Duration{0: 3 * time.Second, time.Minute: time.Minute} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, func(c *session.Config) { c.StoreTimeout = timeout })
					s := r.start(t, session.Session{User: "ada"})
					r.store.hang = true
					began := time.Now()
					assert.ErrorIs(t, step(r, s), context.DeadlineExceeded)
					assert.Equal(t, want, time.Since(began))
					assert.Empty(t, r.ended)
				})
			})
		}
	}
}

// A sweep takes as long as it takes.
func TestSweepIsNotBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.start(t, session.Session{User: "ada"})
		time.Sleep(time.Hour)
		swept, err := r.Sweep(t.Context())
		require.NoError(t, err)
		assert.Equal(t, session.Swept{Forgotten: 1}, swept)

		r.store.hang = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err = r.Sweep(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// A store in memory answers at once, so there is nothing to bound.
func TestAStoreInMemoryIsNotBounded(t *testing.T) {
	for _, test := range []struct {
		name  string
		store func(seen *noted) session.Store
		bound bool
	}{
		{"in memory", func(seen *noted) session.Store { return notedInMemory{seen} }, false},
		{"elsewhere", func(seen *noted) session.Store { return seen }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			seen := &noted{Store: memstore.New()}
			manager, err := session.NewManager(session.Config{Store: test.store(seen)})
			require.NoError(t, err)
			_, err = manager.List(t.Context(), "ada", session.KindSession)
			require.NoError(t, err)
			assert.Equal(t, test.bound, seen.deadline)
		})
	}
}

// noted notes whether there is a deadline.
type noted struct {
	session.Store
	deadline bool
}

func (n *noted) List(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
	_, n.deadline = ctx.Deadline()
	return n.Store.List(ctx, user, kinds...)
}

type notedInMemory struct{ *noted }

func (notedInMemory) InMemory() {}

// A load has the time that is promised, or up to a sixteenth less, whenever it
// begins.
func TestALoadIsBoundedWheneverItBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = time.Second
		r := newRig(t, func(c *session.Config) { c.StoreTimeout = timeout })
		r.start(t, session.Session{User: "ada"})
		r.store.hang = true
		for i := range 10 {
			time.Sleep(time.Duration(i) * timeout / 50)
			began := time.Now()
			_, err := r.Load(request())
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.LessOrEqual(t, time.Since(began), timeout)
			assert.GreaterOrEqual(t, time.Since(began), timeout*15/16)
		}
	})
}

// Loads at the same time share a deadline, and nothing else: each has the values
// of its request.
func TestALoadHasTheValuesOfItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &overheard{Store: memstore.New()}
		manager, err := session.NewManager(session.Config{
			Store: store, Carrier: &slot{token: session.NewToken("ada")}, StoreTimeout: time.Second,
		})
		require.NoError(t, err)
		load := func(parent context.Context) context.Context {
			_, err := manager.Load(request().WithContext(parent))
			require.ErrorIs(t, err, session.ErrNotFound)
			return store.ctx
		}
		type key struct{}
		one := load(context.WithValue(t.Context(), key{}, 1))
		time.Sleep(time.Second / 32)
		two := load(context.WithValue(t.Context(), key{}, 2))
		assert.Equal(t, 1, one.Value(key{}))
		assert.Equal(t, 2, two.Value(key{}))
		assert.Nil(t, two.Value("other"))

		child, cancel := context.WithCancel(two)
		defer cancel()
		told := make(chan time.Time, 1)
		context.AfterFunc(two, func() { told <- time.Now() })
		ends, ok := two.Deadline()
		require.True(t, ok)
		<-child.Done()
		assert.Equal(t, ends, time.Now())
		assert.Equal(t, ends, <-told)
		assert.Equal(t, context.DeadlineExceeded, context.Cause(child))
	})
}

// A client that hangs up does not end the load of its request; a host that gives
// it less time than the store has does.
func TestWhatEndsALoadBeforeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *session.Config) { c.StoreTimeout = time.Second })
		r.start(t, session.Session{User: "ada"})
		hungUp, cancel := context.WithCancel(t.Context())
		cancel()
		s, err := r.Load(request().WithContext(hungUp))
		require.NoError(t, err)
		assert.Equal(t, "ada", s.User)

		r.store.hang = true
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err = r.Load(request().WithContext(short))
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Millisecond, time.Since(began))
	})
}

// overheard keeps the context of the latest Get.
type overheard struct {
	session.Store
	ctx context.Context
}

func (o *overheard) Get(ctx context.Context, id session.ID) (session.Session, error) {
	o.ctx = ctx
	return o.Store.Get(ctx, id)
}
