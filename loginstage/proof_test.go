package loginstage_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// A host proves users and says how: what its handlers did last.
type host struct {
	*loginstagetest.Browser
	t     *testing.T
	stage *loginstagetest.Stage

	user    loginstage.User // who proves who they are
	action  string          // what is completed
	started session.Session // what the latest step returned
	err     error
}

// newHost returns a host of the stage, with a browser in Berlin that is not signed in.
func newHost(t *testing.T, config loginstage.Config) *host {
	t.Helper()
	return hostOf(t, loginstagetest.New(t, config))
}

func hostOf(t *testing.T, stage *loginstagetest.Stage) *host {
	h := &host{t: t, stage: stage, user: loginstage.User{ID: "ada"}}
	mux := http.NewServeMux()
	step := func(path string, do func(w http.ResponseWriter, r *http.Request) error) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			if h.err = do(w, r); h.err != nil {
				w.WriteHeader(http.StatusForbidden)
			}
		})
	}
	step("/begin", func(w http.ResponseWriter, r *http.Request) (err error) {
		h.started, _, err = stage.SignIn(w, r, h.user)
		return err
	})
	step("/finish", func(w http.ResponseWriter, r *http.Request) (err error) {
		h.started, err = stage.FinishSignIn(w, r, loginstage.Answer{StaySignedIn: true})
		return err
	})
	step("/again", func(w http.ResponseWriter, r *http.Request) (err error) {
		h.started, err = stage.Reauthenticate(w, r, h.user)
		return err
	})
	step("/resume", func(w http.ResponseWriter, r *http.Request) (err error) {
		h.started, err = stage.Resume(w, r, h.user)
		return err
	})
	step("/complete", func(w http.ResponseWriter, r *http.Request) error { return stage.Complete(w, r, h.action) })
	step("/logout", stage.Logout)
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux.Handle("/private", stage.Require(ok))
	mux.Handle("/fresh", stage.RequireFresh(15*time.Minute)(ok))
	mux.Handle("/strong", stage.RequireACR(loginstage.ACRAAL2)(ok))
	mux.Handle("/named", stage.RequireACR("urn:bank", "gold")(ok))
	mux.Handle("/none", stage.RequireACR()(ok))
	mux.Handle("/enrol", stage.AllowRestricted(stage.Require(ok)))
	h.Browser = loginstagetest.NewBrowser(t, mux)
	return h
}

// do posts to the path, and returns what came of it.
func (h *host) do(path string) error {
	h.t.Helper()
	h.PostForm(path, nil)
	return h.err
}

// signIn signs the user in.
func (h *host) signIn(user loginstage.User) session.Session {
	h.t.Helper()
	h.user = user
	require.NoError(h.t, h.do("/begin"))
	return h.started
}

// status returns the status of what a script gets from the path.
func (h *host) status(path string) int {
	h.t.Helper()
	return h.Call("GET", path, nil).StatusCode
}

// sessions returns the user's sessions, as the store has them.
func (h *host) sessions(user string) []session.Session {
	h.t.Helper()
	all, err := h.stage.Sessions(h.t.Context(), user)
	require.NoError(h.t, err)
	return all
}

// full returns a user of whom everything is known.
func full() loginstage.User {
	return loginstage.User{
		ID: "ada", Name: "Ada", Method: "password", AMR: []string{"pwd", "otp"}, ACR: loginstage.ACRAAL2, Tenant: "acme",
		Required: []string{"terms", "enrol"}, Value: map[string]any{"roles": []string{"admin"}},
	}
}

func TestASessionKnowsHowItsUserWasProved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, loginstage.Config{})
		user := full()
		user.AuthTime = time.Now().Add(-time.Hour)
		s := h.signIn(user)
		assert.Equal(t, s, h.sessions("ada")[0], "it is returned as it was started")
		assert.Equal(t, user.AuthTime.UTC(), s.Proved())
		assert.Equal(t, user.AMR, s.AMR)
		assert.Equal(t, user.ACR, s.ACR)
		assert.Equal(t, user.Tenant, s.Tenant)
		assert.Equal(t, user.Required, s.Required)
		value, err := session.ValueOf[map[string][]string](s)
		require.NoError(t, err)
		assert.Equal(t, map[string][]string{"roles": {"admin"}}, value)

		user.AuthTime = time.Now().Add(time.Hour)
		assert.Equal(t, time.Now().UTC(), h.signIn(user).Proved(), "nobody was proved later than now")
	})
}

// What was proved before the prompt is known after it.
func TestWhatWasProvedOutlastsThePrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, loginstage.Config{SessionDuration: duration.MustParse("hours=1"), StaySignedInOffset: duration.MustParse("days=30")})
		pending := h.signIn(full())
		assert.Equal(t, session.KindPending, pending.Kind)
		time.Sleep(time.Minute)
		require.NoError(t, h.do("/finish"))
		s := h.started
		assert.Equal(t, session.KindSession, s.Kind)
		assert.Equal(t, pending.Created, s.Proved(), "not when the prompt was answered")
		pending.ID, pending.Kind, pending.Created, pending.LastSeen, pending.Expires, pending.MaxAge, pending.Carrier = s.ID, s.Kind, s.Created, s.LastSeen, s.Expires, s.MaxAge, s.Carrier
		assert.True(t, s.StaySignedIn)
		pending.StaySignedIn = true
		assert.Equal(t, pending, s)
	})
}

func TestWhatNoSessionCanHoldSignsNobodyIn(t *testing.T) {
	long := string(make([]byte, session.MaxText+1))
	for name, user := range map[string]loginstage.User{
		"a value":    {ID: "ada", Value: string(make([]byte, session.MaxValue))},
		"no JSON":    {ID: "ada", Value: func() {}},
		"an ACR":     {ID: "ada", ACR: long},
		"an AMR":     {ID: "ada", AMR: []string{"a\nb"}},
		"an actor":   {ID: "ada", Actor: long},
		"a tenant":   {ID: "ada", Tenant: long},
		"an action":  {ID: "ada", Required: []string{""}},
		"two alike":  {ID: "ada", Required: []string{"a", "a"}},
		"many names": {ID: "ada", Required: make([]string, session.MaxRequired+1)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, loginstage.Config{})
			h.user = user
			require.ErrorIs(t, h.do("/begin"), session.ErrInvalid)
			assert.Empty(t, h.sessions("ada"))
			assert.Equal(t, denied, h.status("/private"))
		})
	}
}

// Somebody who acts as a user has a short session, ends none of the user's, and
// cannot make it the user's own.
func TestImpersonation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, loginstage.Config{
			TerminateOtherSessions: true, MaxSessions: 1, SessionDuration: duration.MustParse("hours=8"),
			StaySignedInOffset: duration.MustParse("days=30"), RememberDevice: duration.MustParse("days=30"),
		})
		h.signIn(loginstage.User{ID: "ada"})
		require.NoError(t, h.do("/finish"))
		own := h.started

		root := hostOf(t, h.stage)
		s := root.signIn(loginstage.User{ID: "ada", Actor: "root"})
		assert.Equal(t, session.KindSession, s.Kind, "nobody asks whether to stay signed in")
		assert.Equal(t, "root", s.Actor)
		assert.Equal(t, time.Now().UTC().Add(time.Hour), s.Expires)
		assert.LessOrEqual(t, s.MaxAge, time.Hour)
		assert.ElementsMatch(t, []session.Session{own, s}, h.sessions("ada"), "the user sees who is there, and is not signed out")
		assert.Equal(t, "root", h.stage.Events.Of(loginstage.ActionLogin)[1].Actor)
		assert.Equal(t, "ada", h.stage.Events.Of(loginstage.ActionLogin)[1].User)

		root.user = loginstage.User{ID: "ada"}
		var denied *loginstage.DeniedError
		require.ErrorAs(t, root.do("/again"), &denied)
		assert.Equal(t, loginstage.CauseImpersonated, denied.Cause)
		require.Error(t, func() error { root.user.ID = "root"; return root.do("/again") }())
		assert.Contains(t, h.sessions("ada"), s)

		require.NoError(t, root.do("/logout"))
		assert.Equal(t, "root", h.stage.Events.Of(loginstage.ActionLogout)[0].Actor)
	})
}

// A user with too many sessions is told which to end, and nothing has ended.
func TestMaxSessionsDenies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{MaxSessions: 2, DenyOverMaxSessions: true, MaxSessionsPerTenant: true})
		var first session.Session
		for i := range 2 {
			time.Sleep(time.Second)
			s := hostOf(t, stage).signIn(loginstage.User{ID: "ada", Tenant: "a"})
			if i == 0 {
				first = s
			}
		}
		hostOf(t, stage).signIn(loginstage.User{ID: "ada", Tenant: "b"})
		h := hostOf(t, stage)
		h.user = loginstage.User{ID: "ada", Tenant: "a"}
		var limit *session.LimitError
		require.ErrorAs(t, h.do("/begin"), &limit)
		assert.Equal(t, []session.ID{first.ID}, limit.Surplus)
		assert.Len(t, h.sessions("ada"), 3)
		assert.Equal(t, loginstage.ActionLoginDenied, stage.Events.Last().Action)
		assert.Equal(t, session.CauseMaxSessions, stage.Events.Last().Cause)
		require.NoError(t, stage.Revoke(t.Context(), "ada", limit.Surplus[0], "ada"))
		require.NoError(t, h.do("/begin"))
	})
}

func TestLimitsThatLimitNothing(t *testing.T) {
	for field, config := range map[string]loginstage.Config{
		"DenyOverMaxSessions": {DenyOverMaxSessions: true}, "MaxSessionsPerTenant": {MaxSessionsPerTenant: true},
		"AccountEvery": {AccountEvery: duration.MustParse("minutes=1")}, "ImpersonationLimit": {ImpersonationLimit: -1},
		"RequiredURL": {RequiredURL: "https://elsewhere.example.com"},
	} {
		_, err := loginstage.New(config)
		require.ErrorContains(t, err, field)
	}
}
