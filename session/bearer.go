package session

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

// DefaultTokenHeader is the header of a response that gives a token to the client of
// a [Bearer] that names no other.
const DefaultTokenHeader = "Mooring-Token"

// Bearer is a [Carrier] for clients of an API, which keep the token themselves and
// send it in the header Authorization: "Bearer <token>" (RFC 6750, section 2.1) or
// "DPoP <token>" (RFC 9449, section 7.1). It reads no token from a URL or a body. The
// zero value is ready to use. It is safe for concurrent use.
//
// The host's sign-in endpoint calls Begin as for a browser. The answer has the token
// in the header that Header names; a client takes the token from there whenever an
// answer has the header, and forgets the token where its value is empty. How long the
// token is kept is the client's affair: the server's limits hold.
//
// A client that can set no header, as the WebSocket of a browser, has no other place for
// the token: never a URL, which every proxy logs. Browsers have a [Cookie] there, and the
// host checks the Origin of the handshake. Other clients exchange the token for a ticket
// that works once and for seconds, which [Manager.Once] sees to; examples/websocket shows
// both. A host can also take the token as the first message, before it does anything else.
//
// A token that a script of a page can read is a token that an injected script can
// steal: browsers get a [Cookie]. For hosts of both there is [CookieOrBearer].
type Bearer struct {
	Header string // of responses; empty: DefaultTokenHeader
}

// The schemes of the header Authorization.
const (
	schemeBearer = "Bearer"
	schemeDPoP   = "DPoP"
)

// Validate returns an error if Header is not the name of a header, or one that means
// something else.
func (b Bearer) Validate() error {
	name := b.header()
	if textproto.CanonicalMIMEHeaderKey(name) == "Set-Cookie" || (&http.Cookie{Name: name}).Valid() != nil {
		return fmt.Errorf("session: bearer Header %.80q: want the name of a header of its own, such as %q", name, DefaultTokenHeader)
	}
	return nil
}

// Read returns the token in the request's one Authorization header.
func (b Bearer) Read(r *http.Request) (Token, error) {
	scheme, text := authorization(r)
	if scheme == "" {
		return Token{}, nil
	}
	token, _ := ParseToken(text) // what is no token is anonymous
	return token, nil
}

// Write sets the response's header.
func (b Bearer) Write(w http.ResponseWriter, _ *http.Request, t Token, _ time.Duration) error {
	b.set(w, t.Secret())
	return nil
}

// Clear sets the response's header to the empty text.
func (b Bearer) Clear(w http.ResponseWriter, _ *http.Request) error {
	b.set(w, "")
	return nil
}

// Bears reports whether the client that sent r gets its token by a header, and not in
// a cookie. It is always true.
func (b Bearer) Bears(*http.Request) bool { return true }

func (b Bearer) set(w http.ResponseWriter, value string) {
	w.Header().Set(b.header(), value)
	w.Header().Set("Cache-Control", "no-store")
}

func (b Bearer) header() string {
	if b.Header == "" {
		return DefaultTokenHeader
	}
	return b.Header
}

// authorization returns what the request's one Authorization header says in one of
// the schemes, and "" where there is none, more than one, or another scheme.
func authorization(r *http.Request) (scheme, text string) {
	lines := r.Header["Authorization"]
	if len(lines) != 1 {
		return "", ""
	}
	scheme, text, found := strings.Cut(textproto.TrimString(lines[0]), " ")
	if !found || (!strings.EqualFold(scheme, schemeBearer) && !strings.EqualFold(scheme, schemeDPoP)) {
		return "", ""
	}
	return scheme, textproto.TrimString(text)
}
