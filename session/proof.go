package session

import (
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// What a session holds of how its user was proved, and for whom, at the most.
const (
	MaxAMR  = 16  // names in Session.AMR
	MaxText = 255 // bytes of each of these, of ACR, Actor, Tenant, Device and Carrier, and of each of Session.Required
)

// Proved returns when the user last proved who they are: AuthTime or, where that is
// zero, as in a session that knows nothing else, Created.
func (s Session) Proved() time.Time {
	if s.AuthTime.IsZero() {
		return s.Created
	}
	return s.AuthTime
}

// checkProof refuses what no session says of how its user was proved.
func (s Session) checkProof(refuse func(format string, args ...any)) {
	if t := s.AuthTime; !t.IsZero() && (t.Before(firstTime) || t.After(lastTime)) {
		refuse("AuthTime %s, want a time from 1678 to 2262, or none", t.Format(time.RFC3339))
	}
	if len(s.AMR) > MaxAMR {
		refuse("AMR of %d names, want up to %d", len(s.AMR), MaxAMR)
	}
	for i, name := range s.AMR {
		if name == "" {
			refuse("AMR with an empty name")
		}
		checkText(fmt.Sprintf("AMR[%d]", i), name, refuse)
	}
	checkText("ACR", s.ACR, refuse)
	checkText("Actor", s.Actor, refuse)
	checkText("Tenant", s.Tenant, refuse)
}

// checkText refuses a text that is too long, or that a log or a header cannot show.
func checkText(field, text string, refuse func(format string, args ...any)) {
	switch {
	case len(text) > MaxText:
		refuse("%s of %d bytes, want up to %d", field, len(text), MaxText)
	case !utf8.ValidString(text) || slices.ContainsFunc([]rune(text), unicode.IsControl):
		refuse("%s %q, want UTF-8 without control characters", field, text)
	}
}
