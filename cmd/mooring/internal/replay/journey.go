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
// the same way share its track.
type Journey struct{ courses []course }

type course struct {
	track binding.Track
	of    uint64 // the policies, by bit
}

// Begin is a session that was made at a place, under so many policies.
func Begin(at binding.Location, policies int) Journey {
	return Journey{[]course{{binding.Track{Anchor: at}, 1<<policies - 1}}}
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
	var anew uint64 // the policies under which it begins anew
	changed := false
	for _, c := range j.courses {
		same := c.of
		for rest := c.of; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros64(rest)
			step := policies[i].Follow(c.track, to, at)
			switch {
			case step.Reason != "":
				v := verdictOf(i, step)
				if v.Action == binding.End || v.Action == binding.StepUp {
					anew |= 1 << i
					same &^= 1 << i
				}
				broken(v)
			case step.Learned || !step.Moved.IsZero():
				next = add(next, c.track.After(step), 1<<i)
				same &^= 1 << i
			}
		}
		if same != 0 {
			next = add(next, c.track, same)
		}
		changed = changed || same != c.of
	}
	if !changed {
		return j
	}
	if anew != 0 {
		next = add(next, binding.Track{Anchor: to}, anew)
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

// add has the policies come along the track.
func add(courses []course, track binding.Track, policies uint64) []course {
	for i := range courses {
		c := &courses[i]
		if c.track.Anchor == track.Anchor && c.track.Second == track.Second && slices.Equal(c.track.Moves, track.Moves) {
			c.of |= policies
			return courses
		}
	}
	return append(courses, course{track, policies})
}
