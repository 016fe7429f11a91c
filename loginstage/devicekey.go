package loginstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// DeviceKey says whether sessions are bound to a key that cannot leave the device.
// The zero value is [DeviceKeyOff].
type DeviceKey uint8

// What a stage does about device keys.
const (
	DeviceKeyOff     DeviceKey = iota // off: nobody is asked for a key
	DeviceKeyOffer                    // offer: each sign-in takes a key where the client has one
	DeviceKeyRequire                  // require: a session without a key is restricted after DeviceKeyGrace
)

var deviceKeyNames = []string{"off", "offer", "require"}

// String returns the name: "off", "offer" or "require".
func (k DeviceKey) String() string {
	if int(k) < len(deviceKeyNames) {
		return deviceKeyNames[k]
	}
	return fmt.Sprintf("DeviceKey(%d)", uint8(k))
}

// MarshalText returns the name. A number that has none is an error.
func (k DeviceKey) MarshalText() ([]byte, error) {
	if int(k) >= len(deviceKeyNames) {
		return nil, fmt.Errorf("loginstage: device key %d: want one of %v", uint8(k), deviceKeyNames)
	}
	return []byte(k.String()), nil
}

// UnmarshalText reads a name, and leaves k as it was on error. Empty text is off.
func (k *DeviceKey) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*k = DeviceKeyOff
		return nil
	}
	for i, name := range deviceKeyNames {
		if name == string(text) {
			*k = DeviceKey(i)
			return nil
		}
	}
	return fmt.Errorf("loginstage: device key %.40q: want one of %v", text, deviceKeyNames)
}

const (
	// registerTime is how long after a sign-in a key can be registered.
	registerTime = 5 * time.Minute
	// proveTime is for how much longer than a pass a challenge can be answered: a
	// browser keeps one for its next refresh.
	proveTime = 10 * time.Minute
)

// offerKey lets the client that has just signed in register a device key. It is
// offered at no other time: what a thief has of a session is not enough to bind a
// key of their own to it.
func (l *UserLogin) offerKey(w http.ResponseWriter, r *http.Request, s session.Session) {
	if l.config.DeviceKey == DeviceKeyOff {
		return
	}
	if cookie := l.passCookie(); hasCookie(r, cookie.Name) {
		cookie.Set(w, "", -1) // of the session before
	}
	if !s.Drift.Key.IsZero() {
		return
	}
	challenge := l.secrets.Challenge(devicekey.Register, keySubject(s), l.sessions.Now(r.Context()))
	l.offerCookie().Set(w, challenge, session.WholeSeconds(registerTime))
	w.Header().Add("Secure-Session-Registration", fmt.Sprintf(`(ES256 RS256);path="%s";challenge="%s";authorization="%s"`,
		l.config.DeviceKeyPath+dbscRegister, challenge, l.keyHandle(s)))
}

// lineage returns the ID of the session that the sign-in started, of which s is
// the latest renewal.
func lineage(s session.Session) session.ID {
	if s.Lineage.IsZero() {
		return s.ID
	}
	return s.Lineage
}

// keySubject returns what challenges for the session's key are made for. It stays
// the same when the session is renewed, as its key does.
func keySubject(s session.Session) string { return lineage(s).String() }

// keyHandle returns what the client calls the session's key: it discloses nothing,
// and the session is found by it without a cookie.
func (l *UserLogin) keyHandle(s session.Session) string {
	return l.secrets.Seal([]byte(lineage(s).String() + s.User))
}

// findByHandle returns the live session whose key the handle names. A handle that
// nobody made is [session.ErrNotFound].
func (l *UserLogin) findByHandle(ctx context.Context, handle string) (session.Session, error) {
	plain, err := l.secrets.Open(handle)
	if err != nil {
		return session.Session{}, fmt.Errorf("%w: %w", session.ErrNotFound, err)
	}
	const idLen = 45 // the text of a session.ID
	if len(plain) <= idLen {
		return session.Session{}, session.ErrNotFound
	}
	id, err := session.ParseID(string(plain[:idLen]))
	if err != nil {
		return session.Session{}, session.ErrNotFound
	}
	s, err := l.sessions.Get(ctx, id, session.KindSession)
	if ended, ok := errors.AsType[*session.EndedError](err); ok && ended.Ending.Cause == session.CauseRenewed {
		return l.findRenewal(ctx, string(plain[idLen:]), id, err)
	}
	if err == nil && s.Stage != l.config.Name {
		return session.Session{}, session.ErrNotFound
	}
	return s, err
}

// findRenewal returns the live session of the lineage, or ended where there is none.
func (l *UserLogin) findRenewal(ctx context.Context, user string, of session.ID, ended error) (session.Session, error) {
	sessions, err := l.sessions.List(ctx, user, session.KindSession)
	if err != nil {
		return session.Session{}, err
	}
	for _, s := range sessions {
		if s.Lineage == of && s.Stage == l.config.Name {
			return s, nil
		}
	}
	return session.Session{}, ended
}

// bindKey binds the session to the key, if it has none, and returns it as it is
// then: with this key, or with the one that came first.
func (l *UserLogin) bindKey(r *http.Request, s session.Session, key devicekey.Key) (session.Session, error) {
	seen := session.Seen{Time: s.LastSeen, IP: s.IP, Drift: session.Drift{Key: key}}
	if _, err := l.sessions.Touch(r.Context(), s, seen); err != nil {
		return session.Session{}, err
	}
	bound, err := l.sessions.Get(r.Context(), s.ID, session.KindSession)
	if err == nil && bound.Drift.Key == key {
		l.events.emit(r.Context(), l.keyEvent(r, bound))
	}
	return bound, err
}

// useChallenge reports whether the challenge is used for the first time, in all
// processes: a record of its own says so until the challenge is too old to answer.
func (l *UserLogin) useChallenge(ctx context.Context, s session.Session, unique string, keep time.Duration) (bool, error) {
	now := l.sessions.Now(ctx)
	err := l.sessions.Once(ctx, session.Session{
		Kind: session.KindProof, User: s.User, Stage: s.Stage, Created: now, LastSeen: now, Expires: now.Add(keep),
	}, unique)
	if errors.Is(err, session.ErrExists) {
		return false, nil
	}
	return err == nil, err
}

// offerCookie is where the client keeps the challenge of a registration.
func (l *UserLogin) offerCookie() session.Cookie { return l.stageCookie("_offer") }

// passCookie is the short-lived cookie that says that a proof was seen.
func (l *UserLogin) passCookie() session.Cookie { return l.stageCookie("_bound") }

// stageCookie is one of the stage's own cookies.
func (l *UserLogin) stageCookie(suffix string) session.Cookie {
	cookie := l.config.StageCookie
	cookie.Name = cookie.CookieName() + suffix
	return cookie
}
