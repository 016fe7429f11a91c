package loginstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/mooring-go/mooring/session"
)

// A remembered device is a record of its own kind in the same store as the
// sessions, so that it has what they have: a token that is stored nowhere, limits,
// a list, and revocation in one step.

const (
	// maxDevices is how many devices of one user are remembered.
	maxDevices = 32
	// maxDeviceCookies is how many users one browser is remembered for.
	maxDeviceCookies = 8
	// maxTrimmed is how many device cookies one answer deletes.
	maxTrimmed = 16
)

// KnownDevice reports whether the user has signed in on the device that sent
// the request, and that was remembered: see [Config.RememberDevice]. It proves
// nobody: anyone may be using the device. Use it to tell the user of a
// sign-in on a new device, or to ask a new device for more.
func (l *UserLogin) KnownDevice(r *http.Request, user string) (bool, error) {
	l = l.in(r.Context())
	device, err := l.knownDevice(r, user)
	return !device.ID.IsZero(), err
}

// ForgetDevices revokes all remembered devices of the user, and returns how many it
// revoked, with an error too: those stay revoked. The actor, for the events, is the
// user or the host's own name that did it.
func (l *UserLogin) ForgetDevices(ctx context.Context, user, actor string) (int, error) {
	l = l.in(ctx)
	n, err := l.sessions.EndUser(ctx, user, session.ID{}, l.ending(nil, session.CauseRevoked, actor), session.KindDevice)
	l.events.wait()
	if err != nil {
		return n, fmt.Errorf("loginstage: forgetting devices: %w", err)
	}
	return n, nil
}

// knownDevice returns the record by which the device that sent the request is known for
// the user, or the zero Session. A token of another kind or of another user's device in
// the cookie finds nothing, and stays as it is.
func (l *UserLogin) knownDevice(r *http.Request, user string) (session.Session, error) {
	none := session.Session{}
	if l.config.RememberDevice == 0 {
		return none, nil
	}
	token, err := l.deviceCookie(user).Read(r)
	if err != nil || token.IsZero() {
		return none, err
	}
	device, err := l.sessions.Find(r.Context(), token, session.KindDevice)
	switch {
	case isEnded(err):
		return none, nil
	case err != nil:
		return none, fmt.Errorf("loginstage: looking for the device: %w", err)
	case device.User != user:
		return none, nil
	}
	return device, nil
}

// rememberDevice makes the device known for s.User from now on, and replaces what it
// was known by before. The sign-in does not depend on it.
func (l *UserLogin) rememberDevice(w http.ResponseWriter, r *http.Request, s, known session.Session) {
	if l.config.RememberDevice == 0 {
		return
	}
	lifetime := l.config.RememberDevice.Std()
	token, device, err := l.sessions.Issue(r.Context(), session.Session{
		Kind: session.KindDevice, User: s.User, Name: s.Name, Stage: s.Stage,
		Created: s.Created, Expires: s.Created.Add(lifetime), MaxAge: lifetime,
		IP: s.IP, UserAgent: s.UserAgent, Device: s.Device, Anchor: s.Anchor,
		Lineage: lineage(&known), Version: known.Version, // so that it is known to be renamed
	}, session.Replace{Before: known.ID, Max: maxDevices, Ending: l.ending(r, "", s.User)})
	if err == nil {
		err = l.forgetIfEnded(r, s, device)
	}
	if err == nil && !known.ID.IsZero() {
		err = l.keepRenaming(r, known, device)
	}
	if isEnded(err) {
		return
	}
	if err == nil {
		err = l.sessions.Carry(w, r, l.deviceCookie(s.User), token, device)
	}
	if err != nil {
		l.config.Logger.ErrorContext(r.Context(), "loginstage: the device is not remembered", "user", s.User, "error", err)
		return
	}
	l.trimDeviceCookies(w, r, s.User)
}

// keepRenaming gives the record of a device the name that the user gave the one before
// it, after a sign-in had read that and before it was replaced.
func (l *UserLogin) keepRenaming(r *http.Request, known, device session.Session) error {
	_, err := l.sessions.Get(r.Context(), known.ID, session.KindDevice)
	ended, ok := errors.AsType[*session.EndedError](err)
	if !ok || ended.Session.Version == known.Version {
		return nil // nobody has renamed it, or nobody knows
	}
	_, err = l.sessions.Update(r.Context(), device.ID, session.Update{Version: device.Version, Device: ended.Session.Device})
	if errors.Is(err, session.ErrConflict) {
		return nil // it was renamed once more
	}
	return err
}

// forgetIfEnded ends the record of a device if s, the session of the sign-in that it is
// remembered by, has ended meanwhile, and returns how that ended. A step that ends both,
// as of changed credentials, could have come between the two, and missed the device.
func (l *UserLogin) forgetIfEnded(r *http.Request, s, device session.Session) error {
	_, err := l.sessions.Get(r.Context(), s.ID, session.KindSession)
	if !isEnded(err) {
		return err
	}
	ending := l.ending(r, session.CauseNotCarried, "")
	if _, endErr := l.sessions.End(r.Context(), device.ID, ending); endErr != nil && !isEnded(endErr) {
		return endErr
	}
	return err
}

// trimDeviceCookies deletes the cookies that are too many from a browser that many
// users share, so that its requests stay within the limits of servers. One answer
// deletes at most maxTrimmed of them, however many a client sends.
func (l *UserLogin) trimDeviceCookies(w http.ResponseWriter, r *http.Request, user string) {
	own, prefix := l.deviceCookie(user), l.deviceCookieName("")
	others := make(map[string]struct{})
	for _, header := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(header, ";") {
			name, _, _ := strings.Cut(strings.TrimSpace(pair), "=")
			shard, ok := strings.CutPrefix(name, prefix)
			if !ok || name == own.Name || len(shard) != len(session.Shard(user)) {
				continue
			}
			if _, again := others[name]; again {
				continue
			}
			others[name] = struct{}{}
			if n := len(others); n >= maxDeviceCookies {
				surplus := own
				surplus.Name = name
				surplus.Set(w, "", -1)
				if n == maxDeviceCookies+maxTrimmed-1 {
					return
				}
			}
		}
	}
}

// deviceCookie returns the cookie by which one browser is known for the user. Users
// who share a browser have one each, unless they share a shard.
func (l *UserLogin) deviceCookie(user string) session.Cookie {
	cookie := l.config.StageCookie
	cookie.Name = l.deviceCookieName(session.Shard(user))
	return cookie
}

func (l *UserLogin) deviceCookieName(shard string) string {
	return l.config.StageCookie.CookieName() + "_device_" + shard
}
