package loginstage

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"slices"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// verdict is what the guard does with a session that is used from another address.
type verdict struct {
	action    binding.Action    // binding.Allow if nothing is broken
	broken    *binding.Broken   // what the action is for; nil if nothing is broken
	explained *binding.Decision // where events are to have it
	drift     session.Drift     // what to add to the session's
	step      binding.Step      // what all that comes of
	move      string            // where a device key is to be proved: a name for what for
}

// maxGenerations is how often the locator's data may be replaced during one
// check.
const maxGenerations = 4

// judge returns the verdict on s being used from ip. All facts that it compares come
// from one generation of the locator's data.
func (l *UserLogin) judge(ctx context.Context, s session.Session, ip netip.Addr) (verdict, error) {
	if !s.Policy.Binds() {
		return verdict{action: binding.Allow}, nil
	}
	policy := s.Policy
	if s.Drift.Key.IsZero() {
		policy = policy.WithoutKey()
	}
	policy.ASNGroups, policy.Exempt = l.config.Tolerance.ASNGroups, l.config.Tolerance.Exempt
	to, err := l.locate(ctx, ip)
	if err != nil {
		return verdict{}, err
	}
	for range maxGenerations {
		anchor, second, err := l.relocate(ctx, s, to.Generation)
		if err != nil {
			return verdict{}, err
		}
		if anchor.Generation == to.Generation && (!second.IP.IsValid() || second.Generation == to.Generation) {
			drift := binding.Drift{Second: second, Moves: s.Drift.Moves}
			return l.decide(ctx, s, policy.Follow(anchor, drift, to, l.sessions.Now(ctx))), nil
		}
		if to, err = l.locate(ctx, ip); err != nil { // the data was replaced in between
			return verdict{}, err
		}
	}
	return verdict{}, errors.New("loginstage: the locator's data changes all the time")
}

// relocate returns the anchors of s. Those of another generation it locates again.
func (l *UserLogin) relocate(ctx context.Context, s session.Session, generation string) (anchor, second binding.Location, err error) {
	anchor, second = s.Anchor, s.Drift.Second
	for _, location := range []*binding.Location{&anchor, &second} {
		if location.IP.IsValid() && location.Generation != generation {
			if *location, err = l.locate(ctx, location.IP); err != nil {
				return anchor, second, err
			}
		}
	}
	return anchor, second, nil
}

// decide returns the verdict for the step, with what it adds to the session's drift.
func (l *UserLogin) decide(ctx context.Context, s session.Session, step binding.Step) verdict {
	v := verdict{action: binding.Allow, step: step, drift: session.Drift{Second: step.Adds.Second, Moves: step.Adds.Moves}}
	if step.Reason == "" {
		return v
	}
	decision := step.Explain()
	if l.stale() {
		decision.Action = max(decision.Action, binding.Report)
	}
	if l.config.Decide != nil {
		decision.Action = l.config.Decide(ctx, s, decision)
	}
	if decision.Action == binding.Prove && s.Drift.Key.IsZero() { // as Decide may say
		decision.Action = s.Policy.Unproved.For(decision.Decisive)
		if decision.Action == binding.Prove {
			decision.Action = binding.End
		}
	}
	if decision.Action > binding.Allow { // which is none
		decision.Action = binding.End
	}
	v.action, v.broken = decision.Action, decision.Broken()
	if l.config.ExplainEvents {
		v.explained = &decision
	}
	switch v.action {
	case binding.StepUp:
		v.drift.Restricted = v.broken.Reason
	case binding.Prove:
		v.move = provedMove(decision)
	case binding.Report:
		if move := moveKey(v.broken); !slices.Contains(s.Drift.Reported, move) {
			v.drift.Reported = []string{move}
		}
	}
	return v
}

// reevaluates reports whether s is judged again though it has not moved: it was reported
// while the data was stale, perhaps, which ends or restricts no session.
func (l *UserLogin) reevaluates(s *session.Session) bool {
	return l.config.ReportWhenStale && len(s.Drift.Reported) > 0 && !l.stale()
}

// holdsExactly reports whether s holds without any tolerance.
func (v verdict) holdsExactly(s session.Session) bool {
	return v.broken == nil && s.Policy.WithoutTolerance().Check(v.step.From, v.step.To) == nil
}

// stale reports whether the locator's data is too old to end a session by.
func (l *UserLogin) stale() bool {
	locator, ok := l.config.Locator.(binding.Ager)
	return ok && l.config.ReportWhenStale && locator.Stale() != nil
}

// moveKey names a move to where something no longer holds, so that it is
// reported once.
func moveKey(broken *binding.Broken) string {
	sum := sha256.Sum256([]byte(broken.String()))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// emitMove emits the event of a session that has moved and goes on, unless it was told
// before.
func (l *UserLogin) emitMove(r *http.Request, s session.Session, before session.Drift, moved verdict) {
	if moved.broken == nil {
		return
	}
	if moved.action == binding.Prove && len(moved.drift.Proved) > 0 {
		l.emitProved(r, s, moved)
		return
	}
	move := moveKey(moved.broken)
	var action Action
	var once string // what is told once
	switch {
	case moved.action == binding.StepUp && (before.Restricted == "" || before.Restricted == session.RestrictedIdle):
		action, once = ActionStepUp, eventID(ActionStepUp, s.ID)
	case moved.action == binding.Report && !slices.Contains(before.Reported, move):
		action, once = ActionReport, eventID(ActionReport, s.ID, move)
	default:
		return
	}
	if l.told.first(once) {
		l.events.emit(r.Context(), l.moveEvent(r, action, s, moved))
	}
}
