package loginstage

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// ProblemProve is the type of the [Problem] of a request that is served once the
// device key of its session is proved.
const ProblemProve = "https://github.com/mooring-go/mooring#prove"

// The headers of an answer that asks a script for a proof.
const (
	headerProve  = "Mooring-Challenge" // the challenge to answer
	headerHandle = "Mooring-Handle"    // what the script keeps the key under
)

// A ProofError is why a request is not served: its session has a device key, and
// the request brings no proof of it. The session goes on.
type ProofError struct {
	Session session.Session
	Broken  *binding.Broken // what no longer holds; nil: the last proof is over
}

// Error says what is to be proved.
func (e *ProofError) Error() string {
	if e.Broken != nil {
		return "loginstage: the device key is to be proved: " + e.Broken.String()
	}
	return "loginstage: the device key is to be proved again"
}

// provingTime is for how long a browser is not asked a second time: what did not
// prove its key when it was asked cannot.
const provingTime = 10 * time.Second

// maxReplayed is how long the body of a form may be that is sent again after a
// proof, in bytes.
const maxReplayed = 64 << 10

// provedMove names what was broken when a key was proved, so that it is proved
// once: all facts that ask for a proof, with both values.
func provedMove(decision binding.Decision) string {
	hash := sha256.New()
	for _, ruling := range decision.Rulings {
		if ruling.Outcome == binding.Broke {
			fmt.Fprintf(hash, "%s\x00%v\x00%v\x00", ruling.Rule, ruling.Previous, ruling.New)
		}
	}
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil)[:12])
}

// recordProof remembers that the key of s was proved from where r comes, if the
// binding asks for that, and tells of it.
func (l *UserLogin) recordProof(r *http.Request, s session.Session) error {
	ip, err := l.clientIP(r)
	if err != nil && s.Policy.Binds() {
		return err
	}
	if ip == s.IP || !s.Policy.Binds() {
		return nil
	}
	moved, err := l.judge(r.Context(), s, ip)
	if err != nil || moved.action != binding.Prove || slices.Contains(s.Drift.Proved, moved.move) {
		return err
	}
	// The address stays as it was last seen: the guard judges the next request, and
	// finds the move proved.
	seen := session.Seen{Time: s.LastSeen, IP: s.IP, Drift: session.Drift{Proved: []string{moved.move}}}
	if _, err := l.sessions.Touch(r.Context(), s, seen); err != nil {
		return err
	}
	l.emitProof(r, s, ActionProved, moved)
	return nil
}

// askForProof answers a request that is served once the key is proved.
func (l *UserLogin) askForProof(w http.ResponseWriter, r *http.Request, e *ProofError) {
	w.Header().Set("Cache-Control", "no-store")
	switch e.Session.Drift.Key.Kind {
	case devicekey.Page:
		l.askPage(w, r, e)
	case devicekey.DBSC:
		l.askBrowser(w, r, e)
	default:
		l.unproved(w, r, e)
	}
}

// askPage has the script prove the key: a navigation gets a page that proves and
// goes on by itself, anything else a challenge that the script answers before it
// repeats the request.
func (l *UserLogin) askPage(w http.ResponseWriter, r *http.Request, e *ProofError) {
	challenge := l.secrets.Challenge(devicekey.Prove, keySubject(e.Session), l.sessions.Now(r.Context()))
	if !navigates(r) {
		w.Header().Set(headerProve, challenge)
		w.Header().Set(headerHandle, l.keyHandle(e.Session))
		w.Header().Set("WWW-Authenticate", "Session realm="+quoted(l.config.Name))
		writeProblem(w, Problem{Type: ProblemProve, Status: http.StatusUnauthorized, Detail: "Prove the device key of this session and send the request again."})
		return
	}
	page := provePage{
		Script: l.config.DeviceKeyPath + pageScript, Challenge: challenge, Handle: l.keyHandle(e.Session),
		Otherwise: l.signInPage(r),
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		fields, err := replayable(w, r)
		if err != nil { // a body that cannot be sent again: the form is shown again by going back
			l.unproved(w, r, e)
			return
		}
		page.Form, page.Action, page.Method = fields, requestTarget(r), r.Method
	}
	writePage(w, http.StatusUnauthorized, page)
}

// askBrowser has a browser with device-bound sessions prove the key by itself: it
// does so before a request that would lack the bound cookie, if a page of the same
// origin makes it. A browser that was asked a moment ago cannot.
func (l *UserLogin) askBrowser(w http.ResponseWriter, r *http.Request, e *ProofError) {
	asked := l.stageCookie("_proving")
	if hasCookie(r, asked.Name) {
		asked.Set(w, "", -1)
		l.unproved(w, r, e)
		return
	}
	asked.Set(w, "1", session.WholeSeconds(provingTime))
	l.passCookie().Set(w, "", -1)
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Method == http.MethodGet && navigates(r) {
		// A redirect would keep the other site as the initiator, for which browsers
		// do not refresh.
		writePage(w, http.StatusOK, provePage{Again: true, Otherwise: l.signInPage(r)})
		return
	}
	w.Header().Set("Location", requestTarget(r))
	w.WriteHeader(http.StatusTemporaryRedirect) // keeps the method and the body
}

// unproved turns a request away whose client did not prove the key when it was
// asked, and tells of it. The session goes on: its own browser may prove it.
func (l *UserLogin) unproved(w http.ResponseWriter, r *http.Request, e *ProofError) {
	l.demand(w, r, l.config.LoginURL, Problem{Type: ProblemProve, Detail: "This session can be used on the device that it was made on alone. Sign in."})
}

// navigates reports whether the answer to r is shown as a page.
func navigates(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return wantsPage(r)
}

// errNotReplayable is returned for a body that a page cannot send again.
var errNotReplayable = errors.New("loginstage: only a form without files can be sent again after a proof")

// replayable returns the fields of a form, to be sent again.
func replayable(w http.ResponseWriter, r *http.Request) ([]field, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" || r.Method != http.MethodPost {
		return nil, errNotReplayable
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReplayed))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotReplayable, err)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotReplayable, err)
	}
	var fields []field
	for name, each := range values {
		for _, value := range each {
			fields = append(fields, field{name, value})
		}
	}
	slices.SortStableFunc(fields, func(a, b field) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	return fields, nil
}

// requestTarget returns where r was sent, as its client knows it.
func requestTarget(r *http.Request) string {
	if samePath(r.RequestURI) {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// A provePage is shown for a moment, while the browser proves its key.
type provePage struct {
	Script, Challenge, Handle string
	Again                     bool // the browser proves by itself, once this page asks
	Otherwise                 string
	Method, Action            string
	Form                      []field
}

type field struct{ Name, Value string }

var provePageText = template.Must(template.New("prove").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>One moment</title>
{{if .Again}}<meta http-equiv="refresh" content="0">
{{else}}<noscript>{{if .Otherwise}}<p>This page needs JavaScript to check your device. <a href="{{.Otherwise}}">Sign in again</a>.{{else}}<p>This page needs JavaScript to check your device.{{end}}</noscript>
{{if .Action}}<form method="post" action="{{.Action}}">{{range .Form}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}</form>
{{end}}<script src="{{.Script}}" data-challenge="{{.Challenge}}" data-handle="{{.Handle}}" data-otherwise="{{.Otherwise}}"></script>
{{end}}</html>
`))

// provePolicy lets the page do what it is for, and nothing else.
const provePolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func writePage(w http.ResponseWriter, status int, page provePage) {
	var body bytes.Buffer
	if err := provePageText.Execute(&body, page); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", provePolicy)
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client may be gone
}
