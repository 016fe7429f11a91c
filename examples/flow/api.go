package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"

	"github.com/mooring-go/mooring/loginstage"
)

// api leads clients through the stages.
type api struct {
	stages []stage
	flows  *flows
	login  *loginstage.UserLogin
}

func newAPI(userLogin *loginstage.UserLogin) http.Handler {
	a := &api{
		stages: []stage{identification{}, password{}, login{userLogin}},
		flows:  newFlows(),
		login:  userLogin,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /flow", a.ask)
	mux.HandleFunc("POST /flow", a.answer)
	mux.Handle("GET /me", userLogin.Require(http.HandlerFunc(me)))
	mux.HandleFunc("DELETE /session", a.signOut)
	return http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(userLogin.Guard(mux), 16<<10))
}

// ask says what the client is asked, and begins a flow where there is none.
func (a *api) ask(w http.ResponseWriter, r *http.Request) {
	f := a.flows.of(r)
	if f == nil {
		if f = a.flows.start(w); f == nil {
			fail(w, http.StatusServiceUnavailable, "too many sign-ins are under way")
			return
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asked == nil {
		a.advance(w, r, f)
		return
	}
	reply(w, http.StatusOK, f.asked)
}

// answer takes the client's answer to what it was asked.
func (a *api) answer(w http.ResponseWriter, r *http.Request) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		fail(w, http.StatusUnsupportedMediaType, "want application/json")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		fail(w, http.StatusRequestEntityTooLarge, "the answer is too long")
		return
	}
	f := a.flows.of(r)
	if f == nil {
		fail(w, http.StatusGone, "there is no sign-in under way, or it took too long: start again")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asked == nil {
		fail(w, http.StatusGone, "nothing was asked: get what is")
		return
	}
	if err := a.stages[f.at].finish(w, r, &f.user, body); err != nil {
		a.refuse(w, r, f, err)
		return
	}
	f.at++
	a.advance(w, r, f)
}

// advance begins stages until one asks something, or all are done.
func (a *api) advance(w http.ResponseWriter, r *http.Request, f *flow) {
	f.asked = nil
	for ; f.at < len(a.stages); f.at++ {
		asked, err := a.stages[f.at].begin(w, r, &f.user)
		if err != nil {
			a.refuse(w, r, f, err)
			return
		}
		if asked != nil {
			f.asked = asked
			reply(w, http.StatusOK, asked)
			return
		}
	}
	a.flows.end(w, r)
	reply(w, http.StatusOK, map[string]string{"component": "done"})
}

// refuse says why the flow does not go on.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, f *flow, err error) {
	if rejected, ok := errors.AsType[rejection](err); ok {
		if f.attempts++; f.attempts < maxAttempts {
			problem(w, http.StatusUnprocessableEntity, rejected.Error(), f.asked)
			return
		}
		err = errTooMany
	}
	_, denied := errors.AsType[*loginstage.DeniedError](err)
	_, moved := errors.AsType[*loginstage.MovedError](err)
	switch {
	case denied:
		a.abandon(w, r, f, http.StatusForbidden, "this account may not sign in")
	case moved:
		a.abandon(w, r, f, http.StatusGone, "the connection changed on the way: start again")
	case errors.Is(err, loginstage.ErrNoChallenge):
		a.abandon(w, r, f, http.StatusGone, "this was answered already, or took too long: start again")
	case errors.Is(err, errTooMany):
		a.abandon(w, r, f, http.StatusTooManyRequests, "too many wrong answers: start again")
	default: // the store or the locator failed; the client may try again
		slog.ErrorContext(r.Context(), "a stage failed", "stage", f.at, "error", err)
		fail(w, http.StatusServiceUnavailable, "try again in a moment")
	}
}

var errTooMany = errors.New("too many wrong answers")

// abandon ends the flow. Another request that holds it finds nothing asked.
func (a *api) abandon(w http.ResponseWriter, r *http.Request, f *flow, status int, why string) {
	f.asked, f.at, f.user = nil, 0, loginstage.User{}
	a.flows.end(w, r)
	fail(w, status, why)
}

// me says who is signed in.
func me(w http.ResponseWriter, r *http.Request) {
	s, _ := loginstage.Current(r.Context())
	reply(w, http.StatusOK, map[string]any{"user": s.User, "session": s.ID, "expires": s.Deadline()})
}

func (a *api) signOut(w http.ResponseWriter, r *http.Request) {
	if err := a.login.Logout(w, r); err != nil {
		fail(w, http.StatusServiceUnavailable, "try again in a moment")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func fail(w http.ResponseWriter, status int, why string) { problem(w, status, why, nil) }

// problem answers with a problem (RFC 9457), as Guard and Require do, and with
// what was asked, if that still waits for its answer.
func problem(w http.ResponseWriter, status int, why string, asked any) {
	write(w, "application/problem+json", status, struct {
		loginstage.Problem
		Asked any `json:"asked,omitempty"`
	}{loginstage.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: why}, asked})
}

func reply(w http.ResponseWriter, status int, body any) { write(w, "application/json", status, body) }

func write(w http.ResponseWriter, mediaType string, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "{}", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(encoded) // the client may be gone
}
