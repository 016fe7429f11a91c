package loginstage_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// steppingUp restricts a session that leaves the country.
var steppingUp = loginstage.Config{
	GeoIPBinding: binding.GeoIPCountry, Actions: binding.Always(binding.StepUp), StepUpURL: "/prove", LoginURL: "/login",
	SessionDuration: duration.MustParse("hours=12"),
}

func TestStepUpRestricts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := travel(t, steppingUp)
		require.Equal(t, passes, v.visit(bindingtest.Paris), "Guard passes it on")
		assert.Equal(t, "ada", v.current.User)
		assert.Equal(t, binding.GeoIPCountryChanged, v.current.Drift.Restricted)
		assert.Equal(t, binding.GeoIPCountryChanged, v.stored().Drift.Restricted)

		page := v.Get("/private?x=1")
		assert.Equal(t, http.StatusSeeOther, page.StatusCode)
		assert.Equal(t, "/prove?next="+url.QueryEscape("/private?x=1"), page.Header.Get("Location"))
		assert.Equal(t, "no-store", page.Header.Get("Cache-Control"))
		call := v.Call("GET", "/private", nil)
		assert.Equal(t, denied, call.StatusCode)
		assert.Equal(t, "application/problem+json", call.Header.Get("Content-Type"))
		assert.NotEmpty(t, call.Header.Get("WWW-Authenticate"))
		var problem loginstage.Problem
		require.NoError(t, json.Unmarshal([]byte(call.Text), &problem))
		assert.Equal(t, loginstage.ProblemStepUp, problem.Type)
		assert.Equal(t, http.StatusUnauthorized, problem.Status)
		assert.Empty(t, problem.Cause)
		assert.Empty(t, call.Cookies(), "the session is not over")

		require.Equal(t, passes, v.visit(bindingtest.London))
		require.Equal(t, passes, v.visit(bindingtest.Berlin))
		assert.Equal(t, denied, v.Call("GET", "/private", nil).StatusCode, "the way back lifts nothing")
		events := v.told(loginstage.ActionStepUp)
		require.Len(t, events, 1, "told once")
		assert.Equal(t, session.CauseBroken, events[0].Cause)
		assert.Equal(t, bindingtest.Paris, events[0].ClientIP)
		assert.Equal(t, binding.GeoIPCountryChanged, events[0].Context.Binding.Reason)
		assert.Empty(t, v.told(loginstage.ActionLogout))
	})
}

func TestStepUpWithoutAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := steppingUp
		config.StepUpURL = ""
		v := travel(t, config)
		v.visit(bindingtest.Paris)
		assert.Equal(t, denied, v.Get("/private").StatusCode)
	})
}

func TestConfirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := steppingUp
		config.Store = memstore.New()
		v := travel(t, config)
		before, token := v.stored(), v.Cookie(session.DefaultCookieName)
		thief := v.Clone()

		time.Sleep(time.Hour)
		require.Equal(t, passes, v.visit(bindingtest.Paris))
		response := v.PostForm("/confirm", nil)
		require.NoError(t, v.confirm)
		after := v.stored()
		assert.NotEqual(t, token, v.Cookie(session.DefaultCookieName))
		assert.NotEqual(t, before.ID, after.ID)
		assert.Equal(t, bindingtest.Paris, after.Anchor.IP)
		assert.Equal(t, "FR", after.Anchor.Geo.Country.ISOCode)
		assert.True(t, after.Drift.IsZero())
		assert.Equal(t, before.Created, after.Created)
		assert.Equal(t, time.Now().UTC().Add(12*time.Hour), after.Expires, "the limits start again")
		assert.Equal(t, before.Policy, after.Policy)
		assert.Equal(t, time.Now().UTC(), after.LastSeen)
		for _, cookie := range response.Cookies() {
			if cookie.Name == session.DefaultCookieName {
				assert.Equal(t, 12*60*60, cookie.MaxAge)
			}
		}
		require.Equal(t, passes, v.Call("GET", "/private", nil).StatusCode)
		assert.Equal(t, anonymous, thief.Call("GET", "/open", nil).StatusCode, "the token before is dead")

		events := v.told(loginstage.ActionConfirm)
		require.Len(t, events, 1)
		assert.Equal(t, loginstage.CauseConfirmed, events[0].Cause)
		assert.Equal(t, after.ID, events[0].Session)
		assert.Equal(t, bindingtest.Paris, events[0].ClientIP)
		assert.Empty(t, v.told(loginstage.ActionLogout), "nobody was signed out")
		endings := v.told(loginstage.ActionRenew)
		require.Len(t, endings, 1)
		assert.Equal(t, session.CauseRenewed, endings[0].Cause)
		assert.Equal(t, before.ID, endings[0].Session)

		require.Equal(t, passes, v.visit(bindingtest.Berlin))
		assert.Equal(t, binding.GeoIPCountryChanged, v.stored().Drift.Restricted, "bound to where it was confirmed")

		time.Sleep(12*time.Hour - time.Nanosecond)
		require.Equal(t, passes, v.visit(bindingtest.Paris))
		time.Sleep(time.Nanosecond)
		require.Equal(t, anonymous, v.visit(bindingtest.Paris))
	})
}

func TestAFreshSignInLiftsTheRestriction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := travel(t, steppingUp)
		require.Equal(t, passes, v.visit(bindingtest.Paris))
		require.Equal(t, denied, v.Call("GET", "/private", nil).StatusCode)
		v.signIn()
		assert.Equal(t, passes, v.Call("GET", "/private", nil).StatusCode)
		assert.Empty(t, v.stored().Drift.Restricted)
		assert.Equal(t, bindingtest.Paris, v.stored().Anchor.IP)
		assert.Equal(t, passes, v.visit(bindingtest.Paris))
		require.Equal(t, passes, v.visit(bindingtest.Berlin))
		assert.Equal(t, denied, v.Call("GET", "/private", nil).StatusCode, "bound to where it was made")
	})
}

func TestConfirmUntilTheBrowserCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := steppingUp
		config.SessionDuration = 0
		v := travel(t, config)
		before := v.stored()
		v.visit(bindingtest.Paris)
		response := v.PostForm("/confirm", nil)
		require.NoError(t, v.confirm)
		require.Equal(t, before.Expires, v.stored().Expires)
		require.Len(t, response.Cookies(), 1)
		assert.Zero(t, response.Cookies()[0].MaxAge)
	})
}

func TestConfirmWhoIsNotSignedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTraveller(t, loginstagetest.New(t, steppingUp))
		v.PostForm("/confirm", nil)
		require.ErrorIs(t, v.confirm, session.ErrNotFound)

		config := steppingUp
		config.StaySignedInOffset = asking.StaySignedInOffset
		waiting := newTraveller(t, loginstagetest.New(t, config))
		waiting.PostForm("/begin", nil)
		waiting.PostForm("/confirm", nil)
		require.ErrorIs(t, waiting.confirm, session.ErrNotFound, "who has yet to answer is not signed in")

		v.signIn()
		_, err := v.stage.RevokeUser(t.Context(), "ada", "admin")
		require.NoError(t, err)
		v.PostForm("/confirm", nil)
		_, ended := errors.AsType[*session.EndedError](v.confirm)
		require.True(t, ended)
		all, err := v.stage.Sessions(t.Context(), "ada")
		require.NoError(t, err)
		assert.Empty(t, all)
	})
}

// revokesAfterGet ends each session, once it is armed, just after it was got.
type revokesAfterGet struct {
	session.Store
	armed atomic.Bool
}

func (s *revokesAfterGet) Get(ctx context.Context, id session.ID) (session.Session, error) {
	got, err := s.Store.Get(ctx, id)
	if s.armed.Load() && err == nil {
		now := time.Now().UTC()
		_, err := s.Store.End(ctx, id, session.Ending{Cause: session.CauseRevoked, Time: now, Keep: now.Add(time.Hour)})
		return got, err
	}
	return got, err
}

func TestConfirmBringsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config, store := steppingUp, &revokesAfterGet{Store: memstore.New()}
		config.Store = store
		v := travel(t, config)
		store.armed.Store(true)
		response := v.PostForm("/confirm", nil)
		_, ended := errors.AsType[*session.EndedError](v.confirm)
		require.True(t, ended, "%v", v.confirm)
		assert.Empty(t, response.Cookies())
		all, err := v.stage.Sessions(t.Context(), "ada")
		require.NoError(t, err)
		assert.Empty(t, all)
		assert.Empty(t, v.told(loginstage.ActionConfirm))
	})
}

// Of a confirmation and a revocation at once one comes about, and of many
// confirmations one.
func TestConfirmAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 {
			stage := loginstagetest.New(t, steppingUp)
			signedIn := httptest.NewRecorder()
			_, err := stage.Begin(signedIn, httptest.NewRequest("POST", "/", nil), loginstage.User{ID: "ada"})
			require.NoError(t, err)
			token := signedIn.Result().Cookies()[0]
			all, err := stage.Sessions(t.Context(), "ada")
			require.NoError(t, err)
			require.Len(t, all, 1)

			var confirmed, revoked atomic.Int32
			var at sync.WaitGroup
			for range 4 {
				at.Go(func() {
					r := httptest.NewRequest("POST", "/", nil)
					r.AddCookie(token)
					if stage.Confirm(httptest.NewRecorder(), r, loginstage.User{ID: "ada"}) == nil {
						confirmed.Add(1)
					}
				})
			}
			at.Go(func() {
				if stage.Revoke(t.Context(), "ada", all[0].ID, "admin") == nil {
					revoked.Add(1)
				}
			})
			at.Wait()
			assert.LessOrEqual(t, confirmed.Load(), int32(1))
			assert.Positive(t, confirmed.Load()+revoked.Load())
			left, err := stage.Sessions(t.Context(), "ada")
			require.NoError(t, err)
			if revoked.Load() == 1 {
				assert.Empty(t, left, "a revocation that came after a confirmation ends what the session goes on as")
			} else {
				assert.Len(t, left, int(confirmed.Load()))
			}
			assert.Len(t, stage.Events.Of(loginstage.ActionLogout), int(revoked.Load()))
			assert.Len(t, stage.Events.Of(loginstage.ActionRenew), int(confirmed.Load()))
		}
	})
}

// A session that is bound is not confirmed to nowhere, whatever those are that
// are made now.
func TestConfirmNeedsThePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := steppingUp
		config.Store = memstore.New()
		v := travel(t, config)
		before := v.stored()
		now := newTraveller(t, loginstagetest.New(t, loginstage.Config{Store: config.Store, Locator: bindingtest.Failing{}}))
		now.SetCookie(&http.Cookie{Name: session.DefaultCookieName, Value: v.Cookie(session.DefaultCookieName), Path: "/", Secure: true})
		now.MoveTo(bindingtest.Paris)
		now.PostForm("/confirm", nil)
		require.ErrorIs(t, now.confirm, bindingtest.ErrUnavailable)
		assert.Equal(t, before, v.stored())
	})
}

// Who moves while being asked is treated as who moves later.
func TestFinishFromElsewhereIsNoWayAround(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := steppingUp
		config.StaySignedInOffset = duration.MustParse("weeks=2")
		v := newTraveller(t, loginstagetest.New(t, config))
		v.signIn()
		v.MoveTo(bindingtest.Paris)
		require.Equal(t, passes, v.PostForm("/finish", nil).StatusCode)
		assert.Equal(t, binding.GeoIPCountryChanged, v.stored().Drift.Restricted)
		assert.Equal(t, denied, v.Call("GET", "/private", nil).StatusCode)
		require.Len(t, v.told(loginstage.ActionStepUp), 1)
		assert.Equal(t, v.stored().ID, v.told(loginstage.ActionStepUp)[0].Session)

		config.Actions = binding.Always(binding.Report)
		v = newTraveller(t, loginstagetest.New(t, config))
		v.signIn()
		v.MoveTo(bindingtest.Paris)
		require.Equal(t, passes, v.PostForm("/finish", nil).StatusCode)
		require.Len(t, v.told(loginstage.ActionReport), 1)
		assert.Empty(t, v.stored().Drift.Restricted)
		assert.Equal(t, bindingtest.Berlin, v.stored().Anchor.IP, "bound to where the user was proved")
		assert.Equal(t, passes, v.Call("GET", "/private", nil).StatusCode)
		require.Equal(t, passes, v.visit(bindingtest.Berlin))
		require.Equal(t, passes, v.visit(bindingtest.Paris))
		assert.Len(t, v.told(loginstage.ActionReport), 1, "told once")
	})
}
