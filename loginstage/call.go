package loginstage

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
)

// A Call is a use of a session that is no HTTP request with a guard before it: a gRPC
// call, or a WebSocket whose first message brings the token. What a Call says is
// looked at as a guard looks at a request: give it what the transport knows, and
// nothing that the client could say of itself where it should not.
type Call struct {
	// Path is what is called, such as "/package.Service/Method". Events show it as it
	// is, as the pattern of a route: it is to be a name that the server has given.
	Path string

	// Method is the method of HTTP by which the call came, such as GET; empty: POST, which
	// all calls of gRPC have. The proof of a DPoP key is for one method.
	Method string

	// Header is the call's metadata, by canonical names: Authorization and Cookie
	// for the carrier, User-Agent for events, and what the ClientIP resolver reads.
	Header http.Header

	// RemoteAddr is the other end of the connection, as [http.Request] has it: an IP
	// address and a port. Empty: unknown, as over a Unix socket.
	RemoteAddr string

	// Host is the server's name as the client knows it, and TLS the state of the
	// connection; "" and nil: unknown. [UserLogin.Begin] warns of cookies over plain HTTP
	// by them.
	Host string
	TLS  *tls.ConnectionState

	// Token is the token, where the host got it in another way than the carrier
	// reads it. The zero Token: the carrier reads it from Header.
	Token session.Token

	// AllowRestricted admits a restricted session, as [UserLogin.AllowRestricted]
	// does.
	AllowRestricted bool

	// MaxAge is how long ago the user may have proved who they are, as
	// [UserLogin.RequireFresh] has it: the call of others is denied with
	// [DenialStale]. 0: any time ago. Less than 0: no session is fresh enough.
	MaxAge time.Duration

	// ACR is how well the user has to be proved, as [UserLogin.RequireACR] has it: the
	// call of others is denied with [DenialACR]. nil: in any way. Empty and not nil: no
	// session is proved well enough.
	ACR []string
}

// Request returns the call as a request of HTTP/2 without a body, which is what a gRPC
// call is, with its Method: for [UserLogin.Begin], Finish, Confirm, Logout and what else takes a
// request. It does not have the Token. The header is the call's own, not a copy.
func (c Call) Request(ctx context.Context) *http.Request {
	header := c.Header
	if header == nil {
		header = http.Header{}
	}
	method := c.Method
	if method == "" {
		method = http.MethodPost
	}
	path := c.Path
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u := &url.URL{Path: path}
	r := &http.Request{
		Method: method, URL: u, RequestURI: u.RequestURI(), Proto: "HTTP/2.0", ProtoMajor: 2,
		Header: header, Body: http.NoBody, Host: c.Host, RemoteAddr: c.RemoteAddr, TLS: c.TLS, Pattern: path,
	}
	return r.WithContext(ctx)
}

// Authenticate is [UserLogin.Check] for a call. The context that it returns is one
// within ctx in which [Current] and [Restricted] return what it found out, with or
// without an error. The error is nil, or an [*AccessError] by which the host denies the
// call; one that serves anonymous callers too goes on at [DenialSignIn],
// [DenialStepUp] and [DenialRequired].
//
// In a context that it returned, or behind a guard of the stage, Authenticate returns
// what was found out, unless the call has a Token. MaxAge and ACR are asked of that: a
// handler that needs more than its guard asked for calls Authenticate with them.
//
// The context that [UserLogin.Live] makes of call.Request(ctx), where ctx is one that
// Authenticate returned, ends with the session: for streams and WebSockets. A client
// whose session has a DPoP key gets its next nonce from [UserLogin.DPoPNonce].
func (l *UserLogin) Authenticate(ctx context.Context, call Call) (context.Context, error) {
	l = l.in(ctx)
	found := &guarded{login: l}
	if outer := l.foundIn(ctx); outer != nil && call.Token.IsZero() {
		found.finding = outer.finding
	} else {
		l.findCall(call.Request(ctx), call.Token, found)
	}
	denial := found.denial
	if found.admitted || (restricts(denial) && call.AllowRestricted) {
		denial = ""
	}
	found.admitted = denial == ""
	if denial == "" {
		if call.MaxAge != 0 || call.ACR != nil {
			if denied := l.insufficient(ctx, found.current(), call.MaxAge, call.ACR); denied != nil {
				return found.within(ctx), denied
			}
		}
		return found.within(ctx), nil
	}
	if denial == DenialUnavailable {
		l.config.Logger.ErrorContext(ctx, "loginstage: a session could not be checked", "error", found.err)
	}
	return found.within(ctx), l.accessError(denial, found.current(), found.err)
}

// insufficient returns the denial of a session whose user was not proved lately or well
// enough for a call, and nil if there is none.
func (l *UserLogin) insufficient(ctx context.Context, s session.Session, age time.Duration, acr []string) error {
	var denied *AccessError
	if age != 0 {
		denied = l.staleFor(ctx, s, age)
	}
	if denied == nil && acr != nil {
		denied = belowACR(s, acr)
	}
	if denied == nil {
		return nil
	}
	denied.Session, denied.login = s, l
	return denied
}

// findCall has g hold what becomes of a request of a call, whose token is in the carrier
// unless it is given.
func (l *UserLogin) findCall(r *http.Request, token session.Token, g *guarded) {
	id := token.ID()
	if token.IsZero() {
		var err error
		if id, err = l.carried(r); err != nil {
			g.finding = nobody(err)
			return
		}
	}
	l.find(r, id, g)
}
