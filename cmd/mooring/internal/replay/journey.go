package replay

import (
	"slices"
	"time"

	"github.com/mooring-go/mooring/binding"
)

// A Journey is one session under several policies. Those under which it has come
// the same way share its anchor and its drift.
type Journey struct{ courses []course }

type course struct {
	anchor binding.Location
	drift  binding.Drift
	proved []string // the moves that the device has proved, oldest first
	of     set      // the policies
}

// maxProved is how many proved moves a session remembers.
const maxProved = 16

// Begin returns the journey of a session that was made at a place, under the number
// of policies.
func Begin(at binding.Location, policies int) Journey {
	return Journey{[]course{{anchor: at, of: firstOf(policies)}}}
}

// Verdict is what a policy makes of a move that it does not let pass.
type Verdict struct {
	Policy int // its index
	Step   binding.Step
	Action binding.Action // Prove: the device was asked for a proof
	Proved bool           // the device proved its key, and the session goes on
	Reason binding.Reason // what the action is for
}

// Interrupts reports whether the user has to sign in or to confirm, or a thief is
// turned away.
func (v Verdict) Interrupts() bool {
	return v.Action == binding.End || v.Action == binding.StepUp || v.Action == binding.Prove && !v.Proved
}

// CannotProve is for a client that cannot use the session's key, whatever the policy.
func CannotProve(int) bool { return false }

// CanProve is for a client that can use the session's key, whatever the policy.
func CanProve(int) bool { return true }

// Move leads j to another place. It calls broken with each policy that does not
// hold there and whose move is not proved yet, and returns j as it goes on: a session
// that is ended, or restricted, or not proved begins again there. The policies of a
// session without a key are [binding.Policy.WithoutKey]; proves reports whether the
// client can use the key that the session has under the policy.
func (j Journey) Move(policies []binding.Policy, to binding.Location, at time.Time, proves func(policy int) bool, broken func(Verdict)) Journey {
	var next []course
	var restarted set // the policies under which it begins again
	changed := false
	for _, c := range j.courses {
		same := c.of
		for i := range c.of.each {
			step := policies[i].Follow(c.anchor, c.drift, to, at)
			switch {
			case step.Reason != "":
				v, move := verdictOf(i, step)
				if v.Action == binding.Prove {
					if slices.Contains(c.proved, move) {
						continue
					}
					v.Proved = proves(i)
				}
				switch {
				case v.Interrupts():
					restarted.add(i)
					same.remove(i)
				case v.Proved:
					proved := append(slices.Clone(c.proved), move)
					next = add(next, course{c.anchor, c.drift, proved[max(0, len(proved)-maxProved):], only(i)})
					same.remove(i)
				}
				broken(v)
			case step.Adds.Second.IP.IsValid() || len(step.Adds.Moves) > 0:
				next = add(next, course{c.anchor, c.drift.Add(step.Adds), c.proved, only(i)})
				same.remove(i)
			}
		}
		if same != (set{}) {
			next = add(next, course{c.anchor, c.drift, c.proved, same})
		}
		changed = changed || same != c.of
	}
	if !changed {
		return j
	}
	if restarted != (set{}) {
		next = add(next, course{anchor: to, of: restarted})
	}
	return Journey{next}
}

// verdictOf returns what is done about the step and, where a proof is asked for, what
// the proof is remembered by.
func verdictOf(policy int, step binding.Step) (Verdict, string) {
	v := Verdict{Policy: policy, Step: step, Reason: step.Reason}
	if step.Policy.Actions == (binding.Actions{}) {
		return v, ""
	}
	decision := step.Explain()
	v.Action, v.Reason = decision.Action, decision.Decisive
	if v.Action != binding.Prove {
		return v, ""
	}
	return v, decision.Move()
}

// add adds a course, or its policies to the course that is the same.
func add(courses []course, added course) []course {
	for i := range courses {
		c := &courses[i]
		if c.anchor == added.anchor && c.drift.Second == added.drift.Second && slices.Equal(c.drift.Moves, added.drift.Moves) && slices.Equal(c.proved, added.proved) {
			c.of = c.of.with(added.of)
			return courses
		}
	}
	return append(courses, added)
}
