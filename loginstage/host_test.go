package loginstage_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// cookie is the name of the cookie with the token.
const cookie = session.DefaultCookieName

// app returns a host application. It says in its status the result of a sign-in, which
// is outside of the guard.
func app(login *loginstage.UserLogin) http.Handler {
	mux, guarded := http.NewServeMux(), http.NewServeMux()
	mux.Handle("/", login.Guard(guarded))
	mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
		challenge, err := login.Begin(w, r, loginstage.User{ID: r.FormValue("user"), Inactive: r.FormValue("inactive") != ""})
		switch {
		case err != nil:
			fail(w, err)
		case challenge != nil:
			w.WriteHeader(http.StatusAccepted)
			_ = json.NewEncoder(w).Encode(challenge)
		}
	})
	mux.HandleFunc("POST /finish", func(w http.ResponseWriter, r *http.Request) {
		if err := login.Finish(w, r, loginstage.Answer{StaySignedIn: r.FormValue("stay") != ""}); err != nil {
			fail(w, err)
		}
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := login.Logout(w, r); err != nil {
			fail(w, err)
		}
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		ending, _ := login.LastEnding(r)
		_, _ = w.Write([]byte(ending.Cause))
	})
	guarded.HandleFunc("/whoami", func(w http.ResponseWriter, r *http.Request) {
		s, ok := loginstage.Current(r.Context())
		if !ok {
			s.User = "nobody"
		}
		_, _ = w.Write([]byte(s.User))
	})
	guarded.Handle("/private/", login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := loginstage.Current(r.Context())
		_, _ = w.Write([]byte(s.User))
	})))
	return mux
}

func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if _, ok := errors.AsType[*loginstage.DeniedError](err); ok {
		status = http.StatusForbidden
	} else if _, ok := errors.AsType[*loginstage.MovedError](err); ok {
		status = http.StatusMisdirectedRequest
	} else if errors.Is(err, loginstage.ErrNoChallenge) {
		status = http.StatusConflict
	}
	http.Error(w, err.Error(), status)
}

// open returns a stage and a browser in Berlin that visits a host with it.
func open(t *testing.T, config loginstage.Config) (*loginstagetest.Stage, *loginstagetest.Browser) {
	t.Helper()
	stage := loginstagetest.New(t, config)
	return stage, loginstagetest.NewBrowser(t, app(stage.UserLogin))
}

// signIn signs the user in, without staying signed in.
func signIn(t *testing.T, browser *loginstagetest.Browser, user string) loginstagetest.Response {
	t.Helper()
	response := browser.PostForm("/begin?user="+user, nil)
	if response.StatusCode == http.StatusAccepted {
		response = browser.PostForm("/finish", nil)
	}
	require.Equal(t, http.StatusOK, response.StatusCode, response.Text)
	return response
}

// whoami returns who the host takes the browser's user for: "nobody" if anonymous,
// and the answer where the request was turned away.
func whoami(browser *loginstagetest.Browser) string { return browser.Get("/whoami").Text }

// sessions returns the live sessions of the user.
func sessions(t *testing.T, stage *loginstagetest.Stage, user string) []session.Session {
	t.Helper()
	live, err := stage.Sessions(t.Context(), user)
	require.NoError(t, err)
	return live
}

// causes returns the causes of the events with the action, in order.
func causes(stage *loginstagetest.Stage, action loginstage.Action) []session.Cause {
	var all []session.Cause
	for _, e := range stage.Events.Of(action) {
		all = append(all, e.Cause)
	}
	return all
}

// setCookie returns what the response sets for the cookie of the name, or nil. More
// than one is an error.
func setCookie(t *testing.T, response loginstagetest.Response, name string) *http.Cookie {
	t.Helper()
	var found *http.Cookie
	for _, c := range response.Cookies() {
		if c.Name == name {
			require.Nil(t, found, "%s is set twice", name)
			found = c
		}
	}
	return found
}

// atOnce calls do n times at the same time, and returns what each call did.
func atOnce[T any](n int, do func(i int) T) []T {
	all := make([]T, n)
	start := make(chan struct{})
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			<-start
			all[i] = do(i)
		})
	}
	close(start)
	running.Wait()
	return all
}
