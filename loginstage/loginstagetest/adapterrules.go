package loginstagetest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/devicekey/devicekeytest"
)

var bound = loginstage.Config{GeoIPBinding: binding.GeoIPCountry, LoginURL: "/login", StepUpURL: "/confirm"}

// steppingUp returns bound with a restricted session where that ends it.
func steppingUp() loginstage.Config {
	config := bound
	config.Actions = binding.Always(binding.StepUp)
	return config
}

var errStore = errors.New("the store is down")

// adapterRules are what each adapter keeps.
var adapterRules = []adapterRule{
	{"anonymous requests", "A guard passes anonymous requests on, and Require denies them; nothing behind it runs.",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.visitor()
			response := v.is("nobody", "/current")
			assert.Equal(f, []string{"Cookie"}, response.Header["Vary"])
			assert.Empty(f, response.Header["Cache-Control"])
			v.denied(http.StatusUnauthorized, v.do("GET", "/private"))
			r := v.request("GET", "/items/7?a=b")
			r.Header.Set("Accept", "text/html")
			response = v.send(r)
			assert.Equal(f, http.StatusSeeOther, response.StatusCode, "a browser is sent to sign in")
			assert.Equal(f, "/login?next=%2Fitems%2F7%3Fa%3Db", response.Header.Get("Location"))
		}},
	{"sign-in and sign-out", "Begin signs in through the framework's response, which no cache may keep whatever the handler says.",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.visitor()
			begun := v.do("POST", "/begin?user=ada")
			require.Equal(f, http.StatusNoContent, begun.StatusCode)
			require.Equal(f, []string{"no-store"}, begun.Header["Cache-Control"])
			require.Len(f, begun.Header["Set-Cookie"], 1)
			response := v.is("ada", "/current")
			assert.Equal(f, []string{"Cookie"}, response.Header["Vary"])
			assert.Equal(f, []string{"private, no-cache"}, response.Header["Cache-Control"])
			v.is("ada", "/private")
			login := f.stage.Events.Last()
			assert.Equal(f, loginstage.ActionLogin, login.Action)
			assert.Equal(f, bindingtest.Berlin, login.ClientIP)
			assert.Equal(f, &loginstage.Request{Args: map[string]string{"user": loginstage.Redacted}, Path: "/begin", Method: "POST", UserAgent: "kit/1.0"}, login.Context.HTTPRequest)
			assert.Equal(f, http.StatusNoContent, v.do("POST", "/logout").StatusCode)
			assert.Equal(f, loginstage.ActionLogout, f.stage.Events.Last().Action)
			v.denied(http.StatusUnauthorized, v.do("GET", "/private"))
		}},
	{"every sign-in has a token of its own", "A sign-in ends the session that the browser had (session fixation).",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.signedIn("ada")
			before := v.token()
			require.Equal(f, http.StatusNoContent, v.do("POST", "/begin?user=ada").StatusCode)
			require.NotEqual(f, before, v.token())
			thief := f.visitor()
			r := thief.request("GET", "/current")
			r.Header.Set("Cookie", before)
			assert.Equal(f, "nobody", thief.send(r).Text)
			v.is("ada", "/current")
		}},
	{"more than one token", "Two cookies of the name, in one line or in two, are anonymous: one of them may be planted.",
		func(f *adapterFixture) {
			f.serve(bound)
			token := f.signedIn("ada").token()
			other := f.signedIn("eve").token()
			for _, lines := range [][]string{{token + "; " + other}, {token, other}, {other + "; a=b", "c=d; " + token}} {
				r := f.visitor().request("GET", "/current")
				r.Header["Cookie"] = lines
				assert.Equal(f, "nobody", f.visitor().send(r).Text, "%d lines", len(lines))
			}
			r := f.visitor().request("GET", "/current")
			r.Header["Cookie"] = []string{"a=b; " + token, "c=d"}
			assert.Equal(f, "ada", f.visitor().send(r).Text)
		}},
	{"tokens in other places", "A token counts in the carrier's place alone: not in the query, in another header, under another cookie's name, in capitals, or beside another carrier's; and one of another kind is no session's.",
		func(f *adapterFixture) {
			config := bound
			config.Carrier, config.StaySignedInOffset = session.CookieOrBearer{}, duration.Duration(time.Hour)
			f.serve(config)
			v := f.visitor()
			post := func(path string) int { // as a browser
				r := v.request("POST", path)
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				return v.send(r).StatusCode
			}
			require.Equal(f, http.StatusAccepted, post("/begin?user=ada"))
			pending := v.cookie("_pending")
			require.Equal(f, http.StatusNoContent, post("/finish"))
			name, token, _ := strings.Cut(v.token(), "=")
			bearer := f.bearer(loginstage.User{ID: "eve"})
			with := func(path string, header http.Header) string {
				r := f.visitor().request("GET", path)
				maps.Copy(r.Header, header)
				return f.visitor().send(r).Text
			}
			assert.Equal(f, "ada", with("/current", http.Header{"Cookie": {name + "=" + token}}))
			assert.Equal(f, "eve", with("/current", http.Header{"Authorization": {"Bearer " + bearer}}))
			for what, got := range map[string]string{
				"in the query":               with("/current?"+url.Values{name: {token}, "access_token": {bearer}, "token": {bearer}}.Encode(), nil),
				"in another header":          with("/current", http.Header{"X-Session": {token}, "X-Authorization": {"Bearer " + bearer}, session.DefaultTokenHeader: {bearer}}),
				"in another cookie":          with("/current", http.Header{"Cookie": {"session=" + token + "; " + strings.ToUpper(name) + "=" + token}}),
				"in both places":             with("/current", http.Header{"Cookie": {name + "=" + token}, "Authorization": {"Bearer " + bearer}}),
				"twice in the other carrier": with("/current", http.Header{"Authorization": {"Bearer " + bearer, "Bearer " + bearer}}),
				"of a pending session":       with("/current", http.Header{"Cookie": {name + "=" + pending}}),
			} {
				assert.Equal(f, "nobody", got, what)
			}
		}},
	{"an address in several lines", "The client's address is looked for in all lines of the header, from the last: a client cannot choose one by sending its own.",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.signedIn("ada")
			r := v.request("GET", "/private")
			r.Header["X-Forwarded-For"] = []string{bindingtest.Berlin.String(), bindingtest.Paris.String()}
			assert.Equal(f, session.CauseBroken, v.denied(http.StatusUnauthorized, v.send(r)).Cause)
		}},
	{"users that are not signed in", "What Begin refuses reaches the handler as its error.",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.visitor()
			assert.Equal(f, http.StatusForbidden, v.do("POST", "/begin?user=").StatusCode)
			assert.Equal(f, http.StatusConflict, v.do("POST", "/finish").StatusCode, "nobody was asked anything")
			assert.Equal(f, http.StatusInternalServerError, v.do("POST", "/confirm?user=ada").StatusCode)
			v.is("nobody", "/current")
		}},
	{"prompt", "A challenge is answered once, by the client that it was given to.",
		func(f *adapterFixture) {
			config := bound
			config.StaySignedInOffset = duration.Duration(time.Hour)
			f.serve(config)
			v := f.visitor()
			require.Equal(f, http.StatusAccepted, v.do("POST", "/begin?user=ada").StatusCode)
			v.is("nobody", "/current")
			assert.Equal(f, http.StatusConflict, f.visitor().do("POST", "/finish").StatusCode)
			require.Equal(f, http.StatusNoContent, v.do("POST", "/finish").StatusCode)
			v.is("ada", "/private")
			assert.Equal(f, http.StatusConflict, v.do("POST", "/finish").StatusCode)
		}},
	{"broken binding", "A session that is used from elsewhere ends, once. The event knows the route, and shows no value of it.",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.signedIn("ada")
			v.ip = bindingtest.Paris
			problem := v.denied(http.StatusUnauthorized, v.do("GET", "/items/hello"))
			assert.Equal(f, session.CauseBroken, problem.Cause)
			ended := f.stage.Events.Of(loginstage.ActionLogout)
			require.Len(f, ended, 1)
			assert.Equal(f, binding.GeoIPCountryChanged, ended[0].Context.Binding.Reason)
			assert.Equal(f, &loginstage.Request{Args: map[string]string{}, Path: "/items/" + loginstage.Redacted, Method: "GET", UserAgent: "kit/1.0"}, ended[0].Context.HTTPRequest)
			v.ip = bindingtest.Berlin
			assert.Empty(f, v.denied(http.StatusUnauthorized, v.do("GET", "/private")).Cause)
			v.is("nobody", "/current")
			assert.Len(f, f.stage.Events.Of(loginstage.ActionLogout), 1)
		}},
	{"step-up", "A restricted session is admitted by AllowRestricted alone, until the same user is confirmed.",
		func(f *adapterFixture) {
			f.serve(steppingUp())
			v := f.signedIn("ada")
			v.ip = bindingtest.Paris
			assert.Equal(f, loginstage.ProblemStepUp, v.denied(http.StatusUnauthorized, v.do("GET", "/private")).Type)
			v.is("nobody", "/current")
			v.is("ada", "/restricted")
			assert.Equal(f, http.StatusForbidden, v.do("POST", "/confirm?user=eve").StatusCode)
			v.denied(http.StatusUnauthorized, v.do("GET", "/private"))
			require.Equal(f, http.StatusNoContent, v.do("POST", "/confirm?user=ada").StatusCode)
			v.is("ada", "/private")
			v.is("ada", "/restricted")
		}},
	{"how lately and how well a user was proved", "RequireFresh and RequireACR pass on the sessions whose users were proved so, and deny others with what is asked (RFC 9470).",
		func(f *adapterFixture) {
			config := bound
			config.Carrier = session.CookieOrBearer{}
			f.serve(config)
			get := func(path string, user loginstage.User) Response {
				r := f.visitor().request("GET", path)
				r.Header.Set("Authorization", "Bearer "+f.bearer(user))
				return f.visitor().send(r)
			}
			long := time.Now().Add(-2 * time.Hour)
			for path, users := range map[string][2]loginstage.User{
				"/fresh":  {{ID: "ada"}, {ID: "ada", AuthTime: long, ACR: loginstage.ACRAAL3}},
				"/strong": {{ID: "ada", AuthTime: long, ACR: loginstage.ACRAAL2}, {ID: "ada", ACR: loginstage.ACRAAL1}},
			} {
				assert.Equal(f, "ada", get(path, users[0]).Text, path)
				response := get(path, users[1])
				assert.Equal(f, loginstage.ProblemStepUp, f.visitor().denied(http.StatusUnauthorized, response).Type, path)
				assert.Contains(f, response.Header.Get("WWW-Authenticate"), "insufficient_user_authentication", path)
				f.visitor().denied(http.StatusUnauthorized, f.visitor().do("GET", path))
			}
		}},
	{"the wrong order", "A guard that is mounted outside decides before one inside: Require outside AllowRestricted admits no restricted session. Without a guard nobody is signed in.",
		func(f *adapterFixture) {
			f.serve(steppingUp())
			v := f.signedIn("ada")
			v.is("ada", "/order")
			v.is("nobody", "/bare")
			v.ip = bindingtest.Paris
			v.denied(http.StatusUnauthorized, v.do("GET", "/order"))
			v.is("nobody", "/bare")
		}},
	{"mounted twice", "The guards of a stage inside each other ask the store once.",
		func(f *adapterFixture) {
			f.serve(bound)
			f.visitor().denied(http.StatusUnauthorized, f.visitor().do("GET", "/twice"))
			v := f.signedIn("ada")
			before := f.store.Calls(Get)
			response := v.is("ada", "/twice")
			assert.Equal(f, before+1, f.store.Calls(Get))
			assert.Equal(f, []string{"Cookie"}, response.Header["Vary"])
			assert.Equal(f, []string{"private, no-cache"}, response.Header["Cache-Control"])
		}},
	{"proof", "A client with a device key proves it with each request (DPoP): the guard sees the method, the address and the headers that the client signed.",
		func(f *adapterFixture) {
			config := bound
			config.Carrier, config.DeviceKey = session.CookieOrBearer{}, loginstage.DeviceKeyOffer
			config.Actions = binding.Always(binding.Prove)
			secrets, err := devicekey.NewSecrets(make([]byte, devicekey.MinSecret))
			require.NoError(f, err)
			config.DeviceSecrets, config.Origin = secrets, origin.String()
			f.serve(config)
			v, device := f.visitor(), devicekeytest.New(devicekey.DPoP)
			r := v.request("POST", "/begin?user=ada")
			r.Header.Set("DPoP", device.DPoP(devicekey.Request{Method: "POST", URL: config.Origin + "/begin"}, "", time.Now()))
			begun := v.send(r)
			require.Equal(f, http.StatusNoContent, begun.StatusCode)
			token, nonce := begun.Header.Get(session.DefaultTokenHeader), begun.Header.Get("DPoP-Nonce")
			require.NotEmpty(f, token)
			require.NotEmpty(f, nonce)
			proof := func(path string) string {
				return device.DPoP(devicekey.Request{Method: "GET", URL: config.Origin + path, Token: token}, nonce, time.Now())
			}
			get := func(path, proof string) Response {
				r := v.request("GET", path+"?a=b")
				r.Header.Set("Authorization", "DPoP "+token)
				if proof != "" {
					r.Header.Set("DPoP", proof)
				}
				return v.send(r)
			}
			used := proof("/private")
			assert.Equal(f, "ada", get("/private", used).Text)
			for name, proof := range map[string]string{"no proof": "", "a used one": used, "one for another path": proof("/current")} {
				response := get("/private", proof)
				assert.Equal(f, http.StatusUnauthorized, response.StatusCode, name)
				assert.Contains(f, response.Header.Get("WWW-Authenticate"), "DPoP ", name)
				assert.NotContains(f, response.Text, "ada", name)
			}
			v.ip = bindingtest.Paris
			assert.Equal(f, "7", get("/items/7", proof("/items/7")).Text, "each request is a proof")
			assert.Len(f, f.stage.Events.Of(loginstage.ActionProved), 1)
		}},
	{"a store that fails", "Where nobody knows whether the client is signed in the answer is 503, and the session stays.",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.signedIn("ada")
			f.store.Fail(errStore)
			for _, path := range []string{"/current", "/private", "/restricted", "/twice"} {
				response := v.do("GET", path)
				v.denied(http.StatusServiceUnavailable, response)
				assert.Equal(f, "1", response.Header.Get("Retry-After"))
			}
			assert.Equal(f, http.StatusInternalServerError, f.visitor().do("POST", "/begin?user=bob").StatusCode)
			f.store.Repair()
			v.is("ada", "/private")
		}},
	{"an unknown address", "A bound session is not served where the client's address is unknown.",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.signedIn("ada")
			v.ip = netip.Addr{}
			v.denied(http.StatusServiceUnavailable, v.do("GET", "/private"))
			v.ip = bindingtest.Berlin
			v.is("ada", "/private")
		}},
	{"route parameters", "The handler gets the parameters of its route.",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.signedIn("ada")
			v.is("42", "/items/42")
			v.is("a b", "/items/a%20b")
		}},
	{"streaming", "What a handler flushes arrives before it goes on.",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.signedIn("ada")
			began := time.Now()
			response, err := v.client.Do(v.request("GET", "/stream"))
			require.NoError(f, err)
			defer func() { _ = response.Body.Close() }()
			assert.Equal(f, http.StatusOK, response.StatusCode)
			assert.Equal(f, []string{"private, no-cache"}, response.Header["Cache-Control"])
			lines := bufio.NewReader(response.Body)
			line, err := lines.ReadString('\n')
			require.NoError(f, err)
			assert.Equal(f, "first\n", line)
			assert.Less(f, time.Since(began), adapterPatience/2, "the first line waited for the handler")
			f.proceed <- struct{}{}
			rest, err := io.ReadAll(lines)
			require.NoError(f, err)
			assert.Equal(f, "second\n", string(rest))
		}},
	{"live streams", "A stream ends when its session does, with the cause, and no other stream does.",
		func(f *adapterFixture) {
			f.serve(bound)
			f.visitor().denied(http.StatusUnauthorized, f.visitor().do("GET", "/live"))
			ada, bob := f.signedIn("ada"), f.signedIn("bob")
			revoked, goesOn := ada.stream("/live"), bob.stream("/live")
			_, err := f.stage.RevokeUser(f.Context(), "ada", "operator")
			require.NoError(f, err)
			assert.Equal(f, string(session.CauseRevoked)+"\n", revoked())
			assert.Equal(f, http.StatusNoContent, bob.do("POST", "/logout").StatusCode)
			assert.Equal(f, string(session.CauseSignedOut)+"\n", goesOn(), "it ended with another session")
		}},
	{"a response that has begun", "Begin is refused where the header is out: it would sign in nobody, and say nothing.",
		func(f *adapterFixture) {
			if f.adapter.Buffers {
				f.Skip("the framework sends the header after the handler")
			}
			f.serve(bound)
			v := f.visitor()
			v.is("late\n"+loginstage.ErrResponseBegun.Error(), "/late")
			assert.Empty(f, f.stage.Events.Of(loginstage.ActionLogin))
		}},
	{"panics", "A panic reaches the framework's recovery, the answer is marked as a session's, and later requests are served.",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.signedIn("ada")
			for range 3 {
				response := v.do("GET", "/panic")
				assert.Equal(f, http.StatusInternalServerError, response.StatusCode)
				assert.Equal(f, []string{"private, no-cache"}, response.Header["Cache-Control"])
				v.is("ada", "/private")
			}
		}},
	{"errors", "An error that a handler returns is answered by the framework, outside the guard, and marked as a session's.",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.signedIn("ada")
			response := v.do("GET", "/error")
			assert.Equal(f, http.StatusTeapot, response.StatusCode)
			assert.Equal(f, []string{"Cookie"}, response.Header["Vary"])
			assert.Equal(f, []string{"private, no-cache"}, response.Header["Cache-Control"])
		}},
	{"uploads", "A form's files arrive whole, and no copy on disk is left behind.",
		func(f *adapterFixture) {
			kept := f.TempDir()
			f.Setenv("TMPDIR", kept)
			f.serve(bound)
			v := f.signedIn("ada")
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			file, err := form.CreateFormFile("file", "a.bin")
			require.NoError(f, err)
			const size = 33 << 20 // frameworks keep up to 32 MiB of a form in memory
			_, err = file.Write(make([]byte, size))
			require.NoError(f, err)
			require.NoError(f, form.Close())
			r := v.request("POST", "/upload")
			r.Body, r.ContentLength = io.NopCloser(&body), int64(body.Len())
			r.Header.Set("Content-Type", form.FormDataContentType())
			response := v.send(r)
			require.Equal(f, http.StatusOK, response.StatusCode, response.Text)
			assert.Equal(f, strconv.Itoa(size), response.Text)
			assert.EventuallyWithT(f, func(c *assert.CollectT) {
				left, err := os.ReadDir(kept)
				require.NoError(c, err)
				assert.Empty(c, left)
			}, adapterPatience, time.Millisecond)
		}},
	{"hijacking", "A handler behind a guard can take the connection over, or is told that it cannot.",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.signedIn("ada")
			if f.protocol != "HTTP/1.1" {
				response := v.do("GET", "/hijack")
				assert.Equal(f, http.StatusNotImplemented, response.StatusCode)
				assert.NotEmpty(f, response.Text)
				return
			}
			for cookie, status := range map[string]int{"": http.StatusUnauthorized, v.token(): http.StatusSwitchingProtocols} {
				r := v.request("GET", "/hijack")
				r.Header.Set("Cookie", cookie)
				r.Header.Set("Connection", "Upgrade")
				r.Header.Set("Upgrade", "kit")
				conn := f.dial()
				require.NoError(f, conn.SetDeadline(time.Now().Add(adapterPatience)))
				require.NoError(f, r.Write(conn))
				lines := bufio.NewReader(conn)
				response, err := http.ReadResponse(lines, r)
				require.NoError(f, err)
				require.Equal(f, status, response.StatusCode)
				if status == http.StatusSwitchingProtocols {
					line, err := lines.ReadString('\n')
					require.NoError(f, err)
					assert.Equal(f, "hijacked\n", line)
				}
			}
		}},
	{"preflights", "A CORS preflight passes Require, without what says who sent it, and gets the status and the header of the answer alone.",
		func(f *adapterFixture) {
			f.serve(bound)
			v := f.signedIn("ada")
			r := v.request("OPTIONS", "/private")
			r.Header.Set("Origin", "https://other.example")
			r.Header.Set("Access-Control-Request-Method", "GET")
			response := v.send(r)
			assert.Equal(f, http.StatusAccepted, response.StatusCode)
			assert.Equal(f, "nobody", response.Header.Get("Access-Control-Allow-Origin"))
			assert.Empty(f, response.Header.Get("Access-Control-Allow-Headers"), "the handler saw the cookie")
			assert.Empty(f, response.Text)
			v.denied(http.StatusUnauthorized, f.visitor().do("OPTIONS", "/private"))
		}},
	{"the host's own denials", "Config.Deny can answer in the framework's way.",
		func(f *adapterFixture) {
			if f.adapter.Deny == nil {
				f.Skip("the adapter has no Deny")
			}
			config := steppingUp()
			config.Deny = f.adapter.Deny
			f.serve(config)
			v := f.signedIn("ada")
			deny := func(v *visitor, path string, want loginstage.Denial) {
				f.Helper()
				response := v.do("GET", path)
				assert.Equal(f, http.StatusTeapot, response.StatusCode)
				assert.Equal(f, string(want), response.Text)
				assert.Equal(f, []string{"no-store"}, response.Header["Cache-Control"])
			}
			deny(f.visitor(), "/private", loginstage.DenialSignIn)
			deny(f.visitor(), "/twice", loginstage.DenialSignIn)
			v.ip = bindingtest.Paris
			deny(v, "/private", loginstage.DenialStepUp)
			f.store.Fail(errStore)
			deny(v, "/current", loginstage.DenialUnavailable)
		}},
	{"requests side by side", "What one request found out is not another's, though the framework uses its contexts again.",
		func(f *adapterFixture) {
			f.serve(bound)
			var visits sync.WaitGroup
			for i := range 8 {
				user := "nobody"
				v := f.visitor()
				if i > 0 {
					user = "user" + strconv.Itoa(i)
					v = f.signedIn(user)
				}
				visits.Go(func() {
					for range 25 {
						for _, path := range []string{"/current", "/bare"} {
							response, err := v.client.Do(v.request("GET", path))
							if !assert.NoError(f, err) {
								return
							}
							text, err := io.ReadAll(response.Body)
							_ = response.Body.Close()
							assert.NoError(f, err)
							if path == "/bare" {
								assert.Equal(f, "nobody", string(text))
							} else {
								assert.Equal(f, user, string(text))
							}
						}
					}
				})
			}
			visits.Wait()
		}},
}
