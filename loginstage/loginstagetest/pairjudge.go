package loginstagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mooring-go/mooring/session"
)

// judge returns what does not hold after two steps.
func (w *world) judge(ctx context.Context, did [2]*deed) error {
	live, strangers, err := w.look(ctx)
	if err != nil {
		return err
	}
	var failures []error
	fails := func(format string, args ...any) { failures = append(failures, fmt.Errorf(format, args...)) }
	for i, d := range did {
		if !d.mayFail(did[1-i]) {
			fails("%q failed: %w", d.step.name, d.err)
		}
	}
	for p := range w.parts {
		switch n := len(live[p]); {
		case n > 1:
			fails("%s is there %d times", p, n)
		case n == 1 && (did[0].hasEnded(p) || did[1].hasEnded(p)):
			fails("%s survives that was ended", p)
		case n == 0 && p != overdue && !did[0].mayEnd(p, did[1]) && !did[1].mayEnd(p, did[0]):
			fails("%s is lost that was not ended", p)
		}
	}
	for i, d := range did {
		failures = append(failures, d.changed(live, did[1-i]), d.goesOn(strangers, did[1-i]))
	}
	if did[0].isAlone() && did[1].isAlone() && len(strangers) == 0 {
		fails("of two sign-ins that end others none is left")
	}
	return errors.Join(failures...)
}

// look returns the live records of the world by part, and those that are none, by ID.
func (w *world) look(ctx context.Context) (map[part][]session.Session, map[session.ID]session.Session, error) {
	live, strangers := make(map[part][]session.Session), make(map[session.ID]session.Session)
	for _, user := range []string{w.user, w.neighbour, "carol-" + w.user} {
		all, err := w.store.List(ctx, user)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range all {
			if p := w.partOf(s); p != "" {
				live[p] = append(live[p], s)
			} else {
				strangers[s.ID] = s
			}
		}
	}
	return live, strangers, nil
}

// partOf returns the part that the record is, or goes on from; "" where it is none. What
// a device is known by after a sign-in is another record than before.
func (w *world) partOf(s session.Session) part {
	for p, first := range w.parts {
		if s.ID == first.ID || (s.Lineage == first.ID && s.Kind == first.Kind && s.Kind != session.KindDevice) {
			return p
		}
	}
	return ""
}

// hasEnded reports whether the step has ended the part, and all that it went on as.
func (d *deed) hasEnded(p part) bool {
	return d.err == nil && slices.Contains(d.step.ends, p) && p != d.step.spares
}

// mayEnd reports whether the part may have ended by the step.
func (d *deed) mayEnd(p part, other *deed) bool {
	if p == d.step.spares {
		return other.step.renews == p
	}
	return slices.Contains(d.step.ends, p)
}

// mayFail reports whether the step may come out as it did beside other.
func (d *deed) mayFail(other *deed) bool {
	gone := d.step.on != "" && (other.mayEnd(d.step.on, d) || (other.step.renews == d.step.on && !d.step.follows))
	switch {
	case d.err == nil, d.step.once && d.step.name == other.step.name && other.err == nil:
		return true
	case isOver(d.err):
		return gone
	case errors.Is(d.err, session.ErrConflict):
		return d.step.on == other.step.on && other.step.changes
	default:
		return false
	}
}

// changed checks that what the step has changed is still so.
func (d *deed) changed(live map[part][]session.Session, other *deed) error {
	undone := other.err == nil && (d.step.name == other.step.name || (d.step.drifts && other.step.resets && d.step.on == other.step.on))
	if d.err != nil || d.step.holds == nil || undone {
		return nil
	}
	for _, s := range live[d.step.on] {
		if err := d.step.holds(d, s); err != nil {
			return fmt.Errorf("%q was lost: %w", d.step.name, err)
		}
	}
	return nil
}

// goesOn checks that the session that the step started is there, unless the other step
// ends any, and that the device it is known by ends with it.
func (d *deed) goesOn(strangers map[session.ID]session.Session, other *deed) error {
	if d.err != nil || d.started.ID.IsZero() {
		return nil
	}
	_, there := strangers[d.started.ID]
	swept := other.step.sweeps && d.started.User == d.world.user
	if !there && !swept {
		return fmt.Errorf("the session that %q started is lost", d.step.name)
	}
	for _, s := range strangers {
		if s.Kind == session.KindDevice && !there && slices.Contains(other.step.ends, otherDevice) {
			return fmt.Errorf("the device of %q survives that was ended with its session", d.step.name)
		}
	}
	return nil
}

// isAlone reports whether the step started a session and ended all others.
func (d *deed) isAlone() bool { return d.err == nil && d.step.sweeps && !d.started.ID.IsZero() }
