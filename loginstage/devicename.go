package loginstage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mooring-go/mooring/session"
)

// maxDevice is how long the name of a device can be, in bytes.
const maxDevice = 64

// nameDevice returns what Config.DeviceName calls the client, or "" where nobody knows.
// A function that panics knows nothing: a sign-in does not depend on it.
func (l *UserLogin) nameDevice(ctx context.Context, userAgent string) (name string) {
	if l.config.DeviceName == nil || userAgent == "" {
		return ""
	}
	defer func() {
		if cause := recover(); cause != nil {
			l.config.Logger.ErrorContext(ctx, "loginstage: DeviceName panicked", "user_agent", userAgent, "panic", cause)
			name = ""
		}
	}()
	return strings.TrimSpace(clip(l.config.DeviceName(userAgent), maxDevice))
}

// RenameDevice gives a remembered device of the user a name of the user's, which it
// keeps through later sign-ins, and which their sessions have as their Device. The name
// has 1 to 64 bytes of printable text without characters that reorder it; any other is
// [session.ErrInvalid]. IDs are as for [UserLogin.ForgetDevice].
func (l *UserLogin) RenameDevice(ctx context.Context, user string, id session.ID, name string) error {
	l = l.in(ctx)
	if name != clip(name, maxDevice) || strings.TrimSpace(name) == "" {
		return fmt.Errorf("loginstage: renaming a device: %w: name %.80q, want 1 to %d bytes of printable text", session.ErrInvalid, name, maxDevice)
	}
	err := l.eachOfDevice(ctx, user, id, func(device session.Session) error {
		_, err := l.sessions.Update(ctx, device.ID, session.Update{Version: device.Version, Device: name})
		return err
	})
	if err != nil {
		return fmt.Errorf("loginstage: renaming a device: %w", err)
	}
	return nil
}

// isRenamed reports whether the device has a name that the user has given it: nothing
// else changes the record of a device.
func isRenamed(device session.Session) bool { return device.Version > 0 }

// eachOfDevice makes a step on each record by which the user's remembered device of the
// ID is known: that one, or those of later sign-ins on it, more than one if they were at
// the same time. It goes on where somebody else has changed or replaced one meanwhile.
func (l *UserLogin) eachOfDevice(ctx context.Context, user string, id session.ID, step func(session.Session) error) error {
	for range maxRenewals {
		records, err := l.recordsOf(ctx, user, id)
		if err != nil {
			return err
		}
		again := false
		for _, record := range records {
			err := step(record)
			if errors.Is(err, session.ErrConflict) || isReplaced(err) {
				again = true
			} else if err != nil {
				return err
			}
		}
		if !again {
			return nil
		}
	}
	return errors.New("the device is signed in on all the time")
}

// isReplaced reports whether err says that a later sign-in replaced the record of a
// device.
func isReplaced(err error) bool {
	ended, ok := errors.AsType[*session.EndedError](err)
	return ok && ended.Ending.Cause == session.CauseReplaced
}

// recordsOf returns the live records by which the user's device of the ID is known, at
// least one.
func (l *UserLogin) recordsOf(ctx context.Context, user string, id session.ID) ([]session.Session, error) {
	device, err := l.sessions.Get(ctx, id, session.KindDevice)
	if ended, ok := errors.AsType[*session.EndedError](err); ok {
		device = ended.Session
	} else if err != nil {
		return nil, err
	}
	if device.User != user {
		return nil, session.ErrNotFound
	}
	if err != nil && !isReplaced(err) {
		return nil, err
	}
	all, listErr := l.sessions.List(ctx, user, session.KindDevice)
	if listErr != nil {
		return nil, listErr
	}
	records := slices.DeleteFunc(all, func(other session.Session) bool { return lineage(&other) != lineage(&device) })
	if len(records) > 0 {
		return records, nil
	}
	if err == nil { // it has ended meanwhile
		err = session.ErrNotFound
	}
	return nil, err
}
