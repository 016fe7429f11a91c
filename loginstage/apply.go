package loginstage

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/mooring-go/mooring/session"
)

// Apply replaces the settings by s, all at once: a request that is being handled goes on
// with the settings that it began with, and each later request has s. It returns
// every mistake in s, joined, a [*ConfigError] each, and changes nothing then: what [New]
// finds, and settings that a running stage cannot change, which are Name, DeviceKeyPath
// and DurableEvents.
//
// Sessions that exist keep the binding, the actions and the limits that they were made
// with, until they end or the user re-authenticates, which takes the limits of that time.
// What a request has to do holds for them too: DeviceKey, ProveEvery, AlsoAdmit, the
// lists of Tolerance, and where browsers are sent.
//
// One event tells of what has changed, with actor as whose doing it is: a user ID or a name
// of the host's, of which 255 bytes are kept. A sink that refuses it does not undo the
// change. Settings that say what those before said are no change, and are not told. Of two
// calls at once the later one holds, whole.
//
// Apply changes the settings of this process: package loginstage/settings has Follow,
// which keeps all processes of a host to one source. Who may change them is for the host
// to decide, before. It is safe for concurrent use.
func (l *UserLogin) Apply(ctx context.Context, s Settings, actor string) error {
	changed, err := l.apply(ctx, s, actor)
	if changed {
		l.events.wait()
	}
	return err
}

// apply is Apply, but does not wait for the sink. It reports whether anything changed.
func (l *UserLogin) apply(ctx context.Context, s Settings, actor string) (changed bool, err error) {
	l.setting.Lock()
	defer l.setting.Unlock()
	before := l.latest.Load()
	changes, s := s.clone().changedFrom(before.settings)
	if len(changes) == 0 {
		return false, nil
	}
	if mistakes := append(l.wired.with(s).mistakes(), before.unchangeable(s)...); len(mistakes) > 0 {
		return false, errors.Join(mistakes...)
	}
	next, err := before.by(s)
	if err != nil {
		return false, err
	}
	l.latest.Store(next)
	l.events.enqueue(ctx, next.settingsEvent(ctx, changes, actor))
	return true, nil
}

// by returns the snapshot that is l by other settings, which have no mistakes.
func (l *UserLogin) by(s Settings) (*UserLogin, error) {
	next := *l // what does not go by settings stays
	next.settings, next.config = s, l.config.with(s).withDefaults()
	next.accounts = l.accounts.by(next.config)
	var err error
	next.sessions, err = l.sessions.With(func(c *session.Config) {
		c.StoreTimeout, c.KeepEndings = next.config.StoreTimeout.Std(), next.config.KeepEndings.Std()
		c.OnEnd, c.OnIdle = next.onEnd, next.onIdle
	})
	if err != nil {
		return nil, fmt.Errorf("loginstage: %w", err)
	}
	return &next, nil
}

// unchangeable returns what s would change that is known outside of the stage by now: in
// records and links, where the host has mounted handlers, and in what the host runs.
func (l *UserLogin) unchangeable(s Settings) []error {
	var mistakes []error
	for _, fixed := range []struct {
		field      string
		now, wants any
	}{
		{"Name", l.config.Name, cmp.Or(s.Name, DefaultName)},
		{"DeviceKeyPath", l.config.DeviceKeyPath, cmp.Or(s.DeviceKeyPath, DefaultDeviceKeyPath)},
		{"DurableEvents", l.config.DurableEvents, s.DurableEvents},
	} {
		if fixed.wants != fixed.now {
			mistakes = append(mistakes, &ConfigError{
				Field: fixed.field, Value: fmt.Sprintf("%.40q", fmt.Sprint(fixed.wants)), Want: fmt.Sprintf("%q as it is: only a restart of the host changes it", fmt.Sprint(fixed.now)),
			})
		}
	}
	return mistakes
}

// settingsEvent returns the event of settings that were changed.
func (l *UserLogin) settingsEvent(ctx context.Context, changes []SettingChange, actor string) Event {
	event := l.event(ActionSettings, CauseApplied, rand.Text())
	event.Time, event.Actor = l.sessions.Now(ctx), clip(actor, maxActor)
	event.Context.Settings = changes
	return event
}
