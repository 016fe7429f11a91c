package replay

import (
	"math/bits"
	"slices"
	"time"

	"github.com/mooring-go/mooring/binding"
)

// MaxPolicies is how many policies can be replayed at once.
const MaxPolicies = 64

// A Journey is one session under several policies. Those under which it has come
// the same way share its anchor and its drift.
type Journey struct{ courses []course }

type course struct {
	anchor binding.Location
	drift  binding.Drift
	of     uint64 // the policies, by bit
}

// Begin returns the journey of a session that was made at a place, under the number
// of policies.
func Begin(at binding.Location, policies int) Journey {
	return Journey{[]course{{anchor: at, of: 1<<policies - 1}}}
}

// Verdict is what a policy makes of a move that it does not let pass.
type Verdict struct {
	Policy int // its index
	Step   binding.Step
	Action binding.Action
	Reason binding.Reason // what the action is for
}

// Move leads j to another place. It calls broken with each policy that does not
// hold there, and returns j as it goes on.
func (j Journey) Move(policies []binding.Policy, to binding.Location, at time.Time, broken func(Verdict)) Journey {
	var next []course
	var restarted uint64 // the policies under which it begins again
	changed := false
	for _, c := range j.courses {
		same := c.of
		for rest := c.of; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros64(rest)
			step := policies[i].Follow(c.anchor, c.drift, to, at)
			switch {
			case step.Reason != "":
				v := verdictOf(i, step)
				if v.Action == binding.End || v.Action == binding.StepUp {
					restarted |= 1 << i
					same &^= 1 << i
				}
				broken(v)
			case step.Adds.Second.IP.IsValid() || len(step.Adds.Moves) > 0:
				next = add(next, course{c.anchor, c.drift.Add(step.Adds), 1 << i})
				same &^= 1 << i
			}
		}
		if same != 0 {
			next = add(next, course{c.anchor, c.drift, same})
		}
		changed = changed || same != c.of
	}
	if !changed {
		return j
	}
	if restarted != 0 {
		next = add(next, course{anchor: to, of: restarted})
	}
	return Journey{next}
}

func verdictOf(policy int, step binding.Step) Verdict {
	v := Verdict{Policy: policy, Step: step, Reason: step.Reason}
	if step.Policy.Actions != (binding.Actions{}) {
		decision := step.Explain()
		v.Action, v.Reason = decision.Action, decision.Decisive
	}
	return v
}

// add adds a course, or its policies to the course that is the same.
func add(courses []course, added course) []course {
	for i := range courses {
		c := &courses[i]
		if c.anchor == added.anchor && c.drift.Second == added.drift.Second && slices.Equal(c.drift.Moves, added.drift.Moves) {
			c.of |= added.of
			return courses
		}
	}
	return append(courses, added)
}
