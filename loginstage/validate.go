package loginstage

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/mooring-go/mooring/binding/clientip"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/memstore"
)

const hour = time.Hour

// A ConfigError is one mistake in a [Config]. [New] returns all of them, joined.
type ConfigError struct {
	Field string // the field of Config
	Value any    // what it was set to
	Want  string // what is allowed
	Err   error  // what the part that was wired in says of itself; may be nil
}

// Error names the field, the value and what is allowed.
func (e *ConfigError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("loginstage: %s: %v", e.Field, e.Err)
	}
	return fmt.Sprintf("loginstage: %s %v: want %s", e.Field, e.Value, e.Want)
}

// Unwrap returns Err.
func (e *ConfigError) Unwrap() error { return e.Err }

// completed returns c with its defaults filled in, or every mistake in it.
func (c Config) completed() (Config, error) {
	if mistakes := c.mistakes(); len(mistakes) > 0 {
		return Config{}, errors.Join(mistakes...)
	}
	return c.withDefaults(), nil
}

// withDefaults returns c with its defaults filled in, and lists of names of its own.
func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = DefaultName
	}
	c.AlsoAdmit, c.EventArgs = slices.Clone(c.AlsoAdmit), slices.Clone(c.EventArgs)
	setDefault(&c.BrowserSessionLimit, DefaultBrowserSessionLimit)
	c.assure()
	setDefault(&c.ImpersonationLimit, DefaultImpersonationLimit)
	setDefault(&c.AccountEvery, DefaultAccountEvery)
	setDefault(&c.MaxLifetime, max(DefaultMaxLifetime, c.SessionDuration+c.StaySignedInOffset))
	setDefault(&c.KeepEndings, DefaultKeepEndings)
	setDefault(&c.StoreTimeout, duration.Duration(session.DefaultStoreTimeout))
	if c.Store == nil {
		c.Store = memstore.New()
	}
	if c.Carrier == nil {
		c.Carrier = session.Cookie{}
	}
	if c.StageCookie == (session.Cookie{}) {
		c.StageCookie, _ = cookieOf(c.Carrier)
	}
	setDefault(&c.DeviceKeyGrace, DefaultDeviceKeyGrace)
	if c.DeviceKeyPath == "" {
		c.DeviceKeyPath = DefaultDeviceKeyPath
	}
	if c.DeviceSecrets.IsZero() {
		c.DeviceSecrets = devicekey.RandomSecrets()
	}
	if c.ClientIP == nil {
		c.ClientIP = clientip.RemoteAddr{}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func setDefault(d *duration.Duration, standard duration.Duration) {
	if *d == 0 {
		*d = standard
	}
}

// mistakes finds everything that is wrong with c as the host wrote it.
func (c Config) mistakes() []error {
	var all []error
	add := func(field string, value any, want string) {
		all = append(all, &ConfigError{Field: field, Value: value, Want: want})
	}
	wired := func(field string, err error) {
		for _, mistake := range eachOf(err) {
			all = append(all, &ConfigError{Field: field, Err: mistake})
		}
	}
	c = c.withoutNils(add)

	lifetimeFits := c.checkDurations(add)
	if len(c.Name) > maxName || !printable(c.Name) {
		add("Name", fmt.Sprintf("%.40q", c.Name), fmt.Sprintf("at most %d bytes of printable text", maxName))
	}
	for _, stage := range c.AlsoAdmit {
		if stage == "" || len(stage) > maxName || !printable(stage) {
			add("AlsoAdmit", fmt.Sprintf("%.40q", stage), fmt.Sprintf("names of stages, of 1 to %d bytes of printable text", maxName))
		}
	}
	if c.PathPrefix != "" && (!samePath(c.PathPrefix) || strings.HasSuffix(c.PathPrefix, "/") || strings.ContainsAny(c.PathPrefix, "?#")) {
		add("PathPrefix", fmt.Sprintf("%.80q", c.PathPrefix), `none, or the first part of a path, such as "/app", without a slash at its end`)
	}
	if c.MaxSessions < 0 {
		add("MaxSessions", c.MaxSessions, "0 for any number, or above")
	}
	for _, page := range []struct{ field, url string }{{"LoginURL", c.LoginURL}, {"StepUpURL", c.StepUpURL}, {"RequiredURL", c.RequiredURL}} {
		if page.url != "" && !samePath(page.url) {
			add(page.field, fmt.Sprintf("%q", page.url), `a path on the same origin, such as "/login"`)
		}
	}
	if c.MaxSessions == 0 && c.DenyOverMaxSessions {
		add("DenyOverMaxSessions", c.DenyOverMaxSessions, "a MaxSessions above 0, or false")
	}
	if c.MaxSessions == 0 && c.MaxSessionsPerTenant {
		add("MaxSessionsPerTenant", c.MaxSessionsPerTenant, "a MaxSessions above 0, or false")
	}
	c.checkAssurance(add)
	if c.Account == nil && (c.AccountEvery != 0 || c.AccountStale != 0) {
		add("AccountEvery, AccountStale", fmt.Sprint(c.AccountEvery, " ", c.AccountStale), "none without Account")
	}
	if _, ok := session.StoreAs[session.Journal](c.Store); c.DurableEvents && !ok {
		add("DurableEvents", c.DurableEvents, fmt.Sprintf("a Store that is a session.Journal, not %T", c.Store))
	}
	for _, name := range c.EventArgs {
		if name == "" || name != clip(name, maxArgName) {
			add("EventArgs", fmt.Sprintf("%.80q", name), fmt.Sprintf("names of 1 to %d bytes of printable text", maxArgName))
		}
	}
	c.checkBinding(add, wired)
	c.checkDeviceKey(add, wired)
	for _, part := range []struct {
		field string
		value any
	}{{"Carrier", c.Carrier}, {"StageCookie", c.StageCookie}, {"ClientIP", c.ClientIP}, {"Store", c.Store}, {"Locator", c.Locator}} {
		if v, ok := part.value.(session.Validator); ok {
			wired(part.field, v.Validate())
		}
	}
	if carrier, ok := c.Carrier.(session.LifetimeValidator); ok && lifetimeFits {
		wired("Carrier", carrier.ValidateLifetime((c.SessionDuration + c.StaySignedInOffset).Std()))
	}
	return all
}

// withoutNils reports nil pointers and functions among what is wired in, which are not
// nil interfaces and would panic when they are used. It returns c without them.
func (c Config) withoutNils(add func(field string, value any, want string)) Config {
	reportNil(&c.Store, "Store", add)
	reportNil(&c.Carrier, "Carrier", add)
	reportNil(&c.Locator, "Locator", add)
	reportNil(&c.ClientIP, "ClientIP", add)
	reportNil(&c.Events, "Events", add)
	return c
}

func reportNil[T any](part *T, field string, add func(field string, value any, want string)) {
	v := reflect.ValueOf(*part)
	if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Func) && v.IsNil() {
		add(field, fmt.Sprintf("(%T)(nil)", *part), "one that is not nil, or none at all")
		*part = *new(T)
	}
}

// joinedErrors is what [errors.Join] returns.
type joinedErrors interface {
	error
	Unwrap() []error
}

// eachOf returns the errors that err joins, or err alone. An error that wraps several
// in a text of its own stays whole, because that text says more.
func eachOf(err error) []error {
	if err == nil {
		return nil
	}
	if several, ok := err.(joinedErrors); ok { //nolint:errorlint // err itself
		again, ok := errors.Join(several.Unwrap()...).(joinedErrors) //nolint:errorlint // as Join returns it
		if ok && again.Error() == err.Error() {
			return again.Unwrap()
		}
	}
	return []error{err}
}

// checkDurations reports whether the longest lifetime is one that a carrier can
// be asked about.
func (c Config) checkDurations(add func(field string, value any, want string)) (lifetimeFits bool) {
	const longest = duration.Duration(session.MaxCookieAge)
	inRange := func(d duration.Duration) bool { return d == 0 || (d >= duration.Duration(time.Second) && d <= longest) }
	for _, d := range []struct {
		field string
		value duration.Duration
		zero  string
	}{
		{"SessionDuration", c.SessionDuration, "until the browser closes"},
		{"StaySignedInOffset", c.StaySignedInOffset, "no prompt"},
		{"RememberDevice", c.RememberDevice, "not at all"},
		{"IdleTimeout", c.IdleTimeout, "no limit"},
		{"IdleResume", c.IdleResume, "the session ends"},
		{"BrowserSessionLimit", c.BrowserSessionLimit, DefaultBrowserSessionLimit.String()},
		{"MaxLifetime", c.MaxLifetime, DefaultMaxLifetime.String()},
		{"KeepEndings", c.KeepEndings, DefaultKeepEndings.String()},
		{"ImpersonationLimit", c.ImpersonationLimit, DefaultImpersonationLimit.String()},
		{"AccountEvery", c.AccountEvery, DefaultAccountEvery.String()},
		{"AccountStale", c.AccountStale, "503 at once"},
	} {
		if !inRange(d.value) {
			add(d.field, d.value, fmt.Sprintf("0 (%s), or from seconds=1 to %s", d.zero, longest))
		}
	}
	if c.StoreTimeout != 0 && c.StoreTimeout < duration.Duration(time.Millisecond) {
		add("StoreTimeout", c.StoreTimeout, fmt.Sprintf("0 (%s), or at least milliseconds=1", duration.Duration(session.DefaultStoreTimeout)))
	}
	if !inRange(c.SessionDuration) || !inRange(c.StaySignedInOffset) {
		return false
	}
	sum := c.SessionDuration + c.StaySignedInOffset
	if inRange(c.MaxLifetime) && c.MaxLifetime > 0 && sum > c.MaxLifetime {
		add("SessionDuration + StaySignedInOffset", sum, "at most MaxLifetime, "+c.MaxLifetime.String())
	}
	if sum > longest {
		add("SessionDuration + StaySignedInOffset", sum, "at most "+longest.String()+", which is how long browsers keep a cookie")
		return false
	}
	return true
}

// cookieOf returns the carrier's cookie, if it is one.
func cookieOf(carrier session.Carrier) (session.Cookie, bool) {
	switch carrier := carrier.(type) {
	case session.Cookie:
		return carrier, true
	case *session.Cookie:
		return *carrier, true
	case session.CookieOrBearer:
		return carrier.Cookie, true
	default:
		return session.Cookie{}, false
	}
}
