package loginstage_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// sees writes down what a handler finds of the request's session.
func sees(w http.ResponseWriter, r *http.Request) {
	current, restricted := "nobody", "nobody"
	if s, ok := loginstage.Current(r.Context()); ok {
		current = s.User
	}
	if s, ok := loginstage.Restricted(r.Context()); ok {
		restricted = s.User
	}
	_, _ = w.Write([]byte(current + " " + restricted))
}

// A restricted session is anonymous to a host that does not think of it, and is
// admitted where the host says so.
func TestARestrictedSessionIsAdmittedWhereTheHostSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, steppingUp)
		handler := http.HandlerFunc(sees)
		mux := http.NewServeMux()
		mux.Handle("/begin", app(stage.UserLogin))
		mux.Handle("/guard", stage.Guard(handler))
		mux.Handle("/allow", stage.AllowRestricted(handler))
		mux.Handle("/require", stage.Require(handler))
		mux.Handle("/guard-allow", stage.Guard(stage.AllowRestricted(handler)))
		mux.Handle("/allow-guard", stage.AllowRestricted(stage.Guard(handler)))
		mux.Handle("/allow-require", stage.AllowRestricted(stage.Require(handler)))
		mux.Handle("/guard-allow-require", stage.Guard(stage.AllowRestricted(stage.Require(handler))))
		mux.Handle("/guard-require", stage.Guard(stage.Require(handler)))
		mux.Handle("/require-allow", stage.Require(stage.AllowRestricted(handler)))
		browser := loginstagetest.NewBrowser(t, mux)
		answer := func(path string) string {
			response := browser.Call("GET", path, nil)
			if response.StatusCode != http.StatusOK {
				return http.StatusText(response.StatusCode)
			}
			return response.Text
		}
		for _, test := range []struct{ path, anonymous, free, restricted string }{
			{"/guard", "nobody nobody", "ada nobody", "nobody ada"},
			{"/allow", "nobody nobody", "ada nobody", "ada ada"},
			{"/require", "Unauthorized", "ada nobody", "Unauthorized"},
			{"/guard-allow", "nobody nobody", "ada nobody", "ada ada"},
			{"/allow-guard", "nobody nobody", "ada nobody", "ada ada"},
			{"/allow-require", "Unauthorized", "ada nobody", "ada ada"},
			{"/guard-allow-require", "Unauthorized", "ada nobody", "ada ada"},
			{"/guard-require", "Unauthorized", "ada nobody", "Unauthorized"},
			{"/require-allow", "Unauthorized", "ada nobody", "Unauthorized"},
		} {
			browser.MoveTo(bindingtest.Berlin)
			other := loginstagetest.NewBrowser(t, mux)
			assert.Equal(t, test.anonymous, func() string {
				response := other.Call("GET", test.path, nil)
				if response.StatusCode != http.StatusOK {
					return http.StatusText(response.StatusCode)
				}
				return response.Text
			}(), test.path)
			signIn(t, browser, "ada")
			assert.Equal(t, test.free, answer(test.path), test.path)
			browser.MoveTo(bindingtest.Paris)
			assert.Equal(t, test.restricted, answer(test.path), test.path)
		}
	})
}

// A session is confirmed by its own user alone.
func TestConfirmRefusesAnotherUser(t *testing.T) {
	for _, test := range []struct {
		name   string
		proved loginstage.User
		cause  string
	}{
		{"another", loginstage.User{ID: "mallory"}, "other_user"},
		{"a prefix", loginstage.User{ID: "ad"}, "other_user"},
		{"another case", loginstage.User{ID: "Ada"}, "other_user"},
		{"nobody", loginstage.User{}, "no_user"},
		{"inactive", loginstage.User{ID: "ada", Inactive: true}, "inactive_user"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := travel(t, steppingUp)
				require.Equal(t, passes, v.visit(bindingtest.Paris))
				before, token := v.stored(), v.Cookie(cookie)
				v.proved = test.proved
				response := v.PostForm("/confirm", nil)
				var denied *loginstage.DeniedError
				require.ErrorAs(t, v.confirm, &denied)
				assert.Equal(t, test.cause, string(denied.Cause))
				assert.Equal(t, test.proved.ID, denied.User)
				assert.Empty(t, response.Header["Set-Cookie"])
				assert.Equal(t, token, v.Cookie(cookie))
				assert.Equal(t, before, v.stored())
				assert.Equal(t, denied.Cause, v.stage.Events.Last().Cause)
				assert.Equal(t, loginstage.ActionLoginDenied, v.stage.Events.Last().Action)
				assert.Equal(t, denied.User, v.stage.Events.Last().User)
				assert.Equal(t, before.ID, v.stage.Events.Last().Session, "whose session it was tried on")
				assert.Equal(t, http.StatusUnauthorized, v.Call("GET", "/private", nil).StatusCode)

				v.proved = loginstage.User{ID: "ada"}
				v.PostForm("/confirm", nil)
				require.NoError(t, v.confirm)
				assert.Equal(t, passes, v.Call("GET", "/private", nil).StatusCode)
			})
		})
	}
}
