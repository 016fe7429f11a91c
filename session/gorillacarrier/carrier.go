package gorillacarrier

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/sessions"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/setcookie"
)

// Options are the settings of a [Carrier]. The zero value is the safe choice.
type Options struct {
	// Name is the gorilla session's name, which is its cookie's too. It may be
	// one that the application uses. Empty: [session.DefaultCookieName], which
	// the store's options must suit, or "mooring" with InsecureHTTP.
	Name string

	// SameSite is the cookie's. 0: Strict if the store's options say so, or Lax.
	SameSite http.SameSite

	// BrowserSession is how long the store keeps a token that the browser keeps
	// until it closes. It should be no less than such a session may live.
	// 0: 30 days, or CodecMaxAge if that is less.
	BrowserSession time.Duration

	// CodecMaxAge states how long the store's codecs accept a value, where the
	// application has seen to it; no codec is changed then. State
	// [session.MaxCookieAge] for codecs without a limit. 0: codecs of gorilla's
	// own stores are raised as needed, and those of others are taken to have
	// gorilla's default of 30 days.
	CodecMaxAge time.Duration

	// InsecureHTTP leaves Secure off, so that the cookie works without TLS, and
	// everybody on the way can read it. Use it only where there is no TLS at
	// all, and never outside a test network.
	InsecureHTTP bool
}

// A Carrier is a [session.Carrier] that keeps the token in a gorilla session.
// It is made by [New] and safe for concurrent use.
//
// Like any use of a gorilla store, its methods put gorilla's registry into the
// request's context.
type Carrier struct {
	store   sessions.Store
	options Options // with the defaults filled in

	inUse  atomic.Bool // codecs are read from now on, and are raised no more
	codecs sync.Mutex  // held while codecs are raised, and to say that they are in use
}

// New returns a carrier that keeps the token in a gorilla session of store.
// What is wrong with store or options is what [Carrier.Validate] returns.
func New(store sessions.Store, options Options) *Carrier {
	if v := reflect.ValueOf(store); v.Kind() == reflect.Pointer && v.IsNil() {
		store = nil // for Validate to find
	}
	if options.Name == "" {
		options.Name = session.DefaultCookieName
		if options.InsecureHTTP {
			options.Name = strings.TrimPrefix(options.Name, "__Host-")
		}
	}
	if options.BrowserSession == 0 {
		options.BrowserSession = min(defaultAge, cmp.Or(options.CodecMaxAge, defaultAge))
	}
	return &Carrier{store: store, options: options}
}

// CarrierName returns the name that tells the carrier from others: that of the gorilla
// session.
func (c *Carrier) CarrierName(*http.Request) string { return "gorilla " + c.options.Name }

// Read returns the token that the request's gorilla session came with. A cookie
// that is garbage, not signed by the store's keys, or there twice is no token,
// and neither is a value past the age it was written for. An error means that
// the store failed.
func (c *Carrier) Read(r *http.Request) (session.Token, error) {
	came := c.arrived(r)
	return came.token, came.err
}

// Write puts the token into the gorilla session and saves it, under a new ID if
// the store has IDs; the record under the old one is deleted first.
func (c *Carrier) Write(w http.ResponseWriter, r *http.Request, t session.Token, maxAge time.Duration) error {
	if err := (session.Cookie{}).ValidateLifetime(maxAge); err != nil {
		return err
	}
	came := c.arrived(r)
	if came.err != nil {
		return came.err
	}
	if err := c.forget(r, came.session); err != nil {
		return err
	}
	if came.stale {
		clear(came.session.Values)
		came.stale = false
	}
	return c.save(w, r, came.session, t, setcookie.Seconds(maxAge))
}

// Clear empties the gorilla session, deletes it from the store, and deletes its
// cookie from the browser, the last even if the store fails.
func (c *Carrier) Clear(w http.ResponseWriter, r *http.Request) error {
	came := c.arrived(r)
	s := came.session
	if s == nil {
		return came.err
	}
	err := errors.Join(came.err, c.forget(r, s))
	clear(s.Values)
	s.ID, s.IsNew, came.stale = "", true, false

	setcookie.Drop(w.Header(), c.options.Name)
	http.SetCookie(w, sessions.NewCookie(c.options.Name, "", c.impose(s.Options, -1)))
	w.Header().Set("Cache-Control", "no-store")
	return err
}

// save saves s with the token under a new ID. What it leaves in s is what a
// handler's own Save should find.
func (c *Carrier) save(w http.ResponseWriter, r *http.Request, s *sessions.Session, t session.Token, seconds int) error {
	s.ID, s.IsNew = "", true // new: some stores update, and do not insert, what is not
	s.Values[valueKey] = formatValue(t, seconds)
	s.Options = c.impose(s.Options, c.storeAge(seconds))
	header := w.Header()
	setcookie.Drop(header, c.options.Name)
	if err := c.store.Save(r, w, s); err != nil {
		delete(s.Values, valueKey)
		return fmt.Errorf("gorillacarrier: saving session %q: %w", c.options.Name, err)
	}
	s.IsNew = false
	cookie, err := c.lastSet(header)
	if err != nil {
		delete(s.Values, valueKey)
		return err
	}
	if seconds == 0 {
		cookie.MaxAge, cookie.Expires = 0, time.Time{}
	}
	cookie.HttpOnly, cookie.Secure, cookie.SameSite = true, s.Options.Secure, s.Options.SameSite
	setcookie.Drop(header, c.options.Name)
	http.SetCookie(w, cookie)
	header.Set("Cache-Control", "no-store")
	s.Options.MaxAge = c.handlersAge(seconds)
	return nil
}

// forget deletes the store's record of s, and leaves s itself as it is. Saving
// with a negative MaxAge is how every gorilla store is told to delete.
func (c *Carrier) forget(r *http.Request, s *sessions.Session) error {
	if s.ID == "" && s.IsNew {
		return nil
	}
	gone := *s
	gone.Values = map[any]any{}
	gone.Options = c.impose(s.Options, -1)
	if err := c.store.Save(r, unsent{}, &gone); err != nil {
		return fmt.Errorf("gorillacarrier: deleting session %q: %w", c.options.Name, err)
	}
	return nil
}

// impose returns a copy of the store's options with what the carrier insists on.
func (c *Carrier) impose(options *sessions.Options, maxAge int) *sessions.Options {
	var imposed sessions.Options
	if options != nil {
		imposed = *options
	}
	imposed.Path = cmp.Or(imposed.Path, "/")
	imposed.MaxAge = maxAge
	imposed.HttpOnly = true
	imposed.Secure = !c.options.InsecureHTTP
	switch {
	case c.options.SameSite > http.SameSiteDefaultMode:
		imposed.SameSite = c.options.SameSite
	case imposed.SameSite != http.SameSiteStrictMode:
		imposed.SameSite = http.SameSiteLaxMode
	}
	return &imposed
}

// lastSet returns the last cookie of the session's name that the header sets.
func (c *Carrier) lastSet(header http.Header) (*http.Cookie, error) {
	var last string
	for _, line := range header["Set-Cookie"] {
		if strings.HasPrefix(line, c.options.Name+"=") {
			last = line
		}
	}
	cookie, err := http.ParseSetCookie(last)
	if err != nil {
		return nil, fmt.Errorf("gorillacarrier: %T set no cookie %q: %w", c.store, c.options.Name, err)
	}
	return cookie, nil
}

// unsent is a writer for what a store answers and nobody is to see.
type unsent struct{}

func (unsent) Header() http.Header         { return http.Header{} }
func (unsent) Write(p []byte) (int, error) { return len(p), nil }
func (unsent) WriteHeader(int)             {}
