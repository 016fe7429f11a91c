package rpclogin

import (
	"strings"

	"github.com/mooring-go/mooring/loginstage"
)

// Methods are names of methods, such as "/shop.v1.Orders/List", and of whole services, such
// as "/shop.v1.Orders/". nil names none.
type Methods []string

// Has reports whether m names the method, or its service.
func (m Methods) Has(method string) bool {
	for _, name := range m {
		if name == method || (len(name) > 1 && strings.HasSuffix(name, "/") && strings.HasPrefix(method, name)) {
			return true
		}
	}
	return false
}

// ServesAnonymous reports whether a public method serves a call with the denial, as one
// without a session: where nobody is signed in, or the session is restricted.
func ServesAnonymous(denial loginstage.Denial) bool {
	return denial == loginstage.DenialSignIn || denial == loginstage.DenialStepUp || denial == loginstage.DenialRequired
}
