package loginstage_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// directory is where a host keeps its accounts.
type directory struct {
	asked    atomic.Int32
	disabled sync.Map
	answer   atomic.Pointer[func(ctx context.Context) (bool, error)] // nil: by disabled
}

func (d *directory) account(ctx context.Context, user string) (bool, error) {
	d.asked.Add(1)
	if answer := d.answer.Load(); answer != nil {
		return (*answer)(ctx)
	}
	_, disabled := d.disabled.Load(user)
	return !disabled, nil
}

func (d *directory) set(answer func(ctx context.Context) (bool, error)) { d.answer.Store(&answer) }

func TestAccountIsAskedAtABoundedAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d directory
		h := newHost(t, loginstage.Config{Account: d.account, RememberDevice: duration.MustParse("days=30")})
		h.signIn(loginstage.User{ID: "ada"})
		h.signIn(loginstage.User{ID: "ada"})
		assert.EqualValues(t, 2, d.asked.Load(), "at each sign-in")
		other := hostOf(t, h.stage)
		s := other.signIn(loginstage.User{ID: "ada"})
		before := d.asked.Load()
		time.Sleep(30*time.Second - time.Nanosecond)
		require.Equal(t, passes, h.status("/private"))
		assert.Equal(t, before, d.asked.Load(), "an answer holds for half a minute")

		d.disabled.Store("ada", true)
		require.Equal(t, passes, h.status("/private"))
		time.Sleep(time.Nanosecond)
		assert.Equal(t, denied, h.status("/private"))
		assert.Empty(t, h.sessions("ada"))
		for _, event := range h.stage.Events.Of(loginstage.ActionLogout)[1:] { // the first was replaced
			assert.Equal(t, session.CauseAccountDisabled, event.Cause)
			assert.Equal(t, "Account disabled", event.Context.LogoutReason)
		}
		assert.Len(t, h.stage.Events.Of(loginstage.ActionLogout), 3, "each session ends once")
		assert.NotEmpty(t, h.stage.Events.Of(loginstage.ActionDeviceForgotten))
		assert.Equal(t, denied, other.status("/private"))
		assert.NotContains(t, h.sessions("ada"), s)

		var deniedErr *loginstage.DeniedError
		require.ErrorAs(t, h.do("/begin"), &deniedErr)
		assert.Equal(t, loginstage.CauseInactiveUser, deniedErr.Cause)
		d.disabled.Delete("ada")
		require.NoError(t, h.do("/begin"), "asked at once")
		assert.Equal(t, passes, h.status("/private"), "and what was known is replaced")
	})
}

// The account is asked for again before the prompt is answered, and when the user is
// proved again.
func TestAccountIsAskedAtEachStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d directory
		h := newHost(t, loginstage.Config{Account: d.account, StaySignedInOffset: duration.MustParse("days=30")})
		h.signIn(loginstage.User{ID: "ada"})
		d.disabled.Store("ada", true)
		require.Error(t, h.do("/finish"))
		assert.Empty(t, h.sessions("ada"))
		d.disabled.Delete("ada")
		h.signIn(loginstage.User{ID: "ada"})
		require.NoError(t, h.do("/finish"))
		d.disabled.Store("ada", true)
		require.Error(t, h.do("/again"))
	})
}

// A host that does not know is no reason to take a user for nobody, and none to let a
// disabled one stay for ever.
func TestAccountThatFails(t *testing.T) {
	for name, answer := range map[string]func(context.Context) (bool, error){
		"fails":             func(context.Context) (bool, error) { return true, errors.New("the directory is down") },
		"hangs":             func(ctx context.Context) (bool, error) { <-ctx.Done(); return true, ctx.Err() },
		"hangs for a while": func(context.Context) (bool, error) { time.Sleep(10 * time.Second); return true, nil },
		"panics":            func(context.Context) (bool, error) { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d directory
				h := newHost(t, loginstage.Config{Account: d.account, AccountStale: duration.MustParse("minutes=1")})
				h.signIn(loginstage.User{ID: "ada"})
				d.set(answer)
				time.Sleep(30 * time.Second)
				assert.Equal(t, passes, h.status("/private"), "the last answer holds for a minute")
				time.Sleep(2 * time.Minute)
				begin := time.Now()
				assert.Equal(t, http.StatusServiceUnavailable, h.status("/private"))
				assert.LessOrEqual(t, time.Since(begin), 3*time.Second, "StoreTimeout")
				assert.Len(t, h.sessions("ada"), 1, "the session stays")
				require.Error(t, h.do("/begin"), "nobody signs in")

				time.Sleep(20 * time.Second)
				d.set(func(context.Context) (bool, error) { return true, nil })
				assert.Equal(t, passes, h.status("/private"))
			})
		})
	}
}

// Of many requests one asks, and a host that hangs is asked once.
func TestAccountIsAskedOnceForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d directory
		h := newHost(t, loginstage.Config{Account: d.account})
		h.signIn(loginstage.User{ID: "ada"})
		time.Sleep(time.Minute)
		before := d.asked.Load()
		d.set(func(context.Context) (bool, error) { time.Sleep(2 * time.Second); return true, nil })
		var running sync.WaitGroup
		for range 50 {
			running.Go(func() { assert.Equal(t, passes, h.Clone().Call("GET", "/private", nil).StatusCode) })
		}
		running.Wait()
		assert.EqualValues(t, 1, d.asked.Load()-before)

		time.Sleep(time.Minute)
		before = d.asked.Load()
		d.set(func(context.Context) (bool, error) { time.Sleep(time.Minute); return true, nil })
		for range 5 {
			assert.Equal(t, http.StatusServiceUnavailable, h.status("/private"))
		}
		assert.EqualValues(t, 1, d.asked.Load()-before, "while one answer is late nobody asks again")
		time.Sleep(time.Minute)
	})
}

// The session of somebody who acts as a user ends with their own account.
func TestAccountOfWhoActsAsAUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d directory
		h := newHost(t, loginstage.Config{Account: d.account})
		own := h.signIn(loginstage.User{ID: "ada"})
		root := hostOf(t, h.stage)
		root.signIn(loginstage.User{ID: "ada", Actor: "root"})
		d.disabled.Store("root", true)
		time.Sleep(time.Minute)
		assert.Equal(t, denied, root.status("/private"))
		assert.Equal(t, passes, h.status("/private"))
		require.Len(t, h.sessions("ada"), 1)
		assert.Equal(t, own.ID, h.sessions("ada")[0].ID)
	})
}

// What a process remembers of accounts is bounded.
func TestAccountsAreForgotten(t *testing.T) {
	var d directory
	h := newHost(t, loginstage.Config{Account: d.account})
	for i := range 3 * 8192 {
		known, err := h.stage.AccountActive(t.Context(), fmt.Sprint(i))
		require.NoError(t, err)
		require.True(t, known)
	}
	assert.LessOrEqual(t, h.stage.AccountsKnown(), 2*8192)
}
