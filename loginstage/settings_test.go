package loginstage_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
)

// keyOf returns the key of a field, "-" for what is no setting.
func keyOf(field reflect.StructField) string {
	key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return key
}

// Settings has each field of Config that an operator can set, and no other: one that is
// forgotten could not be read, applied or told.
func TestSettingsAreTheOperatorsPartOfConfig(t *testing.T) {
	config, settings := reflect.TypeFor[loginstage.Config](), reflect.TypeFor[loginstage.Settings]()
	found := 0
	for field := range config.Fields() {
		key := keyOf(field)
		require.NotEmpty(t, key, "%s has to say whether it is a setting", field.Name)
		if key == "-" {
			continue
		}
		found++
		setting, ok := settings.FieldByName(field.Name)
		if assert.True(t, ok, "Settings has no %s", field.Name) {
			assert.Equal(t, field.Type, setting.Type, field.Name)
			assert.Equal(t, key, keyOf(setting), field.Name)
			assert.Contains(t, setting.Tag.Get("json"), ",omitzero", field.Name)
		}
		assert.Equal(t, key, field.Tag.Get("yaml"), field.Name)
	}
	assert.Equal(t, found, settings.NumField())
}

// everySetting is settings of which none has its zero value.
func everySetting(t *testing.T) loginstage.Settings {
	t.Helper()
	var s loginstage.Settings
	require.NoError(t, json.Unmarshal([]byte(`{
		"name": "door", "also_admit": ["staff", "partners, abroad"],
		"session_duration": "hours=12", "stay_signed_in_offset": "days=2", "remember_device": "days=3",
		"network_binding": "bind_asn", "geoip_binding": "bind_continent", "preset": "strict",
		"tolerance": {"same_ip": "ipv4=32,ipv6=64", "families": "learn", "asn_groups": "6805+8881", "exempt": "192.0.2.0/24",
			"missing": "hold", "local": "break", "max_moves": 3},
		"actions": "network.asn=step_up", "unproved": "network.asn=report", "report_only": true, "report_when_stale": true,
		"explain_events": true, "terminate_other_sessions": true, "max_sessions": 5, "deny_over_max_sessions": true,
		"max_sessions_per_tenant": true, "assurance": "aal1", "impersonation_limit": "minutes=30", "idle_timeout": "minutes=20", "idle_resume": "minutes=5",
		"browser_session_limit": "hours=8", "max_lifetime": "days=20", "keep_endings": "days=1", "store_timeout": "seconds=2",
		"device_key": "offer", "prove_every": "minutes=5", "device_key_grace": "minutes=2", "device_key_path": "/keys",
		"origin": "https://example.com", "durable_events": true, "event_args": ["page"], "login_url": "/login",
		"step_up_url": "/prove", "required_url": "/todo", "no_store": true, "clear_site_data": true, "tell_expiry": true,
		"account_every": "minutes=1", "account_stale": "minutes=2", "path_prefix": "/app"
	}`), &s))
	for field := range reflect.TypeFor[loginstage.Settings]().Fields() {
		require.False(t, reflect.ValueOf(s).FieldByIndex(field.Index).IsZero(), field.Name)
	}
	return s
}

func TestConfigAndSettingsAreTheSame(t *testing.T) {
	s := everySetting(t)
	assert.Equal(t, s, s.Config().Settings())
	assert.Zero(t, loginstage.Config{Locator: bindingtest.Places()}.Settings())
	text, err := json.Marshal(loginstage.Settings{})
	require.NoError(t, err)
	assert.Equal(t, "{}", string(text), "what is not set is not written")
}

// What Settings returns is what was given, without defaults, and is the caller's own.
func TestSettingsAreACopy(t *testing.T) {
	given := loginstage.Settings{AlsoAdmit: []string{"staff"}, EventArgs: []string{"page"}, SessionDuration: duration.MustParse("hours=1")}
	given.Tolerance.Exempt, given.Tolerance.ASNGroups = new(binding.Prefixes), new(binding.ASNGroups)
	require.NoError(t, given.Tolerance.Exempt.UnmarshalText([]byte("192.0.2.0/24")))
	login, err := loginstage.New(given.Config())
	require.NoError(t, err)
	got := login.Settings()
	want, err := json.Marshal(given)
	require.NoError(t, err)
	assertJSON := func(s loginstage.Settings) {
		t.Helper()
		text, err := json.Marshal(s)
		require.NoError(t, err)
		assert.JSONEq(t, string(want), string(text))
	}
	assertJSON(got)
	got.AlsoAdmit[0], got.EventArgs[0] = "anybody", "password"
	require.NoError(t, got.Tolerance.Exempt.UnmarshalText([]byte("0.0.0.0/0")))
	require.NoError(t, got.Tolerance.ASNGroups.UnmarshalText([]byte("1+2")))
	assertJSON(login.Settings())
	given.AlsoAdmit[0] = "anybody" // as New has copied it
	assertJSON(login.Settings())
}
