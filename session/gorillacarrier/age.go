package gorillacarrier

import (
	"fmt"
	"reflect"
	"time"

	"github.com/gorilla/sessions"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/setcookie"
)

// defaultAge is how long gorilla's codecs accept a value by default.
const defaultAge = 30 * 24 * time.Hour

// ValidateLifetime makes ready for tokens that are kept for up to longest.
//
// A gorilla codec rejects values older than its own age, 30 days by default,
// whatever the cookie's Max-Age says. Codecs of a [sessions.CookieStore] or
// [sessions.FilesystemStore] that would cut lifetimes short are raised, for all
// sessions of the store, and never lowered; the store's options stay as they
// are. Codecs of another store cannot be: there the error is a
// [session.ErrLifetime], unless [Options].CodecMaxAge states that they keep
// values long enough. So it is once the carrier is in use, since a codec that others
// read cannot be raised. Call it before the application uses the store.
func (c *Carrier) ValidateLifetime(longest time.Duration) error {
	if err := (session.Cookie{}).ValidateLifetime(longest); err != nil {
		return err
	}
	if c.store == nil {
		return nil // Validate says so
	}
	need := max(longest, c.options.BrowserSession)
	own := c.gorillas()
	if c.options.CodecMaxAge > 0 || own == nil {
		return c.checkAge(need, max(c.options.CodecMaxAge, 0))
	}
	c.codecs.Lock()
	defer c.codecs.Unlock()
	for i, codec := range own.Codecs {
		age, known := codecAge(codec)
		if !known {
			if err := c.checkAge(need, 0); err != nil {
				return err
			}
			continue
		}
		if age == 0 || age >= need {
			continue
		}
		if c.inUse.Load() {
			return fmt.Errorf("%w: %s, and the codecs of %T, which are in use, keep a value for %s: ask for the lifetime before, or raise their age and state it in Options.CodecMaxAge",
				session.ErrLifetime, need, c.store, age)
		}
		one := sessions.CookieStore{Codecs: own.Codecs[i : i+1], Options: new(sessions.Options)}
		one.MaxAge(setcookie.Seconds(need))
	}
	return nil
}

// use notes that the carrier is in use, after what raises codecs at the moment.
func (c *Carrier) use() {
	if c.inUse.Load() {
		return
	}
	c.codecs.Lock()
	defer c.codecs.Unlock()
	c.inUse.Store(true)
}

// checkAge holds need to what is stated of the codecs, or to gorilla's default.
func (c *Carrier) checkAge(need, stated time.Duration) error {
	if stated == 0 && need > defaultAge {
		return fmt.Errorf("%w: %s, and nothing says that the codecs of %T keep a value longer than gorilla's %s: raise their age and state it in Options.CodecMaxAge",
			session.ErrLifetime, need, c.store, defaultAge)
	}
	if stated != 0 && need > stated {
		return fmt.Errorf("%w: %s, and the codecs keep a value for Options.CodecMaxAge %s", session.ErrLifetime, need, stated)
	}
	return nil
}

// gorillas returns a view of gorilla's own stores, which share their form; nil for
// any other store.
func (c *Carrier) gorillas() *sessions.CookieStore {
	switch store := c.store.(type) {
	case *sessions.CookieStore:
		return store
	case *sessions.FilesystemStore:
		return &sessions.CookieStore{Codecs: store.Codecs, Options: store.Options}
	default:
		return nil
	}
}

// codecAge returns the age beyond which a codec rejects a value, 0 if there is none.
// securecookie lets it be set and not read, and to set it unread could lower it;
// hence reflection. In a securecookie that has no such field it is unknown.
func codecAge(codec any) (age time.Duration, known bool) {
	v := reflect.Indirect(reflect.ValueOf(codec))
	if v.Kind() != reflect.Struct || v.Type().PkgPath() != "github.com/gorilla/securecookie" {
		return 0, false
	}
	field := v.FieldByName("maxAge")
	if !field.IsValid() || !field.CanInt() {
		return 0, false
	}
	const most = int64(1<<63-1) / int64(time.Second)
	return time.Duration(min(field.Int(), most)) * time.Second, true
}

// storeAge returns the age that a store is given for a token that the browser keeps
// for the given number of seconds. It is never 0, which some stores take for "delete".
func (c *Carrier) storeAge(seconds int) int {
	if seconds == 0 {
		return setcookie.Seconds(c.options.BrowserSession)
	}
	return seconds
}

// handlersAge returns the age to leave in the gorilla session for a handler's Save.
func (c *Carrier) handlersAge(seconds int) int {
	if _, ok := c.store.(*sessions.CookieStore); ok {
		return seconds
	}
	return c.storeAge(seconds)
}
