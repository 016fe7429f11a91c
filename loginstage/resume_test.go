package loginstage_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	"github.com/mooring-go/mooring/session/sessiontest"
)

// resumable is AAL2, with a page on which one factor is proved.
var resumable = loginstage.Config{
	Assurance: loginstage.ACRAAL2, SessionDuration: duration.MustParse("hours=12"),
	IdleTimeout: duration.MustParse("hours=1"), IdleResume: duration.MustParse("hours=2"),
	StepUpURL: "/again", LoginURL: "/login",
}

func TestIdleResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, resumable)
		before := h.signIn(loginstage.User{ID: "ada", AMR: []string{"pwd", "otp"}, ACR: loginstage.ACRAAL2, Value: "kept"})
		require.ErrorIs(t, h.do("/resume"), loginstage.ErrNotIdle)
		thief := h.Clone()

		time.Sleep(time.Hour - 1)
		require.Equal(t, passes, h.status("/private"), "at the limit but a nanosecond")
		time.Sleep(time.Hour)
		assert.Empty(t, h.stage.Events.Of(loginstage.ActionStepUp), "nobody has come yet")
		listed := h.sessions("ada")
		require.Len(t, listed, 1)
		assert.Equal(t, session.RestrictedIdle, listed[0].Drift.Restricted, "it is listed as what it is")
		assert.Equal(t, denied, h.status("/private"), "at the limit")
		assert.Equal(t, passes, h.status("/enrol"), "behind AllowRestricted it passes")

		page := h.Get("/private?x=1")
		assert.Equal(t, http.StatusSeeOther, page.StatusCode)
		assert.Equal(t, "/again?next="+url.QueryEscape("/private?x=1"), page.Header.Get("Location"))
		var problem loginstage.Problem
		require.NoError(t, json.Unmarshal([]byte(h.Call("GET", "/private", nil).Text), &problem))
		assert.Equal(t, loginstage.ProblemStepUp, problem.Type)
		assert.Equal(t, session.CauseIdle, problem.Cause)
		events := h.stage.Events.Of(loginstage.ActionStepUp)
		require.Len(t, events, 1, "told once")
		assert.Equal(t, session.CauseIdle, events[0].Cause)
		assert.Equal(t, before.ID, events[0].Session)
		assert.Equal(t, "ada", events[0].User)

		h.user = loginstage.User{ID: "eve"}
		var other *loginstage.DeniedError
		require.ErrorAs(t, h.do("/resume"), &other, "another user is no proof")
		assert.Equal(t, denied, h.status("/private"))

		time.Sleep(2*time.Hour - 1)
		h.user = loginstage.User{ID: "ada", AMR: []string{"pwd"}, ACR: loginstage.ACRAAL1}
		require.NoError(t, h.do("/resume"), "a nanosecond before it is over")
		after := h.started
		assert.Equal(t, passes, h.status("/private"))
		assert.NotEqual(t, before.ID, after.ID)
		assert.Equal(t, before.ID, after.Lineage)
		assert.Equal(t, before.Expires, after.Expires, "one factor does not put the absolute limit off")
		assert.Equal(t, before.AuthTime, after.AuthTime)
		assert.Equal(t, before.AMR, after.AMR)
		assert.Equal(t, before.ACR, after.ACR)
		assert.Equal(t, before.Value, after.Value)
		assert.Equal(t, before.Anchor, after.Anchor)
		assert.Equal(t, time.Now().UTC(), after.LastSeen)
		assert.Equal(t, denied, h.status("/fresh"), "nor is it a fresh proof")
		assert.Equal(t, []session.Session{after}, h.sessions("ada"), "one session in the list")
		assert.Equal(t, denied, thief.Call("GET", "/private", nil).StatusCode, "the token before is dead")
		assert.Len(t, h.stage.Events.Of(loginstage.ActionResume), 1)
		assert.Empty(t, h.stage.Events.Of(loginstage.ActionLogout))
		assert.Empty(t, h.stage.Events.Of(loginstage.ActionConfirm))
	})
}

// All limits hold to the nanosecond, and what is not used is over whoever comes back.
func TestIdleResumeEnds(t *testing.T) {
	for name, test := range map[string]struct {
		wait  time.Duration
		cause session.Cause
	}{
		"with the resume":          {3 * time.Hour, session.CauseIdle},
		"after the resume":         {3*time.Hour + 1, session.CauseIdle},
		"at the absolute limit":    {12 * time.Hour, session.CauseExpired},
		"after the absolute limit": {12*time.Hour + 1, session.CauseExpired},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, resumable)
				h.signIn(loginstage.User{ID: "ada"})
				h.SetCookie(&http.Cookie{Name: cookie, Value: h.Cookie(cookie), Path: "/", Secure: true}) // it keeps it for longer
				time.Sleep(test.wait)
				assert.Empty(t, h.sessions("ada"))
				var ended *session.EndedError
				require.ErrorAs(t, h.do("/resume"), &ended)
				assert.Equal(t, test.cause, ended.Ending.Cause)
				assert.Equal(t, denied, h.status("/private"))
				assert.Equal(t, []session.Cause{test.cause}, causes(h.stage, loginstage.ActionLogout))
			})
		})
	}
	t.Run("the absolute limit is nearer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			config := resumable
			config.SessionDuration = duration.MustParse("minutes=90")
			h := newHost(t, config)
			h.signIn(loginstage.User{ID: "ada"})
			time.Sleep(90*time.Minute - 1)
			require.NoError(t, h.do("/resume"))
			require.Equal(t, passes, h.status("/private"))
			time.Sleep(1)
			assert.Equal(t, denied, h.status("/private"))
			assert.Equal(t, []session.Cause{session.CauseExpired}, causes(h.stage, loginstage.ActionLogout))
		})
	})
}

// What an idle session is used for does not keep it: pages behind AllowRestricted, asking
// when it ends, a stream.
func TestAnIdleSessionIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := resumable
		config.GeoIPBinding, config.Actions = binding.GeoIPCountry, binding.Always(binding.Report)
		config.Tolerance.MaxMoves = 5
		h := newHost(t, config)
		h.signIn(loginstage.User{ID: "ada"})
		seen := h.sessions("ada")[0].LastSeen
		time.Sleep(time.Hour)
		for i := range 120 {
			h.MoveTo([]binding.Location{{IP: bindingtest.Paris}, {IP: bindingtest.Berlin}, {IP: bindingtest.London}}[i%3].IP)
			require.Equal(t, passes, h.status("/enrol"))
			time.Sleep(time.Minute - 1)
		}
		left := h.sessions("ada")
		require.Len(t, left, 1)
		assert.Equal(t, seen, left[0].LastSeen)
		time.Sleep(120)
		assert.Equal(t, denied, h.status("/enrol"))
		assert.Equal(t, []session.Cause{session.CauseIdle}, causes(h.stage, loginstage.ActionLogout))
	})
}

// A process whose clock is behind does not know that the session is idle. Once one has
// seen it, none admits it, and what was in flight lifts nothing.
func TestAnIdleSessionStaysIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := resumable
		config.Store = memstore.New()
		h := newHost(t, config)
		s := h.signIn(loginstage.User{ID: "ada"})
		time.Sleep(time.Hour)
		require.Equal(t, denied, h.status("/private"))
		// By a clock that is 30 minutes behind.
		require.NoError(t, config.Store.Touch(t.Context(), s.ID, session.Seen{Time: time.Now().Add(-30 * time.Minute), IP: s.IP}))
		assert.Equal(t, denied, h.status("/private"))
		stored, err := config.Store.Get(t.Context(), s.ID)
		require.NoError(t, err)
		assert.Equal(t, session.RestrictedIdle, stored.Drift.Restricted)

		other := hostOf(t, loginstagetest.New(t, loginstage.Config{Store: config.Store, SessionDuration: config.SessionDuration}))
		other.SetCookie(&http.Cookie{Name: cookie, Value: h.Cookie(cookie), Path: "/", Secure: true})
		assert.Equal(t, denied, other.status("/private"), "nor does a process with other settings")
	})
}

// A broken binding is what a session is restricted for, or ends for, though it is idle.
func TestAnIdleSessionIsBound(t *testing.T) {
	for action, resumes := range map[binding.Action]error{binding.StepUp: loginstage.ErrNotIdle, binding.End: session.ErrNotFound} {
		t.Run(action.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := resumable
				config.GeoIPBinding, config.Actions = binding.GeoIPCountry, binding.Always(action)
				h := newHost(t, config)
				h.signIn(loginstage.User{ID: "ada"})
				time.Sleep(time.Hour)
				require.Equal(t, denied, h.status("/private"))
				h.MoveTo(bindingtest.Paris)
				h.status("/enrol")
				err := h.do("/resume")
				if ended, ok := errors.AsType[*session.EndedError](err); ok {
					assert.Equal(t, session.CauseBroken, ended.Ending.Cause)
					assert.Equal(t, binding.End, action)
					return
				}
				require.ErrorIs(t, err, resumes)
				assert.Equal(t, []session.Cause{session.CauseIdle, session.CauseBroken}, causes(h.stage, loginstage.ActionStepUp))
				require.NoError(t, h.do("/again"), "all factors do")
				assert.Equal(t, passes, h.status("/private"))
			})
		})
	}
	t.Run("resumed elsewhere", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			config := resumable
			config.GeoIPBinding = binding.GeoIPCountry
			h := newHost(t, config)
			h.signIn(loginstage.User{ID: "ada"})
			time.Sleep(time.Hour)
			h.MoveTo(bindingtest.Paris)
			require.NoError(t, h.do("/resume"), "outside of a guard")
			assert.Equal(t, denied, h.status("/private"), "the binding is that of the sign-in")
			assert.Equal(t, []session.Cause{session.CauseBroken}, causes(h.stage, loginstage.ActionLogout))
		})
	})
}

func TestReauthenticateLiftsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, resumable)
		before := h.signIn(loginstage.User{ID: "ada"})
		time.Sleep(2 * time.Hour)
		require.NoError(t, h.do("/again"))
		assert.Equal(t, before.ID, h.started.Lineage)
		assert.Equal(t, time.Now().UTC().Add(12*time.Hour), h.started.Expires)
		assert.Equal(t, passes, h.status("/private"))
		time.Sleep(time.Hour)
		assert.Equal(t, denied, h.status("/private"))
		require.NoError(t, h.do("/resume"), "it can be resumed again")
	})
}

func TestAnIdleSessionIsEndedAsAnyOther(t *testing.T) {
	for name, end := range map[string]func(*host, session.Session) error{
		"revoke": func(h *host, s session.Session) error { return h.stage.Revoke(h.t.Context(), "ada", s.ID, "ada") },
		"others": func(h *host, _ session.Session) error {
			_, err := h.stage.RevokeOthers(h.t.Context(), "ada", session.ID{}, "ada")
			return err
		},
		"credentials": func(h *host, _ session.Session) error {
			_, err := h.stage.CredentialsChanged(h.t.Context(), "ada", "password", session.ID{}, "ada")
			return err
		},
		"logout": func(h *host, _ session.Session) error { return h.do("/logout") },
		"begin":  func(h *host, _ session.Session) error { return h.do("/begin") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, resumable)
				s := h.signIn(loginstage.User{ID: "ada"})
				thief := hostOf(t, h.stage)
				thief.SetCookie(&http.Cookie{Name: cookie, Value: h.Cookie(cookie), Path: "/", Secure: true})
				time.Sleep(90 * time.Minute)
				require.NoError(t, end(h, s))
				var ended *session.EndedError
				require.ErrorAs(t, thief.do("/resume"), &ended)
				assert.Len(t, h.stage.Events.Of(loginstage.ActionLogout), 1)
			})
		})
	}
}

// An ending beside a resumption leaves no session, or comes too late for it; and of two
// resumptions one wins.
func TestResumeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 50 {
			h := newHost(t, resumable)
			s := h.signIn(loginstage.User{ID: "ada"})
			time.Sleep(time.Hour)
			resume := func() error {
				r := httptest.NewRequest("POST", "/resume", nil)
				r.AddCookie(&http.Cookie{Name: cookie, Value: h.Cookie(cookie)})
				_, err := h.stage.Resume(httptest.NewRecorder(), r, loginstage.User{ID: "ada"})
				return err
			}
			errs := atOnce(3, func(i int) error {
				if i == 0 {
					return h.stage.Revoke(context.WithoutCancel(t.Context()), "ada", s.ID, "ada")
				}
				return resume()
			})
			require.NoError(t, errs[0], "a renewal beside it is ended too")
			require.Empty(t, h.sessions("ada"))
			require.False(t, errs[1] == nil && errs[2] == nil, "one token is used once")
		}
	})
}

func TestNobodyResumesForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := resumable
		config.IdleTimeout = duration.MustParse("minutes=30")
		h := newHost(t, config)
		s := h.signIn(loginstage.User{ID: "ada", Actor: "root"})
		assert.Zero(t, s.Resume)
		time.Sleep(30 * time.Minute)
		var ended *session.EndedError
		require.ErrorAs(t, h.do("/resume"), &ended)
	})
}

func TestIdleWithoutAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := resumable
		config.StepUpURL = ""
		h := newHost(t, config)
		h.signIn(loginstage.User{ID: "ada"})
		time.Sleep(time.Hour)
		assert.Equal(t, "/login?next=%2Fprivate", h.Get("/private").Header.Get("Location"))
	})
}

func TestLiveEndsAtTheIdleLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, resumable)
		watching(t, stage.UserLogin)
		token := signedInAs(t, stage, "ada")
		quiet := liveIn(t, stage, token, stage.Live, t.Context())
		time.Sleep(time.Hour - 1)
		lives(t, quiet)
		time.Sleep(time.Millisecond)
		assert.Equal(t, session.RestrictedIdle, over(t, quiet).Restricted)
		assert.Equal(t, session.RestrictedIdle, over(t, liveIn(t, stage, token, stage.LiveInUse, t.Context())).Restricted,
			"nor does one keep it that begins on the page that resumes it")
	})
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, resumable)
		watching(t, stage.UserLogin)
		used := liveIn(t, stage, signedInAs(t, stage, "ada"), stage.LiveInUse, t.Context())
		time.Sleep(3 * time.Hour)
		lives(t, used)
	})
}

func TestExpiryOfAnIdleSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := resumable
		config.TellExpiry = true
		browser, ask := expiring(t, config)
		browser.PostForm("/begin", nil)
		assert.Equal(t, loginstage.Expiry{SignedIn: true, Seconds: 3600, Renewed: true}, ask())
		assert.Equal(t, "3600", browser.Call("GET", "/private", nil).Header.Get("Mooring-Session-Ends"))
		time.Sleep(time.Hour)
		assert.Equal(t, loginstage.Expiry{Resume: 7200}, ask())
		time.Sleep(2*time.Hour - time.Second)
		assert.Equal(t, loginstage.Expiry{Resume: 1}, ask())
		time.Sleep(time.Second)
		assert.Equal(t, loginstage.Expiry{}, ask())
	})
}

// What nobody comes back for is told by Sweep, once it cannot be resumed any more.
func TestAnIdleSessionIsSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := resumable
		config.Store, config.DurableEvents = sessiontest.NewJournal(), true
		h := newHost(t, config)
		h.signIn(loginstage.User{ID: "ada"})
		time.Sleep(3*time.Hour - 1)
		swept, err := h.stage.Sweep(t.Context())
		require.NoError(t, err)
		require.Zero(t, swept)
		time.Sleep(1)
		swept, err = h.stage.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, swept)
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		require.ErrorIs(t, h.stage.Deliver(ctx), context.DeadlineExceeded)
		assert.Equal(t, []session.Cause{session.CauseIdle}, causes(h.stage, loginstage.ActionLogout))
	})
}

// A store that cannot take the restriction leaves nobody admitted.
func TestAnIdleSessionWhereTheStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := resumable
		store := loginstagetest.NewStore(nil)
		config.Store = store
		h := newHost(t, config)
		h.signIn(loginstage.User{ID: "ada"})
		time.Sleep(time.Hour)
		store.FailStep(loginstagetest.Touch, errOut)
		assert.Equal(t, http.StatusServiceUnavailable, h.status("/private"))
		store.Repair()
		assert.Equal(t, denied, h.status("/private"))
	})
}

func TestIdleResumeIsConfigured(t *testing.T) {
	for name, config := range map[string]loginstage.Config{
		"without an idle limit": {IdleResume: duration.MustParse("hours=1")},
		"at AAL1 without one":   {IdleResume: duration.MustParse("hours=1"), Assurance: loginstage.ACRAAL1},
		"at AAL3":               {IdleResume: duration.MustParse("minutes=1"), Assurance: loginstage.ACRAAL3, IdleTimeout: duration.MustParse("minutes=5")},
		"negative":              {IdleResume: -1, IdleTimeout: duration.MustParse("minutes=5")},
		"too long":              {IdleResume: duration.MustParse("days=401"), IdleTimeout: duration.MustParse("minutes=5")},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loginstage.New(config)
			var mistake *loginstage.ConfigError
			require.ErrorAs(t, err, &mistake)
			assert.Equal(t, "IdleResume", mistake.Field)
		})
	}
	_, err := loginstage.New(loginstage.Config{IdleResume: duration.MustParse("hours=1"), Assurance: loginstage.ACRAAL2})
	require.NoError(t, err, "the level has an idle limit")
}
