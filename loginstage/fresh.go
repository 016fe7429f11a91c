package loginstage

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
)

// RequireFresh returns a middleware that is [UserLogin.Require] for sessions whose
// user has proved who they are at most age ago: see [UserLogin.Reauthenticate]. It
// denies others with [DenialStale]: a browser that asks for a page is sent to
// StepUpURL, with the page as next and max_age in seconds; anything else gets the
// answer of RFC 9470, 401 with insufficient_user_authentication. It can stand inside a
// guard. An age of 0 or less denies all.
func (l *UserLogin) RequireFresh(age time.Duration) func(http.Handler) http.Handler {
	return l.requiring(func(r *http.Request, s session.Session) *AccessError {
		return l.in(r.Context()).staleFor(r.Context(), s, age)
	})
}

// staleFor returns the denial of a session whose user proved who they are more than age
// ago, and nil for another.
func (l *UserLogin) staleFor(ctx context.Context, s session.Session, age time.Duration) *AccessError {
	if ago := l.sessions.Now(ctx).Sub(s.Proved()); age > 0 && ago <= age {
		return nil
	}
	return &AccessError{Denial: DenialStale, MaxAge: max(age, 0)}
}

// RequireACR returns a middleware that is [UserLogin.Require] for sessions whose ACR
// is one of acr, or above one of [ACRAAL1] to [ACRAAL3]. It denies others with
// [DenialACR] as RequireFresh does, with acr_values. Without acr it denies all.
func (l *UserLogin) RequireACR(acr ...string) func(http.Handler) http.Handler {
	acr = append([]string(nil), acr...)
	return l.requiring(func(_ *http.Request, s session.Session) *AccessError {
		return belowACR(s, acr)
	})
}

// belowACR returns the denial of a session whose ACR does not satisfy acr, and nil for
// another.
func belowACR(s session.Session, acr []string) *AccessError {
	if satisfies(s, acr) {
		return nil
	}
	return &AccessError{Denial: DenialACR, ACR: acr}
}

// requiring returns Require with one more demand on the session. A nil error is met.
func (l *UserLogin) requiring(unmet func(*http.Request, session.Session) *AccessError) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return l.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, signedIn := Current(r.Context())
			if signedIn { // and otherwise it is a preflight
				if denied := unmet(r, s); denied != nil {
					l := l.in(r.Context())
					denied.Session, denied.login = s, l
					l.deny(w, r, denied)
					return
				}
			}
			next.ServeHTTP(w, r)
		}))
	}
}

// respondInsufficient answers a request whose user was not proved lately or well
// enough (RFC 9470, section 3).
func (e *AccessError) respondInsufficient(w http.ResponseWriter, r *http.Request, config Config) {
	problem := Problem{Type: ProblemStepUp, Status: http.StatusUnauthorized, ACR: e.ACR}
	var challenge string
	query := url.Values{}
	if e.Denial == DenialStale {
		seconds := int64(e.MaxAge / time.Second)
		problem.Detail, problem.MaxAge = "Prove again who you are to use this: it was too long ago.", &seconds
		challenge = fmt.Sprintf("max_age=%q", strconv.FormatInt(seconds, 10))
		query.Set("max_age", strconv.FormatInt(seconds, 10))
	} else {
		values := strings.Join(e.ACR, " ")
		problem.Detail = "Prove who you are in a stronger way to use this."
		challenge = "acr_values=" + quoted(values)
		query.Set("acr_values", values)
	}
	if config.StepUpURL != "" && wantsPage(r) {
		page, _ := url.Parse(config.StepUpURL) // New has found that it parses
		if page.RawQuery != "" {
			page.RawQuery += "&"
		}
		page.RawQuery += query.Encode()
		http.Redirect(w, r, withNext(page.String(), config.PathPrefix, r), http.StatusSeeOther)
		return
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`%s realm=%s, error="insufficient_user_authentication", error_description=%s, %s`,
		authScheme(r), quoted(config.Name), quoted(problem.Detail), challenge))
	writeProblem(w, problem)
}

// authScheme returns the scheme of the challenge to a client: the one that it used.
func authScheme(r *http.Request) string {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	for _, known := range []string{"Bearer", "DPoP"} {
		if strings.EqualFold(scheme, known) {
			return known
		}
	}
	return schemeSession
}

// schemeSession is the scheme of the challenge to a client that has its token in a
// cookie, or that says in no other way what it uses.
const schemeSession = "Session"

var quotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quoted returns s as a quoted-string (RFC 9110, section 5.6.4).
func quoted(s string) string {
	return `"` + quotes.Replace(s) + `"`
}
