package benchmarks

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
	sessionstore "github.com/mooring-go/mooring/session/memstore"
)

// mooring returns a stage with bindings, on a store; nil: the memory store.
func mooring(tb testing.TB, store session.Store, locator binding.Locator, events loginstage.Sink) *loginstage.UserLogin {
	if store == nil {
		store = sessionstore.New()
	}
	login, err := loginstage.New(loginstage.Config{
		Name:            "login",
		SessionDuration: duration.MustParse("hours=12"),
		NetworkBinding:  binding.NetworkASN,
		GeoIPBinding:    binding.GeoIPCity,
		Store:           store,
		Locator:         locator,
		Events:          events,
	})
	require.NoError(tb, err)
	return login
}

// signIn returns a request of a user who has signed in.
func signIn(tb testing.TB, login *loginstage.UserLogin, id, from string) *http.Request {
	w := httptest.NewRecorder()
	challenge, err := login.Begin(w, get(from, nil), loginstage.User{ID: id, Name: "Ada Lovelace", Method: "password"})
	require.NoError(tb, err)
	require.Nil(tb, challenge)
	return get(from, w)
}

// guarded returns the application behind Mooring's guard, and a request to it.
func guarded(tb testing.TB, store session.Store) (http.Handler, *http.Request) {
	login := mooring(tb, store, bindingtest.Places(), nil)
	return login.Guard(answer(current)), signIn(tb, login, user, bindingtest.Berlin.String())
}

func current(r *http.Request) string {
	s, _ := loginstage.Current(r.Context())
	return s.User
}

// withSCS returns the application behind scs, and a request to it.
func withSCS(tb testing.TB, store scs.Store) (http.Handler, *http.Request) {
	manager := scs.New()
	if store == nil {
		store = memstore.NewWithCleanupInterval(0)
	}
	manager.Store = store
	w := httptest.NewRecorder()
	manager.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for key, value := range remembered {
			manager.Put(r.Context(), key, value)
		}
	})).ServeHTTP(w, get(bindingtest.Berlin.String(), nil))
	who := func(r *http.Request) string { return manager.GetString(r.Context(), "user") }
	return manager.LoadAndSave(answer(who)), get(bindingtest.Berlin.String(), w)
}

// withGorilla returns the application on a gorilla store, and a request to it. It
// saves the session where save says so, as an application with a sliding limit
// has to.
func withGorilla(tb testing.TB, store sessions.Store, save bool) (http.Handler, *http.Request) {
	const name = "session"
	w, r := httptest.NewRecorder(), get(bindingtest.Berlin.String(), nil)
	s, err := store.Get(r, name)
	require.NoError(tb, err)
	for key, value := range remembered {
		s.Values[key] = value
	}
	require.NoError(tb, s.Save(r, w))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := store.Get(r, name)
		if err == nil && save {
			err = s.Save(r, w)
		}
		answer(func(*http.Request) string {
			found, _ := s.Values["user"].(string)
			return found
		}).ServeHTTP(w, r)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}), get(bindingtest.Berlin.String(), w)
}

// keys are for gorilla's cookies: signed, and encrypted where there is a second.
var keys = [][]byte{[]byte("0123456789abcdef0123456789abcdef")}
