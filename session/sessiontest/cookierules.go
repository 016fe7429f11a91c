package sessiontest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// cookieRules are the rules for carriers that use a cookie.
var cookieRules = []rule[*carrierFixture]{
	{"a cookie is kept for the lifetime",
		"Max-Age is the lifetime in seconds, and a part of a second counts as a whole one, so that the client never forgets before the server.",
		func(f *carrierFixture) {
			for maxAge, want := range map[time.Duration]int{
				1: 1, time.Second - 1: 1, time.Second: 1, time.Second + 1: 2, 1500 * time.Millisecond: 2,
				time.Hour: 3600, 24*time.Hour - 1: 86400,
			} {
				assert.Equal(f, want, f.cookie(f.write(newToken(), maxAge)).MaxAge, "Max-Age for %s", maxAge)
			}
		}},
	{"a browser session's cookie has no lifetime",
		"A maxAge of 0 is until the browser closes: the cookie has neither Max-Age nor Expires.",
		func(f *carrierFixture) {
			f.write(newToken(), time.Hour)
			c := f.cookie(f.write(newToken(), 0))
			assert.NotContains(f, strings.ToLower(c.Raw), "max-age")
			assert.NotContains(f, strings.ToLower(c.Raw), "expires")
		}},
	{"a cookie past what browsers keep is refused",
		"Browsers keep no cookie longer than MaxCookieAge. Write refuses with ErrLifetime and sets none.",
		func(f *carrierFixture) {
			response := f.respond(func(w http.ResponseWriter, r *http.Request) {
				require.ErrorIs(f, f.Write(w, r, newToken(), session.MaxCookieAge+1), session.ErrLifetime)
			})
			assert.Empty(f, response.Cookies())
			f.carries(session.Token{})
		}},
	{"a cookie is set once",
		"Of several calls on one response the last counts, and its Set-Cookie is the only one of the name: clients differ in which of two they take.",
		func(f *carrierFixture) {
			response := f.respond(func(w http.ResponseWriter, r *http.Request) {
				require.NoError(f, f.Write(w, r, newToken(), time.Hour))
				require.NoError(f, f.Clear(w, r))
				require.NoError(f, f.Write(w, r, newToken(), time.Hour))
			})
			assert.Equal(f, 3600, f.cookie(response).MaxAge)
			response = f.respond(func(w http.ResponseWriter, r *http.Request) {
				require.NoError(f, f.Write(w, r, newToken(), time.Hour))
				require.NoError(f, f.Clear(w, r))
			})
			assert.Negative(f, f.cookie(response).MaxAge)
		}},
	{"a cookie is cleared as it was set",
		"Browsers delete a cookie by name, path and domain, and refuse one whose flags do not suit its name. So clearing repeats them all.",
		func(f *carrierFixture) {
			token := newToken()
			set := f.cookie(f.write(token, time.Hour))
			cleared := f.cookie(f.clear())
			assert.Negative(f, cleared.MaxAge, "Max-Age")
			assert.NotContains(f, cleared.Raw, token.Secret())
			attributes := func(c *http.Cookie) http.Cookie {
				return http.Cookie{
					Name: c.Name, Path: c.Path, Domain: c.Domain, Secure: c.Secure, HttpOnly: c.HttpOnly,
					SameSite: c.SameSite, Partitioned: c.Partitioned,
				}
			}
			assert.Equal(f, attributes(set), attributes(cleared))
		}},
	{"a cookie is out of scripts' reach",
		"The token is HttpOnly: no script of a page reads it.",
		func(f *carrierFixture) {
			assert.True(f, f.cookie(f.write(newToken(), time.Hour)).HttpOnly)
		}},
	{"a malformed cookie is no token",
		"What is no token is anonymous and no error, whatever a client sends: anybody can send it.",
		func(f *carrierFixture) {
			token := newToken()
			c := f.cookie(f.write(token, time.Hour))
			for _, value := range malformed(c.Value) {
				f.reads(f.forged(c.Name+"="+value), session.Token{})
			}
			for _, header := range []string{
				"", ";", "=", c.Name, c.Name + ";", "=" + c.Value, "x" + c.Name + "=" + c.Value, c.Name + "x=" + c.Value,
				c.Value + "=" + c.Name, strings.Repeat(";", 10_000), strings.Repeat("a=b; ", 1000),
			} {
				f.reads(f.forged(header), session.Token{})
			}
			f.reads(f.forged(c.Name+"="+c.Value), token) // or none of the above shows anything
		}},
	{"a quoted cookie is no other token",
		"Quotes are no part of a token. A carrier may read past them, but only to the token inside.",
		func(f *carrierFixture) {
			token := newToken()
			c := f.cookie(f.write(token, time.Hour))
			got, err := f.Read(f.forged(c.Name + `="` + c.Value + `"`))
			require.NoError(f, err)
			require.True(f, got.IsZero() || got == token)
			f.reads(f.forged(c.Name+`="`+c.Value), session.Token{})
			f.reads(f.forged(c.Name+`=`+c.Value+`"`), session.Token{})
		}},
	{"two cookies of the name are no token",
		"One of two cookies may be planted, from another path or a neighbouring domain, and nothing tells which.",
		func(f *carrierFixture) {
			c := f.cookie(f.write(newToken(), time.Hour))
			f.client = f.newClient()
			other := f.cookie(f.write(newToken(), time.Hour))
			good, planted := c.Name+"="+c.Value, c.Name+"="+other.Value
			for _, headers := range [][]string{
				{good + "; " + planted}, {planted + "; " + good}, {good + ";" + planted}, {good, planted}, {good + "; " + good},
				{good + "; a=b; " + planted}, {good + "; " + c.Name + "="}, {c.Name + "=; " + good}, {c.Name + "; " + good}, {good, "a=b", c.Name + "=x"},
			} {
				f.reads(f.forged(headers...), session.Token{})
			}
		}},
	{"the host's other cookies are left alone",
		"The carrier changes nothing in the request's header, and removes no other cookie from the response, before or after.",
		func(f *carrierFixture) {
			token := newToken()
			name := f.cookie(f.write(token, time.Hour)).Name
			others := []string{"theme", name + "2", "x" + name}
			sent := "theme=dark; " + name + "2=a; x" + name + "=b"
			for _, call := range []func(w http.ResponseWriter, r *http.Request) error{
				func(w http.ResponseWriter, r *http.Request) error { return f.Write(w, r, token, time.Hour) }, f.Clear,
			} {
				f.write(token, time.Hour) // again: what the call before did may have made the cookie void
				r := f.request()
				r.Header.Set("Cookie", sent+"; "+r.Header.Get("Cookie"))
				before := r.Header.Clone()
				f.reads(r, token)

				w := httptest.NewRecorder()
				for _, other := range others {
					http.SetCookie(w, &http.Cookie{Name: other, Value: "kept", Path: "/"})
				}
				require.NoError(f, call(w, r))
				http.SetCookie(w, &http.Cookie{Name: "later", Value: "kept", Path: "/"})
				assert.Equal(f, before, r.Header, "the request's header")

				kept := map[string]string{}
				for _, c := range w.Result().Cookies() {
					kept[c.Name] = c.Value
				}
				for _, other := range append(others, "later") {
					assert.Equal(f, "kept", kept[other], "Set-Cookie of %q", other)
				}
			}
		}},
}

// malformed returns values that a carrier which writes value never writes.
func malformed(value string) []string {
	half := len(value) / 2
	inside := func(s string) string { return value[:half] + s + value[half:] }
	instead := func(s string) string { return value[:half] + s + value[half+1:] }
	forms := []string{
		"", value[:len(value)-1], value[1:], value[:half], value[:1], value + "A", "A" + value, value + value,
		strings.Repeat("A", 1<<20), strings.Repeat(value, 1000),
	}
	for _, s := range []string{
		"+", "/", ".", "!", "%", "%41", "é", "猫", "\x00", "\x01", "\x7f", "\x80", "\xff", `"`, `\`, ",", "\r", "\n", "\u2028",
	} {
		forms = append(forms, inside(s), instead(s))
	}
	return forms
}
