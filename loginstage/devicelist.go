package loginstage

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// Devices returns the remembered devices of the user, the latest sign-in first: see
// [Config.RememberDevice]. Of a device ID, Created, IP, UserAgent, Device and Anchor are
// as of the latest sign-in on it; it signs nobody in.
func (l *UserLogin) Devices(ctx context.Context, user string) ([]session.Session, error) {
	l = l.in(ctx)
	devices, err := l.sessions.List(ctx, user, session.KindDevice)
	if err != nil {
		return nil, fmt.Errorf("loginstage: listing devices: %w", err)
	}
	return devices, nil
}

// ForgetDevice revokes one remembered device of the user. An ID from before the latest
// sign-in on the device is of the device all the same, while the store keeps how the
// record ended. An ID that is not a device of this user's is [session.ErrNotFound] or
// [*session.EndedError], so an ID can come straight from a form. The actor is whose
// doing it is, for the event. Sessions on the device go on: see [UserLogin.Revoke].
func (l *UserLogin) ForgetDevice(ctx context.Context, user string, id session.ID, actor string) error {
	l = l.in(ctx)
	ending := l.ending(nil, session.CauseRevoked, actor)
	err := l.eachOfDevice(ctx, user, id, func(device session.Session) error {
		_, err := l.sessions.End(ctx, device.ID, ending)
		return err
	})
	l.events.wait()
	if err != nil {
		return fmt.Errorf("loginstage: forgetting a device: %w", err)
	}
	return nil
}

// KnownAddress reports whether the user has another session than s that was last used
// from the address of s. It is weaker than [UserLogin.KnownDevice], since many people
// can share an address, and needs no cookie: use it beside, before telling a user of a
// sign-in on a new device.
func (l *UserLogin) KnownAddress(ctx context.Context, s session.Session) (bool, error) {
	l = l.in(ctx)
	ip := binding.Normalize(s.IP)
	if ip == (netip.Addr{}) {
		return false, nil
	}
	all, err := l.Sessions(ctx, s.User)
	for _, other := range all {
		if other.ID != s.ID && other.Actor == "" && binding.Normalize(other.IP) == ip {
			return true, nil
		}
	}
	return false, err
}
