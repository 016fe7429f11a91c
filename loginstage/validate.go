package loginstage

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/clientip"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/session"
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
	mistakes := c.mistakes()
	if c.Name == "" {
		c.Name = DefaultName
	}
	setDefault(&c.BrowserSessionLimit, DefaultBrowserSessionLimit)
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
		c.StageCookie = cookieOf(c.Carrier)
	}
	if c.ClientIP == nil {
		c.ClientIP = clientip.RemoteAddr{}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, errors.Join(mistakes...)
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
		if err != nil {
			all = append(all, &ConfigError{Field: field, Err: err})
		}
	}

	c.checkDurations(add)
	if len(c.Name) > maxName || !printable(c.Name) {
		add("Name", fmt.Sprintf("%.40q", c.Name), fmt.Sprintf("at most %d bytes of printable text", maxName))
	}
	if c.MaxSessions < 0 {
		add("MaxSessions", c.MaxSessions, "0 for any number, or above")
	}
	for field, url := range map[string]string{"LoginURL": c.LoginURL, "StepUpURL": c.StepUpURL} {
		if url != "" && !samePath(url) {
			add(field, fmt.Sprintf("%q", url), `a path on the same origin, such as "/login"`)
		}
	}
	if _, ok := c.Store.(session.Journal); c.DurableEvents && !ok {
		add("DurableEvents", c.DurableEvents, fmt.Sprintf("a Store that is a session.Journal, not %T", c.Store))
	}
	c.checkBinding(add, wired)
	for _, part := range []struct {
		field string
		value any
	}{{"Carrier", c.Carrier}, {"StageCookie", c.StageCookie}, {"ClientIP", c.ClientIP}, {"Store", c.Store}, {"Locator", c.Locator}} {
		if v, ok := part.value.(session.Validator); ok {
			wired(part.field, v.Validate())
		}
	}
	if carrier, ok := c.Carrier.(session.LifetimeValidator); ok {
		wired("Carrier", carrier.ValidateLifetime((c.SessionDuration + c.StaySignedInOffset).Std()))
	}
	return all
}

func (c Config) checkDurations(add func(field string, value any, want string)) {
	const longest = duration.Duration(session.MaxCookieAge)
	inRange := func(d duration.Duration) bool { return d == 0 || (d >= duration.Duration(time.Second) && d <= longest) }
	fine := true
	for _, d := range []struct {
		field string
		value duration.Duration
		zero  string
	}{
		{"SessionDuration", c.SessionDuration, "until the browser closes"},
		{"StaySignedInOffset", c.StaySignedInOffset, "no prompt"},
		{"RememberDevice", c.RememberDevice, "not at all"},
		{"IdleTimeout", c.IdleTimeout, "no limit"},
		{"BrowserSessionLimit", c.BrowserSessionLimit, DefaultBrowserSessionLimit.String()},
		{"MaxLifetime", c.MaxLifetime, DefaultMaxLifetime.String()},
		{"KeepEndings", c.KeepEndings, DefaultKeepEndings.String()},
	} {
		if !inRange(d.value) {
			add(d.field, d.value, fmt.Sprintf("0 (%s), or from seconds=1 to %s", d.zero, longest))
			fine = false
		}
	}
	if c.StoreTimeout < 0 {
		add("StoreTimeout", c.StoreTimeout, "a positive duration, or 0 for "+duration.Duration(session.DefaultStoreTimeout).String())
	}
	if !fine {
		return
	}
	sum := c.SessionDuration + c.StaySignedInOffset
	if sum > longest {
		add("SessionDuration + StaySignedInOffset", sum, "at most "+longest.String()+", which is how long browsers keep a cookie")
	}
	if c.MaxLifetime > 0 && sum > c.MaxLifetime {
		add("SessionDuration + StaySignedInOffset", sum, "at most MaxLifetime, "+c.MaxLifetime.String())
	}
}

// checkBinding finds policies that nothing could check.
func (c Config) checkBinding(add func(field string, value any, want string), wired func(field string, err error)) {
	_, networkErr := c.NetworkBinding.MarshalText()
	wired("NetworkBinding", networkErr)
	_, geoIPErr := c.GeoIPBinding.MarshalText()
	wired("GeoIPBinding", geoIPErr)
	wired("Tolerance", c.Tolerance.Validate())
	_, actionsErr := c.Actions.MarshalText()
	wired("Actions", actionsErr)
	if _, ok := c.Locator.(binding.Ager); c.ReportWhenStale && !ok {
		add("ReportWhenStale", c.ReportWhenStale, fmt.Sprintf("a Locator that is a binding.Ager, not %T", c.Locator))
	}
	if networkErr != nil || geoIPErr != nil {
		return
	}
	if c.Locator == nil {
		if c.NetworkBinding != binding.NetworkOff {
			add("NetworkBinding", c.NetworkBinding, "a Locator to check it with, or "+binding.NetworkOff.String())
		}
		if c.GeoIPBinding != binding.GeoIPOff {
			add("GeoIPBinding", c.GeoIPBinding, "a Locator to check it with, or "+binding.GeoIPOff.String())
		}
		return
	}
	if locator, ok := c.Locator.(binding.Coverer); ok {
		wired("Locator", locator.Covers(c.policy()))
	}
}

// policy is what sessions are bound by, as it is recorded in them.
func (c Config) policy() binding.Policy {
	policy := binding.Policy{
		Network: c.NetworkBinding, GeoIP: c.GeoIPBinding, Tolerance: c.Tolerance, Actions: c.Actions,
	}
	policy.ASNGroups, policy.Exempt = nil, nil
	if c.ReportOnly {
		policy.Actions = binding.Always(binding.Report)
	}
	return policy
}

// cookieOf is the carrier's cookie, where it is one, and otherwise the zero one.
func cookieOf(carrier session.Carrier) session.Cookie {
	switch carrier := carrier.(type) {
	case session.Cookie:
		return carrier
	case *session.Cookie:
		return *carrier
	default:
		return session.Cookie{}
	}
}
