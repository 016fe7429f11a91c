package gorillacarrier_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/gorillacarrier"
)

func TestWriteThenRead(t *testing.T) {
	eachStore(t, func(t *testing.T, f fixture) {
		c := gorillacarrier.New(f.store, gorillacarrier.Options{})
		require.NoError(t, c.Validate())
		b, token := browser{}, session.NewToken("ada")
		assert.True(t, b.read(t, c).IsZero(), "before")

		header := b.write(t, c, token, time.Hour+time.Millisecond)

		assert.Equal(t, token, b.read(t, c))
		assert.Equal(t, "no-store", header.Get("Cache-Control"))
		require.Len(t, header["Set-Cookie"], 1)
		cookie := b[name]
		assert.Equal(t, 3601, cookie.MaxAge)
		assert.Equal(t, "/", cookie.Path)
		assert.True(t, cookie.Secure)
		assert.True(t, cookie.HttpOnly)
		assert.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
		assert.NotContains(t, cookie.Value, token.Secret())
	})
}

func TestBrowserSessionHasNoAgeInTheBrowserAndOneInTheStore(t *testing.T) {
	eachStore(t, func(t *testing.T, f fixture) {
		c := gorillacarrier.New(f.store, gorillacarrier.Options{BrowserSession: 2 * time.Hour})
		b, token := browser{}, session.NewToken("ada")

		header := b.write(t, c, token, 0)

		require.Len(t, header["Set-Cookie"], 1)
		assert.NotContains(t, header.Get("Set-Cookie"), "Max-Age")
		assert.NotContains(t, header.Get("Set-Cookie"), "Expires")
		assert.Equal(t, token, b.read(t, c))
		if d, ok := f.store.(*database); ok {
			assert.Equal(t, 2*60*60, d.age)
		}
		b.set(t, f.store, "cart", "tea")
		assert.Equal(t, token, b.read(t, c), "after the application saved the session")
	})
}

func TestHandlersSaveToACookieStoreLeavesABrowserSession(t *testing.T) {
	store := sessions.NewCookieStore(hashKey)
	c := gorillacarrier.New(store, gorillacarrier.Options{})
	b, token := browser{}, session.NewToken("ada")
	for what, first := range map[string]func(w http.ResponseWriter, r *http.Request) error{
		"after the sign-in": func(w http.ResponseWriter, r *http.Request) error { return c.Write(w, r, token, 0) },
		"in a later request": func(_ http.ResponseWriter, r *http.Request) error {
			_, err := c.Read(r)
			return err
		},
	} {
		b.write(t, c, token, 0)
		b.visit(func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, first(w, r), what)
			require.NoError(t, sessions.Save(r, w), what)
		})
		assert.Equal(t, token, b.read(t, c), what)
		assert.Zero(t, b[name].MaxAge, what)
		assert.Zero(t, b[name].Expires, what)
	}
}

func TestReadTellsWhatTheRequestCameWith(t *testing.T) {
	eachStore(t, func(t *testing.T, f fixture) {
		c := gorillacarrier.New(f.store, gorillacarrier.Options{})
		b, first := browser{}, session.NewToken("ada")
		b.write(t, c, first, time.Hour)
		b.visit(func(w http.ResponseWriter, r *http.Request) {
			for range 2 {
				require.NoError(t, c.Write(w, r, session.NewToken("ada"), time.Hour))
				token, err := c.Read(r)
				require.NoError(t, err)
				assert.Equal(t, first, token)
			}
		})
	})
}

func TestWriteKeepsTheValuesOfAVisitor(t *testing.T) {
	eachStore(t, func(t *testing.T, f fixture) {
		c := gorillacarrier.New(f.store, gorillacarrier.Options{})
		b := browser{}
		b.set(t, f.store, "cart", "tea")
		b.write(t, c, session.NewToken("ada"), time.Hour)
		assert.Equal(t, map[any]any{"cart": "tea"}, b.values(t, f.store))

		second := session.NewToken("ada")
		b.write(t, c, second, time.Hour)
		assert.Equal(t, map[any]any{"cart": "tea"}, b.values(t, f.store), "signed in again")
		assert.Equal(t, second, b.read(t, c))
	})
}

func TestWriteChangesTheGorillaSessionsID(t *testing.T) {
	eachStore(t, func(t *testing.T, f fixture) {
		c := gorillacarrier.New(f.store, gorillacarrier.Options{})
		b := browser{}
		b.set(t, f.store, "cart", "tea") // the attacker's own, planted in a victim's browser
		planted := browser{name: b[name]}

		b.write(t, c, session.NewToken("ada"), time.Hour)

		assert.NotEqual(t, planted[name].Value, b[name].Value)
		assert.True(t, planted.read(t, c).IsZero())
		if f.records != nil {
			assert.Equal(t, 1, f.records(), "the old record is gone")
		}
		before := browser{name: b[name]}
		second := session.NewToken("ada")
		b.write(t, c, second, time.Hour)
		assert.NotEqual(t, second, before.read(t, c), "the next sign-in changes it again")
	})
}

func TestLastCallOnAResponseCounts(t *testing.T) {
	eachStore(t, func(t *testing.T, f fixture) {
		c := gorillacarrier.New(f.store, gorillacarrier.Options{})
		token := session.NewToken("ada")
		write := func(w http.ResponseWriter, r *http.Request, token session.Token) {
			require.NoError(t, c.Write(w, r, token, time.Hour))
		}
		clearIt := func(w http.ResponseWriter, r *http.Request) { require.NoError(t, c.Clear(w, r)) }
		for want, calls := range map[session.Token]func(w http.ResponseWriter, r *http.Request){
			token: func(w http.ResponseWriter, r *http.Request) {
				write(w, r, session.NewToken("ada"))
				clearIt(w, r)
				write(w, r, session.NewToken("ada"))
				write(w, r, token)
			},
			{}: func(w http.ResponseWriter, r *http.Request) {
				clearIt(w, r)
				write(w, r, token)
				clearIt(w, r)
				clearIt(w, r)
			},
		} {
			b := browser{}
			b.write(t, c, session.NewToken("ada"), time.Hour)
			header := b.visit(func(w http.ResponseWriter, r *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
				calls(w, r)
			})
			assert.Len(t, header["Set-Cookie"], 2, "one, and that of the application")
			assert.Equal(t, want, b.read(t, c))
			if f.records != nil && want.IsZero() {
				assert.LessOrEqual(t, f.records(), 1, "only what the other case left")
			}
		}
	})
}

func TestClearDropsAndDeletesTheGorillaSession(t *testing.T) {
	eachStore(t, func(t *testing.T, f fixture) {
		c := gorillacarrier.New(f.store, gorillacarrier.Options{})
		b := browser{}
		b.set(t, f.store, "cart", "tea")
		b.write(t, c, session.NewToken("ada"), time.Hour)

		header := b.visit(func(w http.ResponseWriter, r *http.Request) { require.NoError(t, c.Clear(w, r)) })

		require.Len(t, header["Set-Cookie"], 1)
		deleting, err := http.ParseSetCookie(header.Get("Set-Cookie"))
		require.NoError(t, err)
		assert.Empty(t, deleting.Value)
		assert.Equal(t, "/", deleting.Path)
		assert.Equal(t, -1, deleting.MaxAge)
		assert.True(t, deleting.Secure && deleting.HttpOnly)
		assert.Equal(t, "no-store", header.Get("Cache-Control"))
		assert.Empty(t, b)
		if f.records != nil {
			assert.Zero(t, f.records())
		}
	})
}

func TestNextUserStartsFromAnEmptyGorillaSession(t *testing.T) {
	eachStore(t, func(t *testing.T, f fixture) {
		c := gorillacarrier.New(f.store, gorillacarrier.Options{})
		b, next := browser{}, session.NewToken("bob")
		b.set(t, f.store, "cart", "ada's")
		b.write(t, c, session.NewToken("ada"), time.Hour)

		header := b.visit(func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, c.Clear(w, r))
			require.NoError(t, c.Write(w, r, next, time.Hour))
		})

		assert.Len(t, header["Set-Cookie"], 1)
		assert.Equal(t, next, b.read(t, c))
		assert.Empty(t, b.values(t, f.store))
		if f.records != nil {
			assert.Equal(t, 1, f.records())
		}
	})
}

func TestCookiesThatAreNoToken(t *testing.T) {
	eachStore(t, func(t *testing.T, f fixture) {
		c := gorillacarrier.New(f.store, gorillacarrier.Options{})
		token := session.NewToken("ada")
		mine, foreign := browser{}, browser{}
		mine.write(t, c, token, time.Hour)
		foreign.write(t, gorillacarrier.New(sessions.NewCookieStore(blockKey), gorillacarrier.Options{}), token, time.Hour)
		value := mine[name].Value
		for what, header := range map[string]string{
			"nothing":             "",
			"empty":               name + "=",
			"garbage":             name + "=garbage",
			"bare token":          name + "=" + token.Secret(),
			"cut short":           name + "=" + value[:len(value)-5],
			"tampered":            name + "=" + value[:10] + "AAAA" + value[14:],
			"too long":            name + "=" + strings.Repeat("A", 5000),
			"signed by other key": name + "=" + foreign[name].Value,
			"under another name":  "other=" + value,
			"twice":               name + "=" + value + "; " + name + "=" + value,
			"twice, one planted":  name + "=" + value + "; theme=dark; " + name + "=x",
		} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Cookie", header)
			got, err := c.Read(r)
			assert.NoError(t, err, what)
			assert.True(t, got.IsZero(), what)
			w := httptest.NewRecorder()
			assert.NoError(t, c.Write(w, r, token, time.Hour), "sign-in with "+what)
			assert.Len(t, w.Result().Cookies(), 1, what)
		}
	})
}

func TestWhatCouldNotBeReadIsNotCarriedOver(t *testing.T) {
	for what, spoil := range map[string]func(s *sessions.Session, r *http.Request){
		"two cookies": func(_ *sessions.Session, r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: "x"}) },
		"no token":    func(s *sessions.Session, _ *http.Request) { s.Values["mooring.token"] = "x" },
		"no string":   func(s *sessions.Session, _ *http.Request) { s.Values["mooring.token"] = 7 },
		"no expiry": func(s *sessions.Session, _ *http.Request) {
			s.Values["mooring.token"] = session.NewToken("ada").Secret() + ".x"
		},
		"long past": func(s *sessions.Session, _ *http.Request) {
			s.Values["mooring.token"] = session.NewToken("ada").Secret() + ".1"
		},
		"far in the future": func(s *sessions.Session, _ *http.Request) {
			s.Values["mooring.token"] = session.NewToken("ada").Secret() + ".9223372036854775807"
		},
	} {
		t.Run(what, func(t *testing.T) {
			eachStore(t, func(t *testing.T, f fixture) {
				c := gorillacarrier.New(f.store, gorillacarrier.Options{})
				b, token := browser{}, session.NewToken("bob")
				b.set(t, f.store, "cart", "ada's")
				b.visit(func(w http.ResponseWriter, r *http.Request) {
					s, err := f.store.Get(r, name)
					require.NoError(t, err)
					spoil(s, r)
					got, err := c.Read(r)
					require.NoError(t, err)
					assert.True(t, got.IsZero())
					assert.Equal(t, "ada's", s.Values["cart"], "reading changes nothing")
					require.NoError(t, c.Write(w, r, token, time.Hour))
					s.Values["theme"] = "dark"
					require.NoError(t, c.Write(w, r, token, time.Hour))
				})
				assert.Equal(t, token, b.read(t, c))
				assert.Equal(t, map[any]any{"theme": "dark"}, b.values(t, f.store))
			})
		})
	}
}

func TestHandlersSaveKeepsTheTokenAndItsLifetime(t *testing.T) {
	eachStore(t, func(t *testing.T, f fixture) {
		synctest.Test(t, func(t *testing.T) {
			c := gorillacarrier.New(f.store, gorillacarrier.Options{})
			b, token := browser{}, session.NewToken("ada")
			b.visit(func(w http.ResponseWriter, r *http.Request) {
				s, err := f.store.Get(r, name)
				require.NoError(t, err)
				require.NoError(t, c.Write(w, r, token, time.Hour))
				s.Values["cart"] = "tea"
				require.NoError(t, sessions.Save(r, w))
			})
			assert.Equal(t, token, b.read(t, c), "in the same request")
			assert.Equal(t, 3600, b[name].MaxAge)
			assert.Equal(t, map[any]any{"cart": "tea"}, b.values(t, f.store))

			time.Sleep(20 * time.Minute)
			b.visit(func(w http.ResponseWriter, r *http.Request) {
				_, err := c.Read(r)
				require.NoError(t, err)
				s, err := f.store.Get(r, name)
				require.NoError(t, err)
				require.NoError(t, s.Save(r, w))
			})
			assert.Equal(t, token, b.read(t, c), "in a later one")
			assert.InDelta(t, 40*60, b[name].MaxAge, 1)
			assert.True(t, b[name].Secure && b[name].HttpOnly)

			time.Sleep(40*time.Minute + 2*time.Second)
			assert.True(t, b.read(t, c).IsZero(), "past its age, though saved since")
		})
	})
}

func TestHandlersSaveDoesNotBringBackWhatWasCleared(t *testing.T) {
	eachStore(t, func(t *testing.T, f fixture) {
		c := gorillacarrier.New(f.store, gorillacarrier.Options{})
		b := browser{}
		b.set(t, f.store, "cart", "tea")
		b.write(t, c, session.NewToken("ada"), time.Hour)
		b.visit(func(w http.ResponseWriter, r *http.Request) {
			s, err := f.store.Get(r, name)
			require.NoError(t, err)
			require.NoError(t, c.Clear(w, r))
			s.Values["notice"] = "signed out"
			require.NoError(t, s.Save(r, w))
		})
		assert.True(t, b.read(t, c).IsZero())
		assert.Equal(t, map[any]any{"notice": "signed out"}, b.values(t, f.store))
	})
}

func TestStoreThatFailsIsAnError(t *testing.T) {
	store, down := newDatabase(), errors.New("database is down")
	c := gorillacarrier.New(store, gorillacarrier.Options{})
	b, token := browser{}, session.NewToken("ada")
	b.write(t, c, token, time.Hour)

	store.down = down
	_, err := c.Read(b.request())
	require.ErrorIs(t, err, down)
	kept := b[name].Value
	b.visit(func(w http.ResponseWriter, r *http.Request) {
		require.ErrorIs(t, c.Write(w, r, session.NewToken("ada"), time.Hour), down)
	})
	assert.Equal(t, kept, b[name].Value, "the cookie stays")
	browser{}.visit(func(w http.ResponseWriter, r *http.Request) {
		require.ErrorIs(t, c.Write(w, r, token, time.Hour), down)
		s, err := store.Get(r, name)
		require.NoError(t, err)
		assert.Empty(t, s.Values, "what could not be written is not left for a handler to save")
	})
	b.visit(func(w http.ResponseWriter, r *http.Request) { require.ErrorIs(t, c.Clear(w, r), down) })
	assert.Empty(t, b, "cleared from the browser all the same")
}

func TestFilesystemStoreWithoutTheFileIsAnonymousAndWithoutTheDirectoryAnError(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sessions")
	require.NoError(t, os.Mkdir(dir, 0o700))
	c := gorillacarrier.New(sessions.NewFilesystemStore(dir, hashKey), gorillacarrier.Options{})
	b := browser{}
	b.write(t, c, session.NewToken("ada"), time.Hour)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1)

	require.NoError(t, os.WriteFile(filepath.Join(dir, files[0].Name()), []byte("overwritten"), 0o600))
	assert.True(t, b.read(t, c).IsZero(), "garbage in the file")
	require.NoError(t, os.Remove(filepath.Join(dir, files[0].Name())))
	assert.True(t, b.read(t, c).IsZero(), "no file")
	planted := b.request()
	w := httptest.NewRecorder()
	require.NoError(t, c.Write(w, planted, session.NewToken("ada"), time.Hour))
	_, err = os.Stat(filepath.Join(dir, files[0].Name()))
	require.ErrorIs(t, err, os.ErrNotExist, "the ID of a session that is not there is not adopted")

	require.NoError(t, os.RemoveAll(dir))
	_, err = c.Read(b.request())
	require.ErrorIs(t, err, os.ErrNotExist)
}

// headerless is a store that carries its sessions some other way.
type headerless struct{ *database }

func (headerless) Save(*http.Request, http.ResponseWriter, *sessions.Session) error { return nil }

func TestStoreThatSetsNoCookie(t *testing.T) {
	c := gorillacarrier.New(headerless{newDatabase()}, gorillacarrier.Options{})
	require.ErrorContains(t, c.Write(httptest.NewRecorder(), browser{}.request(), session.NewToken("ada"), 0), "set no cookie")
}

func TestValuesTooLargeForACookie(t *testing.T) {
	store := sessions.NewCookieStore(hashKey)
	c := gorillacarrier.New(store, gorillacarrier.Options{})
	r := browser{}.request()
	s, err := store.Get(r, name)
	require.NoError(t, err)
	s.Values["cart"] = strings.Repeat("tea ", 2000)
	require.Error(t, c.Write(httptest.NewRecorder(), r, session.NewToken("ada"), 0))
	assert.NotContains(t, s.Values, "mooring.token")
	require.NoError(t, c.Clear(httptest.NewRecorder(), r))
}

func TestMisconfiguredCarrierIsAnErrorAndNeverAnonymous(t *testing.T) {
	for what, c := range map[string]session.Carrier{
		"no keys":      gorillacarrier.New(sessions.NewCookieStore(), gorillacarrier.Options{}),
		"an empty key": gorillacarrier.New(sessions.NewCookieStore([]byte{}), gorillacarrier.Options{}),
		"no name":      gorillacarrier.New(sessions.NewCookieStore(hashKey), gorillacarrier.Options{Name: "a b"}),
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: name, Value: "x"})
		_, err := c.Read(r)
		assert.Error(t, err, what)
		assert.Error(t, c.Write(httptest.NewRecorder(), r, session.NewToken("ada"), 0), what)
		assert.Error(t, c.Clear(httptest.NewRecorder(), r), what)
	}
}
