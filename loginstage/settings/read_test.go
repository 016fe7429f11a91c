package settings_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/settings"
)

// every is a document with every setting.
const every = `{
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
}`

// everySetting is what every says, by the decoder of the standard library.
func everySetting(t testing.TB) loginstage.Settings {
	t.Helper()
	var s loginstage.Settings
	require.NoError(t, json.Unmarshal([]byte(every), &s))
	for field := range reflect.TypeFor[loginstage.Settings]().Fields() {
		require.False(t, reflect.ValueOf(s).FieldByIndex(field.Index).IsZero(), field.Name)
	}
	return s
}

func TestReadJSONReadsEverySetting(t *testing.T) {
	want := everySetting(t)
	var s loginstage.Settings
	require.NoError(t, settings.ReadJSON(&s, []byte(every)))
	assert.Equal(t, jsonOf(t, want), jsonOf(t, s)) // lists are compared by what they say

	// And what is written it reads.
	text, err := json.MarshalIndent(want, "", "\t")
	require.NoError(t, err)
	var again loginstage.Settings
	require.NoError(t, settings.ReadJSON(&again, text))
	assert.Equal(t, jsonOf(t, want), jsonOf(t, again))
}

func TestReadEnvironmentReadsEverySetting(t *testing.T) {
	var lines struct {
		Tolerance map[string]any `json:"tolerance"`
	}
	all := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(every), &lines))
	require.NoError(t, json.Unmarshal([]byte(every), &all))
	delete(all, "tolerance")
	for key, value := range lines.Tolerance {
		all["tolerance_"+key] = value
	}
	all["also_admit"] = []any{"staff", " partners", ""}
	environment := []string{"PATH=/bin", "APPX_NAME=other", "=C:=C:\\", "name=x", "NOTHING"}
	for key, value := range all {
		text := fmt.Sprint(value)
		if list, ok := value.([]any); ok {
			text = strings.Trim(strings.ReplaceAll(fmt.Sprintf("%q", list), `" "`, `","`), "[]")
			text = strings.ReplaceAll(text, `"`, "")
		}
		environment = append(environment, "APP_"+strings.ToUpper(key)+"="+text)
	}
	want := everySetting(t)
	want.AlsoAdmit = []string{"staff", "partners"}
	var s loginstage.Settings
	require.NoError(t, settings.ReadEnvironment(&s, "APP_", environment))
	assert.Equal(t, jsonOf(t, want), jsonOf(t, s))
}

// What is read later counts for more, key by key, and leaves the rest.
func TestWhatIsReadLaterCounts(t *testing.T) {
	s := loginstage.Settings{SessionDuration: duration.MustParse("hours=1"), MaxSessions: 1, LoginURL: "/code"}
	require.NoError(t, settings.ReadJSON(&s, []byte(`{"max_sessions": 2, "login_url": "/file", "tolerance": {"max_moves": 1, "families": "learn"}}`)))
	require.NoError(t, settings.ReadEnvironment(&s, "APP_", []string{"APP_LOGIN_URL=/environment", "APP_TOLERANCE_MAX_MOVES=2"}))
	assert.Equal(t, loginstage.Settings{
		SessionDuration: duration.Duration(time.Hour), MaxSessions: 2, LoginURL: "/environment",
		Tolerance: binding.Tolerance{MaxMoves: 2, Families: binding.FamiliesLearn},
	}, s)
}

// A list that is read is a new one: others may use that which was there.
func TestReadingDoesNotWriteToListsInUse(t *testing.T) {
	list := new(binding.Prefixes)
	require.NoError(t, list.UnmarshalText([]byte("192.0.2.0/24")))
	names := []string{"staff"}
	s := loginstage.Settings{AlsoAdmit: names, Tolerance: binding.Tolerance{Exempt: list}}
	require.NoError(t, settings.ReadJSON(&s, []byte(`{"also_admit": ["x"], "tolerance": {"exempt": "203.0.113.0/24"}}`)))
	text, err := list.MarshalText()
	require.NoError(t, err)
	assert.Equal(t, "192.0.2.0/24", string(text))
	assert.Equal(t, []string{"staff"}, names)
}

// mistake is one that is to be found.
type mistake struct {
	key  string
	line int
	text string
	want string // of its error
}

// assertMistakes holds err to be the mistakes, in order.
func assertMistakes(t *testing.T, err error, want []mistake) {
	t.Helper()
	if !assert.Error(t, err) {
		return
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	if !assert.Len(t, all, len(want), err) {
		return
	}
	for i, each := range all {
		found, ok := errors.AsType[*settings.Error](each)
		if !assert.True(t, ok, each) {
			continue
		}
		assert.Equal(t, want[i].key, found.Key, found)
		assert.Equal(t, want[i].line, found.Line, found)
		assert.Equal(t, want[i].text, found.Text, found)
		assert.ErrorContains(t, found, want[i].want)
	}
}

func TestReadJSONFindsEveryMistake(t *testing.T) {
	for name, test := range map[string]struct {
		document string
		want     []mistake
	}{
		"values": {"{\n\"session_duration\": \"12h\",\n\n\"network_binding\": \"asn\", \"max_sessions\": 1.5,\n\"tolerance\": {\n\"families\": \"maybe\",\n\"max_moves\": -1, \"exempt\": \"192.0.2.0/99\"},\n\"login_url\": \"/kept\"}", []mistake{
			{"session_duration", 2, "12h", `want`},
			{"network_binding", 4, "asn", "want one of no_binding, bind_asn,"},
			{"max_sessions", 4, "1.5", "want a whole number"},
			{"tolerance.families", 6, "maybe", "want one of strict, learn"},
			{"tolerance.max_moves", 7, "-1", "want a whole number from 0 to 65535"},
			{"tolerance.exempt", 7, "192.0.2.0/99", "want an address and a length"},
		}},
		"kinds": {"{\"session_duration\": 12, \"report_only\": \"true\",\n\"max_sessions\": \"5\", \"also_admit\": \"staff\", \"event_args\": [\"a\", 1],\n\"login_url\": null, \"name\": 5, \"tolerance\": [], \"explain_events\": {}, \"origin\": [\"x\"], \"actions\": {\"network.asn\": \"end\"}, \"idle_timeout\": {\"hours\": 1}, \"tell_expiry\": 1, \"network_binding\": true}", []mistake{
			{"session_duration", 1, "12", `want key=value`},
			{"report_only", 1, "true", "a string: want a boolean"},
			{"max_sessions", 2, "5", "a string: want a number"},
			{"also_admit", 2, "staff", "a string: want a list of strings"},
			{"event_args", 2, "", "a number in the list: want strings"},
			{"login_url", 3, "", "it has no value"},
			{"name", 3, "5", "a number: want a string"},
			{"tolerance", 3, "", "a list: want an object with keys such as same_ip"},
			{"explain_events", 3, "", "an object: want a boolean"},
			{"origin", 3, "", "a list: want a string"},
			{"actions", 3, "", `an object: want a string such as "*=report,network.asn=step_up"`},
			{"idle_timeout", 3, "", `an object: want a string such as "hours=12"`},
			{"tell_expiry", 3, "1", "a number: want a boolean"},
			{"network_binding", 3, "true", "want one of"},
		}},
		"keys": {"{\"sesion_duration\": \"hours=1\",\n\"Name\": \"x\", \"name\": \"y\", \"name\": \"z\",\n\"colour\": {\"deep\": [1]}, \"tolerance\": {\"missing\": \"hold\", \"mising\": \"hold\",\n\"missing\": \"break\"}}", []mistake{
			{"sesion_duration", 1, "", "no such setting: want session_duration"},
			{"Name", 2, "", "no such setting: want name"},
			{"name", 2, "", "there before, in line 2"},
			{"colour", 3, "", "no such setting: want one of name, also_admit,"},
			{"tolerance.mising", 3, "", "no such setting: want missing"},
			{"tolerance.missing", 4, "", "there before, in line 3"},
		}},
		"no object":       {"\n[1]", []mistake{{"", 2, "", "a list: want an object"}}},
		"a text":          {`"x"`, []mistake{{"", 1, "x", "a string: want an object"}}},
		"null":            {"null", []mistake{{"", 1, "", "null: want an object"}}},
		"empty":           {"", []mistake{{"", 0, "", "it is empty: want settings, or {}"}}},
		"blank":           {"\ufeff \n", []mistake{{"", 0, "", "it is empty"}}},
		"half":            {"{\n\"name\": \"x\",\n", []mistake{{"", 3, "", "want JSON: unexpected end"}}},
		"a comma":         {"{\n\"name\": \"x\",\n}", []mistake{{"", 3, "", "want JSON: invalid character '}'"}}},
		"two":             {"{}\n{}", []mistake{{"", 2, "", "want JSON: invalid character '{' after top-level value"}}},
		"no UTF-8":        {"{\"name\": \"\xff\"}", []mistake{{"", 0, "", "it is not UTF-8"}}},
		"UTF-16":          {"\xff\xfe{\x00}\x00", []mistake{{"", 0, "", "it is not UTF-8"}}},
		"deep":            {"{\"tolerance\":\n" + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", []mistake{{"", 2, "", "it is nested too deep"}}},
		"too deep":        {strings.Repeat(`{"a":`, 100_000), []mistake{{"", 1, "", "exceeded max depth"}}},
		"long":            {`{"name": "` + strings.Repeat("x", settings.MaxDocument) + `"}`, []mistake{{"", 0, "", "bytes: want 1048576 at the most"}}},
		"a NUL":           {"{\"name\": \"\x00\"}", []mistake{{"", 1, "", "want JSON: invalid character"}}},
		"a key to hide":   {"{\"na\\u202eme\\n\": 1}", []mistake{{"na\u202eme\n", 1, "", `"na\u202eme\n": there is no such setting`}}},
		"a number of 1e5": {`{"max_sessions": 1e5, "tolerance": {"max_moves": 70000}}`, []mistake{{"max_sessions", 1, "1e5", "want a whole number"}, {"tolerance.max_moves", 1, "70000", "from 0 to 65535"}}},
	} {
		t.Run(name, func(t *testing.T) {
			before := loginstage.Settings{SessionDuration: duration.MustParse("hours=1"), MaxSessions: 2}
			s := before
			assertMistakes(t, settings.ReadJSON(&s, []byte(test.document)), test.want)
			s.LoginURL, s.Name, s.Tolerance.Missing = "", "", binding.MissingBreak // what could be read is set
			assert.Equal(t, before, s, "what cannot be read stays as it was")
		})
	}
}

// A byte order mark is no mistake, and line ends are those of any system.
func TestReadJSONTakesAByteOrderMark(t *testing.T) {
	var s loginstage.Settings
	require.NoError(t, settings.ReadJSON(&s, []byte("\ufeff{\r\n\"max_sessions\": 7}\r\n")))
	assert.Equal(t, 7, s.MaxSessions)
	assertMistakes(t, settings.ReadJSON(&s, []byte("\ufeff{\r\n\"max_session\": 7}\r\n")), []mistake{{"max_session", 2, "", "want max_sessions"}})
}

// A file of another kind has thousands of mistakes, and a log has to hold what is told.
func TestMistakesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"x": 0`)
	for i := range 10_000 {
		fmt.Fprintf(&b, `, "x%d%s": 0`, i, strings.Repeat("y", 20))
	}
	b.WriteString(`}`)
	err := settings.ReadJSON(new(loginstage.Settings), []byte(b.String()))
	require.Error(t, err)
	assert.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), 101)
	assert.Less(t, len(err.Error()), 200_000)
	assert.ErrorContains(t, err, "and 9901 more mistakes")
}

func TestReadEnvironmentFindsEveryMistake(t *testing.T) {
	before := loginstage.Settings{SessionDuration: duration.MustParse("hours=1")}
	s := before
	err := settings.ReadEnvironment(&s, "APP_", []string{
		"APP_SESSION_DURATION=12h", "APP_NETWORK_BINDNG=bind_asn", "APP_MAX_SESSIONS=many", "APP_REPORT_ONLY=perhaps",
		"APP_LOGIN_URL=/a", "APP_LOGIN_URL=/b", "APP_TOLERANCE=x", "APP_MAX_LIFETIME", "app_name=x", "APP_TOLERANCE_EXEMPT=here", "APP_=x",
	})
	assertMistakes(t, err, []mistake{
		{"APP_SESSION_DURATION", 0, "12h", "want"},
		{"APP_NETWORK_BINDNG", 0, "", "no such setting: want APP_NETWORK_BINDING"},
		{"APP_MAX_SESSIONS", 0, "many", "want a whole number"},
		{"APP_REPORT_ONLY", 0, "perhaps", "want true or false"},
		{"APP_LOGIN_URL", 0, "/b", "there before"},
		{"APP_TOLERANCE", 0, "", "no such setting: want one of APP_NAME"},
		{"APP_MAX_LIFETIME", 0, "", "want"},
		{"APP_TOLERANCE_EXEMPT", 0, "here", "want an address and a length"},
		{"APP_", 0, "", "no such setting"},
	})
	before.LoginURL = "/a"
	assert.Equal(t, before, s)
	assertMistakes(t, settings.ReadEnvironment(&s, "", []string{"NAME=x"}), []mistake{{"", 0, "", "the prefix is empty"}})
}

// No setting hides another one in the environment, where a dot is an underscore.
func TestVariablesAreApart(t *testing.T) {
	seen := map[string]string{}
	for _, key := range settings.Keys() {
		name := strings.ReplaceAll(key, ".", "_")
		assert.Empty(t, seen[name], key)
		seen[name] = key
	}
	assert.Len(t, seen, reflect.TypeFor[loginstage.Settings]().NumField()-1+reflect.TypeFor[binding.Tolerance]().NumField())
}

// Each setting is of a type that is read, from a document and from a variable.
func TestNoSettingIsOfATypeThatIsNotRead(t *testing.T) {
	for _, key := range settings.Keys() {
		err := settings.ReadEnvironment(new(loginstage.Settings), "APP_", []string{"APP_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_")) + "=\x00"})
		if err != nil {
			assert.NotContains(t, err.Error(), "is not read from text", key)
		}
		assert.LessOrEqual(t, strings.Count(key, "."), 1, "%s: leaves looks into one level", key)
	}
}

func TestReadNodeOfAnotherKind(t *testing.T) {
	assertMistakes(t, settings.ReadNode(new(loginstage.Settings), settings.Node{}), []mistake{{"", 0, "", "null: want an object"}})
	assertMistakes(t, settings.ReadNode(new(loginstage.Settings), settings.Node{Kind: 99}), []mistake{{"", 0, "", "Kind(99): want an object"}})
	assertMistakes(t, settings.ReadNode(new(loginstage.Settings), settings.Node{Kind: settings.Map, Members: []settings.Member{
		{Key: "report_only", Value: settings.Node{Kind: settings.Bool, Text: "TRUE"}},
		{Key: "login_url", Value: settings.Node{Kind: 99, Text: "x"}},
	}}), []mistake{{"report_only", 0, "TRUE", "want true or false"}, {"login_url", 0, "x", "Kind(99): want a string"}})
}

// FuzzReadJSON reads anything: it does not panic, takes no document that is no JSON, and
// what it reads is what the standard library reads.
func FuzzReadJSON(f *testing.F) {
	f.Add([]byte(every))
	f.Add([]byte(`{"name":"x","name":"y","tolerance":{"families":"learn"},"also_admit":[]}`))
	f.Add([]byte("\ufeff{\"max_sessions\": 9223372036854775808}"))
	f.Add([]byte(`{"tolerance":{"exempt":null},"event_args":["\ud800"]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		var s, want loginstage.Settings
		if err := settings.ReadJSON(&s, document); err != nil {
			for _, each := range eachOf(err) {
				if _, ok := errors.AsType[*settings.Error](each); !ok {
					t.Fatalf("%T: %v", each, each)
				}
			}
			return
		}
		require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(string(document), "\ufeff")), &want))
		assert.Equal(t, jsonOf(t, want), jsonOf(t, s))
		assertSchemaTakes(t, document)
	})
}

func jsonOf(t *testing.T, s loginstage.Settings) string {
	t.Helper()
	text, err := json.Marshal(s)
	require.NoError(t, err)
	return string(text)
}

func eachOf(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// FuzzReadEnvironment reads any variable.
func FuzzReadEnvironment(f *testing.F) {
	f.Add("SESSION_DURATION=hours=1", "TOLERANCE_EXEMPT=::/0")
	f.Add("X", "X")
	f.Fuzz(func(t *testing.T, one, other string) {
		var s loginstage.Settings
		err := settings.ReadEnvironment(&s, "APP_", []string{"APP_" + one, "APP_" + other})
		if err == nil {
			_ = jsonOf(t, s)
			return
		}
		for _, each := range eachOf(err) {
			found, ok := errors.AsType[*settings.Error](each)
			require.True(t, ok)
			assert.NotEmpty(t, found.Key)
		}
	})
}
