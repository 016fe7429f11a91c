package loginstage_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/clientip"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// Each mistake names the field, what it is, and what is allowed.
func TestConfigMistakes(t *testing.T) {
	parse := duration.MustParse
	for _, test := range []struct {
		name   string
		config loginstage.Config
		field  string
		says   []string
	}{
		{"SessionDuration under a second", loginstage.Config{SessionDuration: parse("milliseconds=999.999999")}, "SessionDuration", []string{"seconds=0.999999999", "until the browser closes", "seconds=1", "days=400"}},
		{"SessionDuration negative", loginstage.Config{SessionDuration: parse("hours=-1")}, "SessionDuration", []string{"hours=-1"}},
		{"SessionDuration past the cookie's", loginstage.Config{SessionDuration: parse("days=400,microseconds=0.001")}, "SessionDuration", []string{"days=400"}},
		{"StaySignedInOffset", loginstage.Config{StaySignedInOffset: parse("seconds=-1")}, "StaySignedInOffset", []string{"seconds=-1", "no prompt"}},
		{"the sum", loginstage.Config{SessionDuration: parse("days=300"), StaySignedInOffset: parse("days=101")}, "SessionDuration + StaySignedInOffset", []string{"days=401", "at most days=400"}},
		{"the sum past MaxLifetime", loginstage.Config{SessionDuration: parse("days=2"), MaxLifetime: parse("days=1")}, "SessionDuration + StaySignedInOffset", []string{"days=2", "MaxLifetime", "days=1"}},
		{"RememberDevice", loginstage.Config{RememberDevice: parse("days=401")}, "RememberDevice", []string{"days=401", "not at all"}},
		{"IdleTimeout", loginstage.Config{IdleTimeout: 1}, "IdleTimeout", []string{"microseconds=0.001", "no limit"}},
		{"BrowserSessionLimit", loginstage.Config{BrowserSessionLimit: -1}, "BrowserSessionLimit", []string{"days=1"}},
		{"MaxLifetime", loginstage.Config{MaxLifetime: -1}, "MaxLifetime", []string{"days=30"}},
		{"KeepEndings", loginstage.Config{KeepEndings: -1}, "KeepEndings", []string{"days=1"}},
		{"StoreTimeout", loginstage.Config{StoreTimeout: -1}, "StoreTimeout", []string{"microseconds=-0.001", "seconds=3", "milliseconds=1"}},
		{"StoreTimeout that no store can keep", loginstage.Config{StoreTimeout: 3}, "StoreTimeout", []string{"microseconds=0.003", "seconds=3", "milliseconds=1"}},
		{"MaxSessions", loginstage.Config{MaxSessions: -1}, "MaxSessions", []string{"-1", "0 for any number"}},
		{"Name too long", loginstage.Config{Name: strings.Repeat("n", 256)}, "Name", []string{"255 bytes"}},
		{"Name with a line end", loginstage.Config{Name: "a\nb"}, "Name", []string{`"a\nb"`, "printable"}},
		{"LoginURL elsewhere", loginstage.Config{LoginURL: "https://sso.example/login"}, "LoginURL", []string{`"https://sso.example/login"`, "same origin"}},
		{"LoginURL of another host", loginstage.Config{LoginURL: "//sso.example"}, "LoginURL", []string{"same origin"}},
		{"LoginURL without a slash", loginstage.Config{LoginURL: "login"}, "LoginURL", []string{`"login"`}},
		{"AlsoAdmit of no stage", loginstage.Config{AlsoAdmit: []string{"staff", ""}}, "AlsoAdmit", []string{`""`, "1 to 255 bytes"}},
		{"AlsoAdmit with a line end", loginstage.Config{AlsoAdmit: []string{"a\nb"}}, "AlsoAdmit", []string{`"a\nb"`, "printable"}},
		{"PathPrefix without a slash", loginstage.Config{PathPrefix: "app"}, "PathPrefix", []string{`"app"`, `"/app"`}},
		{"PathPrefix with a slash at its end", loginstage.Config{PathPrefix: "/app/"}, "PathPrefix", []string{`"/app/"`, "end"}},
		{"PathPrefix of another host", loginstage.Config{PathPrefix: "//evil.example"}, "PathPrefix", []string{`"//evil.example"`}},
		{"PathPrefix with a query", loginstage.Config{PathPrefix: "/app?a"}, "PathPrefix", []string{`"/app?a"`}},
		{"StepUpURL elsewhere", loginstage.Config{StepUpURL: "//sso.example"}, "StepUpURL", []string{"same origin"}},
		{"NetworkBinding without a Locator", loginstage.Config{NetworkBinding: binding.NetworkASN}, "NetworkBinding", []string{"bind_asn", "Locator", "no_binding"}},
		{"GeoIPBinding without a Locator", loginstage.Config{GeoIPBinding: binding.GeoIPCity}, "GeoIPBinding", []string{"bind_continent_country_city", "Locator"}},
		{"NetworkBinding that is none", loginstage.Config{NetworkBinding: 9}, "NetworkBinding", []string{`"9"`, "bind_asn_network_ip"}},
		{"GeoIPBinding that is none", loginstage.Config{GeoIPBinding: 9}, "GeoIPBinding", []string{`"9"`, "bind_continent"}},
		{"a Locator that does not cover", loginstage.Config{NetworkBinding: binding.NetworkASN, Locator: coversNot{err: errOut}}, "Locator", []string{"out of order"}},
		{"Preset that is none", loginstage.Config{Preset: 9, Locator: bindingtest.Places()}, "Preset", []string{`"9"`, "balanced"}},
		{"Preset without a Locator", loginstage.Config{Preset: binding.PresetBalanced}, "Preset", []string{"balanced", "Locator", "none"}},
		{"Preset beside a binding", loginstage.Config{Preset: binding.PresetBalanced, NetworkBinding: binding.NetworkASN, Locator: bindingtest.Places()}, "Preset", []string{"balanced", "no NetworkBinding"}},
		{"Preset beside a tolerance", loginstage.Config{Preset: binding.PresetStrict, Tolerance: binding.Tolerance{MaxMoves: 1}, Locator: bindingtest.Places()}, "Preset", []string{"strict", "lists"}},
		{"ReportWhenStale", loginstage.Config{ReportWhenStale: true, Locator: bindingtest.Places()}, "ReportWhenStale", []string{"true", "binding.Ager", "bindingtest.Locator"}},
		{"Carrier", loginstage.Config{Carrier: session.Cookie{Name: "a b"}}, "Carrier", []string{"cookie"}},
		{"Carrier that is too short-lived", loginstage.Config{Carrier: shortLived{}, SessionDuration: parse("hours=2")}, "Carrier", []string{"lifetime too long"}},
		{"StageCookie", loginstage.Config{StageCookie: session.Cookie{Name: "__Host-a", Domain: "example.com"}}, "StageCookie", []string{"Domain", "example.com"}},
		{"ClientIP", loginstage.Config{ClientIP: clientip.TrustedProxies("X-Forwarded-For")}, "ClientIP", []string{"at least one prefix"}},
		{"DurableEvents", loginstage.Config{DurableEvents: true}, "DurableEvents", []string{"Journal"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			login, err := loginstage.New(test.config)
			require.Error(t, err)
			assert.Nil(t, login)
			mistake, ok := errors.AsType[*loginstage.ConfigError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, test.field, mistake.Field)
			for _, part := range append(test.says, "loginstage: "+test.field) {
				assert.ErrorContains(t, err, part)
			}
			assert.NotContains(t, err.Error(), "\n", "one mistake is told once")
		})
	}
}

type shortLived struct{ session.Cookie }

func (shortLived) ValidateLifetime(time.Duration) error { return session.ErrLifetime }

func TestConfigMistakesAreToldAllAtOnce(t *testing.T) {
	config := loginstage.Config{
		SessionDuration: -1, RememberDevice: 1, MaxSessions: -1, LoginURL: "//x", StepUpURL: "//y", NetworkBinding: 9, GeoIPBinding: binding.GeoIPCity,
		Carrier: session.Cookie{Name: "__Host-a", Path: "/b", Domain: "example.com"}, StageCookie: session.Cookie{SameSite: 9},
	}
	_, err := loginstage.New(config)
	require.Error(t, err)
	for range 20 {
		_, again := loginstage.New(config)
		require.EqualError(t, again, err.Error(), "in the same order each time")
	}
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	var fields []string
	for _, each := range joined.Unwrap() {
		mistake, ok := errors.AsType[*loginstage.ConfigError](each)
		require.True(t, ok)
		fields = append(fields, mistake.Field)
	}
	assert.Equal(t, []string{
		"SessionDuration", "RememberDevice", "MaxSessions", "LoginURL", "StepUpURL", "NetworkBinding", "GeoIPBinding", "Carrier", "Carrier", "StageCookie",
	}, fields)
	for line := range strings.Lines(err.Error()) {
		assert.True(t, strings.HasPrefix(line, "loginstage: "), "each mistake names the field: %s", line)
	}
}

// One mistake hides no other, and is told once.
func TestConfigMistakesHideNoOthers(t *testing.T) {
	days300 := duration.MustParse("days=300")
	_, err := loginstage.New(loginstage.Config{SessionDuration: days300, StaySignedInOffset: days300, IdleTimeout: -1, Carrier: session.Cookie{}})
	assert.ErrorContains(t, err, "IdleTimeout")
	assert.ErrorContains(t, err, "SessionDuration + StaySignedInOffset")
	assert.NotContains(t, err.Error(), "Carrier")

	_, err = loginstage.New(loginstage.Config{NetworkBinding: 9, GeoIPBinding: binding.GeoIPCity, Locator: noCities{}})
	assert.ErrorContains(t, err, "NetworkBinding")
	assert.ErrorContains(t, err, "Locator: no cities")
}

type noCities struct{ bindingtest.Failing }

func (noCities) Covers(p binding.Policy) error {
	if p.GeoIP == binding.GeoIPCity && p.Network == binding.NetworkOff {
		return errors.New("no cities")
	}
	return nil
}

// What says more than the errors that it wraps is told whole.
func TestConfigMistakesOfPartsAreToldWhole(t *testing.T) {
	for want, err := range map[string]error{
		"loginstage: Locator: files: out of order, lifetime too long": fmt.Errorf("files: %w, %w", errOut, errors.New("lifetime too long")),
		"loginstage: Locator: nothing to unwrap":                      wrapsNothing{},
		"loginstage: Locator: out of order\nloginstage: Locator: b":   errors.Join(errOut, nil, errors.New("b")),
	} {
		_, err := loginstage.New(loginstage.Config{Locator: coversNot{err: err}})
		assert.EqualError(t, err, want)
	}
}

type coversNot struct {
	bindingtest.Failing
	err error
}

func (c coversNot) Covers(binding.Policy) error { return c.err }

type wrapsNothing struct{}

func (wrapsNothing) Error() string   { return "nothing to unwrap" }
func (wrapsNothing) Unwrap() []error { return nil }

// A nil pointer in an interface is not nil, and would be found out by the first
// request.
func TestConfigWithNilPointers(t *testing.T) {
	_, err := loginstage.New(loginstage.Config{
		Store:    (*memstore.Store)(nil),
		Carrier:  (*session.Cookie)(nil),
		Locator:  (*bindingtest.Counter)(nil),
		ClientIP: clientip.ResolverFunc(nil),
		Events:   (*loginstagetest.Recorder)(nil),
	})
	assert.EqualError(t, err, strings.Join([]string{
		`loginstage: Store (*memstore.Store)(nil): want one that is not nil, or none at all`,
		`loginstage: Carrier (*session.Cookie)(nil): want one that is not nil, or none at all`,
		`loginstage: Locator (*bindingtest.Counter)(nil): want one that is not nil, or none at all`,
		`loginstage: ClientIP (clientip.ResolverFunc)(nil): want one that is not nil, or none at all`,
		`loginstage: Events (*loginstagetest.Recorder)(nil): want one that is not nil, or none at all`,
	}, "\n"))
}

func TestConfigThatIsFine(t *testing.T) {
	parse := duration.MustParse
	for name, config := range map[string]loginstage.Config{
		"zero":               {},
		"the shortest":       {SessionDuration: parse("seconds=1"), StoreTimeout: parse("milliseconds=1")},
		"the longest":        {SessionDuration: parse("days=300"), StaySignedInOffset: parse("days=100"), RememberDevice: parse("days=400")},
		"MaxLifetime":        {SessionDuration: parse("days=1"), MaxLifetime: parse("days=1")},
		"bound":              {NetworkBinding: binding.NetworkASNNetworkIP, GeoIPBinding: binding.GeoIPCity, Locator: bindingtest.Places()},
		"behind a proxy":     {ClientIP: clientip.TrustedProxies("Forwarded", netip.MustParsePrefix("192.0.2.0/24"))},
		"without TLS":        {Carrier: session.Cookie{InsecureHTTP: true}},
		"a way to the login": {LoginURL: "/login?lang=en"},
	} {
		_, err := loginstage.New(config)
		assert.NoError(t, err, name)
	}
}

// Every setting that an operator knows can be read from a file.
func TestConfigFromJSON(t *testing.T) {
	var config loginstage.Config
	require.NoError(t, json.Unmarshal([]byte(`{
		"name": "staff",
		"session_duration": "hours=12",
		"stay_signed_in_offset": "weeks=2",
		"remember_device": "days=30",
		"network_binding": "bind_asn",
		"geoip_binding": "bind_continent_country",
		"terminate_other_sessions": true,
		"max_sessions": 5,
		"idle_timeout": "minutes=30",
		"browser_session_limit": "hours=8",
		"max_lifetime": "days=90",
		"keep_endings": "days=2",
		"store_timeout": "seconds=1.5",
		"login_url": "/login"
	}`), &config))
	assert.Equal(t, loginstage.Config{
		Name: "staff", SessionDuration: duration.MustParse("hours=12"), StaySignedInOffset: duration.MustParse("days=14"),
		RememberDevice: duration.MustParse("days=30"), NetworkBinding: binding.NetworkASN, GeoIPBinding: binding.GeoIPCountry,
		TerminateOtherSessions: true, MaxSessions: 5, IdleTimeout: duration.MustParse("minutes=30"), BrowserSessionLimit: duration.MustParse("hours=8"),
		MaxLifetime: duration.MustParse("days=90"), KeepEndings: duration.MustParse("days=2"), StoreTimeout: duration.MustParse("milliseconds=1500"), LoginURL: "/login",
	}, config)

	text, err := json.Marshal(config)
	require.NoError(t, err)
	var again loginstage.Config
	require.NoError(t, json.Unmarshal(text, &again))
	assert.Equal(t, config, again)

	for _, wrong := range []string{
		`{"session_duration": "12h"}`, `{"session_duration": 12}`, `{"network_binding": "asn"}`, `{"geoip_binding": "country"}`, `{"max_sessions": "five"}`,
	} {
		assert.Error(t, json.Unmarshal([]byte(wrong), &config), wrong)
	}
}

func TestConfigIsCopied(t *testing.T) {
	config := loginstage.Config{Name: "before"}
	login, err := loginstage.New(config)
	require.NoError(t, err)
	config.Name = "after"
	browser := loginstagetest.NewBrowser(t, app(login))
	signIn(t, browser, "ada")
	live, err := login.Sessions(t.Context(), "ada")
	require.NoError(t, err)
	assert.Equal(t, "before", live[0].Stage)
}
