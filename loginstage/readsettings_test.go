package loginstage_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
)

// in returns a lookup in a map.
func in(settings map[string]string) func(string) (string, bool) {
	return func(key string) (string, bool) {
		text, ok := settings[key]
		return text, ok
	}
}

func TestReadSettings(t *testing.T) {
	config := loginstage.Config{Name: "kept", MaxSessions: 1}
	require.NoError(t, config.ReadSettings(in(map[string]string{
		"also_admit":                "staff, partners",
		"session_duration":          "hours=12",
		"network_binding":           "bind_asn",
		"tolerance.same_ip":         "ipv4=32,ipv6=64",
		"tolerance.families":        "learn",
		"tolerance.exempt":          "192.0.2.0/24",
		"tolerance.max_moves":       "3",
		"actions":                   "network.asn=step_up",
		"unproved":                  "network.asn=report",
		"terminate_other_sessions":  "true",
		"max_sessions":              "5",
		"login_url":                 "/login",
		"nothing_that_anybody_asks": "x",
	})))
	assert.Equal(t, "kept", config.Name)
	assert.Equal(t, []string{"staff", "partners"}, config.AlsoAdmit)
	assert.Equal(t, duration.Duration(12*time.Hour), config.SessionDuration)
	assert.Equal(t, binding.NetworkASN, config.NetworkBinding)
	assert.Equal(t, binding.PrefixLengths{IPv4: 32, IPv6: 64}, config.Tolerance.SameIP)
	assert.Equal(t, binding.FamiliesLearn, config.Tolerance.Families)
	assert.NotNil(t, config.Tolerance.Exempt)
	assert.EqualValues(t, 3, config.Tolerance.MaxMoves)
	assert.Equal(t, binding.Actions{}.With(binding.StepUp, binding.NetworkASNChanged), config.Actions)
	assert.Equal(t, binding.Actions{}.With(binding.Report, binding.NetworkASNChanged), config.Unproved)
	assert.True(t, config.TerminateOtherSessions)
	assert.Equal(t, 5, config.MaxSessions)
	assert.Equal(t, "/login", config.LoginURL)
}

// All mistakes come at once, each with its key, and hide none of what New finds.
func TestReadSettingsTellsAllMistakes(t *testing.T) {
	bad := map[string]string{
		"session_duration":         "12h",
		"network_binding":          "asn",
		"tolerance.families":       "maybe",
		"tolerance.exempt":         "192.0.2.0/99",
		"tolerance.max_moves":      "-1",
		"max_sessions":             "many",
		"terminate_other_sessions": "perhaps",
	}
	before := loginstage.Config{SessionDuration: duration.MustParse("hours=1"), MaxSessions: 2, LoginURL: "//evil.example"}
	config := before
	err := config.ReadSettings(in(bad))
	require.Error(t, err)
	assert.Equal(t, before, config, "what cannot be read stays as it was")
	found := map[string]string{}
	for _, each := range err.(interface{ Unwrap() []error }).Unwrap() {
		mistake, ok := errors.AsType[*loginstage.SettingError](each)
		require.True(t, ok)
		found[mistake.Key] = mistake.Text
		assert.True(t, strings.HasPrefix(each.Error(), "loginstage: "+mistake.Key+": "), each)
		assert.Error(t, mistake.Err)
	}
	assert.Equal(t, bad, found)
	_, err = loginstage.New(config)
	assert.ErrorContains(t, err, "LoginURL")
}

// Every setting that has a key can be read: none is of a type that cannot.
func TestEverySettingIsReadFromText(t *testing.T) {
	keys := map[string]bool{}
	config := loginstage.Config{}
	err := config.ReadSettings(func(key string) (string, bool) {
		keys[key] = true
		return "!", true
	})
	assert.NotContains(t, err.Error(), "not read from text")
	config = loginstage.Config{}
	for field := range reflect.TypeFor[loginstage.Config]().Fields() {
		name := field.Tag.Get("json")
		require.NotEmpty(t, name, field.Name)
		if name != "-" && name != "tolerance" {
			assert.True(t, keys[name], field.Name)
		}
	}
	assert.Len(t, keys, len(keysOf(reflect.TypeFor[loginstage.Config]()))-1+len(keysOf(reflect.TypeFor[binding.Tolerance]())))
}

func keysOf(of reflect.Type) []string {
	var keys []string
	for field := range of.Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "-" {
			keys = append(keys, name)
		}
	}
	return keys
}
