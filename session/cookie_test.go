package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// setCookie returns the one Set-Cookie line of what answer does to a response.
func setCookie(t *testing.T, answer func(w http.ResponseWriter) error) string {
	t.Helper()
	w := httptest.NewRecorder()
	require.NoError(t, answer(w))
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	lines := w.Header().Values("Set-Cookie")
	require.Len(t, lines, 1)
	return lines[0]
}

func TestCookieAttributes(t *testing.T) {
	token := session.NewToken("ada")
	for _, test := range []struct {
		name             string
		cookie           session.Cookie
		before, settings string
	}{
		{"zero", session.Cookie{}, "__Host-mooring", "; HttpOnly; Secure; SameSite=Lax"},
		{"default mode", session.Cookie{SameSite: http.SameSiteDefaultMode}, "__Host-mooring", "; HttpOnly; Secure; SameSite=Lax"},
		{"Strict", session.Cookie{SameSite: http.SameSiteStrictMode}, "__Host-mooring", "; HttpOnly; Secure; SameSite=Strict"},
		{"None", session.Cookie{SameSite: http.SameSiteNoneMode}, "__Host-mooring", "; HttpOnly; Secure; SameSite=None"},
		{"without TLS", session.Cookie{InsecureHTTP: true}, "mooring", "; HttpOnly; SameSite=Lax"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.NoError(t, test.cookie.Validate())
			assert.Equal(t, test.before, test.cookie.CookieName())
			write := func(maxAge time.Duration) string {
				return setCookie(t, func(w http.ResponseWriter) error { return test.cookie.Write(w, nil, token, maxAge) })
			}
			value := test.before + "=" + token.Secret()
			assert.Equal(t, value+"; Path=/"+test.settings, write(0))
			assert.Equal(t, value+"; Path=/; Max-Age=3600"+test.settings, write(time.Hour))
			assert.Equal(t, value+"; Path=/; Max-Age=34560000"+test.settings, write(session.MaxCookieAge))
			cleared := setCookie(t, func(w http.ResponseWriter) error { return test.cookie.Clear(w, nil) })
			assert.Equal(t, test.before+"=; Path=/; Max-Age=0"+test.settings, cleared)
		})
	}
}

func TestCookieOfAPathAndDomain(t *testing.T) {
	cookie := session.Cookie{Name: "app", Path: "/app", Domain: "example.test"}
	require.NoError(t, cookie.Validate())
	token := session.NewToken("ada")
	assert.Equal(t, "app="+token.Secret()+"; Path=/app; Domain=example.test; HttpOnly; Secure; SameSite=Lax",
		setCookie(t, func(w http.ResponseWriter) error { return cookie.Write(w, nil, token, 0) }))
	assert.Equal(t, "app=; Path=/app; Domain=example.test; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
		setCookie(t, func(w http.ResponseWriter) error { return cookie.Clear(w, nil) }))
}

func TestCookieValidate(t *testing.T) {
	for _, test := range []struct {
		name     string
		cookie   session.Cookie
		mistakes []string // what each says; none: valid
	}{
		{"zero", session.Cookie{}, nil},
		{"a name of one's own", session.Cookie{Name: "sid"}, nil},
		{"a domain", session.Cookie{Name: "sid", Domain: "example.test"}, nil},
		{"a path", session.Cookie{Name: "__Secure-sid", Path: "/app"}, nil},
		{"without TLS", session.Cookie{InsecureHTTP: true}, nil},
		{"without TLS, of a path and a domain", session.Cookie{InsecureHTTP: true, Path: "/app", Domain: "example.test"}, nil},
		{"__Host- and the path that it wants", session.Cookie{Name: "__Host-sid", Path: "/"}, nil},

		{"a name that is none", session.Cookie{Name: "a b"}, []string{`Name "a b": want letters`}},
		{"a name with a newline", session.Cookie{Name: "a\nSet-Cookie: b"}, []string{`Name "a\nSet-Cookie: b": want`}},
		{"a path with a semicolon", session.Cookie{Name: "sid", Path: "/a;b"}, []string{`Path "/a;b": want`}},
		{"a relative path", session.Cookie{Name: "sid", Path: "app"}, []string{`Path "app"`}},
		{"a domain that is none", session.Cookie{Name: "sid", Domain: "exa mple"}, []string{`Domain "exa mple": want the name of a host`}},
		{"SameSite out of range", session.Cookie{SameSite: 9}, []string{"SameSite 9"}},
		{"SameSite below range", session.Cookie{SameSite: -1}, []string{"SameSite -1"}},
		{"SameSite None without TLS", session.Cookie{SameSite: http.SameSiteNoneMode, InsecureHTTP: true}, []string{"SameSite None"}},
		{"__Host- of a domain", session.Cookie{Domain: "example.test"}, []string{`Domain "example.test"`}},
		{"__Host- of a path", session.Cookie{Path: "/app"}, []string{`Path "/app"`}},
		{"__Host- without TLS", session.Cookie{Name: "__Host-sid", InsecureHTTP: true}, []string{`Name "__Host-sid" with InsecureHTTP`}},
		{"__Secure- without TLS", session.Cookie{Name: "__Secure-sid", InsecureHTTP: true}, []string{`Name "__Secure-sid" with InsecureHTTP`}},
		{"prefixes in any case", session.Cookie{Name: "__hOST-sid", Domain: "example.test", Path: "/app"},
			[]string{`Domain "example.test"`, `Path "/app"`}},
		{"all three at once", session.Cookie{Name: "a b", Path: "/a;b", Domain: "exa mple"}, []string{`Name "a b"`, `Path "/a;b"`, `Domain "exa mple"`}},
		{"all at once", session.Cookie{Name: "__Host-s d", Path: "app", Domain: "example.test", SameSite: 9, InsecureHTTP: true},
			[]string{`Name "__Host-s d": want`, `Path "app": want`, "SameSite 9", "InsecureHTTP", `Domain "example.test"`, `Path "app" with Name`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.cookie.Validate()
			if test.mistakes == nil {
				require.NoError(t, err)
				return
			}
			joined, ok := err.(interface{ Unwrap() []error })
			require.True(t, ok, "mistakes are joined: %v", err)
			require.Len(t, joined.Unwrap(), len(test.mistakes), "%v", err)
			for i, mistake := range joined.Unwrap() {
				assert.ErrorContains(t, mistake, test.mistakes[i])
				assert.ErrorContains(t, mistake, "session: cookie ")
			}
		})
	}
}

func TestCookieLifetime(t *testing.T) {
	require.NoError(t, session.Cookie{}.ValidateLifetime(session.MaxCookieAge))
	require.ErrorIs(t, session.Cookie{}.ValidateLifetime(session.MaxCookieAge+1), session.ErrLifetime)

	w := httptest.NewRecorder()
	require.ErrorIs(t, session.Cookie{}.Write(w, nil, session.NewToken("ada"), session.MaxCookieAge+1), session.ErrLifetime)
	assert.Empty(t, w.Header())
}

// The check of a request costs no garbage: it runs on every one.
func TestReadingACookieAllocatesNothing(t *testing.T) {
	token := session.NewToken("ada")
	r := httptest.NewRequest(http.MethodGet, "https://app.example.test/", nil)
	r.Header.Set("Cookie", "theme=dark; __Host-mooring="+token.Secret()+"; lang=en")
	want := token.ID()
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		read, err := session.Cookie{}.Read(r)
		if err != nil || read.ID() != want {
			t.Error("another token than was sent")
		}
	}))
}

func FuzzCookieRead(f *testing.F) {
	const good = "Aaz09-_BCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkAB"
	for _, header := range []string{
		"", ";", "=", "__Host-mooring", "__Host-mooring=", "__Host-mooring=" + good, "a=b; __Host-mooring=" + good + "; c=d",
		"__Host-mooring=" + good + "; __Host-mooring=" + good, "__Host-mooring=x; __Host-mooring=" + good,
		"__Host-mooring = " + good, " __Host-mooring=" + good + "\t", `__Host-mooring="` + good + `"`, "__host-mooring=" + good,
		"__Host-mooring=" + good + ",__Host-mooring=" + good, "\x00__Host-mooring=" + good, "__Host-mooring=" + good + "\r\n",
		"__Host-mooring;__Host-mooring=" + good, strings.Repeat("a=b; ", 200) + "__Host-mooring=" + good,
		"__Host-mooring==" + good, "x__Host-mooring=" + good, "\u00a0__Host-mooring=" + good,
	} {
		f.Add(header, "")
	}
	f.Add("__Host-mooring="+good, "__Host-mooring="+good)
	f.Add("a=b", "__Host-mooring="+good)
	f.Fuzz(func(t *testing.T, first, second string) {
		if strings.Count(first+second, ";") > 1000 {
			t.Skip("net/http reads no cookies where there are too many")
		}
		r := &http.Request{Header: http.Header{"Cookie": {first, second}}}
		token, err := session.Cookie{}.Read(r)
		require.NoError(t, err)

		named := r.CookiesNamed(session.DefaultCookieName)
		if len(named) > 1 {
			require.True(t, token.IsZero(), "two cookies are no token")
		}
		if !token.IsZero() {
			// Never more than net/http takes for a cookie, whose value it is.
			require.Len(t, named, 1)
			require.Equal(t, named[0].Value, token.Secret())
			require.False(t, named[0].Quoted)
		}
		if len(named) == 1 && token.IsZero() && strings.Count(first+second, session.DefaultCookieName) == 1 && !named[0].Quoted {
			_, err := session.ParseToken(named[0].Value)
			require.Error(t, err, "a single cookie with a token in it was not read")
		}
	})
}

// What a cookie is said to be like is what Set sets, but for its value and its time.
func TestCookieIsWhatItsAttributesSay(t *testing.T) {
	assert.Equal(t, "Path=/; HttpOnly; Secure; SameSite=Lax", session.Cookie{}.Attributes())
	for _, cookie := range []session.Cookie{{}, {InsecureHTTP: true}, {Name: "a", Path: "/app", Domain: "example.test", SameSite: http.SameSiteNoneMode}} {
		w := httptest.NewRecorder()
		cookie.Set(w, "value", 0)
		assert.Equal(t, []string{cookie.CookieName() + "=value; " + cookie.Attributes()}, w.Header()["Set-Cookie"])
	}
}
