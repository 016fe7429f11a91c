package settings

import (
	"errors"
	"fmt"
)

// An Error is one mistake in settings that were read. Readers return all of them, joined.
type Error struct {
	Key  string // "session_duration", "tolerance.families", or the variable; "": the whole document
	Line int    // where the key is, from 1; 0: not in a document, or nobody knows
	Text string // what was found there; "" where there is nothing to show
	Err  error  // what is wrong with it, and what is allowed
}

// Error names the line, the key, the text and what is allowed.
func (e *Error) Error() string {
	text := "settings: "
	if e.Line > 0 {
		text += fmt.Sprintf("line %d: ", e.Line)
	}
	if e.Key != "" {
		text += fmt.Sprintf("%.80s: ", printable(e.Key))
	}
	if e.Text != "" {
		text += fmt.Sprintf("%.80q: ", e.Text)
	}
	return text + e.Err.Error()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// printable returns a key as it is, or quoted where a log could not show it.
func printable(key string) string {
	if quoted := fmt.Sprintf("%q", key); quoted != `"`+key+`"` {
		return quoted
	}
	return key
}

// mistakes are those that a reader has found.
type mistakes struct {
	all     []error
	dropped int
}

// maxMistakes is how many mistakes a reader returns: a file of another kind has thousands.
const maxMistakes = 100

// full reports whether no more mistakes are told.
func (m *mistakes) full() bool { return len(m.all) >= maxMistakes }

func (m *mistakes) add(key string, line int, text string, err error) {
	if m.full() {
		m.dropped++
		return
	}
	m.all = append(m.all, &Error{Key: key, Line: line, Text: text, Err: err})
}

// joined returns all mistakes, or nil if there are none.
func (m *mistakes) joined() error {
	if m.dropped > 0 {
		return errors.Join(append(m.all, &Error{Err: fmt.Errorf("and %d more mistakes", m.dropped)})...)
	}
	return errors.Join(m.all...)
}
