package loginstage

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/mooring-go/mooring/session"
)

// Problem is the body of a request that is turned away (RFC 9457).
type Problem struct {
	Type   string        `json:"type"` // "about:blank" or ProblemStepUp
	Title  string        `json:"title"`
	Status int           `json:"status"`
	Detail string        `json:"detail"`
	Cause  session.Cause `json:"cause,omitempty"` // why the session ended, if it just has
}

// ProblemStepUp is the type of the [Problem] of a session that is restricted
// until it is confirmed.
const ProblemStepUp = "https://github.com/mooring-go/mooring#step-up"

// stepUp sends a browser that asks for a page to confirm its session, and
// answers anything else with 401.
func (l *UserLogin) stepUp(w http.ResponseWriter, r *http.Request) {
	l.demand(w, r, l.config.StepUpURL, Problem{Type: ProblemStepUp, Detail: "Prove again who you are to use this."})
}

// turnAway sends a browser that asks for a page to sign in, and answers anything
// else with 401.
func (l *UserLogin) turnAway(w http.ResponseWriter, r *http.Request, cause session.Cause) {
	detail := "Sign in to use this."
	if cause == session.CauseBroken {
		detail = "The session was used from elsewhere and has ended. Sign in again."
	}
	l.demand(w, r, l.config.LoginURL, Problem{Detail: detail, Cause: cause})
}

// demand sends a browser that asks for a page to another page first, if there is
// one, and answers anything else with 401 and the problem.
func (l *UserLogin) demand(w http.ResponseWriter, r *http.Request, page string, p Problem) {
	w.Header().Set("Cache-Control", "no-store")
	if page != "" && wantsPage(r) {
		http.Redirect(w, r, withNext(page, r), http.StatusSeeOther)
		return
	}
	w.Header().Set("WWW-Authenticate", "Session realm="+strconv.Quote(l.config.Name)) // RFC 9110, section 11.6.1
	p.Status = http.StatusUnauthorized
	writeProblem(w, p)
}

// unavailable answers a request of which nobody knows who sent it.
func (l *UserLogin) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	l.config.Logger.ErrorContext(r.Context(), "loginstage: a session could not be checked", "error", err)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "1")
	writeProblem(w, Problem{Status: http.StatusServiceUnavailable, Detail: "Whether you are signed in could not be checked. Try again."})
}

func writeProblem(w http.ResponseWriter, p Problem) {
	p.Title = http.StatusText(p.Status)
	if p.Type == "" {
		p.Type = "about:blank"
	}
	body, err := json.Marshal(p)
	if err != nil {
		http.Error(w, p.Title, p.Status)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // the client may be gone
}

// wantsPage reports whether r asks for a page to show: a GET or HEAD that says
// it takes HTML. That it takes anything does not say so.
func wantsPage(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	for _, line := range r.Header.Values("Accept") {
		for accepted := range strings.SplitSeq(line, ",") {
			mediaType, params, err := mime.ParseMediaType(accepted)
			if err != nil || (mediaType != "text/html" && mediaType != "application/xhtml+xml") {
				continue
			}
			if q, err := strconv.ParseFloat(params["q"], 64); params["q"] == "" || (err == nil && q > 0) {
				return true
			}
		}
	}
	return false
}
