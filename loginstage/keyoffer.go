package loginstage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// registerTime is how long after a sign-in a key can be registered.
const registerTime = 5 * time.Minute

// ReasonNoDeviceKey is why a session is restricted that has no device key though
// [Config.DeviceKey] requires one. It is not recorded: the session is restricted no
// longer once it has a key.
const ReasonNoDeviceKey binding.Reason = "device_key.missing"

// offerKey lets the client that has just signed in, as s, register a device key. It is
// offered at no other time: what a thief has of a session is not enough to bind a key
// of the thief's to it.
func (l *UserLogin) offerKey(w http.ResponseWriter, r *http.Request, s session.Session) {
	if bears(l.config.Carrier, r) {
		return // its key, if any, came with the sign-in
	}
	l.forgetProofs(w, r)
	if l.config.DeviceKey == DeviceKeyOff || !s.Drift.Key.IsZero() {
		return
	}
	challenge := l.secrets.Challenge(devicekey.Register, keySubject(s), l.sessions.Now(r.Context()))
	l.offerCookie().Set(w, challenge, registerTime)
	w.Header().Add(headerRegistration, fmt.Sprintf(`(ES256 RS256);path="%s";challenge="%s";authorization="%s"`,
		l.keyURL(dbscRegister), challenge, l.keyHandle(s)))
}

// forgetProofs takes from the client what is about the key of a session before.
func (l *UserLogin) forgetProofs(w http.ResponseWriter, r *http.Request) {
	for _, cookie := range []session.Cookie{l.passCookie, l.offerCookie(), l.askedCookie()} {
		if len(r.CookiesNamed(cookie.Name)) > 0 {
			cookie.Set(w, "", -1)
		}
	}
}

// offered reports whether r comes from a browser that was offered to register a key
// for s, no longer than maxAge ago, and returns the challenge.
func (l *UserLogin) offered(r *http.Request, s session.Session, maxAge time.Duration) (challenge string, ok bool) {
	challenge, _ = l.offerCookie().Value(r)
	if challenge == "" {
		return "", false
	}
	return challenge, l.secrets.CheckChallenge(devicekey.Register, keySubject(s), challenge, l.sessions.Now(r.Context()), maxAge) == nil
}

// requireKey restricts s, as it is known to this request, if it has no device key,
// should have one, and had time to register it.
func (l *UserLogin) requireKey(r *http.Request, s *session.Session) bool {
	if l.config.DeviceKey != DeviceKeyRequire || !s.Drift.Key.IsZero() || s.Drift.Restricted != "" {
		return false
	}
	grace := l.config.DeviceKeyGrace.Std()
	if l.sessions.Now(r.Context()).Before(s.Proved().Add(grace)) {
		return false
	}
	if _, ok := l.offered(r, *s, grace); ok { // since it was confirmed
		return false
	}
	s.Drift.Restricted = ReasonNoDeviceKey
	return true
}

// errBound is returned for a session that another key was bound to, or this one by an
// answer to the same challenge: one that is sent again proves nothing.
var errBound = errors.New("loginstage: the session has a device key already")

// bindKey binds s to the key that came with the answer to a challenge, and returns it as
// it is then, or errBound if it is bound by now.
func (l *UserLogin) bindKey(r *http.Request, s session.Session, key devicekey.Key, challenge string) (session.Session, error) {
	bound := s
	err := l.whereverItIs(r.Context(), s, func(s session.Session) (err error) {
		bound, err = l.writeKey(r.Context(), s, key)
		return err
	})
	if err != nil {
		return session.Session{}, err
	}
	err = l.sessions.Once(r.Context(), keySubject(bound), challenge, registerTime+time.Minute)
	if errors.Is(err, session.ErrExists) {
		return session.Session{}, errBound
	}
	if err != nil {
		return session.Session{}, err
	}
	l.emitBound(r, bound)
	return bound, nil
}

// writeKey writes the key into s, which is written once, and returns s as it is then, or
// errBound if it has another one.
func (l *UserLogin) writeKey(ctx context.Context, s session.Session, key devicekey.Key) (session.Session, error) {
	if s.Drift.Key.IsZero() {
		seen := session.Seen{Time: s.LastSeen, IP: s.IP, Drift: session.Drift{Key: key}}
		if _, err := l.sessions.Touch(ctx, s, seen); err != nil {
			return session.Session{}, err
		}
		var err error
		if s, err = l.sessions.Get(ctx, s.ID, session.KindSession); err != nil {
			return session.Session{}, err
		}
	}
	if s.Drift.Key != key {
		return session.Session{}, errBound
	}
	return s, nil
}

// emitBound tells that the session was bound to its key, once.
func (l *UserLogin) emitBound(r *http.Request, s session.Session) {
	event := l.boundEvent(r, s)
	if l.told.first(event.ID) {
		l.events.emit(r.Context(), event)
	}
}

// offerCookie returns where the browser keeps the challenge of a registration.
func (l *UserLogin) offerCookie() session.Cookie { return l.stageCookie("_offer") }

// bearing is a carrier that gives some clients their token by a header.
type bearing interface{ Bears(r *http.Request) bool }

// bears reports whether the client that sent r gets its token by a header, and not in
// a cookie.
func bears(carrier session.Carrier, r *http.Request) bool {
	bearer, ok := carrier.(bearing)
	return ok && bearer.Bears(r)
}

// tokenHeaderOf returns the header by which the carrier gives some clients their token,
// in its canonical form, or "" where it has none or nobody knows.
func tokenHeaderOf(carrier session.Carrier) string {
	var bearer session.Bearer
	switch carrier := carrier.(type) {
	case session.Bearer:
		bearer = carrier
	case *session.Bearer:
		bearer = *carrier
	case session.CookieOrBearer:
		bearer = carrier.Bearer
	case *session.CookieOrBearer:
		bearer = carrier.Bearer
	default:
		return ""
	}
	return http.CanonicalHeaderKey(cmp.Or(bearer.Header, session.DefaultTokenHeader))
}

// stageCookie returns one of the stage's own cookies.
func (l *UserLogin) stageCookie(suffix string) session.Cookie {
	cookie := l.config.StageCookie
	cookie.Name = cookie.CookieName() + suffix
	return cookie
}
