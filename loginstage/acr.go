package loginstage

import (
	"slices"

	"github.com/mooring-go/mooring/session"
)

// The levels of assurance of NIST SP 800-63B, as a [User.ACR]. A higher one satisfies
// a demand for a lower one. Which level a proof has is for the host to say: AAL2 takes
// two factors, AAL3 a key in hardware that resists phishing.
const (
	ACRAAL1 = "aal1"
	ACRAAL2 = "aal2"
	ACRAAL3 = "aal3"
)

// levels are those that are in an order, the lowest first.
var levels = []string{ACRAAL1, ACRAAL2, ACRAAL3}

// satisfies reports whether s was proved as well as one of acr wants.
func satisfies(s session.Session, acr []string) bool {
	if slices.Contains(acr, s.ACR) {
		return true
	}
	level := slices.Index(levels, s.ACR)
	return slices.ContainsFunc(acr, func(wanted string) bool {
		want := slices.Index(levels, wanted)
		return want >= 0 && level >= want
	})
}
