package loginstage

import (
	"cmp"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mooring-go/mooring/session"
)

// Problem is the body of the answer to a request that is denied (RFC 9457).
type Problem struct {
	Type   string        `json:"type"` // "about:blank", ProblemStepUp, ProblemProve or ProblemRequired
	Title  string        `json:"title"`
	Status int           `json:"status"`
	Detail string        `json:"detail"`
	Cause  session.Cause `json:"cause,omitempty"` // why the session ended, if this request has ended it; idle: it can be resumed

	Required []string `json:"required,omitempty"`   // of ProblemRequired: what is to be done
	MaxAge   *int64   `json:"max_age,omitempty"`    // of ProblemStepUp: how many seconds ago the user may have been proved
	ACR      []string `json:"acr_values,omitempty"` // of ProblemStepUp: how well the user has to be proved, one of them
}

// ProblemRequired is the type of the [Problem] of a session that is restricted until
// its required actions are done.
const ProblemRequired = "https://github.com/mooring-go/mooring#required-actions"

// ProblemStepUp is the type of the [Problem] of a session that is restricted
// until it is confirmed, or whose user was not proved lately or well enough.
const ProblemStepUp = "https://github.com/mooring-go/mooring#step-up"

// deny answers a request that is denied, by Config.Deny if that is set.
func (l *UserLogin) deny(w http.ResponseWriter, r *http.Request, denied *AccessError) {
	switch denied.Denial {
	case DenialUnavailable:
		l.config.Logger.ErrorContext(r.Context(), "loginstage: a session could not be checked", "error", denied.Err)
	case DenialSignIn:
		l.pitfalls.warnOfChallenge(l, r)
	}
	response := &response{ResponseWriter: w, login: l}
	defer response.finish()
	w = response.writer()
	w.Header().Set("Cache-Control", "no-store")
	if l.config.Deny != nil {
		l.config.Deny(w, r, denied)
		return
	}
	denied.Respond(w, r)
}

// Respond answers the request as a guard does without a [Config.Deny]. A browser
// that asks for a page is sent to LoginURL or StepUpURL, if that is set; anything
// else gets 401, a [Problem] and a challenge (WWW-Authenticate): Bearer or DPoP for a
// client of a [session.Bearer], with error="invalid_token" where its token is good for
// nothing any more, and Session for all others. For [DenialUnavailable] the answer is 503.
func (e *AccessError) Respond(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	var page string
	problem := Problem{Status: http.StatusUnauthorized, Detail: "Sign in to use this."}
	var config Config
	if e.login != nil {
		config = e.login.config
	}
	switch e.Denial {
	case DenialUnavailable:
		w.Header().Set("Retry-After", "1")
		writeProblem(w, Problem{Status: http.StatusServiceUnavailable, Detail: "Whether you are signed in could not be checked. Try again."})
		return
	case DenialRequired:
		e.respondRequired(w, r, config)
		return
	case DenialStale, DenialACR:
		e.respondInsufficient(w, r, config)
		return
	case DenialProve:
		if e.login != nil && e.proof != nil {
			e.login.askForProof(w, r, e.proof)
			return
		}
		problem.Type = ProblemProve
	case DenialStepUp:
		page, problem.Type, problem.Detail = config.StepUpURL, ProblemStepUp, "Prove again who you are to use this."
		if isIdle(e.Session) {
			page, problem.Cause = cmp.Or(page, config.LoginURL), session.CauseIdle
			problem.Detail = "You were away for too long. Prove again who you are to go on."
		}
	case DenialBroken:
		page, problem.Cause = config.LoginURL, e.Ending.Cause
		problem.Detail = "The session was used from elsewhere and has ended. Sign in again."
	default:
		page = config.LoginURL
	}
	if page != "" && wantsPage(r) {
		http.Redirect(w, r, withNext(page, config.PathPrefix, r), http.StatusSeeOther)
		return
	}
	w.Header().Set("WWW-Authenticate", e.wanted(r, config))
	writeProblem(w, problem)
}

// wanted returns the challenge to a client (RFC 9110, section 11.6.1). One that gets its
// token by a header is asked for it by RFC 6750, section 3, or RFC 9449, section 7.1:
// there, invalid_token says that the token it sent is good for nothing any more.
func (e *AccessError) wanted(r *http.Request, config Config) string {
	realm := " realm=" + quoted(config.Name)
	if !bears(config.Carrier, r) {
		return schemeSession + realm
	}
	used := authScheme(r)
	if used == schemeSession {
		return "Bearer" + realm
	}
	if e.Denial == DenialSignIn || e.Denial == DenialBroken {
		realm += `, error="invalid_token"`
	}
	return used + realm
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

// wantsPage reports whether r asks for a page to show: a request by which a browser
// says that it navigates (Fetch Metadata, Sec-Fetch-Mode), a GET or HEAD that accepts
// HTML, or a form that a browser without Fetch Metadata posts. A request that accepts
// anything does not.
func wantsPage(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return mode == "navigate" || acceptsHTML(r)
	case http.MethodPost:
		return mode == "navigate" || (mode == "" && acceptsHTML(r) && isForm(r))
	default:
		return false
	}
}

// acceptsHTML reports whether r names HTML among what it takes.
func acceptsHTML(r *http.Request) bool {
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

// isForm reports whether the body of r is what a form element sends (HTML,
// section 4.10.19.6).
func isForm(r *http.Request) bool {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && slices.Contains([]string{"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}, mediaType)
}
