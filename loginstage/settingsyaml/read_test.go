package settingsyaml_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/settings"
	"github.com/mooring-go/mooring/loginstage/settingsyaml"
)

const every = `# Every setting.
name: door
also_admit: [staff, "partners, abroad"]
session_duration: hours=12
stay_signed_in_offset: "days=2"
remember_device: 'days=3'
network_binding: bind_asn
geoip_binding: bind_continent
preset: strict
tolerance:
  same_ip: ipv4=32,ipv6=64
  families: learn
  asn_groups: 6805+8881
  exempt: >-
    192.0.2.0/24
  missing: hold
  local: break
  max_moves: 3
actions: network.asn=step_up
unproved: network.asn=report
report_only: true
report_when_stale: true
explain_events: true
terminate_other_sessions: true
max_sessions: 5
deny_over_max_sessions: true
max_sessions_per_tenant: true
assurance: aal1
impersonation_limit: minutes=30
idle_timeout: minutes=20
idle_resume: minutes=5
browser_session_limit: hours=8
max_lifetime: days=20
keep_endings: days=1
store_timeout: seconds=2
device_key: offer
prove_every: minutes=5
device_key_grace: minutes=2
device_key_path: /keys
origin: https://example.com
durable_events: true
event_args:
  - page
login_url: /login
step_up_url: /prove
required_url: /todo
no_store: true
clear_site_data: true
tell_expiry: true
account_every: minutes=1
account_stale: minutes=2
path_prefix: /app
`

// The document has each key of the schema, and is read as its JSON is.
func TestReadReadsEverySetting(t *testing.T) {
	var s, want loginstage.Settings
	require.NoError(t, settingsyaml.Read(&s, []byte(every)))
	require.NoError(t, settings.ReadJSON(&want, asJSON(t, []byte(every))))
	assert.Equal(t, jsonOf(t, want), jsonOf(t, s))

	var schema struct {
		Properties map[string]struct{ Properties map[string]any }
	}
	require.NoError(t, json.Unmarshal(settings.Schema(), &schema))
	var read map[string]any
	require.NoError(t, json.Unmarshal([]byte(jsonOf(t, s)), &read))
	for key, property := range schema.Properties {
		assert.Contains(t, read, key)
		for inside := range property.Properties {
			assert.Contains(t, read[key], inside)
		}
	}

	// JSON is YAML.
	var again loginstage.Settings
	require.NoError(t, settingsyaml.Read(&again, []byte(jsonOf(t, s))))
	assert.Equal(t, jsonOf(t, s), jsonOf(t, again))
}

// asJSON returns a document of YAML as JSON.
func asJSON(t *testing.T, document []byte) []byte {
	t.Helper()
	var value any
	require.NoError(t, yaml.Unmarshal(document, &value))
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return text
}

func jsonOf(t *testing.T, s loginstage.Settings) string {
	t.Helper()
	text, err := json.Marshal(s)
	require.NoError(t, err)
	return string(text)
}

type mistake struct {
	key  string
	line int
	text string
	want string
}

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

func TestReadFindsEveryMistake(t *testing.T) {
	for name, test := range map[string]struct {
		document string
		want     []mistake
	}{
		"values": {"# a comment\nsession_duration: 12h\n\nnetwork_binding: asn\nmax_sessions: 0x10\nreport_only: yes\ntolerance:\n  families: maybe\n  max_moves: 70000\nlogin_url: /kept\n", []mistake{
			{"session_duration", 2, "12h", "want"},
			{"network_binding", 4, "asn", "want one of no_binding"},
			{"max_sessions", 5, "0x10", "want a whole number"},
			{"report_only", 6, "yes", "a string: want a boolean"},
			{"tolerance.families", 8, "maybe", "want one of strict, learn"},
			{"tolerance.max_moves", 9, "70000", "from 0 to 65535"},
		}},
		"kinds": {"session_duration: 0\nname: 12\nlogin_url:\norigin: ~\nalso_admit: staff\nevent_args: [1]\ntolerance: none\nexplain_events: {a: b}\nstep_up_url: [a]\ntell_expiry: TRUE\nmax_sessions: '5'\nmax_lifetime: 2001-01-01\n", []mistake{
			{"session_duration", 1, "0", "want"},
			{"name", 2, "12", "a number: want a string"},
			{"login_url", 3, "", "it has no value"},
			{"origin", 4, "~", "it has no value"},
			{"also_admit", 5, "staff", "a string: want a list"},
			{"event_args", 6, "", "a number in the list"},
			{"tolerance", 7, "none", "a string: want an object"},
			{"explain_events", 8, "", "an object: want a boolean"},
			{"step_up_url", 9, "", "a list: want a string"},
			{"tell_expiry", 10, "TRUE", "want true or false"},
			{"max_sessions", 11, "5", "a string: want a number"},
			{"max_lifetime", 12, "2001-01-01", "want"},
		}},
		"keys": {"sesion_duration: hours=1\nname: a\nName: b\nname: c\ntolerance:\n  missing: hold\n  missing: break\n  x: 1\n", []mistake{
			{"sesion_duration", 1, "", "want session_duration"},
			{"Name", 3, "", "want name"},
			{"name", 4, "", "there before, in line 2"},
			{"tolerance.missing", 7, "", "there before, in line 6"},
			{"tolerance.x", 8, "", "want one of same_ip"},
		}},
		"an alias":            {"name: &n door\nlogin_url: *n\n", []mistake{{"", 1, "&n", "an anchor"}, {"", 2, "*n", "an alias"}}},
		"an alias to a key":   {"&k name: door\n*k : x\n", []mistake{{"", 1, "&k", "an anchor"}, {"", 2, "*k", "an alias"}}},
		"a merge":             {"tolerance: &t\n  missing: hold\n<<: *t\n", []mistake{{"", 1, "&t", "an anchor"}, {"", 3, "*t", "an alias"}}},
		"a merge of a map":    {"<<: {name: door}\n", []mistake{{"<<", 1, "", "no such setting"}}},
		"an unknown alias":    {"name: *n\n", []mistake{{"", 0, "", "want YAML: unknown anchor 'n' referenced"}}},
		"a tag":               {"name: !!binary ZG9vcg==\nmax_sessions: !!int '5'\nlogin_url: !secret x\n", []mistake{{"", 1, "!!binary", "a tag"}, {"", 2, "!!int", "a tag"}, {"", 3, "!secret", "a tag"}}},
		"a key that is none":  {"1: x\ntrue: x\n? [a]\n: x\n~: x\n", []mistake{{"", 1, "1", "a number as a key"}, {"", 2, "true", "a boolean as a key"}, {"", 3, "", "a list as a key"}, {"", 5, "~", "null as a key"}}},
		"both":                {"name: &n door\nmax_session: 5\ntolerance:\n  exempt: *n\n  max_moves: x\n", []mistake{{"", 1, "&n", "an anchor"}, {"", 4, "*n", "an alias"}, {"max_session", 2, "", "want max_sessions"}, {"tolerance.max_moves", 5, "x", "a string: want a number"}}},
		"two documents":       {"name: a\n---\nname: b\n", []mistake{{"", 2, "", "another document"}}},
		"a second that is no": {"name: a\n---\n[\n", []mistake{{"", 3, "", "want YAML: did not find expected node content"}}},
		"a list":              {"- name: a\n", []mistake{{"", 1, "", "a list: want an object"}}},
		"a text":              {"name", []mistake{{"", 1, "name", "a string: want an object"}}},
		"empty":               {"", []mistake{{"", 0, "", "it is empty"}}},
		"comments":            {"# nothing\n", []mistake{{"", 0, "", "it has comments alone"}}},
		"a tab":               {"tolerance:\n\tmissing: hold\n", []mistake{{"", 2, "", "want YAML: found character that cannot start any token"}}},
		"a NUL":               {"name: a\x00\n", []mistake{{"", 0, "", "want YAML: control characters are not allowed"}}},
		"no UTF-8":            {"name: \xff\n", []mistake{{"", 0, "", "it is not UTF-8"}}},
		"UTF-16":              {"\xff\xfen\x00", []mistake{{"", 0, "", "it is not UTF-8"}}},
		"half":                {"name: [a\n", []mistake{{"", 1, "", "want YAML: did not find expected ',' or ']'"}}},
		"deep":                {"tolerance: " + strings.Repeat("[", 500) + strings.Repeat("]", 500), []mistake{{"", 1, "", "nested too deep"}}},
		"deeper":              {strings.Repeat("[", 20_000), []mistake{{"", 0, "", "want YAML: "}}},
		"deep by dashes":      {strings.Repeat("- ", 20_000), []mistake{{"", 0, "", "want YAML: "}}},
		"long":                {"name: " + strings.Repeat("x", settings.MaxDocument), []mistake{{"", 0, "", "bytes: want 1048576"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := loginstage.Settings{SessionDuration: duration.MustParse("hours=1"), MaxSessions: 2}
			assertMistakes(t, settingsyaml.Read(&s, []byte(test.document)), test.want)
			assert.Equal(t, duration.MustParse("hours=1"), s.SessionDuration, "what cannot be read stays as it was")
			assert.Equal(t, 2, s.MaxSessions)
		})
	}
}

// A document whose aliases stand for more than any memory holds costs what its bytes do.
func TestAliasesAreNotFollowed(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 40 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	b.WriteString("also_admit: *a40\n")
	began := time.Now()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := settingsyaml.Read(new(loginstage.Settings), []byte(b.String()))
	runtime.ReadMemStats(&after)
	require.ErrorContains(t, err, "an alias")
	assert.Less(t, time.Since(began), 30*time.Second)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))
	assert.LessOrEqual(t, len(err.(interface{ Unwrap() []error }).Unwrap()), 201)
}

func TestReadTakesAByteOrderMark(t *testing.T) {
	var s loginstage.Settings
	require.NoError(t, settingsyaml.Read(&s, []byte("\ufeff---\r\nmax_sessions: 7\r\n...\r\n")))
	assert.Equal(t, 7, s.MaxSessions)
}

// FuzzRead reads anything: it does not panic, and what it reads is what the same
// document says as JSON.
func FuzzRead(f *testing.F) {
	f.Add([]byte(every))
	f.Add([]byte("name: &a x\nlogin_url: *a\n"))
	f.Add([]byte("? {a: b}\n: [c, !!int 1]\n--- |\n x\n"))
	f.Add([]byte("<<: {name: x}\ntolerance: {<<: [{missing: hold}]}\n"))
	f.Add([]byte("also_admit:\n- a\n-\n  b\n\tc"))
	f.Fuzz(func(t *testing.T, document []byte) {
		var s, want loginstage.Settings
		if err := settingsyaml.Read(&s, document); err != nil {
			all := []error{err}
			if joined, ok := err.(interface{ Unwrap() []error }); ok {
				all = joined.Unwrap()
			}
			for _, each := range all {
				if _, ok := errors.AsType[*settings.Error](each); !ok {
					t.Fatalf("%T: %v", each, each)
				}
			}
			return
		}
		var value any
		require.NoError(t, yaml.Unmarshal(document, &value))
		text, err := json.Marshal(value)
		require.NoError(t, err)
		require.NoError(t, settings.ReadJSON(&want, text), "%s", text)
		assert.Equal(t, jsonOf(t, want), jsonOf(t, s))
	})
}
