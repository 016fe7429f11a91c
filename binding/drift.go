package binding

import (
	"net/netip"
	"slices"
	"time"
)

// Drift is what became of a session's binding since it was made, besides its
// anchor. It only grows: a second anchor is never replaced. The zero value is a
// session that never moved. A Drift is read-only and may be shared.
type Drift struct {
	Second Location    // the anchor of the other address family; the zero value: none yet
	Moves  []time.Time // the latest moves to where the policy held by tolerance alone, oldest first, up to 64
}

// maxMaxMoves is how many moves a session remembers.
const maxMaxMoves = 64

// Add returns d with what other adds to it.
func (d Drift) Add(other Drift) Drift {
	if !d.Second.IP.IsValid() {
		d.Second = other.Second
	}
	if len(other.Moves) > 0 {
		d.Moves = slices.Concat(d.Moves, other.Moves)
		slices.SortFunc(d.Moves, time.Time.Compare)
		d.Moves = slices.CompactFunc(d.Moves, time.Time.Equal)
		d.Moves = d.Moves[max(0, len(d.Moves)-maxMaxMoves):]
	}
	return d
}

// Step is what a [Policy] makes of a session that is used from another address.
type Step struct {
	From, To Location
	Reason   Reason // the first fact that does not hold; empty: it holds
	Policy   Policy // what that was decided by: the policy, or the policy without its tolerance after too many moves
	Adds     Drift  // what the step adds to the session's drift; nothing where a fact does not hold
}

// Follow decides whether a session that was made at anchor, and has drifted since,
// may be used from to at the time at. It is [Policy.Check] with what takes more than
// two locations to know: the anchor of the other address family, and how often the
// session has moved. Where the policy holds between either anchor and to without any
// tolerance, it holds, and that is no move. All locations must be of one generation.
func (p Policy) Follow(anchor Location, drift Drift, to Location, at time.Time) Step {
	step := p.follow(anchor, drift, to, at)
	if step.Reason != "" && (p.ASNGroups != nil || p.Exempt != nil) {
		return p.frozen().follow(anchor, drift, to, at) // so that it is explained as it was decided
	}
	return step
}

func (p Policy) follow(anchor Location, drift Drift, to Location, at time.Time) Step {
	step := Step{From: anchor, To: to, Policy: p, Reason: p.firstReason(&anchor, &to)}
	if p.MaxMoves == 0 && p.Families != FamiliesLearn {
		return step
	}
	strict := p.WithoutTolerance()
	switch lacking := strict.firstReason(&anchor, &to); {
	case lacking == "":
	case p.Families == FamiliesLearn && sameKind(drift.Second.IP, to.IP) && strict.first(&drift.Second, &to) == nil:
		// At an anchor without any tolerance, whatever the other one is by later data.
		step.From, step.Reason = drift.Second, ""
	case step.Reason == "":
		step.tolerate(drift, lacking, at)
	}
	return step
}

// firstReason returns the reason of the first rule that does not hold, or "" if the
// policy holds.
func (p *Policy) firstReason(from, to *Location) Reason {
	if r := p.first(from, to); r != nil {
		return r.reason
	}
	return ""
}

// tolerate holds a step to the second anchor and to the bound on moves. The step
// holds by tolerance alone: without it, the fact lacking does not hold.
func (s *Step) tolerate(drift Drift, lacking Reason, at time.Time) {
	anchor := s.From
	oneFamily := s.Policy
	oneFamily.Families = FamiliesStrict
	if s.Policy.learns(s.From, s.To) && oneFamily.first(&s.From, &s.To) != nil { // what holds without it needs no second anchor
		if drift.Second.IP.IsValid() {
			s.From = drift.Second
			s.Reason = s.Policy.firstReason(&s.From, &s.To)
		} else {
			s.Adds.Second = s.To
		}
	}
	if s.Reason != "" || s.Policy.MaxMoves == 0 {
		return
	}
	at = at.Truncate(time.Second) // a browser that has moved sends many requests at once
	if _, known := slices.BinarySearchFunc(drift.Moves, at, time.Time.Compare); known {
		return
	}
	if movesSince(drift.Moves, at.Add(-time.Hour)) < int(s.Policy.MaxMoves) {
		s.Adds.Moves = []time.Time{at}
	} else {
		*s = Step{From: anchor, To: s.To, Policy: s.Policy.WithoutTolerance(), Reason: lacking}
	}
}

// learns reports whether to is of the other address family than from, and p
// compares addresses and keeps an anchor per family: to is then compared with
// the anchor of its family too, or becomes it. An exempt address is not the
// user's to learn, and one whose prefix is unknown has none to learn.
func (p *Policy) learns(from, to Location) bool {
	return p.crossing(from, to) && !p.Exempt.Contains(to.IP) &&
		(p.Network >= NetworkASNNetworkIP || (p.Network == NetworkASNNetwork && to.ASN != nil && to.ASN.Network.IsValid()))
}

// sameKind reports whether two addresses are of one family and one class, so that
// no tolerance knows the one from the other by these.
func sameKind(a, b netip.Addr) bool { return sameFamily(a, b) && ClassOf(a) == ClassOf(b) }

// movesSince returns how many of the moves, which are in order, came at since or
// after.
func movesSince(moves []time.Time, since time.Time) int {
	first, _ := slices.BinarySearchFunc(moves, since, time.Time.Compare)
	return len(moves) - first
}

// Explain returns how the step came to what is broken, or that nothing is.
func (s Step) Explain() Decision { return s.Policy.Explain(s.From, s.To) }
