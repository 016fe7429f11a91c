package loginstage_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/devicekey/devicekeytest"
)

// api returns a config for clients with bearer tokens beside browsers.
func api() loginstage.Config {
	config := proven()
	config.Carrier, config.Origin = session.CookieOrBearer{}, "https://api.example"
	return config
}

func TestAnAPIClientProvesItsKeyWithEachRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, carrier := range []session.Carrier{session.CookieOrBearer{}, session.Bearer{}} {
			config := api()
			config.Carrier, config.Origin = carrier, ""
			v := keyed(t, devicekey.DPoP, config)
			assert.Equal(t, devicekey.DPoP, v.stored().Drift.Key.Kind)
			assert.Len(t, v.told(loginstage.ActionDeviceBound), 1)
			for range 5 {
				assert.Equal(t, passes, v.Get("/private?x=1").StatusCode)
				assert.Equal(t, passes, v.Call("POST", "/private", "x").StatusCode)
				time.Sleep(time.Hour) // the nonce is over
			}
			assert.Empty(t, v.Cookie("__Host-mooring"))
			assert.Equal(t, passes, v.visit(bindingtest.Tokyo), "each request is a proof")
			assert.Len(t, v.told(loginstage.ActionProved), 1)
			assert.Empty(t, v.told(loginstage.ActionUnproved))

			thief := v.Clone()
			assert.Equal(t, denied, thief.Call("GET", "/private", nil).StatusCode)
			assert.Equal(t, passes, v.Call("GET", "/private", nil).StatusCode)
			assert.NotEmpty(t, v.told(loginstage.ActionUnproved))
		}
	})
}

// dpopClient is a client whose requests can be wrong in one way.
type dpopClient struct {
	t       *testing.T
	handler http.Handler
	device  *devicekeytest.Device
	token   string
	nonce   string
}

func newDPoPClient(t *testing.T, v *traveller) *dpopClient {
	c := &dpopClient{t: t, handler: v.handler, device: devicekeytest.New(devicekey.DPoP)}
	w := c.send("POST", "/begin", func(r *http.Request) {
		r.Header.Set("DPoP", c.device.DPoP(devicekey.Request{Method: "POST", URL: "https://api.example/begin"}, "", time.Now()))
	})
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	c.token, c.nonce = w.Header().Get("Mooring-Token"), w.Header().Get("DPoP-Nonce")
	require.NotEmpty(t, c.token)
	require.NotEmpty(t, c.nonce)
	return c
}

func (c *dpopClient) send(method, path string, with func(r *http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(c.t.Context(), method, "https://api.example"+path, nil)
	r.RemoteAddr = bindingtest.Berlin.String() + ":1"
	with(r)
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

// proof returns a valid proof for GET /private.
func (c *dpopClient) proof() string {
	return c.device.DPoP(c.request(), c.nonce, time.Now())
}

func (c *dpopClient) request() devicekey.Request {
	return devicekey.Request{Method: "GET", URL: "https://api.example/private", Token: c.token}
}

func (c *dpopClient) get(proofs ...string) *httptest.ResponseRecorder {
	return c.send("GET", "/private?a=b", func(r *http.Request) {
		r.Header.Set("Authorization", "DPoP "+c.token)
		r.Header["Dpop"] = proofs
	})
}

func TestProofsOfRequestsThatDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newKeyed(t, devicekey.DPoP, api())
		c := newDPoPClient(t, v)
		other := newDPoPClient(t, v)
		require.Equal(t, http.StatusOK, c.get(c.proof()).Code)
		used := c.proof()
		require.Equal(t, http.StatusOK, c.get(used).Code)

		good := func() map[string]any {
			return map[string]any{"jti": time.Now().String(), "htm": "GET", "htu": "https://api.example/private", "iat": time.Now().Unix(), "nonce": c.nonce}
		}
		header := func() map[string]any {
			return map[string]any{"alg": "ES256", "typ": "dpop+jwt", "jwk": c.device.JWK()}
		}
		with := func(of map[string]any, key string, value any) map[string]any {
			of[key] = value
			return of
		}
		rsa := devicekeytest.NewRSA(devicekey.DPoP, 2048)
		for name, test := range map[string]struct {
			proofs []string
			code   string
		}{
			"none":                  {nil, "invalid_token"},
			"two":                   {[]string{c.proof(), c.proof()}, "invalid_token"},
			"sent again":            {[]string{used}, "invalid_dpop_proof"},
			"another key":           {[]string{other.device.DPoP(c.request(), c.nonce, time.Now())}, "invalid_dpop_proof"},
			"another algorithm":     {[]string{rsa.DPoP(c.request(), c.nonce, time.Now())}, "invalid_dpop_proof"},
			"another method":        {[]string{c.device.DPoP(devicekey.Request{Method: "POST", URL: c.request().URL, Token: c.token}, c.nonce, time.Now())}, "invalid_dpop_proof"},
			"another URL":           {[]string{c.device.DPoP(devicekey.Request{Method: "GET", URL: "https://evil.example/private", Token: c.token}, c.nonce, time.Now())}, "invalid_dpop_proof"},
			"another token":         {[]string{c.device.DPoP(devicekey.Request{Method: "GET", URL: c.request().URL, Token: other.token}, c.nonce, time.Now())}, "invalid_dpop_proof"},
			"no token":              {[]string{c.device.Sign(header(), good())}, "invalid_dpop_proof"},
			"no nonce":              {[]string{c.device.DPoP(c.request(), "", time.Now())}, "use_dpop_nonce"},
			"another session's":     {[]string{c.device.DPoP(c.request(), other.nonce, time.Now())}, "use_dpop_nonce"},
			"alg none":              {[]string{c.device.Sign(with(header(), "alg", "none"), good())}, "invalid_dpop_proof"},
			"another type":          {[]string{c.device.Sign(with(header(), "typ", "dbsc+jwt"), good())}, "invalid_dpop_proof"},
			"a private key":         {[]string{c.device.Sign(with(header(), "jwk", with(c.device.JWK(), "d", "AAAA")), good())}, "invalid_dpop_proof"},
			"no jti":                {[]string{c.device.Sign(header(), with(good(), "jti", ""))}, "invalid_dpop_proof"},
			"padding":               {[]string{c.proof() + "="}, "invalid_dpop_proof"},
			"bytes":                 {[]string{"\x00\xff"}, "invalid_dpop_proof"},
			"long":                  {[]string{strings.Repeat("a", 1<<20)}, "invalid_dpop_proof"},
			"a proof of the device": {[]string{c.device.Proof(c.nonce)}, "invalid_dpop_proof"},
		} {
			w := c.get(test.proofs...)
			assert.Equal(t, denied, w.Code, name)
			assert.Contains(t, w.Header().Get("WWW-Authenticate"), `error="`+test.code+`"`, name)
			assert.Contains(t, w.Header().Get("WWW-Authenticate"), `DPoP realm="user-login"`, name)
			assert.NotEmpty(t, w.Header().Get("DPoP-Nonce"), name)
			assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"), name)
		}
		bearer := c.send("GET", "/private", func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+c.token)
			r.Header.Set("DPoP", c.proof())
		})
		assert.Equal(t, denied, bearer.Code, "the token is bound: RFC 9449, section 7.1")
		cookie := c.send("GET", "/private", func(r *http.Request) {
			r.Header.Set("Cookie", "__Host-mooring="+c.token)
			r.Header.Set("DPoP", c.proof())
		})
		assert.Equal(t, denied, cookie.Code, "nor is it one for a cookie")
		require.Equal(t, http.StatusOK, c.get(c.proof()).Code, "the session goes on")

		time.Sleep(2*time.Minute + time.Millisecond)
		w := c.get(c.proof())
		assert.Contains(t, w.Header().Get("WWW-Authenticate"), "use_dpop_nonce", "an old nonce")
		c.nonce = w.Header().Get("DPoP-Nonce")
		assert.Equal(t, http.StatusOK, c.get(c.device.DPoP(c.request(), c.nonce, time.Now().Add(-time.Hour))).Code, "the nonce says when, not the client's clock")
		assert.Empty(t, v.told(loginstage.ActionLogout))
	})
}

// A proof is used once, whichever process sees it, for as long as its nonce can be.
func TestAProofIsUsedOnceInAllProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := api()
		config.Store, config.DeviceSecrets = loginstagetest.NewStore(nil), devicekey.RandomSecrets()
		here := newKeyed(t, devicekey.DPoP, config)
		there := newKeyed(t, devicekey.DPoP, config)
		c := newDPoPClient(t, here)
		proof := c.proof()
		require.Equal(t, http.StatusOK, c.get(proof).Code)
		c.handler = there.handler
		for range 5 {
			assert.Equal(t, denied, c.get(proof).Code)
			time.Sleep(time.Minute)
			_, err := here.stage.Sweep(t.Context())
			require.NoError(t, err)
		}
	})
}

func TestProofsOfSignInsThatDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newKeyed(t, devicekey.DPoP, api())
		c := newDPoPClient(t, v)
		request := devicekey.Request{Method: "POST", URL: "https://api.example/begin"}
		used := c.device.DPoP(request, "", time.Now())
		for name, proofs := range map[string][]string{
			"two":            {used, used},
			"bytes":          {"x.y.z"},
			"for another":    {c.device.DPoP(devicekey.Request{Method: "POST", URL: "https://evil.example/begin"}, "", time.Now())},
			"with a token":   {c.device.DPoP(devicekey.Request{Method: "POST", URL: request.URL, Token: "x"}, "", time.Now())},
			"old":            {c.device.DPoP(request, "", time.Now().Add(-61*time.Second))},
			"of tomorrow":    {c.device.DPoP(request, "", time.Now().Add(62*time.Second))},
			"a weak key":     {devicekeytest.NewRSA(devicekey.DPoP, 1024).DPoP(request, "", time.Now())},
			"a registration": {c.device.Registration("x", "y")},
		} {
			w := c.send("POST", "/begin", func(r *http.Request) { r.Header["Dpop"] = proofs })
			assert.Equal(t, http.StatusForbidden, w.Code, name)
			assert.Empty(t, w.Header().Get("Mooring-Token"), name)
		}
		sign := func() int {
			return c.send("POST", "/begin", func(r *http.Request) { r.Header.Set("DPoP", used) }).Code
		}
		assert.Equal(t, http.StatusOK, sign())
		assert.Equal(t, http.StatusForbidden, sign(), "sent again")
	})
}

// A browser that sends a proof of a script's key has it in vain: its token is in a
// cookie, which no script reads.
func TestABrowserHasNoDPoPKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newKeyed(t, "", api())
		c := &dpopClient{t: t, handler: v.handler, device: devicekeytest.New(devicekey.DPoP)}
		w := c.send("POST", "/begin", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Mode", "cors")
			r.Header.Set("DPoP", c.device.DPoP(devicekey.Request{Method: "POST", URL: "https://api.example/begin"}, "", time.Now()))
		})
		require.Equal(t, http.StatusOK, w.Code)
		assert.Empty(t, w.Header().Get("Mooring-Token"))
		assert.True(t, v.stored().Drift.Key.IsZero())
	})
}

// Who passes on what a client meant for another host can write that host's name.
func TestAProofForAnotherHostIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newKeyed(t, devicekey.DPoP, api())
		c := newDPoPClient(t, v)
		phished := c.device.DPoP(devicekey.Request{Method: "GET", URL: "https://evil.example/private", Token: c.token}, c.nonce, time.Now())
		w := c.send("GET", "/private", func(r *http.Request) {
			r.Host = "evil.example"
			r.Header.Set("Authorization", "DPoP "+c.token)
			r.Header.Set("DPoP", phished)
		})
		assert.Equal(t, denied, w.Code)
	})
}

// Behind a proxy that ends TLS a proof is for what the host says, and not for what the
// proxy asks for.
func TestTheOriginOfAProofIsConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := api()
		config.Origin, config.PathPrefix = "https://shop.example", "/app"
		v := newKeyed(t, devicekey.DPoP, config)
		device := devicekeytest.New(devicekey.DPoP)
		try := func(url string) int {
			r := httptest.NewRequestWithContext(t.Context(), "POST", "http://10.0.0.7:8080/begin", nil)
			r.RequestURI = "/begin"
			r.RemoteAddr = bindingtest.Berlin.String() + ":1"
			r.Header.Set("DPoP", device.DPoP(devicekey.Request{Method: "POST", URL: url}, "", time.Now()))
			w := httptest.NewRecorder()
			v.handler.ServeHTTP(w, r)
			return w.Code
		}
		assert.Equal(t, http.StatusOK, try("https://shop.example/app/begin"))
		assert.Equal(t, http.StatusForbidden, try("http://10.0.0.7:8080/begin"))
		assert.Equal(t, http.StatusForbidden, try("https://shop.example/begin"))
	})
}

// A proof is used up by the first of several guards around each other, of one stage or
// of two that share a store.
func TestGuardsOfTwoStagesSeeOneProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := api()
		config.Store, config.DeviceSecrets = loginstagetest.NewStore(nil), devicekey.RandomSecrets()
		v := newKeyed(t, devicekey.DPoP, config)
		c := newDPoPClient(t, v)
		config.Name, config.AlsoAdmit = "other", []string{loginstage.DefaultName}
		other := loginstagetest.New(t, config)
		config.Name, config.AlsoAdmit = "foreign", nil
		foreign := loginstagetest.New(t, config)
		reached := 0
		handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ })
		for _, guards := range []http.Handler{
			v.stage.Guard(v.stage.Require(other.Require(handler))),
			v.stage.Guard(foreign.Guard(v.stage.Require(handler))), // which finds nobody
			v.stage.Guard(foreign.Guard(other.Require(handler))),
		} {
			c.handler, reached = guards, 0
			proof := c.proof()
			assert.Equal(t, http.StatusOK, c.get(proof).Code)
			assert.Equal(t, denied, c.get(proof).Code)
			assert.Equal(t, 1, reached)
		}
	})
}

func TestADPoPProofThatNobodyCanCheckIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := loginstagetest.NewStore(nil)
		config := api()
		config.Store, config.DeviceSecrets = store, devicekey.RandomSecrets()
		v := newKeyed(t, devicekey.DPoP, config)
		c := newDPoPClient(t, v)
		store.FailStep(loginstagetest.Start, errors.New("out of order"))
		assert.Equal(t, http.StatusServiceUnavailable, c.get(c.proof()).Code)
		store.Repair()
		assert.Equal(t, http.StatusOK, c.get(c.proof()).Code)
	})
}

// Whatever proof a client sends, another one than its key makes is denied.
func FuzzDPoPHeaders(f *testing.F) {
	device := devicekeytest.New(devicekey.DPoP)
	f.Add("DPoP", device.DPoP(devicekey.Request{Method: "GET", URL: "https://api.example/private", Token: "t"}, "n", time.Now()))
	f.Add("Bearer", device.Proof("n"))
	f.Add("dpop", "a.b.c")
	f.Fuzz(func(t *testing.T, scheme, proof string) {
		v := newKeyed(t, devicekey.DPoP, api())
		c := newDPoPClient(t, v)
		w := c.send("GET", "/private", func(r *http.Request) {
			r.Header["Authorization"] = []string{scheme + " " + c.token}
			r.Header["Dpop"] = []string{proof}
		})
		assert.Equal(t, denied, w.Code)
		assert.Empty(t, v.told(loginstage.ActionLogout))
	})
}
