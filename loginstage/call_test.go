package loginstage_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// callers signs ada in with a bearer token, and returns the call that she makes from
// Berlin.
func callers(t *testing.T, config loginstage.Config) (*loginstagetest.Stage, *loginstagetest.Store, loginstage.Call) {
	t.Helper()
	store := loginstagetest.NewStore(nil)
	config.Carrier, config.Store, config.GeoIPBinding = session.Bearer{}, store, binding.GeoIPCountry
	stage := loginstagetest.New(t, config)
	call := loginstage.Call{Path: "/shop.Orders/ListAll", RemoteAddr: bindingtest.Berlin.String() + ":50000", Host: "api.example.com"}
	w := httptest.NewRecorder()
	_, err := stage.Begin(w, call.Request(t.Context()), loginstage.User{ID: "ada"})
	require.NoError(t, err)
	call.Header = http.Header{"Authorization": {"Bearer " + w.Header().Get(session.DefaultTokenHeader)}, "User-Agent": {"grpc-go/1.85.0"}}
	return stage, store, call
}

// moved returns the call from another address.
func moved(call loginstage.Call) loginstage.Call {
	call.RemoteAddr = bindingtest.Paris.String() + ":50000"
	return call
}

// denial returns the denial that err is.
func denial(t *testing.T, err error) *loginstage.AccessError {
	t.Helper()
	var denied *loginstage.AccessError
	require.ErrorAs(t, err, &denied)
	return denied
}

func assertCurrent(t *testing.T, ctx context.Context, want string) {
	t.Helper()
	s, ok := loginstage.Current(ctx)
	assert.Equal(t, want, s.User)
	assert.Equal(t, want != "", ok)
}

func TestAuthenticateFindsTheSessionOfACall(t *testing.T) {
	stage, _, call := callers(t, loginstage.Config{})
	ctx, err := stage.Authenticate(t.Context(), call)
	require.NoError(t, err)
	assertCurrent(t, ctx, "ada")

	call.Header = nil
	ctx, err = stage.Authenticate(t.Context(), call)
	assert.Equal(t, loginstage.DenialSignIn, denial(t, err).Denial)
	assertCurrent(t, ctx, "")
}

// A token that came by another way than the carrier's is held to the same: limits,
// stage and binding.
func TestAuthenticateTakesAToken(t *testing.T) {
	stage, _, call := callers(t, loginstage.Config{})
	token, err := session.ParseToken(call.Header.Get("Authorization")[len("Bearer "):])
	require.NoError(t, err)
	call.Header, call.Token = http.Header{}, token
	ctx, err := stage.Authenticate(t.Context(), call)
	require.NoError(t, err)
	assertCurrent(t, ctx, "ada")

	stranger := call
	stranger.Token = session.NewToken("ada")
	ctx, err = stage.Authenticate(ctx, stranger) // though the context has a session
	assert.Equal(t, loginstage.DenialSignIn, denial(t, err).Denial)
	assertCurrent(t, ctx, "")

	_, err = stage.Authenticate(t.Context(), moved(call))
	assert.Equal(t, loginstage.DenialBroken, denial(t, err).Denial)
	_, err = stage.Authenticate(t.Context(), call)
	assert.Equal(t, session.CauseBroken, denial(t, err).Ending.Cause)
}

func TestAuthenticateWithATokenOfAnotherStage(t *testing.T) {
	stage, store, call := callers(t, loginstage.Config{})
	token, err := session.ParseToken(call.Header.Get("Authorization")[len("Bearer "):])
	require.NoError(t, err)
	other := loginstagetest.New(t, loginstage.Config{Name: "other", Store: store, Carrier: session.Bearer{}})
	for range 2 { // live, and ended
		for _, call := range []loginstage.Call{call, {Token: token, RemoteAddr: call.RemoteAddr}} {
			_, err := other.Authenticate(t.Context(), call)
			denied := denial(t, err)
			assert.Equal(t, loginstage.DenialSignIn, denied.Denial)
			assert.Empty(t, denied.Ending.Cause, "what became of it is for its own stage to know")
		}
		_, err := stage.RevokeUser(t.Context(), "ada", "operator")
		require.NoError(t, err)
	}
}

func TestAuthenticateEndsWhatIsBroken(t *testing.T) {
	stage, _, call := callers(t, loginstage.Config{})
	_, err := stage.Authenticate(t.Context(), moved(call))
	denied := denial(t, err)
	assert.Equal(t, loginstage.DenialBroken, denied.Denial)
	assert.Equal(t, binding.GeoIPCountryChanged, denied.Ending.Reason)
	event := stage.Events.Last()
	assert.Equal(t, binding.GeoIPCountryChanged, event.Context.Binding.Reason)
	assert.Equal(t, &loginstage.Request{Args: map[string]string{}, Path: "/shop.Orders/ListAll", Method: "POST", UserAgent: "grpc-go/1.85.0"}, event.Context.HTTPRequest)
}

func TestAuthenticateAndRestrictedSessions(t *testing.T) {
	stage, _, call := callers(t, loginstage.Config{Actions: binding.Always(binding.StepUp)})
	call = moved(call)
	ctx, err := stage.Authenticate(t.Context(), call)
	assert.Equal(t, loginstage.DenialStepUp, denial(t, err).Denial)
	assertCurrent(t, ctx, "")
	restricted, ok := loginstage.Restricted(ctx)
	assert.True(t, ok)
	assert.Equal(t, "ada", restricted.User)

	call.AllowRestricted = true
	inner, err := stage.Authenticate(ctx, call)
	require.NoError(t, err)
	assertCurrent(t, inner, "ada")

	call.AllowRestricted = false
	_, err = stage.Authenticate(ctx, call)
	assert.Equal(t, loginstage.DenialStepUp, denial(t, err).Denial, "what was admitted for one is not admitted for all")
}

func TestAuthenticateAndRequiredActions(t *testing.T) {
	stage, _, call := callers(t, loginstage.Config{})
	w := httptest.NewRecorder()
	_, err := stage.Begin(w, call.Request(t.Context()), loginstage.User{ID: "ada", Required: []string{"enrol"}})
	require.NoError(t, err)
	call.Header = http.Header{"Authorization": {"Bearer " + w.Header().Get(session.DefaultTokenHeader)}}
	ctx, err := stage.Authenticate(t.Context(), call)
	assert.Equal(t, loginstage.DenialRequired, denial(t, err).Denial)
	assertCurrent(t, ctx, "")

	call.AllowRestricted = true
	for _, outer := range []context.Context{ctx, t.Context()} {
		inner, err := stage.Authenticate(outer, call)
		require.NoError(t, err, "where the action is done")
		assertCurrent(t, inner, "ada")
	}
}

func TestAuthenticateWhereNobodyKnows(t *testing.T) {
	stage, store, call := callers(t, loginstage.Config{})
	store.Fail(errOut)
	ctx, err := stage.Authenticate(t.Context(), call)
	assert.Equal(t, loginstage.DenialUnavailable, denial(t, err).Denial)
	require.ErrorIs(t, err, errOut)
	assertCurrent(t, ctx, "")
	store.Repair()

	unknown := call
	unknown.RemoteAddr = "@"
	_, err = stage.Authenticate(t.Context(), unknown)
	assert.Equal(t, loginstage.DenialUnavailable, denial(t, err).Denial)
	_, err = stage.Authenticate(t.Context(), call)
	require.NoError(t, err, "the session stays")
}

// What a guard or an earlier call has found out is not asked for again.
func TestAuthenticateAsksOnce(t *testing.T) {
	stage, store, call := callers(t, loginstage.Config{})
	r := call.Request(t.Context())
	before := store.Calls(loginstagetest.Get)
	stage.Guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx, err := stage.Authenticate(r.Context(), loginstage.Call{})
		require.NoError(t, err)
		_, err = stage.Authenticate(ctx, loginstage.Call{})
		assert.NoError(t, err)
		assertCurrent(t, ctx, "ada")
	})).ServeHTTP(httptest.NewRecorder(), r)
	assert.Equal(t, before+1, store.Calls(loginstagetest.Get))
}

func TestRequestOfACall(t *testing.T) {
	r := (loginstage.Call{}).Request(t.Context())
	assert.Equal(t, "/", r.URL.Path)
	assert.Empty(t, r.Header)
	r = (loginstage.Call{Path: "a/b c?d"}).Request(t.Context())
	assert.Equal(t, "/a/b c?d", r.URL.Path)
	assert.Equal(t, "/a/b%20c%3Fd", r.RequestURI)
	assert.Empty(t, r.URL.RawQuery)
}
