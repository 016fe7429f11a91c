package loginstage_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// A handler that proves the user again, and completes what was required or signs out,
// does so in one request.
func TestStepsOfOneRequest(t *testing.T) {
	type step func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error
	again := func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
		_, err := stage.Reauthenticate(w, r, loginstage.User{ID: "ada", AMR: []string{"pwd", "otp"}, ACR: loginstage.ACRAAL2})
		return err
	}
	complete := func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
		return stage.Complete(w, r, "enrol-mfa")
	}
	logout := func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
		return stage.Logout(w, r)
	}
	revoke := func(stage *loginstagetest.Stage, _ http.ResponseWriter, r *http.Request) error {
		_, err := stage.RevokeUser(r.Context(), "ada", "operator")
		return err
	}
	hasEnded := func(err error) bool {
		_, ok := errors.AsType[*session.EndedError](err)
		return ok
	}
	for name, test := range map[string]struct {
		steps []step
		ends  bool                 // nobody is signed in afterwards
		fails func(err error) bool // says that the last step fails as it should; nil: it does not fail
	}{
		"proved again, then complete":        {steps: []step{again, complete}},
		"complete, then proved again":        {steps: []step{complete, again}},
		"proved twice, then complete":        {steps: []step{again, again, complete}},
		"proved again, then signed out":      {steps: []step{again, logout}, ends: true},
		"complete, then signed out":          {steps: []step{complete, logout}, ends: true},
		"revoked between the two":            {steps: []step{again, revoke, complete}, ends: true, fails: hasEnded},
		"revoked before it is proved again":  {steps: []step{complete, revoke, again}, ends: true, fails: hasEnded},
		"complete twice takes the last once": {steps: []step{complete, complete}, fails: func(err error) bool { return errors.Is(err, loginstage.ErrNotRequired) }},
	} {
		t.Run(name, func(t *testing.T) {
			stage := loginstagetest.New(t, loginstage.Config{})
			mux := http.NewServeMux()
			mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
				_, err := stage.Begin(w, r, loginstage.User{ID: "ada", Required: []string{"enrol-mfa"}})
				assert.NoError(t, err)
			})
			mux.Handle("POST /steps", stage.AllowRestricted(stage.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for i, step := range test.steps {
					err := step(stage, w, r)
					if i < len(test.steps)-1 || test.fails == nil {
						assert.NoError(t, err)
					} else {
						assert.True(t, test.fails(err), "%v", err)
					}
				}
			}))))
			mux.Handle("GET /strong", stage.RequireACR(loginstage.ACRAAL2)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
			mux.Handle("GET /private", stage.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
			browser := loginstagetest.NewBrowser(t, mux)
			browser.PostForm("/begin", nil)
			thief := browser.Clone()
			browser.PostForm("/steps", nil)

			left, err := stage.Sessions(t.Context(), "ada")
			require.NoError(t, err)
			assert.Equal(t, denied, thief.Call("GET", "/private", nil).StatusCode, "a token from before is dead")
			if test.ends {
				assert.Empty(t, left)
				assert.Equal(t, denied, browser.Call("GET", "/private", nil).StatusCode)
				return
			}
			require.Len(t, left, 1)
			assert.Empty(t, left[0].Required)
			assert.Equal(t, passes, browser.Call("GET", "/private", nil).StatusCode, "the browser has the token of the last step")
			if test.fails == nil {
				assert.Equal(t, passes, browser.Call("GET", "/strong", nil).StatusCode)
			}
		})
	}
}

// A sign-in is a step too: what comes after it in the same request is about the session
// that it has started, also for a client that had none.
func TestStepsAfterASignIn(t *testing.T) {
	type step func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error
	begin := func(user string) step {
		return func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
			_, err := stage.Begin(w, r, loginstage.User{ID: user, Required: []string{"terms"}})
			return err
		}
	}
	again := func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
		_, err := stage.Reauthenticate(w, r, loginstage.User{ID: "ada"})
		return err
	}
	complete := func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
		return stage.Complete(w, r, "terms")
	}
	logout := func(stage *loginstagetest.Stage, w http.ResponseWriter, r *http.Request) error {
		return stage.Logout(w, r)
	}
	for name, test := range map[string]struct {
		steps []step
		ada   int // how many sessions there are of each
		bob   int
		open  string // who is signed in, without restriction
	}{
		"signed in, then out":                  {[]step{begin("ada"), logout}, 0, 0, ""},
		"signed in twice":                      {[]step{begin("ada"), begin("ada")}, 1, 0, ""},
		"another user after it":                {[]step{begin("ada"), begin("bob")}, 0, 1, ""},
		"signed in, and what is required done": {[]step{begin("ada"), complete}, 1, 0, "ada"},
		"proved again, then signed in as bob":  {[]step{begin("ada"), again, begin("bob")}, 0, 1, ""},
		"proved again, done, and signed out":   {[]step{begin("ada"), again, complete, logout}, 0, 0, ""},
		"signed out, then in":                  {[]step{begin("ada"), logout, begin("bob"), complete}, 0, 1, "bob"},
		"signed out, in, and out once more":    {[]step{begin("ada"), logout, begin("ada"), logout}, 0, 0, ""},
	} {
		for _, before := range []string{"", "ada", "bob"} {
			t.Run(name+", before it "+before, func(t *testing.T) {
				stage := loginstagetest.New(t, loginstage.Config{})
				mux := http.NewServeMux()
				mux.HandleFunc("POST /before", func(w http.ResponseWriter, r *http.Request) { assert.NoError(t, begin(before)(stage, w, r)) })
				mux.HandleFunc("POST /steps", func(w http.ResponseWriter, r *http.Request) {
					for _, step := range test.steps {
						assert.NoError(t, step(stage, w, r))
					}
				})
				mux.Handle("GET /private", stage.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s, _ := loginstage.Current(r.Context())
					_, _ = w.Write([]byte(s.User))
				})))
				browser := loginstagetest.NewBrowser(t, stage.Guard(mux))
				if before != "" {
					browser.PostForm("/before", nil)
				}
				browser.PostForm("/steps", nil)
				for user, want := range map[string]int{"ada": test.ada, "bob": test.bob} {
					left, err := stage.Sessions(t.Context(), user)
					require.NoError(t, err)
					assert.Len(t, left, want, user)
				}
				private := browser.Call("GET", "/private", nil)
				if test.open == "" {
					assert.NotEqual(t, passes, private.StatusCode)
				} else {
					assert.Equal(t, test.open, private.Text)
				}
			})
		}
	}
}

// Without a guard nothing says that the request's session goes on: a dead token
// completes nothing.
func TestStepsOfOneRequestWithoutAGuard(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
		_, err := stage.Begin(w, r, loginstage.User{ID: "ada", Required: []string{"enrol-mfa"}})
		assert.NoError(t, err)
	})
	mux.HandleFunc("POST /steps", func(w http.ResponseWriter, r *http.Request) {
		_, err := stage.Reauthenticate(w, r, loginstage.User{ID: "ada"})
		assert.NoError(t, err)
		assert.ErrorAs(t, stage.Complete(w, r, "enrol-mfa"), new(*session.EndedError))
	})
	browser := loginstagetest.NewBrowser(t, mux)
	browser.PostForm("/begin", nil)
	browser.PostForm("/steps", nil)
	left, err := stage.Sessions(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, left, 1)
	assert.Equal(t, []string{"enrol-mfa"}, left[0].Required)
}
