package binding

import (
	"net/netip"
	"slices"
	"time"
)

// Track is what a session's binding goes by besides the [Policy]: where it was
// made, and what became of it since. It is read-only.
type Track struct {
	Anchor Location    // where it was made; it never changes
	Second Location    // the anchor of the other address family; the zero value: none yet
	Moves  []time.Time // the latest moves to where it held by tolerance alone, oldest first
}

// Step is what a [Policy] makes of a session that is used from another address.
type Step struct {
	From, To Location
	Reason   Reason    // the first fact that does not hold; empty: it holds
	Policy   Policy    // what that was decided by: the policy, or its Strict after too many moves
	Learned  bool      // To is the session's second anchor from now on
	Moved    time.Time // what to add to the session's moves; the zero value: nothing
}

// Follow decides whether a session may be used from to at the time at. It is
// [Policy.Check] with what takes more than two locations to know: the anchor of
// the other address family, and how often the session has moved. Where the policy
// holds between either anchor and to without any tolerance, it holds, and that is
// no move. All locations must be of one generation.
func (p Policy) Follow(t Track, to Location, at time.Time) Step {
	step := p.follow(t, to, at)
	if step.Reason != "" && (p.ASNGroups != nil || p.Exempt != nil) {
		return p.frozen().follow(t, to, at) // so that it is explained as it was decided
	}
	return step
}

func (p Policy) follow(t Track, to Location, at time.Time) Step {
	step := Step{From: t.Anchor, To: to, Policy: p}
	step.Reason = p.first(&step.From, &step.To)
	if p.MaxMoves > 0 || p.Families == FamiliesLearn {
		strict := p.Strict()
		switch lacking := strict.first(&step.From, &step.To); {
		case lacking == "":
		case p.Families == FamiliesLearn && sameKind(t.Second.IP, to.IP) && strict.first(&t.Second, &step.To) == "":
			// At an anchor by the letter, whatever the other one is by later data.
			step.From, step.Reason = t.Second, ""
		case step.Reason == "":
			step.tolerate(t, lacking, at)
		}
	}
	return step
}

// tolerate holds a step, that holds by tolerance and not by the letter for the
// reason lacking, to the second anchor and to the bound on moves.
func (s *Step) tolerate(t Track, lacking Reason, at time.Time) {
	oneFamily := s.Policy
	oneFamily.Families = FamiliesStrict
	if s.Policy.Learns(s.From, s.To) && oneFamily.first(&s.From, &s.To) != "" { // what holds without it needs no second anchor
		if s.Learned = !t.Second.IP.IsValid(); !s.Learned {
			s.From = t.Second
			s.Reason = s.Policy.first(&s.From, &s.To)
		}
	}
	if s.Reason != "" || s.Policy.MaxMoves == 0 {
		return
	}
	at = at.Truncate(time.Second) // a browser that has moved sends many requests at once
	if _, known := slices.BinarySearchFunc(t.Moves, at, time.Time.Compare); known {
		return
	}
	if movesSince(t.Moves, at.Add(-time.Hour)) < int(s.Policy.MaxMoves) {
		s.Moved = at
	} else {
		*s = Step{From: t.Anchor, To: s.To, Policy: s.Policy.Strict(), Reason: lacking}
	}
}

// sameKind reports whether two addresses are of one family and one class, so that
// no tolerance knows the one from the other by these.
func sameKind(a, b netip.Addr) bool { return sameFamily(a, b) && ClassOf(a) == ClassOf(b) }

// movesSince is how many of the moves, which are in order, came at since or after.
func movesSince(moves []time.Time, since time.Time) int {
	first, _ := slices.BinarySearchFunc(moves, since, time.Time.Compare)
	return len(moves) - first
}

// Explain is how the step came to what is broken, or that nothing is.
func (s Step) Explain() Decision { return s.Policy.Explain(s.From, s.To) }

// After is the track with what the step adds to it. A second anchor is never
// replaced.
func (t Track) After(s Step) Track {
	if s.Learned && !t.Second.IP.IsValid() {
		t.Second = s.To
	}
	if !s.Moved.IsZero() {
		t.Moves = append(slices.Clone(t.Moves), s.Moved)
		slices.SortFunc(t.Moves, time.Time.Compare)
		t.Moves = slices.CompactFunc(t.Moves, time.Time.Equal)
		t.Moves = t.Moves[max(0, len(t.Moves)-maxMaxMoves):]
	}
	return t
}
