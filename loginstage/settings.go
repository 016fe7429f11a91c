package loginstage

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/duration"
)

// Settings are the operator's part of a [Config]: what is read from a file or the
// environment, by package loginstage/settings, and can be changed while the stage runs,
// by [UserLogin.Apply]. Each field is the one of Config that has its name: it says the
// same, and its zero value is the same safe default. None is a secret. As JSON they are
// what package settings reads; fields that are zero are left out.
type Settings struct {
	Name      string   `json:"name,omitzero"`
	AlsoAdmit []string `json:"also_admit,omitzero"`

	SessionDuration    duration.Duration `json:"session_duration,omitzero"`
	StaySignedInOffset duration.Duration `json:"stay_signed_in_offset,omitzero"`
	RememberDevice     duration.Duration `json:"remember_device,omitzero"`

	NetworkBinding  binding.Network   `json:"network_binding,omitzero"`
	GeoIPBinding    binding.GeoIP     `json:"geoip_binding,omitzero"`
	Preset          binding.Preset    `json:"preset,omitzero"`
	Tolerance       binding.Tolerance `json:"tolerance,omitzero"`
	Actions         binding.Actions   `json:"actions,omitzero"`
	Unproved        binding.Actions   `json:"unproved,omitzero"`
	ReportOnly      bool              `json:"report_only,omitzero"`
	ReportWhenStale bool              `json:"report_when_stale,omitzero"`
	ExplainEvents   bool              `json:"explain_events,omitzero"`

	TerminateOtherSessions bool `json:"terminate_other_sessions,omitzero"`
	MaxSessions            int  `json:"max_sessions,omitzero"`
	DenyOverMaxSessions    bool `json:"deny_over_max_sessions,omitzero"`
	MaxSessionsPerTenant   bool `json:"max_sessions_per_tenant,omitzero"`

	Assurance           string            `json:"assurance,omitzero"`
	ImpersonationLimit  duration.Duration `json:"impersonation_limit,omitzero"`
	IdleTimeout         duration.Duration `json:"idle_timeout,omitzero"`
	IdleResume          duration.Duration `json:"idle_resume,omitzero"`
	BrowserSessionLimit duration.Duration `json:"browser_session_limit,omitzero"`
	MaxLifetime         duration.Duration `json:"max_lifetime,omitzero"`

	KeepEndings  duration.Duration `json:"keep_endings,omitzero"`
	StoreTimeout duration.Duration `json:"store_timeout,omitzero"`

	DeviceKey      DeviceKey         `json:"device_key,omitzero"`
	ProveEvery     duration.Duration `json:"prove_every,omitzero"`
	DeviceKeyGrace duration.Duration `json:"device_key_grace,omitzero"`
	DeviceKeyPath  string            `json:"device_key_path,omitzero"`
	Origin         string            `json:"origin,omitzero"`

	DurableEvents bool     `json:"durable_events,omitzero"`
	EventArgs     []string `json:"event_args,omitzero"`

	LoginURL      string `json:"login_url,omitzero"`
	StepUpURL     string `json:"step_up_url,omitzero"`
	RequiredURL   string `json:"required_url,omitzero"`
	NoStore       bool   `json:"no_store,omitzero"`
	ClearSiteData bool   `json:"clear_site_data,omitzero"`
	TellExpiry    bool   `json:"tell_expiry,omitzero"`

	AccountEvery duration.Duration `json:"account_every,omitzero"`
	AccountStale duration.Duration `json:"account_stale,omitzero"`
	PathPrefix   string            `json:"path_prefix,omitzero"`
}

// Config returns a Config with the settings, for the host to wire a Store and the other
// parts into.
func (s Settings) Config() Config { return Config{}.with(s) }

// Settings returns the settings in c. The lists of its Tolerance are those of c.
func (c Config) Settings() Settings {
	var s Settings
	from, into := reflect.ValueOf(c), reflect.ValueOf(&s).Elem()
	for i := range into.NumField() {
		into.Field(i).Set(from.FieldByName(into.Type().Field(i).Name))
	}
	return s
}

// with returns c with the settings in place of its own.
func (c Config) with(s Settings) Config {
	from, into := reflect.ValueOf(s), reflect.ValueOf(&c).Elem()
	for i := range from.NumField() {
		into.FieldByName(from.Type().Field(i).Name).Set(from.Field(i))
	}
	return c
}

// clone returns s with lists of names of its own.
func (s Settings) clone() Settings {
	s.AlsoAdmit, s.EventArgs = slices.Clone(s.AlsoAdmit), slices.Clone(s.EventArgs)
	return s
}

// Settings returns the settings that hold now, as they were given to [New] or
// [UserLogin.Apply]: defaults are not filled in. They are a copy, which can be changed and
// applied.
func (l *UserLogin) Settings() Settings {
	s := l.latest.Load().settings.clone()
	s.Tolerance.ASNGroups = listOf(s.Tolerance.ASNGroups)
	s.Tolerance.Exempt = listOf(s.Tolerance.Exempt)
	return s
}

// listOf returns a copy of a list, or nil for none.
func listOf[T any, List interface {
	*T
	encoding.TextMarshaler
	encoding.TextUnmarshaler
}](list List) List {
	if list == nil {
		return nil
	}
	text, err := list.MarshalText()
	copied := List(new(T))
	if err != nil || copied.UnmarshalText(text) != nil {
		return list // what a list writes it reads
	}
	return copied
}

// A SettingChange is one setting that [UserLogin.Apply] has changed, in an event of
// [ActionSettings].
type SettingChange struct {
	Key      string `json:"key"`            // as in a file: "session_duration", "tolerance.exempt"
	Previous string `json:"previous_value"` // as text, at most 1 KiB; a longer one ends in "…"
	New      string `json:"new_value"`
}

// maxSettingText is how much of a setting an event shows, in bytes.
const maxSettingText = 1024

// changedFrom returns what differs between s and before, and s with all else as before
// has it: a list that says the same is the same list.
func (s Settings) changedFrom(before Settings) ([]SettingChange, Settings) {
	changes := changedFields(reflect.ValueOf(before), reflect.ValueOf(&s).Elem(), "")
	return changes, s
}

func changedFields(before, now reflect.Value, prefix string) []SettingChange {
	var changes []SettingChange
	for i := range now.NumField() {
		name, _, _ := strings.Cut(now.Type().Field(i).Tag.Get("json"), ",")
		if now.Field(i).Type() == reflect.TypeFor[binding.Tolerance]() {
			changes = append(changes, changedFields(before.Field(i), now.Field(i), prefix+name+".")...)
			continue
		}
		change := SettingChange{Key: prefix + name, Previous: settingText(before.Field(i)), New: settingText(now.Field(i))}
		if change.Previous == change.New {
			now.Field(i).Set(before.Field(i))
			continue
		}
		change.Previous, change.New = shortened(change.Previous), shortened(change.New)
		changes = append(changes, change)
	}
	return changes
}

// settingText returns the text of a setting, by which it is compared: each value has
// another.
func settingText(field reflect.Value) string {
	if field.Kind() == reflect.Pointer && field.IsNil() {
		return ""
	}
	if of, ok := reflect.TypeAssert[encoding.TextMarshaler](field); ok {
		if text, err := of.MarshalText(); err == nil {
			return string(text)
		}
	}
	if names, ok := reflect.TypeAssert[[]string](field); ok && len(names) > 0 {
		return strings.Trim(fmt.Sprintf("%q", names), "[]")
	} else if ok {
		return ""
	}
	return fmt.Sprint(field)
}

// shortened returns what an event shows of a text.
func shortened(text string) string {
	if len(text) <= maxSettingText {
		return clip(text, maxSettingText)
	}
	return clip(text, maxSettingText-len("…")) + "…"
}
