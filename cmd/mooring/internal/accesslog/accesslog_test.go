package accesslog_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/cmd/mooring/internal/accesslog"
)

// source returns a log with this text.
func source(name, text string) accesslog.Source {
	return accesslog.Source{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

// use is an entry that can be compared.
type use struct{ time, ip, session, user string }

func read(t testing.TB, c accesslog.Config) ([]use, accesslog.Stats) {
	t.Helper()
	var uses []use
	stats, err := accesslog.Read(t.Context(), c, func(e accesslog.Entry) error {
		uses = append(uses, use{e.Time.Format(time.RFC3339Nano), e.IP.String(), string(e.Session), string(e.User)})
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, len(uses), stats.Uses)
	assert.Equal(t, stats.Lines, stats.Uses+stats.Anonymous+stats.Malformed)
	return uses, stats
}

const (
	begin    = "2026-01-05T09:00:00Z"
	goodLine = `192.0.2.1 - ada [05/Jan/2026:10:00:00 +0100] "GET /?q=\"a b\" HTTP/1.1" 200 5 "-" "agent (x; y)" "s1" extra`
)

func TestFormats(t *testing.T) {
	for _, test := range []struct {
		name   string
		format accesslog.Format
		fields accesslog.Fields
		text   string
		want   []use
	}{
		{"Combined Log Format, sessions by user", "", accesslog.Fields{}, goodLine, []use{{begin, "192.0.2.1", "ada", "ada"}}},
		{"an appended field", "", accesslog.Fields{Session: "extra1"}, goodLine, []use{{begin, "192.0.2.1", "s1", "ada"}}},
		{"one without quotes", "", accesslog.Fields{Session: "extra2"}, goodLine, []use{{begin, "192.0.2.1", "extra", "ada"}}},
		{"IPv6, mapped", accesslog.Combined, accesslog.Fields{}, strings.Replace(goodLine, "192.0.2.1", "::ffff:192.0.2.1", 1), []use{{begin, "192.0.2.1", "ada", "ada"}}},
		{"an address with a port", "", accesslog.Fields{}, strings.Replace(goodLine, "192.0.2.1", "[2001:db8::1]:443", 1), []use{{begin, "2001:db8::1", "ada", "ada"}}},
		{"nobody signed in", "", accesslog.Fields{}, strings.Replace(goodLine, "ada", "-", 1), nil},
		{"CSV", "", accesslog.Fields{}, "\ufefftime,ip,session,user\n2026-01-05T09:00:00Z,192.0.2.1,s1,\"ada, once\"\r\n1767603600.5,2001:db8::1,s2,\n",
			[]use{{begin, "192.0.2.1", "s1", "ada, once"}, {"2026-01-05T09:00:00.5Z", "2001:db8::1", "s2", ""}}},
		{"CSV with other names", "", accesslog.Fields{Time: "at", IP: "client", Session: "sid"}, "sid,at,client\ns1,2026-01-05T10:00:00+01:00,192.0.2.1\n", []use{{begin, "192.0.2.1", "s1", ""}}},
		{"JSON lines", "", accesslog.Fields{}, `{"time":"2026-01-05T09:00:00Z","ip":"192.0.2.1","session":"s\u0031","user":7,"more":{"a":[1]}}` + "\n" + `{"time":1767603600,"ip":"192.0.2.1","session":null}`,
			[]use{{begin, "192.0.2.1", "s1", "7"}}},
		{"behind the virtual host", "", accesslog.Fields{Session: "extra1"}, "example.com:443 " + goodLine, []use{{begin, "192.0.2.1", "s1", "ada"}}},
		{"Traefik, common", "", accesslog.Fields{}, `192.0.2.1 - ada [05/Jan/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-" 1 "web@docker" "http://10.0.0.2:80" 3ms`, []use{{begin, "192.0.2.1", "ada", "ada"}}},
		{"HAProxy, by syslog", "", accesslog.Fields{}, `Jan  5 09:00:00 lb haproxy[14389]: 192.0.2.1:33317 [05/Jan/2026:09:00:00.000] http-in static/srv1 10/0/30/69/109 200 2750 sid=s1 - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET / HTTP/1.1"`,
			[]use{{begin, "192.0.2.1", "sid=s1", ""}}},
		{"HAProxy, to its output", "", accesslog.Fields{}, `192.0.2.1:33317 [05/Jan/2026:09:00:00.250] http-in static/srv1 10/0/30/69/109 200 2750 sid=s1 - ---- 1/1/1/1/0 0/0 "GET / HTTP/1.1"`,
			[]use{{"2026-01-05T09:00:00.25Z", "192.0.2.1", "sid=s1", ""}}},
		{"Application Load Balancer", "", accesslog.Fields{Session: "agent"}, `h2 2026-01-05T09:00:00.000000Z app/lb/1 [2001:db8::1]:2817 10.0.0.1:80 0.0 0.1 0.0 200 200 34 366 "GET https://example.com:443/ HTTP/2.0" "curl/8" TLS TLSv1.2 arn:aws "Root=1-58" "-" "-" 0 2026-01-05T09:00:00.000000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"`,
			[]use{{begin, "2001:db8::1", "curl/8", ""}}},
		{"Classic Load Balancer", "", accesslog.Fields{Session: "agent"}, `2026-01-05T09:00:00.000000Z lb 192.0.2.1:2817 10.0.0.1:80 0.0 0.1 0.0 200 200 0 29 "GET http://example.com:80/ HTTP/1.1" "curl/8" - -`,
			[]use{{begin, "192.0.2.1", "curl/8", ""}}},
		{"IIS", "", accesslog.Fields{}, "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Fields: date time s-ip cs-method cs-username c-ip cs(User-Agent)\r\n" +
			"2026-01-05 09:00:00 10.0.0.1 GET ada 192.0.2.1 Mozilla/5.0+(X11)\r\n2026-01-05 09:00:00 10.0.0.1 GET - 192.0.2.1 -\r\n#Fields: date time c-ip cs-username\r\n2026-01-05 09:00:00 192.0.2.2 bob\r\n",
			[]use{{begin, "192.0.2.1", "ada", "ada"}, {begin, "192.0.2.2", "bob", "bob"}}},
		{"CloudFront", "", accesslog.Fields{Session: "cs(Cookie)"}, "#Version: 1.0\n#Fields: date time x-edge-location c-ip cs(Cookie)\n2026-01-05\t09:00:00\tFRA2\t2001:db8::1\tsid=s1\n",
			[]use{{begin, "2001:db8::1", "sid=s1", ""}}},
		{"Caddy", "", accesslog.Fields{}, `{"level":"info","ts":1767603600.5,"logger":"http.log.access","request":{"remote_ip":"10.0.0.1","client_ip":"192.0.2.1","uri":"/"},"user_id":"ada","status":200}`,
			[]use{{"2026-01-05T09:00:00.5Z", "192.0.2.1", "ada", "ada"}}},
		{"Caddy, of old", "", accesslog.Fields{Session: "request.headers.X"}, `{"ts":1767603600,"request":{"remote_ip":"192.0.2.1","headers":{"X":"s1"}},"user_id":""}`,
			[]use{{begin, "192.0.2.1", "s1", ""}}},
		{"Traefik, JSON", "", accesslog.Fields{}, `{"ClientAddr":"192.0.2.1:4711","ClientHost":"192.0.2.1","ClientUsername":"ada","StartUTC":"2026-01-05T09:00:00.000000001Z","time":"2026-01-05T09:00:00Z"}`,
			[]use{{begin, "192.0.2.1", "ada", "ada"}}},
		{"nginx, JSON", "", accesslog.Fields{}, `{"time_local":"05/Jan/2026:10:00:00 +0100","remote_addr":"192.0.2.1","remote_user":"ada"}`, []use{{begin, "192.0.2.1", "ada", "ada"}}},
		{"since 1970 in milliseconds, microseconds and nanoseconds", "", accesslog.Fields{}, "time,ip,session\n1767603600000,192.0.2.1,s1\n1767603600000000,192.0.2.1,s2\n1767603600000000000,192.0.2.1,s3\n1767603600.000,192.0.2.1,s4\n",
			[]use{{begin, "192.0.2.1", "s1", ""}, {begin, "192.0.2.1", "s2", ""}, {begin, "192.0.2.1", "s3", ""}, {begin, "192.0.2.1", "s4", ""}}},
		{"a list of addresses", "", accesslog.Fields{IP: "extra1", Session: "extra2"}, `10.0.0.1 - - [05/Jan/2026:09:00:00 +0000] "GET /" 200 5 "-" "agent" "198.51.100.9, 192.0.2.1, 10.0.0.2" "s1"`,
			[]use{{begin, "192.0.2.1", "s1", ""}}},
		{"empty lines", "", accesslog.Fields{}, "\n\n" + goodLine + "\n\n\r\n", []use{{begin, "192.0.2.1", "ada", "ada"}}},
		{"nothing", "", accesslog.Fields{}, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			uses, stats := read(t, accesslog.Config{Sources: []accesslog.Source{source("log", test.text)}, Format: test.format, Fields: test.fields})
			assert.Equal(t, test.want, uses)
			assert.Zero(t, stats.Malformed, stats.Mistakes)
		})
	}
}

// What stands before the first line that is of a format does not change the format.
func TestTheFormatIsToldPastWhatStandsBefore(t *testing.T) {
	for format, g := range good {
		if format == accesslog.ALB || format == accesslog.ELB {
			continue // of these nothing tells sessions apart by itself
		}
		for name, before := range map[string]string{
			"nothing": "", "a byte order mark": "\ufeff", "empty lines": "\n\r\n  \n", "a banner": "nginx started\n-----\n",
			"all of it": "\ufeff\n== access log ==\n\n{not JSON\n",
		} {
			text := before + g.header + g.line + "\n" + g.line + "\n"
			uses, stats := read(t, accesslog.Config{Sources: []accesslog.Source{source("log", text)}})
			want := use{begin, "192.0.2.1", "ada", "ada"}
			if format == accesslog.HAProxy {
				want.user = ""
			}
			assert.Equal(t, []use{want, want}, uses, "%s after %s", format, name)
			assert.LessOrEqual(t, stats.Malformed, 3, "%s after %s", format, name)
		}
	}
	_, err := accesslog.Read(t.Context(), accesslog.Config{Sources: []accesslog.Source{source("log", "\xff\xfet\x00")}}, func(accesslog.Entry) error { return nil })
	assert.ErrorContains(t, err, "UTF-16")
}

func TestTheClientInAListIsTheLastThatIsNoProxy(t *testing.T) {
	for list, want := range map[string]string{
		"192.0.2.1":           "192.0.2.1",
		"192.0.2.1, 10.0.0.1": "192.0.2.1",
		"198.51.100.9, 192.0.2.1,10.0.0.1, 127.0.0.1": "192.0.2.1",
		"192.0.2.1, 203.0.113.7":                      "192.0.2.1", // a proxy that is named
		"10.0.0.9, 10.0.0.1":                          "10.0.0.9",
		"2001:db8::9:80, 10.0.0.1":                    "2001:db8::9:80",
		"192.0.2.1:4711, 10.0.0.1:80":                 "192.0.2.1",
		"unknown, 192.0.2.1":                          "192.0.2.1",
		"192.0.2.1, unknown":                          "",
		", ":                                          "",
	} {
		uses, stats := read(t, accesslog.Config{
			Sources: []accesslog.Source{source("log", "time,ip,session\n1767603600,\""+list+"\",s1\n")},
			Proxies: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
		})
		if want == "" {
			assert.Equal(t, 1, stats.Malformed, list)
			continue
		}
		assert.Equal(t, []use{{begin, want, "s1", ""}}, uses, list)
	}
}

// bad are lines that are malformed in each format, and what is said of them.
var bad = map[accesslog.Format]map[string]string{
	accesslog.Combined: {
		`garbage`: "a field is missing", `a "b`: "a quote or bracket is not closed", strings.Repeat("a ", 40): "more than 32 fields",
		`300.1.1.1 - ada [05/Jan/2026:10:00:00 +0100] "GET"`:      "the address is none",
		`1.1.1.1 - ada [05/Nix/2026:10:00:00 +0100] "GET"`:        "the time is none",
		`1.1.1.1 - ada [99999999999999] "GET"`:                    "the time is none",
		strings.Repeat("x", 70_000) + ` - ada [1767603600] "GET"`: "longer than 65536 bytes",
	},
	accesslog.VHost: {
		`garbage`: "a field is missing", `example.com nowhere - ada [05/Jan/2026:10:00:00 +0100] "GET"`: "the address is none",
		`example.com 1.1.1.1 - ada [05/Nix/2026:10:00:00 +0100] "GET"`: "the time is none",
	},
	accesslog.HAProxy: {
		`haproxy[1]: `: "a field is missing", `1.1.1.1:1 [yesterday] a b c 200 1 s - - - -`: "the time is none",
	},
	accesslog.W3C: {
		`2026-01-05 09:00:00 192.0.2.1`: "a field is missing", `2026-01-05 25:00:00 192.0.2.1 ada`: "the time is none", `2026-01-05 09:00:00 nowhere ada`: "the address is none",
	},
	accesslog.CSV: {
		`1767603600,1.1.1.1`: "a field is missing", `"1767603600,1.1.1.1,s,u`: "not closed", `1767603600,1.1".1.1,s,u`: "not closed", `1767603600,nowhere,s,u`: "the address is none",
	},
	accesslog.JSONLines: {
		`{"time":`: "no JSON object", `[]`: "no JSON object", `null`: "a field is missing", `{"time":{},"ip":"1.1.1.1"}`: "no JSON object",
		`{"ip":"1.1.1.1","session":"s"}`: "a field is missing", `{"time":"today","ip":"1.1.1.1"}`: "the time is none", `{"time":true,"ip":"1.1.1.1"}`: "no JSON object",
	},
}

// good is a line, and what comes before the first, in each format.
var good = map[accesslog.Format]struct{ header, line string }{
	accesslog.Combined:  {"", `192.0.2.1 - ada [05/Jan/2026:10:00:00 +0100] "GET"`},
	accesslog.VHost:     {"", `example.com:443 192.0.2.1 - ada [05/Jan/2026:10:00:00 +0100] "GET"`},
	accesslog.HAProxy:   {"", `lb haproxy[7]: 192.0.2.1:4711 [05/Jan/2026:09:00:00.000] web srv 1/1/1/1/1 200 5 ada - ---- 1/1/1/1/0 0/0`},
	accesslog.W3C:       {"#Fields: date time c-ip cs-username\n", "2026-01-05 09:00:00 192.0.2.1 ada"},
	accesslog.CSV:       {"time,ip,session,user\n", "2026-01-05T09:00:00Z,192.0.2.1,ada,ada"},
	accesslog.JSONLines: {"", `{"time":"2026-01-05T09:00:00Z","ip":"192.0.2.1","session":"ada","user":"ada"}`},
}

func TestMalformedLinesAreCountedAndPassedOver(t *testing.T) {
	for format, lines := range bad {
		for line, want := range lines {
			text := good[format].header + good[format].line + "\n" + line + "\n" + good[format].line + "\n"
			uses, stats := read(t, accesslog.Config{Sources: []accesslog.Source{source("log", text)}, Format: format})
			assert.Len(t, uses, 2, "%s: %.60s", format, line)
			assert.Equal(t, 1, stats.Malformed)
			require.Len(t, stats.Mistakes, 1, "%s: %.60s", format, line)
			assert.ErrorContains(t, stats.Mistakes[0], want)
			assert.Less(t, len(stats.Mistakes[0].Error()), 120, "without the line")
			var mistake *accesslog.LineError
			require.ErrorAs(t, stats.Mistakes[0], &mistake)
			assert.Equal(t, strings.Count(good[format].header, "\n")+2, mistake.Line)
		}
	}
	_, stats := read(t, accesslog.Config{Sources: []accesslog.Source{source("log", strings.Repeat("garbage\n", 10_000))}})
	assert.Equal(t, 10_000, stats.Malformed)
	assert.Len(t, stats.Mistakes, 3, "the first few are told")
}

func TestGzip(t *testing.T) {
	var packed bytes.Buffer
	for range 2 { // logs that were packed one after the other and joined
		w := gzip.NewWriter(&packed)
		_, err := io.WriteString(w, strings.Repeat(goodLine+"\n", 2000))
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	uses, stats := read(t, accesslog.Config{Sources: []accesslog.Source{source("log.gz", packed.String())}})
	assert.Len(t, uses, 4000)
	assert.Empty(t, stats.Incomplete)

	uses, stats = read(t, accesslog.Config{Sources: []accesslog.Source{source("log.gz", packed.String()[:packed.Len()-20])}})
	assert.GreaterOrEqual(t, len(uses), 2000, "what there is is used")
	require.Len(t, stats.Incomplete, 1)
	assert.ErrorContains(t, stats.Incomplete[0], "log.gz: after line ")
	assert.ErrorIs(t, stats.Incomplete[0], io.ErrUnexpectedEOF)
}

func TestLogsAreReadInTheOrderOfTime(t *testing.T) {
	log := func(name string, seconds ...string) accesslog.Source {
		text := "time,ip,session\n"
		for _, s := range seconds {
			text += s + ",192.0.2.1," + name + "\n"
		}
		return source(name, text)
	}
	var got []string
	stats, err := accesslog.Read(t.Context(), accesslog.Config{Sources: []accesslog.Source{
		log("later", "50", "60"), log("server1", "10", "30", "55"), log("server2", "20", "30.5"), source("empty", ""),
	}}, func(e accesslog.Entry) error {
		got = append(got, string(e.Session))
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"server1", "server2", "server1", "server2", "later", "server1", "later"}, got)
	assert.Equal(t, 7, stats.Uses)
}

func TestReadingEndsWhereItCannotGoOn(t *testing.T) {
	long := source("log", strings.Repeat(goodLine+"\n", 100_000))
	failure := errors.New("no")
	calls := 0
	_, err := accesslog.Read(t.Context(), accesslog.Config{Sources: []accesslog.Source{long, long}}, func(accesslog.Entry) error {
		calls++
		return failure
	})
	assert.ErrorIs(t, err, failure)
	assert.Equal(t, 1, calls)

	ctx, cancel := context.WithCancel(t.Context())
	_, err = accesslog.Read(ctx, accesslog.Config{Sources: []accesslog.Source{long}}, func(accesslog.Entry) error {
		cancel()
		return nil
	})
	assert.ErrorIs(t, err, context.Canceled)

	for name, c := range map[string]accesslog.Config{
		`log format "xml": want combined, vhost, haproxy, alb, elb, w3c, csv or jsonl`: {Format: "xml"},
		`field "cookie": want one of host, ident`:                                      {Fields: accesslog.Fields{Session: "cookie"}},
		`field "extra0"`: {Fields: accesslog.Fields{Session: "extra0"}},
		"columns time, ip and session: want all three": {Format: accesslog.CSV},
		"no field that tells sessions apart":           {Format: accesslog.ALB},
	} {
		c.Sources = []accesslog.Source{source("log", "a,b c,d")}
		_, err := accesslog.Read(t.Context(), c, func(accesslog.Entry) error { return nil })
		assert.ErrorContains(t, err, name)
	}
	broken := accesslog.Source{Name: "x", Open: func() (io.ReadCloser, error) { return nil, failure }}
	_, err = accesslog.Read(t.Context(), accesslog.Config{Sources: []accesslog.Source{long, broken}}, func(accesslog.Entry) error { return nil })
	assert.ErrorIs(t, err, failure)
}

// fuzz reads garbage between two good lines.
func fuzz(f *testing.F, format accesslog.Format) {
	for line := range bad[format] {
		f.Add([]byte(line))
	}
	f.Add([]byte(good[format].line))
	f.Fuzz(func(t *testing.T, garbage []byte) {
		text := good[format].header + good[format].line + "\n" + string(garbage) + "\n" + good[format].line
		uses, stats := read(t, accesslog.Config{Sources: []accesslog.Source{source("log", text)}, Format: format})
		require.GreaterOrEqual(t, len(uses), 2)
		want := use{begin, "192.0.2.1", "ada", "ada"}
		assert.Equal(t, want, uses[0])
		assert.Equal(t, want, uses[len(uses)-1], "whatever stands before it")
		for _, u := range uses {
			assert.NotEmpty(t, u.session)
			assert.True(t, netip.MustParseAddr(u.ip).IsValid())
		}
		assert.LessOrEqual(t, stats.Lines, 3+bytes.Count(garbage, []byte("\n")))
	})
}

func FuzzCombined(f *testing.F)  { fuzz(f, accesslog.Combined) }
func FuzzVHost(f *testing.F)     { fuzz(f, accesslog.VHost) }
func FuzzCSV(f *testing.F)       { fuzz(f, accesslog.CSV) }
func FuzzJSONLines(f *testing.F) { fuzz(f, accesslog.JSONLines) }

func FuzzAnyLog(f *testing.F) {
	f.Add([]byte("\x1f\x8b garbage"))
	f.Add([]byte("time,ip,session\n1,1.1.1.1,a"))
	f.Add([]byte(goodLine))
	for _, g := range good {
		f.Add([]byte("\ufeff\nbanner\n" + g.header + g.line))
	}
	f.Fuzz(func(t *testing.T, log []byte) {
		_, _ = accesslog.Read(t.Context(), accesslog.Config{Sources: []accesslog.Source{source("log", string(log))}}, func(e accesslog.Entry) error {
			assert.True(t, e.IP.IsValid())
			assert.NotEmpty(t, e.Session)
			return nil
		})
	})
}
