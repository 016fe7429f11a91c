package loginstage_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
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

// signedInClient is a browser that has signed in and does about its device key what the test
// says.
type signedInClient struct {
	t       *testing.T
	v       *traveller
	cookies map[string]string
	device  *devicekeytest.Device

	challenge, authorization string // as the sign-in offered them
}

func signInRaw(t *testing.T, v *traveller, kind devicekey.Kind) *signedInClient {
	c := &signedInClient{t: t, v: v, cookies: map[string]string{}, device: devicekeytest.New(kind)}
	w := c.send("POST", "/begin", "", nil)
	require.Equal(t, http.StatusOK, w.Code)
	offer := w.Header().Get("Secure-Session-Registration")
	require.Regexp(t, `^\(ES256 RS256\);path="/mooring/dbsc/register";challenge="[\w-]+";authorization="[\w-]+"$`, offer)
	c.challenge, _, _ = strings.Cut(strings.SplitAfter(offer, `challenge="`)[1], `"`)
	c.authorization, _, _ = strings.Cut(strings.SplitAfter(offer, `authorization="`)[1], `"`)
	return c
}

func (c *signedInClient) send(method, path, body string, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(c.t.Context(), method, "https://app.example.com"+path, strings.NewReader(body))
	r.RemoteAddr = bindingtest.Berlin.String() + ":1"
	for name, value := range c.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	c.v.handler.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
		} else {
			c.cookies[cookie.Name] = cookie.Value
		}
	}
	return w
}

func (c *signedInClient) register(proof string) *httptest.ResponseRecorder {
	return c.send("POST", "/mooring/dbsc/register", "", map[string]string{"Secure-Session-Response": proof})
}

func (c *signedInClient) refresh(id, proof string) *httptest.ResponseRecorder {
	return c.send("POST", "/mooring/dbsc/refresh", "", map[string]string{"Sec-Secure-Session-Id": id, "Secure-Session-Response": proof})
}

func (c *signedInClient) registerPage(proof string) *httptest.ResponseRecorder {
	return c.postProof("/mooring/page/register", proof)
}

func (c *signedInClient) postProof(path, proof string) *httptest.ResponseRecorder {
	body, err := json.Marshal(map[string]string{"proof": proof})
	require.NoError(c.t, err)
	return c.send("POST", path, string(body), map[string]string{"Sec-Fetch-Site": "same-origin"})
}

// challengeOf returns the challenge and the ID of the header.
func challengeOf(w *httptest.ResponseRecorder) (challenge, id string) {
	challenge, rest, _ := strings.Cut(strings.TrimPrefix(w.Header().Get("Secure-Session-Challenge"), `"`), `"`)
	return challenge, strings.TrimSuffix(strings.TrimPrefix(rest, `;id="`), `"`)
}

// What Chromium is answered is, to the letter, what it takes.
func TestDBSCSpeaksAsChromiumDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newKeyed(t, "", proven())
		c := signInRaw(t, v, devicekey.DBSC)
		w := c.register(c.device.Registration(c.challenge, c.authorization))
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		assert.JSONEq(t, `{
			"session_identifier": "`+c.authorization+`", "refresh_url": "/mooring/dbsc/refresh",
			"scope": {"include_site": false, "scope_specification": [{"type": "exclude", "domain": "*", "path": "/mooring"}]},
			"credentials": [{"type": "cookie", "name": "__Host-mooring_bound", "attributes": "Path=/; HttpOnly; Secure; SameSite=Lax"}]
		}`, w.Body.String())
		var bound *http.Cookie
		for _, cookie := range w.Result().Cookies() {
			if cookie.Name == "__Host-mooring_bound" {
				bound = cookie
			}
		}
		require.NotNil(t, bound)
		assert.Equal(t, 300, bound.MaxAge)
		assert.Contains(t, bound.String(), "; Path=/; Max-Age=300; HttpOnly; Secure; SameSite=Lax")
		first, id := challengeOf(w)
		assert.Equal(t, c.authorization, id)

		w = c.refresh(id, "")
		assert.Equal(t, http.StatusForbidden, w.Code, "no proof")
		second, _ := challengeOf(w)
		assert.NotEmpty(t, second)
		assert.Empty(t, w.Result().Cookies())

		w = c.refresh(id, c.device.Proof(first))
		assert.Equal(t, http.StatusOK, w.Code, "with the cached challenge at once")
		w = c.refresh(`"`+id+`"`, `"`+c.device.Proof(second)+`"`)
		assert.Equal(t, http.StatusOK, w.Code, "quoted, as the draft has it")

		w = c.refresh(id, c.device.Proof(first))
		assert.Equal(t, http.StatusForbidden, w.Code, "a proof that is sent again")
		next, _ := challengeOf(w)
		assert.NotEmpty(t, next)
		assert.Empty(t, w.Result().Cookies())
		assert.Equal(t, http.StatusOK, c.refresh(id, c.device.Proof(next)).Code, "the right key may try again")

		c.cookies = map[string]string{}
		w = c.refresh(id, "")
		third, _ := challengeOf(w)
		assert.Equal(t, http.StatusOK, c.refresh(id, c.device.Proof(third)).Code, "without any cookie, as for another site's request")
	})
}

func TestRegistrationsThatDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newKeyed(t, "", proven())
		c := signInRaw(t, v, devicekey.DBSC)
		other := signInRaw(t, v, devicekey.DBSC)
		claims := func() map[string]any {
			return map[string]any{"jti": c.challenge, "authorization": c.authorization}
		}
		header := func(changes ...any) map[string]any {
			h := map[string]any{"alg": "ES256", "typ": "dbsc+jwt", "jwk": c.device.JWK()}
			for i := 0; i < len(changes); i += 2 {
				h[changes[i].(string)] = changes[i+1]
			}
			return h
		}
		jwk := func(member string, value any) map[string]any {
			k := c.device.JWK()
			k[member] = value
			return k
		}
		good := c.device.Registration(c.challenge, c.authorization)
		for name, proof := range map[string]string{
			"no proof":                 "",
			"bytes":                    "\x01\x02",
			"two parts":                good[:strings.LastIndex(good, ".")],
			"no signature":             good[:strings.LastIndex(good, ".")+1],
			"padding":                  good + "=",
			"long":                     strings.Repeat("a", 9000),
			"alg none":                 c.device.Sign(header("alg", "none"), claims()),
			"HS256":                    c.device.Sign(header("alg", "HS256"), claims()),
			"RS256 with an EC key":     c.device.Sign(header("alg", "RS256"), claims()),
			"ES384":                    c.device.Sign(header("alg", "ES384"), claims()),
			"no key":                   c.device.Sign(map[string]any{"alg": "ES256", "typ": "dbsc+jwt"}, claims()),
			"another's key":            c.device.Sign(header("jwk", other.device.JWK()), claims()),
			"off the curve":            c.device.Sign(header("jwk", jwk("x", strings.Repeat("A", 43))), claims()),
			"another curve":            c.device.Sign(header("jwk", jwk("crv", "secp256k1")), claims()),
			"a private key":            c.device.Sign(header("jwk", jwk("d", "AA")), claims()),
			"RSA under 2048":           devicekeytest.NewRSA(devicekey.DBSC, 2047).Registration(c.challenge, c.authorization),
			"another type":             c.device.Sign(header("typ", "JWT"), claims()),
			"a type of a page":         devicekeytest.New(devicekey.Page).Registration(c.challenge, c.authorization),
			"no challenge":             c.device.Registration("", c.authorization),
			"no authorization":         c.device.Registration(c.challenge, ""),
			"another's challenge":      c.device.Registration(other.challenge, c.authorization),
			"another's authorization":  c.device.Registration(c.challenge, other.authorization),
			"what another may":         c.device.Registration(other.challenge, other.authorization),
			"a challenge of its own":   c.device.Registration(strings.Repeat("A", len(c.challenge)), c.authorization),
			"a crit that is not known": c.device.Sign(header("crit", []string{"exp"}), claims()),
		} {
			w := c.register(proof)
			assert.Equal(t, http.StatusBadRequest, w.Code, name)
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"), name)
			assert.Empty(t, w.Result().Cookies(), name)
			assert.Empty(t, w.Header().Get("Location"), name)
			assert.Less(t, w.Body.Len(), 1000, name)
		}
		for _, s := range keyedSessions(t, v) {
			assert.True(t, s.Drift.Key.IsZero(), "nothing was bound")
		}
		require.Equal(t, http.StatusOK, c.register(good).Code)

		thief := devicekeytest.New(devicekey.DBSC)
		assert.Equal(t, http.StatusBadRequest, c.register(thief.Registration(c.challenge, c.authorization)).Code, "a bound session")
		c.cookies["__Host-mooring_offer"] = c.challenge // as stolen while it was offered
		page := devicekeytest.New(devicekey.Page)
		assert.Equal(t, http.StatusBadRequest, c.registerPage(page.Registration(c.challenge, "")).Code)
		assert.Equal(t, http.StatusBadRequest, c.register(good).Code, "one that is sent again gives no bound cookie")

		time.Sleep(5*time.Minute + time.Millisecond)
		assert.Equal(t, http.StatusBadRequest, other.register(other.device.Registration(other.challenge, other.authorization)).Code, "too late")
		assert.Len(t, v.told(loginstage.ActionDeviceBound), 1)
	})
}

func keyedSessions(t *testing.T, v *traveller) []session.Session {
	all, err := v.stage.Sessions(t.Context(), "ada")
	require.NoError(t, err)
	return all
}

// A registration at the top-level answer of another site's form comes without cookies.
func TestARegistrationWithoutCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newKeyed(t, "", proven())
		c := signInRaw(t, v, devicekey.DBSC)
		kept := c.cookies
		c.cookies = map[string]string{}
		assert.Equal(t, http.StatusOK, c.register(devicekeytest.NewRSA(devicekey.DBSC, 2048).Registration(c.challenge, c.authorization)).Code)
		kept["__Host-mooring_bound"] = c.cookies["__Host-mooring_bound"]
		c.cookies = kept
		assert.Equal(t, passes, c.send("GET", "/private", "", nil).Code)
		assert.Equal(t, devicekey.RS256, keyedSessions(t, v)[0].Drift.Key.Alg)
	})
}

func TestRefreshesThatDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newKeyed(t, "", proven())
		c, other := signInRaw(t, v, devicekey.DBSC), signInRaw(t, v, devicekey.DBSC)
		plain, page := signInRaw(t, v, devicekey.DBSC), signInRaw(t, v, devicekey.Page)
		require.Equal(t, http.StatusOK, c.register(c.device.Registration(c.challenge, c.authorization)).Code)
		require.Equal(t, http.StatusOK, other.register(other.device.Registration(other.challenge, other.authorization)).Code)
		require.Equal(t, http.StatusOK, page.registerPage(page.device.Registration(page.challenge, "")).Code)
		id := c.authorization
		challenge := func() string {
			challenge, _ := challengeOf(c.refresh(id, ""))
			return challenge
		}
		others, _ := challengeOf(other.refresh(other.authorization, ""))
		used := challenge()
		require.Equal(t, http.StatusOK, c.refresh(id, c.device.Proof(used)).Code)
		for name, test := range map[string]struct {
			id, proof string
			status    int
		}{
			"no ID":                         {"", c.device.Proof(challenge()), http.StatusBadRequest},
			"an ID of nobody":               {strings.Repeat("A", 90), "", http.StatusBadRequest},
			"an ID that is changed":         {flipped(id), "", http.StatusBadRequest},
			"a session ID":                  {keyedSessions(t, v)[0].ID.String(), "", http.StatusBadRequest},
			"of a session without a key":    {plain.authorization, "", http.StatusBadRequest},
			"of a session with a page's":    {page.authorization, "", http.StatusBadRequest},
			"of another session":            {other.authorization, c.device.Proof(challenge()), http.StatusBadRequest},
			"bytes":                         {id, "\xff", http.StatusBadRequest},
			"another key":                   {id, other.device.Proof(challenge()), http.StatusBadRequest},
			"a key that it brings":          {id, other.device.Registration(challenge(), id), http.StatusBadRequest},
			"alg none":                      {id, c.device.Sign(map[string]any{"alg": "none", "typ": "dbsc+jwt"}, map[string]any{"jti": challenge()}), http.StatusBadRequest},
			"another session's challenge":   {id, c.device.Proof(others), http.StatusForbidden},
			"the registration's challenge":  {id, c.device.Proof(c.challenge), http.StatusForbidden},
			"used":                          {id, c.device.Proof(used), http.StatusForbidden},
			"a challenge of the client's":   {id, c.device.Proof("mine"), http.StatusForbidden},
			"an audience, as it may be set": {id, c.device.Sign(map[string]any{"alg": "ES256", "typ": "dbsc+jwt"}, map[string]any{"jti": challenge(), "aud": "https://app.example.com/mooring/dbsc/refresh"}), http.StatusOK},
		} {
			w := c.refresh(test.id, test.proof)
			assert.Equal(t, test.status, w.Code, name)
			if test.status != http.StatusOK {
				assert.Empty(t, w.Result().Cookies(), name)
			}
			if test.status == http.StatusForbidden {
				next, _ := challengeOf(w)
				assert.NotEmpty(t, next, name)
			}
		}
		old := challenge()
		time.Sleep(15*time.Minute + time.Millisecond)
		w := c.refresh(id, c.device.Proof(old))
		assert.Equal(t, http.StatusForbidden, w.Code, "an old challenge")
		next, _ := challengeOf(w)
		assert.Equal(t, http.StatusOK, c.refresh(id, c.device.Proof(next)).Code)
		assert.Empty(t, v.told(loginstage.ActionLogout), "nobody is signed out by any of it")

		c.send("POST", "/begin", "", nil) // another sign-in in the same browser
		assert.Equal(t, http.StatusBadRequest, c.refresh(id, "").Code, "the session has ended: no endless refresh")
	})
}

// flipped returns the text with another first character.
func flipped(text string) string {
	if text[0] == 'A' {
		return "B" + text[1:]
	}
	return "A" + text[1:]
}

func TestProofsOfPagesThatDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newKeyed(t, "", proven())
		c, other := signInRaw(t, v, devicekey.Page), signInRaw(t, v, devicekey.Page)
		for name, proof := range map[string]string{
			"another's challenge": c.device.Registration(other.challenge, ""),
			"a DBSC proof":        devicekeytest.New(devicekey.DBSC).Registration(c.challenge, ""),
			"nothing":             "",
		} {
			assert.Equal(t, http.StatusBadRequest, c.registerPage(proof).Code, name)
		}
		offer := c.cookies["__Host-mooring_offer"]
		delete(c.cookies, "__Host-mooring_offer")
		assert.Equal(t, http.StatusBadRequest, c.registerPage(c.device.Registration(c.challenge, "")).Code, "who has the token and the challenge, and not the offer")
		assert.JSONEq(t, `""`, state(t, c)["register"])
		c.cookies["__Host-mooring_offer"] = offer
		require.Equal(t, http.StatusOK, c.registerPage(c.device.Registration(c.challenge, "")).Code)

		prove := func(proof string) int { return c.postProof("/mooring/page/prove", proof).Code }
		challenge := func() string { return strings.Trim(state(t, c)["prove"], `"`) }
		used := challenge()
		assert.Equal(t, http.StatusOK, prove(c.device.Proof(used)))
		assert.Equal(t, http.StatusForbidden, prove(c.device.Proof(used)), "sent again")
		assert.Equal(t, http.StatusBadRequest, prove(other.device.Proof(challenge())), "another key")
		assert.Equal(t, http.StatusForbidden, prove(c.device.Proof("mine")))
		assert.Equal(t, http.StatusBadRequest, prove("\xff"))
		for name, body := range map[string]string{"nothing": "", "no JSON": "x", "a number": `{"proof": 1}`, "long": `{"proof": "` + strings.Repeat("a", 1<<20) + `"}`} {
			w := c.send("POST", "/mooring/page/prove", body, map[string]string{"Sec-Fetch-Site": "same-origin"})
			assert.Equal(t, http.StatusBadRequest, w.Code, name)
		}
		for _, path := range []string{"/mooring/page/prove", "/mooring/page/register", "/mooring/page/unproved"} {
			for _, header := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}} {
				w := c.send("POST", path, `{"proof": "`+c.device.Proof(challenge())+`"}`, header)
				assert.Equal(t, http.StatusForbidden, w.Code, "%s %v", path, header)
				assert.Empty(t, w.Result().Cookies())
			}
		}
		c.cookies = map[string]string{}
		assert.Equal(t, http.StatusBadRequest, prove(c.device.Proof("x")), "nobody")
		assert.Empty(t, state(t, c), "nobody is told nothing")
	})
}

// state returns what the script is told, each part as it is written.
func state(t *testing.T, c *signedInClient) map[string]string {
	w := c.send("GET", "/mooring/page/state", "", nil)
	require.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	var parts map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &parts))
	told := map[string]string{}
	for name, part := range parts {
		told[name] = string(part)
	}
	if _, offered := parts["register"]; !offered && len(parts) > 0 {
		told["register"] = `""`
	}
	return told
}

// Each step of the store that fails at an endpoint is a 503, which browsers try again.
func TestAnEndpointWhoseStoreFailsIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps := []loginstagetest.Step{loginstagetest.Get, loginstagetest.Touch, loginstagetest.Start}
		for _, kind := range browserKinds {
			for _, step := range steps {
				store := loginstagetest.NewStore(nil)
				config := proven()
				config.Store, config.DeviceSecrets = store, devicekey.RandomSecrets()
				v := newKeyed(t, "", config)
				c := signInRaw(t, v, kind)
				call := func() *httptest.ResponseRecorder {
					if kind == devicekey.Page {
						return c.registerPage(c.device.Registration(c.challenge, ""))
					}
					return c.register(c.device.Registration(c.challenge, c.authorization))
				}
				store.FailStep(step, errors.New("out of order"))
				requireUnavailable(t, call())
				store.Repair()
				require.Equal(t, http.StatusOK, call().Code)

				var challenge string
				if kind == devicekey.Page {
					challenge = strings.Trim(state(t, c)["prove"], `"`)
				} else {
					challenge, _ = challengeOf(c.refresh(c.authorization, ""))
				}
				proof := c.device.Proof(challenge)
				prove := func() *httptest.ResponseRecorder {
					header := map[string]string{"X-From": "Paris"}
					if kind == devicekey.Page {
						return c.sendFrom(bindingtest.Paris.String(), "/mooring/page/prove", `{"proof": "`+proof+`"}`, header)
					}
					header["Sec-Secure-Session-Id"], header["Secure-Session-Response"] = c.authorization, proof
					return c.sendFrom(bindingtest.Paris.String(), "/mooring/dbsc/refresh", "", header)
				}
				store.FailStep(step, errors.New("out of order"))
				requireUnavailable(t, prove())
				store.Repair()
				assert.NotEqual(t, http.StatusBadRequest, prove().Code, "%s %s: the key stays good", kind, step)
			}
		}
	})
}

func requireUnavailable(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Equal(t, "1", w.Header().Get("Retry-After"))
	assert.Empty(t, w.Result().Cookies())
}

func (c *signedInClient) sendFrom(ip, path, body string, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(c.t.Context(), "POST", "https://app.example.com"+path, strings.NewReader(body))
	r.RemoteAddr = ip + ":1"
	for name, value := range c.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	c.v.handler.ServeHTTP(w, r)
	return w
}

// An endpoint is no way past Require to what stands behind it, which may not look at the
// path: Require answers the endpoints itself.
func TestTheEndpointsAreNoWayPastRequire(t *testing.T) {
	configs := map[string]loginstage.Config{"off": {}, "on": proven()}
	for name, config := range configs {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stage := loginstagetest.New(t, config)
				reached := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					t.Errorf("%s %s reached the handler behind Require", r.Method, r.URL.Path)
				})
				ways := map[string]http.Handler{
					"Require":              stage.Require(reached),
					"Guard(Require)":       stage.Guard(stage.Require(reached)),
					"Require with a proof": stage.RequireFresh(time.Minute)(reached),
					"Require with an ACR":  stage.RequireACR(loginstage.ACRAAL2)(reached),
					"Guard(Strip(Require))": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						r.URL.Path = "/x" + r.URL.Path
						stage.Guard(http.StripPrefix("/x", stage.Require(reached))).ServeHTTP(w, r)
					}),
				}
				status := func(handler http.Handler, method, path string) int {
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
					return w.Code
				}
				for way, handler := range ways {
					for _, path := range []string{"/mooring/", "/mooring", "/mooring/admin", "/mooring/page/state/", "/mooring/../private", "/mooring/page/../../private", "/x/mooring/page/state", "/mooringpage/state", "/MOORING/page/state"} {
						assert.Equal(t, denied, status(handler, "GET", path), "%s: %s", way, path)
					}
					for path, want := range map[string]int{
						"GET /mooring/page/state": 200, "GET /mooring/device-key.js": 200, "GET /mooring/dbsc/refresh": 405,
						"POST /mooring/page/state": 405, "DELETE /mooring/page/prove": 405, "POST /mooring/page/prove": 400,
						"POST /mooring/dbsc/refresh": 400, "POST /mooring/dbsc/register": 400, "POST /mooring/page/unproved": 204,
					} {
						method, path, _ := strings.Cut(path, " ")
						assert.Equal(t, want, status(handler, method, path), "%s: %s %s", way, method, path)
					}
				}
			})
		})
	}
}

// Guard passes anonymous requests on, and so it passes on those for the endpoints,
// wherever the host has mounted them: nobody is signed in by one.
func TestGuardPassesTheEndpointsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reached := 0
		v := newTraveller(t, loginstagetest.New(t, proven()))
		v.signIn()
		v.handler = v.stage.Guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			reached++
			_, signedIn := loginstage.Current(r.Context())
			assert.False(t, signedIn)
		}))
		for _, path := range []string{"/mooring/page/state", "/mooring/device-key.js", "/mooring/dbsc/refresh"} {
			w := httptest.NewRecorder()
			v.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
			assert.Equal(t, http.StatusOK, w.Code, path)
		}
		assert.Equal(t, 3, reached)
	})
}

func TestTheScriptIsServed(t *testing.T) {
	stage := loginstagetest.New(t, proven())
	browser := loginstagetest.NewBrowser(t, stage.DeviceKeys())
	response := browser.Get("/mooring/device-key.js")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Equal(t, "text/javascript; charset=utf-8", response.Header.Get("Content-Type"))
	assert.Less(t, len(response.Text), 8<<10)
	assert.Equal(t, http.StatusMethodNotAllowed, browser.Get("/mooring/dbsc/refresh").StatusCode)
	assert.Equal(t, http.StatusNotFound, browser.Get("/mooring/other").StatusCode)
}

// The page that is shown for a moment runs the stage's script and nothing else, whatever
// was asked for.
// A page loads it with the rest, and somebody reads it before they trust it.
func TestTheScriptIsSmall(t *testing.T) {
	script, err := os.ReadFile("devicekey.js")
	require.NoError(t, err)
	assert.LessOrEqual(t, len(script), 8000)
}

func TestTheProvePageIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := keyed(t, devicekey.Page, proven())
		v.LoseKeys()
		time.Sleep(time.Hour)
		response := v.Get(`/private?a="><script>alert(1)</script>`)
		assert.Equal(t, denied, response.StatusCode)
		assert.NotContains(t, response.Text, "<script>alert")
		assert.Contains(t, response.Header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'")
		assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
		assert.Contains(t, response.Text, "<noscript>")
	})
}

// Whatever clients send, an endpoint answers as browsers expect, binds nothing and
// proves nothing.
func FuzzKeyEndpoints(f *testing.F) {
	device := devicekeytest.New(devicekey.DBSC)
	f.Add("dbsc/register", device.Registration("a", "b"), "", "")
	f.Add("dbsc/refresh", device.Proof("a"), "id", "")
	f.Add("page/prove", "", "", `{"proof": "`+device.Proof("a")+`"}`)
	f.Add("page/register", "", "", `{"proof": 7}`)
	f.Fuzz(func(t *testing.T, path, proof, id, body string) {
		switch path {
		case "dbsc/register", "dbsc/refresh", "page/prove", "page/register":
		default:
			t.Skip()
		}
		v := newKeyed(t, devicekey.Page, proven())
		v.signIn()
		key := v.stored().Drift.Key
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/mooring/"+path, strings.NewReader(body))
		r.Header["Secure-Session-Response"], r.Header["Sec-Secure-Session-Id"] = []string{proof}, []string{id}
		response := v.Do(r)
		assert.Contains(t, []int{http.StatusBadRequest, http.StatusForbidden}, response.StatusCode)
		assert.Equal(t, key, v.stored().Drift.Key)
		assert.Empty(t, response.Cookies())
	})
}
