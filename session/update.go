package session

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxRequired is how many names [Session.Required] can have.
const MaxRequired = 16

// ErrConflict is returned by [Store.Update], and by [Store.Start] for a session to
// renew, where the session has another Version than the caller goes by: somebody
// has changed it meanwhile.
var ErrConflict = errors.New("session: changed meanwhile")

// An Update is what [Store.Update] does to a live session. The zero value but for its
// Version changes nothing and counts as a change.
type Update struct {
	Version uint64 // the Version that the session has to have

	Value    []byte   // the new Value, JSON; nil: it stays
	Device   string   // the new Device; empty: it stays
	Require  []string // names to add to Required; those that are there stay once
	Complete []string // names to take from Required; those that are not there are passed over
}

// Update makes the change in s, and raises its Version by one. If s has another
// Version it is [ErrConflict], and if no session can be as the change says
// [ErrInvalid]; s is then as it was. It shares nothing with u.
//
// It is for stores: each calls it in the step that changes the record.
func (s *Session) Update(u Update) error {
	if s.Version != u.Version {
		return fmt.Errorf("%w: version %d, want %d", ErrConflict, s.Version, u.Version)
	}
	changed := *s
	changed.Version++
	if u.Value != nil {
		changed.Value = bytes.Clone(u.Value)
	}
	if u.Device != "" {
		changed.Device = strings.Clone(u.Device)
	}
	changed.Required = slices.DeleteFunc(slices.Clone(s.Required), func(name string) bool { return slices.Contains(u.Complete, name) })
	for _, name := range u.Require {
		if !slices.Contains(changed.Required, name) {
			changed.Required = append(changed.Required, name)
		}
	}
	if len(changed.Required) == 0 {
		changed.Required = nil
	}
	var mistakes []error
	refuse := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
	}
	checkRequired(changed.Required, refuse)
	checkValue(changed.Value, refuse)
	checkText("Device", changed.Device, refuse)
	if err := errors.Join(mistakes...); err != nil {
		return err
	}
	*s = changed
	return nil
}

// checkRequired refuses what cannot be required.
func checkRequired(required []string, refuse func(format string, args ...any)) {
	if len(required) > MaxRequired {
		refuse("Required of %d names, want up to %d", len(required), MaxRequired)
	}
	for i, name := range required {
		if name == "" || slices.Contains(required[:i], name) {
			refuse("Required[%d] %q, want a name that is there once", i, name)
		}
		checkText(fmt.Sprintf("Required[%d]", i), name, refuse)
	}
}
