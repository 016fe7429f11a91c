package loginstage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/loginstage/sink"
	"github.com/mooring-go/mooring/session"
)

// What ends is told by Deliver alone, in order, after an outage of the sink too,
// and to one of many that deliver.
func TestDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []loginstage.Event
		failing := true
		store := newJournal()
		login, err := loginstage.New(loginstage.Config{
			Store: store, DurableEvents: true,
			Events: sink.Func(func(_ context.Context, e loginstage.Event) error {
				if e.Action != loginstage.ActionLogout {
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				if failing {
					return errors.New("out of order")
				}
				told = append(told, e)
				return nil
			}),
		})
		require.NoError(t, err)

		for range 3 {
			_, err := login.Begin(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), loginstage.User{ID: "ada"})
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		sessions, err := login.Sessions(t.Context(), "ada")
		require.NoError(t, err)
		for _, s := range sessions {
			require.NoError(t, login.Revoke(t.Context(), "ada", s.ID, "admin"))
		}

		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for range 2 {
			running.Go(func() { assert.ErrorIs(t, login.Deliver(ctx), context.Canceled) })
		}
		time.Sleep(time.Minute)
		mu.Lock()
		assert.Empty(t, told)
		failing = false
		mu.Unlock()
		time.Sleep(time.Minute)
		stop()
		running.Wait()

		require.Len(t, told, len(sessions))
		for i, s := range sessions {
			assert.Equal(t, s.ID, told[i].Session)
			assert.Equal(t, session.CauseRevoked, told[i].Cause)
			assert.Equal(t, "admin", told[i].Actor)
			assert.Equal(t, "Session revoked", told[i].Context.LogoutReason)
		}
		assert.Zero(t, store.undelivered())
	})
}

// wrapped is a store of no journal around one that has one.
type wrapped struct {
	*loginstagetest.Store
	inner session.Store
}

func (w wrapped) Unwrap() session.Store { return w.inner }

func TestDeliverNeedsAJournal(t *testing.T) {
	_, err := loginstage.New(loginstage.Config{DurableEvents: true})
	require.ErrorContains(t, err, "DurableEvents true: want a Store that is a session.Journal")
	login, err := loginstage.New(loginstage.Config{Store: newJournal()})
	require.NoError(t, err)
	require.ErrorContains(t, login.Deliver(t.Context()), "DurableEvents false")

	_, err = loginstage.New(loginstage.Config{Store: wrapped{loginstagetest.NewStore(nil), newJournal()}, DurableEvents: true})
	require.NoError(t, err, "one that is wrapped is one")
}

// What is told at once reads as what is delivered later, from what was written
// into the ending.
func TestAnEventReadsTheSameAtOnceAndLater(t *testing.T) {
	for name, test := range map[string]struct {
		config loginstage.Config
		to     netip.Addr
	}{
		"another prefix": {loginstage.Config{NetworkBinding: binding.NetworkASNNetwork}, bindingtest.BerlinOtherPrefix},
		"another city":   {loginstage.Config{GeoIPBinding: binding.GeoIPCity}, bindingtest.Munich},
		"elsewhere":      {loginstage.Config{NetworkBinding: binding.NetworkASN, GeoIPBinding: binding.GeoIPCity}, bindingtest.Tokyo},
		"unknown":        {loginstage.Config{GeoIPBinding: binding.GeoIPContinent}, bindingtest.Unlocated},
		"explained":      {loginstage.Config{GeoIPBinding: binding.GeoIPCountry, ExplainEvents: true}, bindingtest.Paris},
	} {
		t.Run(name, func(t *testing.T) {
			told := func(durable bool) loginstage.Context {
				config := test.config
				config.Store, config.DurableEvents, config.EventArgs = newJournal(), durable, []string{"from"}
				stage, browser := open(t, config)
				signIn(t, browser, "ada")
				browser.MoveTo(test.to)
				browser.Get("/whoami?from=elsewhere")
				ended := func() bool { return stage.Events.Last().Cause == session.CauseBroken }
				if durable {
					require.False(t, ended())
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					go func() { _ = stage.Deliver(ctx) }()
				}
				require.Eventually(t, ended, time.Minute, time.Millisecond)
				return stage.Events.Last().Context
			}
			event := told(false)
			want, err := json.Marshal(told(true))
			require.NoError(t, err)
			got, err := json.Marshal(event)
			require.NoError(t, err)
			assert.JSONEq(t, string(want), string(got))
			assert.Equal(t, map[string]string{"from": "elsewhere"}, event.HTTPRequest.Args)
		})
	}
}

// durable is a stage that keeps endings, and what was told of them.
type durable struct {
	*loginstage.UserLogin
	t     *testing.T
	store *journal
	log   *lines

	mu     sync.Mutex
	refuse func(ctx context.Context, e loginstage.Event) error // nil: nothing is refused
	told   []telling
	tried  int
}

// telling is an event of an ending, and when it was told.
type telling struct {
	loginstage.Event
	at time.Time
}

func newDurable(t *testing.T, refuse func(ctx context.Context, e loginstage.Event) error) *durable {
	d := &durable{t: t, store: newJournal(), log: &lines{}, refuse: refuse}
	var err error
	d.UserLogin, err = loginstage.New(loginstage.Config{
		Store: d.store, DurableEvents: true, Events: sink.Func(d.emit), Logger: slog.New(slog.NewTextHandler(d.log, nil)),
	})
	require.NoError(t, err)
	return d
}

func (d *durable) emit(ctx context.Context, e loginstage.Event) error {
	if e.Action != loginstage.ActionLogout {
		return nil
	}
	d.mu.Lock()
	d.tried++
	refuse := d.refuse
	d.mu.Unlock()
	if refuse != nil {
		if err := refuse(ctx, e); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, telling{e, time.Now()})
	return nil
}

func (d *durable) set(refuse func(ctx context.Context, e loginstage.Event) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = refuse
}

// of returns what was told of the user's endings.
func (d *durable) of(user string) []telling {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.told), func(e telling) bool { return e.User != user })
}

// signOut signs the user in, and out by a request for the target.
func (d *durable) signOut(user, target string) session.ID {
	w := httptest.NewRecorder()
	_, err := d.Begin(w, httptest.NewRequest("POST", "/", nil), loginstage.User{ID: user})
	require.NoError(d.t, err)
	listed, err := d.Sessions(d.t.Context(), user)
	require.NoError(d.t, err)
	r := httptest.NewRequest("POST", target, nil)
	r.AddCookie(w.Result().Cookies()[0])
	require.NoError(d.t, d.Logout(httptest.NewRecorder(), r))
	return listed[0].ID
}

// deliver runs Deliver n times until stop is called, which waits for them.
func (d *durable) deliver(n int) (stop func()) {
	ctx, cancel := context.WithCancel(d.t.Context())
	var running sync.WaitGroup
	for range n {
		running.Go(func() { assert.ErrorIs(d.t, d.Deliver(ctx), context.Canceled) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// What the sink makes of one user's endings holds back that user's alone.
func TestAnEndingThatIsRefusedHoldsBackThatUserAlone(t *testing.T) {
	for name, refuse := range map[string]func(ctx context.Context) error{
		"refused": func(context.Context) error { return errOut },
		"panics":  func(context.Context) error { panic("at the disco") },
		"slow": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"slow, and taken in the end": func(context.Context) error {
			time.Sleep(9 * time.Second)
			return nil
		},
	} {
		for _, deliverers := range []int{1, 3} {
			t.Run(fmt.Sprint(name, " ", deliverers), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDurable(t, func(ctx context.Context, e loginstage.Event) error {
						if e.User == "mallory" {
							return refuse(ctx)
						}
						return nil
					})
					stop := d.deliver(deliverers)
					began := map[string]time.Time{}
					var mallorys []session.ID
					for i := range 60 {
						mallorys = append(mallorys, d.signOut("mallory", "/logout?a=%00"))
						user := fmt.Sprint("user ", i)
						began[user] = time.Now()
						d.signOut(user, "/logout")
						time.Sleep(time.Second)
					}
					time.Sleep(5 * time.Second)
					for user, at := range began {
						told := d.of(user)
						if assert.Len(t, told, 1, user) {
							assert.LessOrEqual(t, told[0].at.Sub(at), 4*time.Second, user)
						}
					}
					assert.Zero(t, d.LostEvents())
					assert.LessOrEqual(t, len(d.log.containing("endings are waiting")), 7*deliverers)

					d.set(nil)
					time.Sleep(time.Minute)
					stop()
					var told []session.ID
					for _, e := range d.of("mallory") {
						told = append(told, e.Session)
					}
					assert.Equal(t, mallorys, told, "in order, and once")
					assert.Zero(t, d.store.undelivered())
				})
			})
		}
	}
}

// A sink that takes nothing at all is not tried without end, and all is told once it
// is back.
func TestASinkThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDurable(t, func(context.Context, loginstage.Event) error { return errOut })
		const users = 100
		for i := range users {
			d.signOut(fmt.Sprint("user ", i), "/logout")
		}
		stop := d.deliver(1)
		time.Sleep(10 * time.Minute)
		assert.LessOrEqual(t, d.tried, 10*60/30*users+6*users)
		assert.LessOrEqual(t, len(d.log.containing("endings are waiting")), 61)
		d.set(nil)
		time.Sleep(time.Minute)
		stop()
		for i := range users {
			assert.Len(t, d.of(fmt.Sprint("user ", i)), 1)
		}
	})
}

// dead is a store as a process leaves it that is killed while it delivers.
type dead struct{ *journal }

func (dead) Delivered(context.Context, ...session.ID) error              { return nil }
func (dead) Release(context.Context, time.Duration, ...session.ID) error { return nil }

func TestADelivererThatIsKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDurable(t, nil)
		for range 3 {
			d.signOut("ada", "/logout")
		}
		killed, err := loginstage.New(loginstage.Config{Store: dead{d.store}, DurableEvents: true})
		require.NoError(t, err)
		ctx, kill := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { assert.ErrorIs(t, killed.Deliver(ctx), context.Canceled) })
		time.Sleep(time.Millisecond)
		kill()
		running.Wait()
		began := time.Now()
		stop := d.deliver(1)
		time.Sleep(30 * time.Second)
		stop()
		told := d.of("ada")
		require.Len(t, told, 3)
		assert.LessOrEqual(t, told[2].at.Sub(began), 21*time.Second)
	})
}

// A sink that takes its time is told each ending once: no process goes on with what
// another one may have leased meanwhile.
func TestASlowSinkIsToldOnce(t *testing.T) {
	for _, delay := range []time.Duration{500 * time.Millisecond, 1900 * time.Millisecond, 5 * time.Second, 9900 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDurable(t, func(context.Context, loginstage.Event) error {
					time.Sleep(delay)
					return nil
				})
				const users, each = 20, 3
				want := map[string][]session.ID{}
				for i := range users * each {
					user := fmt.Sprint("user ", i%users)
					want[user] = append(want[user], d.signOut(user, "/logout"))
				}
				stop := d.deliver(2)
				time.Sleep(10 * time.Minute)
				stop()
				for user, ids := range want {
					var told []session.ID
					for _, e := range d.of(user) {
						told = append(told, e.Session)
					}
					assert.Equal(t, ids, told)
				}
				assert.Zero(t, d.store.undelivered())
			})
		})
	}
}

// A sink that takes no notice of its context is called for a few users, and no more.
func TestDeliverToASinkThatHangsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var inside, most atomic.Int64
		d := newDurable(t, func(context.Context, loginstage.Event) error {
			most.Store(max(most.Load(), inside.Add(1)))
			<-release
			inside.Add(-1)
			return nil
		})
		const users = 50
		for i := range users {
			d.signOut(fmt.Sprint("user ", i), "/logout")
		}
		stop := d.deliver(1)
		time.Sleep(10 * time.Minute)
		assert.EqualValues(t, 8, most.Load())
		close(release)
		time.Sleep(time.Minute)
		for i := range users {
			assert.NotEmpty(t, d.of(fmt.Sprint("user ", i)))
		}
		stop()
	})
}

// Deliver stops at once where the sink stops with its context, and leaves nothing
// leased.
func TestDeliverStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDurable(t, func(ctx context.Context, _ loginstage.Event) error {
			<-ctx.Done()
			return ctx.Err()
		})
		for i := range 5 {
			d.signOut(fmt.Sprint("user ", i), "/logout")
		}
		stop := d.deliver(1)
		time.Sleep(3 * time.Second)
		assert.Zero(t, timed(stop))
		d.set(nil)
		began := time.Now()
		stop = d.deliver(1)
		time.Sleep(time.Millisecond)
		stop()
		assert.LessOrEqual(t, time.Since(began), time.Second)
		assert.Zero(t, d.store.undelivered())
		assert.Empty(t, d.log.containing("endings are waiting"), "nothing failed")
	})
}

// What was not told in time is counted and logged.
func TestEndingsThatAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDurable(t, func(context.Context, loginstage.Event) error { return errOut })
		stop := d.deliver(1)
		for range 20 {
			d.signOut("ada", "/logout")
		}
		time.Sleep(25 * time.Hour)
		_, err := d.Sweep(t.Context())
		require.NoError(t, err)
		stop()
		assert.EqualValues(t, 20, d.LostEvents())
		given := d.log.containing("not delivered within KeepEndings")
		require.Len(t, given, 1)
		assert.Contains(t, given[0], "endings=20")
		_, err = d.Sweep(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 20, d.LostEvents())
	})
}

// A session that reaches a limit while nobody uses it is told once.
func TestExpiryOfAnUnusedSessionIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDurable(t, nil)
		w := httptest.NewRecorder()
		began := time.Now().UTC()
		_, err := d.Begin(w, httptest.NewRequest("POST", "/", nil), loginstage.User{ID: "ada"})
		require.NoError(t, err)
		stop := d.deliver(1)
		time.Sleep(26 * time.Hour)
		n, err := d.Sweep(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		_, err = d.Sweep(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Minute)
		stop()
		told := d.of("ada")
		require.Len(t, told, 1)
		assert.Equal(t, session.CauseIdle, told[0].Cause)
		assert.Equal(t, began.Add(24*time.Hour), told[0].Time)
		assert.Equal(t, "Session idle for too long", told[0].Context.LogoutReason)
	})
}

// A store that fails is not asked all the time, and its log is bounded.
func TestDeliverWhereTheStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDurable(t, nil)
		d.signOut("ada", "/logout")
		d.store.setFail(errOut)
		stop := d.deliver(1)
		time.Sleep(10 * time.Minute)
		assert.LessOrEqual(t, len(d.log.containing("endings are waiting")), 30)
		assert.NotEmpty(t, d.log.containing("endings are waiting"))
		d.store.setFail(nil)
		time.Sleep(time.Minute)
		stop()
		assert.Len(t, d.of("ada"), 1)
	})
}
