package session_test

import (
	"testing"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sessiontest"
)

func TestCookieKeepsTheContract(t *testing.T) {
	for name, cookie := range map[string]session.Cookie{
		"zero":          {},
		"InsecureHTTP":  {InsecureHTTP: true},
		"of a path":     {Name: "app", Path: "/app"},
		"of a domain":   {Name: "__Secure-app", Domain: "example.test"},
		"SameSite None": {Name: "app", SameSite: 4},
	} {
		t.Run(name, func(t *testing.T) {
			sessiontest.RunCarrier(t, func(*testing.T) session.Carrier { return cookie })
		})
	}
}
