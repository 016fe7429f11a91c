package binding

import (
	"fmt"
	"slices"
	"strings"
)

// Action is what is done about a fact that no longer holds. The zero value is
// [End]. Actions are ordered: the least is the strictest.
type Action uint8

// The actions.
const (
	End    Action = iota // end: the session ends
	StepUp               // step_up: the session is restricted until it is confirmed
	Prove                // prove: the request is served once the session's device key is proved
	Report               // report: an event tells of it, and the session goes on
	Allow                // allow: nothing
)

const actionKind = "action"

var actionNames = []string{"end", "step_up", "prove", "report", "allow"}

// String returns the action's name.
func (a Action) String() string { return levelName("Action", actionNames, uint8(a)) }

// MarshalText returns the action's name. A number that is no action is an error.
func (a Action) MarshalText() ([]byte, error) { return levelText(actionKind, actionNames, uint8(a)) }

// UnmarshalText reads end, step_up, prove, report or allow. Anything else is a
// [*LevelError], and leaves a as it was.
func (a *Action) UnmarshalText(text []byte) error {
	level, err := parseLevel(actionKind, actionNames, string(text))
	if err == nil {
		*a = Action(level)
	}
	return err
}

// Actions says what is done by reason. The zero value is [End] for all. Its text
// is "network.asn=report,geoip.city=allow", with * for all reasons that are not
// named: "*=report".
type Actions struct{ byReason [len(rules)]Action }

// Always returns the actions that are a for every reason.
func Always(a Action) Actions {
	var as Actions
	for i := range as.byReason {
		as.byReason[i] = a
	}
	return as
}

// With returns the actions with a for the reasons named. A reason that is none
// of the constants is passed over.
func (as Actions) With(a Action, when ...Reason) Actions {
	for _, reason := range when {
		if i := reason.index(); i >= 0 {
			as.byReason[i] = a
		}
	}
	return as
}

// For returns the action for the reason; [End] for one that is none of the
// constants.
func (as Actions) For(reason Reason) Action {
	if i := reason.index(); i >= 0 {
		return as.byReason[i]
	}
	return End
}

// replacing returns the actions with what stand-in has for each reason that asks for
// the action given.
func (as Actions) replacing(a Action, standIn Actions) Actions {
	for i, action := range as.byReason {
		if action == a {
			as.byReason[i] = standIn.byReason[i]
		}
	}
	return as
}

// have reports whether any reason has the action.
func (as Actions) have(a Action) bool { return slices.Contains(as.byReason[:], a) }

// MarshalText returns what UnmarshalText reads: the reasons that do not end a
// session.
func (as Actions) MarshalText() ([]byte, error) {
	var pairs []string
	for i, action := range as.byReason {
		name, err := action.MarshalText()
		if err != nil {
			return nil, err
		}
		if action != End {
			pairs = append(pairs, string(rules[i].reason)+"="+string(name))
		}
	}
	return []byte(strings.Join(pairs, ",")), nil
}

// UnmarshalText reads reason=action pairs, and leaves as as it was on error.
// Empty text is [End] for all.
func (as *Actions) UnmarshalText(text []byte) error {
	var read Actions
	named := map[Reason]Action{}
	for pair := range fields(text) {
		name, actionName, _ := strings.Cut(pair, "=")
		reason := Reason(name)
		_, repeated := named[reason]
		if repeated || (reason != "*" && reason.index() < 0) {
			return fmt.Errorf("binding: actions: %.40q: want each of *, %s once at most", name, reasonList())
		}
		var action Action
		if err := action.UnmarshalText([]byte(actionName)); err != nil {
			return err
		}
		named[reason] = action
	}
	if all, ok := named["*"]; ok {
		read = Always(all)
	}
	for reason, action := range named {
		read = read.With(action, reason)
	}
	*as = read
	return nil
}

// reasonList returns the names of all reasons, for an error.
func reasonList() string {
	names := make([]string, len(rules))
	for i := range rules {
		names[i] = string(rules[i].reason)
	}
	return strings.Join(names, ", ")
}
