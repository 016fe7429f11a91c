package session

import (
	"errors"
	"net/http"
	"time"
)

// A Carrier is how the token travels between a client and the server. [Cookie]
// is the default; session/gorillacarrier puts it into a gorilla session.
// Implementations are safe for concurrent use.
//
// Write and Clear make the response uncacheable (Cache-Control: no-store), and
// of several calls on one response the last one counts.
type Carrier interface {
	// Read returns the token that came with the request. Where there is none,
	// or something that is no token, or more than one, it returns the zero
	// Token. An error means that the carrier failed and nobody knows.
	Read(r *http.Request) (Token, error)

	// Write gives the token to the client, to be kept for maxAge, or until the
	// browser closes if that is 0. A part of a second counts as a whole one.
	// It leaves whatever else the carrier holds as it is.
	Write(w http.ResponseWriter, r *http.Request, t Token, maxAge time.Duration) error

	// Clear takes the token from the client, and with it all else that the
	// carrier holds for this user.
	Clear(w http.ResponseWriter, r *http.Request) error
}

// A Named is a [Carrier] that names the one place where the client that sent r has its
// token, such as a cookie: carriers that name the same have it in common. By that
// [Manager.Start] knows that a sign-in takes the place of a session of another stage. Where
// the carrier is no Named, or the name is empty or longer than [MaxText], as of a client
// that can keep several tokens, a sign-in takes the place of sessions of its own stage alone.
type Named interface {
	CarrierName(r *http.Request) string
}

// carrierName returns what the carrier names, or "".
func carrierName(carrier Carrier, r *http.Request) string {
	named, ok := carrier.(Named)
	if !ok {
		return ""
	}
	if name := named.CarrierName(r); len(name) <= MaxText {
		return name
	}
	return ""
}

// A Validator is a part of a configuration that can tell, before it is used,
// what is wrong with it. Validate returns every mistake, joined.
type Validator interface{ Validate() error }

// A LifetimeValidator is a [Carrier] that knows how long it can keep a token.
// ValidateLifetime makes ready for tokens that are kept for up to longest, and
// returns an [ErrLifetime] if it cannot keep them that long. It is called before the
// carrier is used, and again, beside requests, where settings change.
type LifetimeValidator interface {
	ValidateLifetime(longest time.Duration) error
}

// MaxCookieAge is how long browsers keep a cookie at the most, whatever its
// Max-Age says: 400 days (RFC 6265bis, section 5.5).
const MaxCookieAge = 400 * 24 * time.Hour

// ErrLifetime is returned for a lifetime that a carrier cannot keep a token for.
var ErrLifetime = errors.New("session: lifetime too long for the carrier")
