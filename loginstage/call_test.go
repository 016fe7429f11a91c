package loginstage_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/devicekey/devicekeytest"
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

// What a handler asks for besides a session is asked of what its guard found.
func TestAuthenticateAsksForMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, store, call := callers(t, loginstage.Config{})
		w := httptest.NewRecorder()
		_, err := stage.Begin(w, call.Request(t.Context()), loginstage.User{ID: "ada", ACR: loginstage.ACRAAL2})
		require.NoError(t, err)
		call.Header = http.Header{"Authorization": {"Bearer " + w.Header().Get(session.DefaultTokenHeader)}}
		time.Sleep(time.Hour)
		ctx, err := stage.Authenticate(t.Context(), call)
		require.NoError(t, err)
		read := store.Calls(loginstagetest.Get)
		for name, test := range map[string]struct {
			more loginstage.Call
			want loginstage.Denial
		}{
			"fresh enough":    {loginstage.Call{MaxAge: time.Hour}, ""},
			"stale":           {loginstage.Call{MaxAge: time.Hour - 1}, loginstage.DenialStale},
			"never fresh":     {loginstage.Call{MaxAge: -time.Hour}, loginstage.DenialStale},
			"an ACR above":    {loginstage.Call{ACR: []string{loginstage.ACRAAL1}}, ""},
			"one of them":     {loginstage.Call{ACR: []string{"x", loginstage.ACRAAL2}}, ""},
			"an ACR below":    {loginstage.Call{ACR: []string{loginstage.ACRAAL3}}, loginstage.DenialACR},
			"no ACR will do":  {loginstage.Call{ACR: []string{}}, loginstage.DenialACR},
			"stale and below": {loginstage.Call{MaxAge: 1, ACR: []string{}}, loginstage.DenialStale},
		} {
			more, err := stage.Authenticate(ctx, test.more)
			assertCurrent(t, more, "ada")
			if test.want == "" {
				assert.NoError(t, err, name)
				continue
			}
			denied := denial(t, err)
			assert.Equal(t, test.want, denied.Denial, name)
			assert.Equal(t, "ada", denied.Session.User, name)
			assert.GreaterOrEqual(t, denied.MaxAge, time.Duration(0), name)
			answer := httptest.NewRecorder()
			denied.Respond(answer, call.Request(t.Context()))
			assert.Contains(t, answer.Header().Get("WWW-Authenticate"), "insufficient_user_authentication", name)
		}
		assert.Equal(t, read, store.Calls(loginstagetest.Get), "the store was asked again")
		call.MaxAge = time.Minute
		_, err = stage.Authenticate(t.Context(), call)
		assert.Equal(t, loginstage.DenialStale, denial(t, err).Denial)
		call.Header = nil
		_, err = stage.Authenticate(t.Context(), call)
		assert.Equal(t, loginstage.DenialSignIn, denial(t, err).Denial)
	})
}

func TestRequestOfACallHasItsMethod(t *testing.T) {
	assert.Equal(t, "POST", loginstage.Call{}.Request(t.Context()).Method)
	assert.Equal(t, "GET", loginstage.Call{Method: "GET"}.Request(t.Context()).Method)
}

// A call whose session has a DPoP key gets its nonce and its challenge from the stage.
func TestCallsWithADPoPKey(t *testing.T) {
	secrets, err := devicekey.NewSecrets(make([]byte, devicekey.MinSecret))
	require.NoError(t, err)
	const origin = "https://api.example"
	stage := loginstagetest.New(t, loginstage.Config{
		Carrier: session.Bearer{}, DeviceKey: loginstage.DeviceKeyOffer, DeviceSecrets: secrets, Origin: origin,
	})
	device := devicekeytest.New(devicekey.DPoP)
	call := loginstage.Call{Path: "/shop.Orders/ListAll", Method: "GET", RemoteAddr: "192.0.2.1:1"}
	proof := func(token, nonce string) http.Header {
		proof := device.DPoP(devicekey.Request{Method: call.Method, URL: origin + call.Path, Token: token}, nonce, time.Now())
		return http.Header{"Authorization": {"DPoP " + token}, "Dpop": {proof}}
	}
	call.Header = proof("", "")
	call.Header.Del("Authorization")
	w := httptest.NewRecorder()
	_, err = stage.Begin(w, call.Request(t.Context()), loginstage.User{ID: "ada"})
	require.NoError(t, err)
	token := w.Header().Get(session.DefaultTokenHeader)

	call.Header = proof(token, "")
	ctx, err := stage.Authenticate(t.Context(), call)
	denied := denial(t, err)
	require.Equal(t, loginstage.DenialProve, denied.Denial)
	assert.NotEmpty(t, stage.DPoPNonce(ctx))
	challenge := denied.Challenge()
	assert.Contains(t, challenge.Get("WWW-Authenticate"), `error="use_dpop_nonce"`)

	call.Header = proof(token, challenge.Get("DPoP-Nonce"))
	ctx, err = stage.Authenticate(t.Context(), call)
	require.NoError(t, err)
	next := stage.DPoPNonce(ctx)
	assert.NotEmpty(t, next)
	call.Header = proof(token, next)
	_, err = stage.Authenticate(t.Context(), call)
	require.NoError(t, err)

	call.Header = proof(token, next)
	call.Method = "POST"
	_, err = stage.Authenticate(t.Context(), call)
	assert.Equal(t, loginstage.DenialProve, denial(t, err).Denial, "a proof is for one method")

	assert.Empty(t, stage.DPoPNonce(t.Context()))
	assert.Empty(t, loginstagetest.New(t, loginstage.Config{}).DPoPNonce(ctx), "of another stage")
	other, _, plain := callers(t, loginstage.Config{})
	ctx, err = other.Authenticate(t.Context(), plain)
	require.NoError(t, err)
	assert.Empty(t, other.DPoPNonce(ctx), "a session without a key")
	assert.Empty(t, (&loginstage.AccessError{Denial: loginstage.DenialProve}).Challenge())
}
