package whatif

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
)

var update = flag.Bool("update", false, "write the golden files again")

// try runs the program.
func try(t *testing.T, stdin string, args ...string) (out, errOut string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err = Run(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr)
	return stdout.String(), stderr.String(), err
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	out, errOut, err := try(t, "", args...)
	require.NoError(t, err, errOut)
	return out
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// log is what two users did: Ada at home, over IPv6 and in Paris, Bob at once in
// Berlin and Tokyo.
const log = `192.0.2.1 - ada [05/Jan/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "agent" "a1"
192.0.2.1 - bob [05/Jan/2026:09:01:00 +0000] "GET / HTTP/1.1" 200 5 "-" "agent" "b1"
this is no line of a log
2001:db8:1::1 - ada [05/Jan/2026:09:02:00 +0000] "GET / HTTP/1.1" 200 5 "-" "agent" "a1"
192.0.2.9 - - [05/Jan/2026:09:02:30 +0000] "GET /robots.txt HTTP/1.1" 200 5 "-" "bot" "-"
198.51.100.97 - bob [05/Jan/2026:09:03:00 +0000] "GET / HTTP/1.1" 200 5 "-" "agent" "b1"
192.0.2.1 - bob [05/Jan/2026:09:04:00 +0000] "GET / HTTP/1.1" 200 5 "-" "agent" "b1"
198.51.100.1 - ada [05/Jan/2026:15:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "agent" "a1"
`

func TestALog(t *testing.T) {
	path := file(t, "access.log", log)
	out, errOut, err := try(t, "", "-demo", "-session-field=extra1", path)
	require.NoError(t, err)
	golden(t, "log.txt", out)
	assert.Contains(t, errOut, "access.log:3: a field is missing\n")
	assert.NotContains(t, errOut, "no line of a log")
}

func TestALogAsJSON(t *testing.T) {
	path := file(t, "access.log", log)
	out := must(t, "-demo", "-session-field=extra1", "-format=json", "-preset=strict", "-actions=*=step_up", path)
	var got struct {
		Lines, Uses, Anonymous, Malformed, Sessions, Users, Moves int
		Problems                                                  []string
		Policies                                                  []struct {
			Network, GeoIP, Tolerance, Name string
			SessionsEnded                   int     `json:"sessions_ended"`
			SessionsPercent                 float64 `json:"sessions_ended_percent"`
			UsersEnded                      int     `json:"users_ended"`
			Endings, Confirmations          int
			Reasons                         []struct {
				Of    binding.Reason
				Times int
			}
			Policy binding.Policy
		}
		Suspects []struct{ User string }
	}
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	assert.Equal(t, []int{8, 6, 1, 1, 2, 2, 4}, []int{got.Lines, got.Uses, got.Anonymous, got.Malformed, got.Sessions, got.Users, got.Moves})
	assert.Len(t, got.Problems, 1)
	require.Len(t, got.Policies, 80)
	for _, p := range got.Policies {
		switch {
		case p.Name == "given":
			assert.Equal(t, binding.NetworkASNNetwork, p.Policy.Network)
			assert.Equal(t, []int{0, 0, 3}, []int{p.SessionsEnded, p.Endings, p.Confirmations})
		case p.Network == "bind_asn" && p.GeoIP == "no_binding" && p.Tolerance == "none":
			assert.Equal(t, []int{2, 2, 3}, []int{p.SessionsEnded, p.UsersEnded, p.Endings})
			assert.Equal(t, 100.0, p.SessionsPercent)
			assert.Equal(t, binding.NetworkASNChanged, p.Reasons[0].Of)
		case p.Network == "no_binding" && p.GeoIP == "bind_continent" && p.Tolerance == "none":
			assert.Equal(t, []int{1, 1, 2}, []int{p.SessionsEnded, p.UsersEnded, p.Endings})
		}
	}
	require.Len(t, got.Suspects, 1)
	assert.Equal(t, "bob", got.Suspects[0].User)
	assert.NotContains(t, out, `"b1"`, "a session may be a secret")
}

func TestLogsOfAllKinds(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, log)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	first, second, _ := strings.Cut(log, "198.51.100.97")
	whole := must(t, "-demo", "-session-field=extra1", file(t, "access.log", log))
	for name, args := range map[string][]string{
		"gzip":              {file(t, "access.log.gz", packed.String())},
		"two, as rotated":   {file(t, "access.log", "198.51.100.97"+second), file(t, "access.log.1", first)},
		"one, and an empty": {file(t, "access.log", ""), file(t, "access.log.1", log)},
	} {
		assert.Equal(t, whole, must(t, append([]string{"-demo", "-session-field=extra1"}, args...)...), name)
	}
	out, _, err := try(t, log, "-demo", "-session-field=extra1", "-")
	require.NoError(t, err)
	assert.Equal(t, whole, out, "from the standard input")

	csv := must(t, "-demo", "-session-field=sid", file(t, "a.csv", "time,ip,sid,user\n2026-01-05T09:00:00Z,192.0.2.1,a,ada\n2026-01-05T09:01:00Z,198.51.100.1,a,ada\n"))
	jsonl := must(t, "-demo", "-session-field=sid", file(t, "a.jsonl", `{"time":"2026-01-05T09:00:00Z","ip":"192.0.2.1","sid":"a","user":"ada"}`+"\n"+`{"time":"2026-01-05T09:01:00Z","ip":"198.51.100.1","sid":"a","user":"ada"}`))
	assert.Equal(t, csv, jsonl)
	assert.Contains(t, csv, "1 sessions of 1 known users")
}

func TestDatabasesOfOnesOwn(t *testing.T) {
	asn, city := bindingtest.WriteFiles(t)
	path := file(t, "access.log", log)
	assert.Equal(t, must(t, "-demo", "-session-field=extra1", path), must(t, "-asn", asn, "-city", city, "-session-field=extra1", path))
	networks := must(t, "-asn", asn, "-session-field=extra1", path)
	assert.NotContains(t, networks, "bind_continent", "of places nothing is known")
	assert.Contains(t, networks, "bind_asn_network_ip")
}

func TestAPage(t *testing.T) {
	for name, args := range map[string][]string{
		"log":   {"-demo", "-session-field=extra1", file(t, "access.log", strings.ReplaceAll(log, "bob", "<script>alert(1)</script>"))},
		"model": {"-demo", "-sessions=5"},
	} {
		path := filepath.Join(t.TempDir(), "report.html")
		must(t, append([]string{"-html", path}, args...)...)
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		page := string(content)
		assert.Contains(t, page, map[string]string{"log": `<table class="heat">`, "model": "<svg"}[name])
		assert.NotContains(t, page, "ZgotmplZ", "%s: a value was not let through", name)
		assert.NotContains(t, page, "<script", name)
		assert.NotRegexp(t, `(?i)(src|href)=|url\(|@import|https?://`, page, "%s: nothing is fetched", name)
		for _, svg := range regexp.MustCompile(`<svg[^>]*>`).FindAllString(page, -1) {
			assert.Regexp(t, `role="img" aria-label="[^"]+"`, svg, name)
		}
		assert.NotContains(t, page, "NaN", name)
		for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1) {
			assert.NoError(t, xml.Unmarshal([]byte(svg), new(struct{})), "%s: %s", name, svg)
		}
	}
	_, _, err := try(t, "", "-demo", "-sessions=1", "-html", filepath.Join(t.TempDir(), "no", "such", "place"))
	assert.ErrorContains(t, err, "no such")
}

func TestAPair(t *testing.T) {
	golden(t, "pair.txt", must(t, "-demo", "192.0.2.1", "198.51.100.1"))
	golden(t, "pair-proven.txt", must(t, "-demo", "-preset=proven", "192.0.2.1", "198.51.100.1"))
	golden(t, "pair-preset.txt", must(t, "-demo", "-preset=strict", "-geoip-binding=no_binding", "-actions=network.asn_network=report", "192.0.2.1", "2001:db8:1::1"))

	withoutKey := must(t, "-demo", "-preset=proven", "-keys=0", "192.0.2.1", "198.51.100.1")
	assert.Contains(t, withoutKey, "end for geoip.country")
	assert.NotContains(t, withoutKey, "prove")

	out := must(t, "-demo", "-format=json", "-preset=balanced", "192.0.2.1", "198.51.100.1")
	var decision binding.Decision
	require.NoError(t, json.Unmarshal([]byte(out), &decision))
	assert.Equal(t, binding.Balanced(), decision.Policy)
	assert.Equal(t, binding.GeoIPCountryChanged, decision.Decisive)
	assert.Equal(t, decision.String(), decision.Policy.Explain(decision.From, decision.To).String(), "decided again")
}

func TestEveryFlagOfThePolicy(t *testing.T) {
	s, err := parseSettings([]string{
		"-demo", "-preset=relaxed", "-network-binding=bind_asn_network_ip", "-geoip-binding=bind_continent_country_city", "-same-ip=ipv4=24,ipv6=64",
		"-families=learn", "-asn-groups=6805+8881", "-exempt=192.0.2.0/24", "-missing=hold", "-local=break", "-max-moves=7", "-actions=*=prove", "-unproved=network.asn=report",
	}, io.Discard)
	require.NoError(t, err)
	text, err := json.Marshal(s.policy.policy)
	require.NoError(t, err)
	assert.Equal(t, `{"network":"bind_asn_network_ip","geoip":"bind_continent_country_city","same_ip":"ipv4=24,ipv6=64","families":"learn",`+
		`"asn_groups":"6805+8881","exempt":"192.0.2.0/24","missing":"hold","local":"break","max_moves":7,`+
		`"actions":"network.missing=prove,network.asn=prove,network.asn_network=prove,network.ip=prove,geoip.missing=prove,geoip.continent=prove,geoip.country=prove,geoip.city=prove","unproved":"network.asn=report"}`, string(text))
	for preset, want := range map[string]binding.Policy{"relaxed": binding.Relaxed(), "balanced": binding.Balanced(), "strict": binding.Strict(), "proven": binding.Proven(), "none": standard} {
		s, err := parseSettings([]string{"-demo", "-preset=" + preset}, io.Discard)
		require.NoError(t, err)
		assert.Equal(t, want, s.policy.policy, preset)
	}
	// An office that is exempt changes what the tolerant policies do, and no other.
	path := file(t, "access.log", log)
	out := must(t, "-demo", "-session-field=extra1", "-exempt=198.51.100.0/24", path)
	assert.Regexp(t, `balanced +│ no_binding +│ bind_continent_country +│ +0 │`, out)
	assert.Regexp(t, `(?s)Tolerance: none.*bind_asn +│ no_binding +│ +2 │ 100.0`, out)
}

// The figures that the documentation shows. Under the race detector they would take more
// than a minute; the rest of what the model prints is in TestTheModel.
func TestTheModelThatTheDocumentationShows(t *testing.T) {
	if racing {
		t.Skip("not with -race: the figures take a minute")
	}
	plot := filepath.Join(t.TempDir(), "plot.svg")
	golden(t, "model.md", must(t, "-demo", "-format=markdown", "-svg", plot))
	picture, err := os.ReadFile(plot)
	require.NoError(t, err)
	golden(t, "../../../../../docs/model.svg", string(picture))
}

func TestTheModel(t *testing.T) {
	plot := filepath.Join(t.TempDir(), "plot.svg")
	assert.Contains(t, must(t, "-demo", "-sessions=5", "-format=markdown", "-svg", plot), "| proven |")
	picture, err := os.ReadFile(plot)
	require.NoError(t, err)
	assert.Contains(t, string(picture), "</svg>")
	with := must(t, "-demo", "-sessions=5", "-preset=balanced", "-network-binding=bind_asn", "-actions=network.asn=step_up")
	assert.Contains(t, with, "honest sessions to confirm")
	assert.Contains(t, with, "given")
	var got struct {
		Policies []struct {
			Name    string
			Ended   float64 `json:"honest_ended"`
			Stopped float64 `json:"stolen_stopped"`
		}
		Proofs []struct {
			Name       string
			Keys       float64 `json:"browsers_with_keys"`
			ProveEvery int64   `json:"prove_every_ns"`
			Soon       float64 `json:"stolen_stopped_in_time"`
		}
		Browsers, Loot []any
		Grid           []any
		ProofGrid      []any `json:"proof_grid"`
	}
	require.NoError(t, json.Unmarshal([]byte(must(t, "-demo", "-format=json", "-sessions=5")), &got))
	assert.Len(t, got.Policies, 10)
	assert.Len(t, got.Grid, 60)
	assert.Len(t, got.ProofGrid, 15)
	assert.Len(t, got.Browsers, 3)
	assert.Len(t, got.Loot, 5)
	require.Len(t, got.Proofs, 14)
	for _, f := range got.Proofs {
		if f.Keys == 1 && f.ProveEvery > 0 {
			assert.Equal(t, 10*time.Minute, time.Duration(f.ProveEvery))
			assert.InDelta(t, 1, f.Soon, 1e-9, f.Name)
		}
	}
	half := must(t, "-demo", "-sessions=5", "-keys=50", "-prove-every=minutes=5", "-preset=proven", "-max-moves=3")
	assert.Regexp(t, `given +│ +50 % +│ +5 min`, half)
	assert.NotRegexp(t, `│ +70 % +│ +no `, half)
	assert.Contains(t, half, "key none")
	assert.NotContains(t, must(t, "-demo", "-sessions=5", "-keys=100"), "key none", "nobody has such a browser")
	assert.NotContains(t, must(t, "-demo", "-sessions=5", "-keys=0"), "key dbsc")
}

// What devices prove is told apart from what interrupts users.
func TestALogWithDeviceKeys(t *testing.T) {
	type tally struct {
		Name                                          string
		Endings, Proofs, Confirmations, SessionsEnded int
	}
	run := func(args ...string) (proven, given tally, keys float64) {
		var got struct {
			Keys     float64 `json:"sessions_with_keys_percent"`
			Policies []tally
		}
		out := must(t, append(args, "-demo", "-session-field=extra1", "-format=json", "-preset=proven", "-unproved=*=step_up", file(t, "access.log", log))...)
		require.NoError(t, json.Unmarshal([]byte(out), &got))
		n := len(got.Policies)
		require.Equal(t, []string{"proven", "given"}, []string{got.Policies[n-2].Name, got.Policies[n-1].Name})
		return got.Policies[n-2], got.Policies[n-1], got.Keys
	}
	proven, given, keys := run()
	assert.Zero(t, keys, "no device has a key, unless it is said")
	assert.Equal(t, []int{3, 0}, []int{proven.Endings, proven.Proofs})
	assert.Equal(t, []int{0, 0, 4}, []int{given.Endings, given.Proofs, given.Confirmations})

	proven, given, keys = run("-keys=100")
	assert.Equal(t, 100.0, keys)
	assert.Equal(t, []int{0, 3}, []int{proven.Endings, proven.Proofs}, "each move once")
	assert.Equal(t, []int{0, 3, 0}, []int{given.Endings, given.Proofs, given.Confirmations})
}

// The plot is a picture that needs nothing else.
func TestAPicture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plot.svg")
	must(t, "-demo", "-sessions=5", "-svg", path)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	picture := string(content)
	require.NoError(t, xml.Unmarshal(content, new(struct{})))
	assert.Contains(t, picture, `xmlns="http://www.w3.org/2000/svg"`)
	assert.NotRegexp(t, `(?i)(src|href)=|url\(|@import|<script|ZgotmplZ|NaN`, picture)
	assert.Contains(t, picture, ">proven, keys 100 %, bound cookie 10 min<")
}

func TestMistakesInTheArguments(t *testing.T) {
	path := file(t, "access.log", log)
	for want, args := range map[string][]string{
		"nothing to do":                       nil,
		"nothing is known of addresses":       {path},
		"want either it or -asn and -city":    {"-demo", "-asn=x", path},
		`-format "xml"`:                       {"-demo", "-format=xml"},
		`log format "xml"`:                    {"-demo", "-log-format=xml", path},
		`"lax" is not a preset`:               {"-demo", "-preset=lax"},
		"-sessions 0":                         {"-demo", "-sessions=0"},
		"-keys 101":                           {"-demo", "-keys=101"},
		"-keys -2":                            {"-demo", "-keys=-2"},
		"-keys NaN":                           {"-demo", "-keys=NaN"},
		"-prove-every seconds=0":              {"-demo", "-prove-every=seconds=0"},
		"-prove-every minutes=61":             {"-demo", "-prove-every=minutes=61"},
		"-svg is the plot of the model":       {"-demo", "-svg=x.svg", path},
		"prove: want end, step_up, report":    {"-demo", "-unproved=*=prove"},
		"-idle seconds=0":                     {"-demo", "-idle=seconds=0"},
		"max moves 65535":                     {"-demo", "-max-moves=70000"},
		"no use of a session in 8 lines":      {"-demo", "-session-field=extra2", path},
		"no such file":                        {"-demo", path + ".1"},
		"is a directory":                      {"-demo", t.TempDir()},
		"can be read once only":               {"-demo", "-", "-"},
		"GeoLite2-ASN.mmdb: no such file":     {"-asn=GeoLite2-ASN.mmdb", path},
		"flag provided but not defined: -fly": {"-fly"},
	} {
		out, _, err := try(t, "", args...)
		assert.ErrorContains(t, err, want, "%v", args)
		assert.Empty(t, out)
	}
	_, usage, err := try(t, "", "-h")
	assert.ErrorIs(t, err, flag.ErrHelp)
	assert.Contains(t, usage, "usage: mooring whatif -asn file -city file")
}

// Behind proxies the client is in a list, and the format begins after a banner.
func TestLogsBehindProxies(t *testing.T) {
	line := func(at, list string) string {
		return `10.0.0.1 - ada [05/Jan/2026:` + at + ` +0000] "GET / HTTP/1.1" 200 5 "-" "agent" "` + list + `"` + "\n"
	}
	log := file(t, "access.log", "\ufeff\nstarted\n"+
		line("09:00:00", bindingtest.Berlin.String()+", "+bindingtest.Tokyo.String())+
		line("09:10:00", bindingtest.Sydney.String()+", "+bindingtest.Berlin.String()+", "+bindingtest.Tokyo.String()))
	var report struct {
		Uses, Moves int
	}
	require.NoError(t, json.Unmarshal([]byte(must(t, "-demo", "-format=json", "-ip-field=extra1", "-proxies", bindingtest.Tokyo.String()+"/32", log)), &report))
	assert.Equal(t, 2, report.Uses)
	assert.Zero(t, report.Moves, "what the client sent before its address does not count")

	_, _, err := try(t, "", "-demo", "-proxies=nowhere", log)
	assert.ErrorContains(t, err, "nowhere")
}
