package gorillacarrier_test

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

const name = session.DefaultCookieName

var (
	hashKey  = []byte("a hash key of 32 bytes for tests")
	blockKey = []byte("a block key, 32 bytes, for tests")
)

// A fixture is a gorilla store and a look behind it.
type fixture struct {
	store   sessions.Store
	records func() int // how many sessions it keeps; nil: it keeps none
}

var fixtures = map[string]func(t *testing.T) fixture{
	"CookieStore": func(*testing.T) fixture {
		return fixture{store: sessions.NewCookieStore(hashKey, blockKey)}
	},
	"FilesystemStore": func(t *testing.T) fixture {
		dir := t.TempDir()
		return fixture{sessions.NewFilesystemStore(dir, hashKey), func() int {
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			return len(files)
		}}
	},
	"third party": func(*testing.T) fixture {
		store := newDatabase()
		return fixture{store, func() int { return len(store.records) }}
	},
}

// eachStore runs test with each store.
func eachStore(t *testing.T, test func(t *testing.T, f fixture)) {
	for name, open := range fixtures {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// A database is a store with the harder conventions of those that keep sessions
// in Redis or SQL: MaxAge up to 0 deletes, a session that is not new is updated
// and not inserted, and an unknown one is an error.
type database struct {
	cookies *sessions.CookieStore // what its own cookies are made with: they hold the ID
	options sessions.Options

	mu      sync.Mutex // for what follows, during requests
	records map[string]map[any]any
	age     int   // that a session was last saved with
	down    error // if set, what all access to records returns
}

func newDatabase() *database {
	return &database{
		cookies: sessions.NewCookieStore(hashKey),
		options: sessions.Options{Path: "/", MaxAge: 86400 * 30},
		records: map[string]map[any]any{},
	}
}

func (d *database) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(d, name)
}

func (d *database) New(r *http.Request, name string) (*sessions.Session, error) {
	s := sessions.NewSession(d, name)
	s.Options = new(d.options)
	s.IsNew = true
	cookie, err := d.cookies.New(r, name)
	if err != nil || cookie.IsNew {
		return s, err
	}
	s.ID, _ = cookie.Values["id"].(string)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down != nil {
		return s, d.down
	}
	values, ok := d.records[s.ID]
	if !ok {
		return s, sql.ErrNoRows
	}
	maps.Copy(s.Values, values)
	s.IsNew = false
	return s, nil
}

func (d *database) Save(r *http.Request, w http.ResponseWriter, s *sessions.Session) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down != nil {
		return d.down
	}
	if s.Options.MaxAge <= 0 {
		delete(d.records, s.ID)
		clear(s.Values)
		http.SetCookie(w, sessions.NewCookie(s.Name(), "", s.Options))
		return nil
	}
	if s.ID == "" {
		id := make([]byte, 16)
		rand.Read(id)
		s.ID = hex.EncodeToString(id)
	}
	_, known := d.records[s.ID]
	if known && s.IsNew {
		return errors.New("duplicate key")
	}
	if known || s.IsNew {
		d.records[s.ID] = maps.Clone(s.Values)
	}
	d.age = s.Options.MaxAge
	cookie := sessions.NewSession(d.cookies, s.Name())
	cookie.Options, cookie.Values["id"] = s.Options, s.ID
	return d.cookies.Save(r, w, cookie)
}

// A browser keeps cookies between requests, by name alone.
type browser map[string]*http.Cookie

// request returns a request with the browser's cookies.
func (b browser) request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	for _, cookie := range b {
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	return r
}

// visit sends a request to the handler, keeps the cookies that the answer sets
// and returns the answer's header.
func (b browser) visit(handler func(w http.ResponseWriter, r *http.Request)) http.Header {
	w := httptest.NewRecorder()
	handler(w, b.request())
	result := w.Result()
	for _, cookie := range result.Cookies() {
		if cookie.MaxAge < 0 {
			delete(b, cookie.Name)
		} else {
			b[cookie.Name] = cookie
		}
	}
	return result.Header
}

func (b browser) write(t *testing.T, c session.Carrier, token session.Token, maxAge time.Duration) http.Header {
	t.Helper()
	return b.visit(func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, c.Write(w, r, token, maxAge))
	})
}

// set has the application save one value of its own.
func (b browser) set(t *testing.T, store sessions.Store, key, value string) http.Header {
	t.Helper()
	return b.visit(func(w http.ResponseWriter, r *http.Request) {
		s, err := store.Get(r, name)
		require.NoError(t, err)
		s.Values[key] = value
		require.NoError(t, s.Save(r, w))
	})
}

// read returns the token that the browser sends.
func (b browser) read(t *testing.T, c session.Carrier) session.Token {
	t.Helper()
	token, err := c.Read(b.request())
	require.NoError(t, err)
	return token
}

// values returns the gorilla session's values other than the token.
func (b browser) values(t *testing.T, store sessions.Store) map[any]any {
	t.Helper()
	s, err := store.Get(b.request(), name)
	require.NoError(t, err)
	values := maps.Clone(s.Values)
	delete(values, "mooring.token")
	return values
}
