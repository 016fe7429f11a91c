package loginstage_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// What binds a session is what was configured when it was made: a restart with
// another configuration neither loosens nor tightens it.
func TestBindingIsRecordedAtTheSignIn(t *testing.T) {
	strict := loginstage.Config{NetworkBinding: binding.NetworkASNNetworkIP, GeoIPBinding: binding.GeoIPCity}
	for _, test := range []struct {
		name          string
		before, after loginstage.Config
		user          string // after the move
	}{
		{"not tightened", loginstage.Config{}, strict, "ada"},
		{"not loosened", strict, loginstage.Config{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.before.Store = memstore.New()
			test.after.Store = test.before.Store
			_, browser := open(t, test.before)
			signIn(t, browser, "ada")

			restarted := loginstagetest.New(t, test.after)
			same := with(t, restarted, browser.Cookie(cookie))
			assert.Equal(t, "ada", whoami(same))
			same.MoveTo(bindingtest.Tokyo)
			response := same.Get("/whoami")
			if test.user != "" {
				assert.Equal(t, test.user, response.Text)
				return
			}
			assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
			assert.Equal(t, session.CauseBroken, restarted.Events.Last().Cause)
		})
	}
}

// Lifetimes are recorded with the session too.
func TestLimitsAreRecordedAtTheSignIn(t *testing.T) {
	store := memstore.New()
	_, browser := open(t, loginstage.Config{Store: store})
	signIn(t, browser, "ada")
	restarted := loginstagetest.New(t, loginstage.Config{Store: store, SessionDuration: 1e9, IdleTimeout: 1e9})
	s := sessions(t, restarted, "ada")[0]
	assert.Equal(t, 30*day, s.Expires.Sub(s.Created))
	assert.Equal(t, day, s.Idle)
}
