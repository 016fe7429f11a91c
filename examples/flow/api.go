package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"

	"github.com/mooring-go/mooring/loginstage"
)

// enrolPath is where a second factor is enrolled: [loginstage.Config.RequiredURL].
const enrolPath = "/enrol"

// api leads clients through the stages.
type api struct {
	login    *loginstage.UserLogin
	accounts *accounts
	flows    *flows
}

func newAPI(login *loginstage.UserLogin, accounts *accounts, flows *flows) http.Handler {
	a := &api{login, accounts, flows}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /flow", a.ask)
	mux.HandleFunc("POST /flow", a.answer)
	mux.Handle("GET /me", login.Require(http.HandlerFunc(me)))
	mux.Handle("GET /payouts", login.RequireACR(loginstage.ACRAAL2)(http.HandlerFunc(me))) // for two factors
	enrolling := func(handler http.HandlerFunc) http.Handler {                             // restricted sessions too
		return login.AllowRestricted(login.RequireFresh(enrolFresh)(handler))
	}
	mux.Handle("GET /enrol", enrolling(a.offerEnrolment))
	mux.Handle("POST /enrol", enrolling(a.enrol))
	mux.HandleFunc("DELETE /session", a.signOut)
	return http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(login.Guard(mux), 16<<10))
}

// stages returns the steps of the flow, in order. Those of the application work on the
// flow's pending user; the last one is the same for all.
func (a *api) stages(f *flow) []loginstage.Stage {
	return []loginstage.Stage{
		identification{&f.User},
		password{&f.User, a.accounts},
		totp{&f.User, a.accounts},
		terms{&f.User, a.accounts},
		a.login,
	}
}

// ask says what the client is asked, and begins a flow where there is none.
func (a *api) ask(w http.ResponseWriter, r *http.Request) {
	f := a.flows.of(r)
	if f == nil {
		f = a.flows.start(wanted(r))
	}
	if f.Asked != nil {
		reply(w, http.StatusOK, f.Asked)
		return
	}
	if !a.flows.answer(f) {
		a.abandon(w, http.StatusGone, "this was answered already: start again")
		return
	}
	a.advance(w, r, f)
}

// maxNext is how long the page that was wanted may be, in bytes, to fit into the cookie
// with all else.
const maxNext = 512

// wanted returns the page that the client wants to go on to.
func wanted(r *http.Request) string {
	if next := loginstage.Next(r); len(next) <= maxNext {
		return next
	}
	return "/"
}

// answer takes the client's answer to what it was asked.
func (a *api) answer(w http.ResponseWriter, r *http.Request) {
	body, ok := readJSON(w, r)
	if !ok {
		return
	}
	f := a.flows.of(r)
	switch {
	case f == nil:
		problem(w, http.StatusGone, "there is no sign-in under way, or it took too long: start again", nil)
		return
	case f.Asked == nil:
		problem(w, http.StatusGone, "nothing was asked: get what is", nil)
		return
	case !a.flows.answer(f):
		a.abandon(w, http.StatusGone, "this was answered already: start again")
		return
	}
	if err := a.stages(f)[f.At].Finish(w, r, loginstage.Answer{Raw: body}); err != nil {
		a.refuse(w, r, f, err)
		return
	}
	f.At++
	f.Asked = nil
	a.advance(w, r, f)
}

// readJSON returns the body of r. A body that is no JSON, or too long, is answered, and
// ok is false.
func readJSON(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		problem(w, http.StatusUnsupportedMediaType, "want application/json", nil)
		return nil, false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		problem(w, http.StatusRequestEntityTooLarge, "the answer is too long", nil)
		return nil, false
	}
	return body, true
}

// advance begins stages until one asks something, or all are done.
func (a *api) advance(w http.ResponseWriter, r *http.Request, f *flow) {
	for stages := a.stages(f); f.At < len(stages); f.At++ {
		asked, err := stages[f.At].Begin(w, r, f.User)
		if err != nil {
			a.refuse(w, r, f, err)
			return
		}
		if asked != nil {
			f.Asked = asked
			a.goOn(w, r, f, func() { reply(w, http.StatusOK, asked) })
			return
		}
	}
	a.flows.end(w)
	done := map[string]any{"component": "done", "next": f.Next}
	if len(f.User.Required) > 0 {
		done["required"], done["next"] = f.User.Required, enrolPath+"?next="+url.QueryEscape(f.Next)
	}
	reply(w, http.StatusOK, done)
}

// goOn gives the client the flow as it is now, and then the answer.
func (a *api) goOn(w http.ResponseWriter, r *http.Request, f *flow, answer func()) {
	if err := a.flows.save(w, f); err != nil {
		slog.ErrorContext(r.Context(), "the flow cannot go on", "stage", f.At, "error", err)
		a.abandon(w, http.StatusInternalServerError, "the sign-in cannot go on")
		return
	}
	answer()
}

// refuse says why the flow does not go on to the next stage.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, f *flow, err error) {
	rejected, isRejected := errors.AsType[*loginstage.RejectedError](err)
	_, denied := errors.AsType[*loginstage.DeniedError](err)
	_, moved := errors.AsType[*loginstage.MovedError](err)
	switch {
	case isRejected:
		if f.Attempts++; f.Attempts >= maxAttempts {
			a.abandon(w, http.StatusTooManyRequests, "too many wrong answers: start again")
			return
		}
		a.goOn(w, r, f, func() { problem(w, http.StatusUnprocessableEntity, rejected.Reason, f.Asked) })
	case denied:
		a.abandon(w, http.StatusForbidden, "this account may not sign in")
	case moved:
		a.abandon(w, http.StatusGone, "the connection changed on the way: start again")
	case errors.Is(err, loginstage.ErrNoChallenge):
		a.abandon(w, http.StatusGone, "this was answered already, or took too long: start again")
	default: // the store or the locator failed; the client may try again
		slog.ErrorContext(r.Context(), "a stage failed", "stage", f.At, "error", err)
		a.goOn(w, r, f, func() { problem(w, http.StatusServiceUnavailable, "try again in a moment", nil) })
	}
}

// abandon ends the flow.
func (a *api) abandon(w http.ResponseWriter, status int, why string) {
	a.flows.end(w)
	problem(w, status, why, nil)
}

// me says who is signed in.
func me(w http.ResponseWriter, r *http.Request) {
	s, _ := loginstage.Current(r.Context())
	reply(w, http.StatusOK, map[string]any{"user": s.User, "session": s.ID, "expires": s.Deadline()})
}

func (a *api) signOut(w http.ResponseWriter, r *http.Request) {
	if err := a.login.Logout(w, r); err != nil {
		problem(w, http.StatusServiceUnavailable, "try again in a moment", nil)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// problem answers with a problem (RFC 9457), as Guard and Require do, and with
// what was asked, if that still waits for its answer.
func problem(w http.ResponseWriter, status int, why string, asked *loginstage.Challenge) {
	write(w, "application/problem+json", status, struct {
		loginstage.Problem
		Asked *loginstage.Challenge `json:"asked,omitempty"`
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
