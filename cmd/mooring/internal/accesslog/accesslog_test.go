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

// source is a log with this text.
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

// bad are lines that are malformed in each format, and what is said of them.
var bad = map[accesslog.Format]map[string]string{
	accesslog.Combined: {
		`garbage`: "a field is missing", `a "b`: "a quote or bracket is not closed", strings.Repeat("a ", 40): "more than 32 fields",
		`300.1.1.1 - ada [05/Jan/2026:10:00:00 +0100] "GET"`:      "the address is none",
		`1.1.1.1 - ada [05/Nix/2026:10:00:00 +0100] "GET"`:        "the time is none",
		`1.1.1.1 - ada [99999999999999] "GET"`:                    "the time is none",
		strings.Repeat("x", 70_000) + ` - ada [1767603600] "GET"`: "longer than 65536 bytes",
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
		`log format "xml": want combined, csv or jsonl`: {Format: "xml"},
		`field "cookie": want one of host, ident`:       {Fields: accesslog.Fields{Session: "cookie"}},
		`field "extra0"`: {Fields: accesslog.Fields{Session: "extra0"}},
		"columns time, ip and session: want all three": {Format: accesslog.CSV},
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
func FuzzCSV(f *testing.F)       { fuzz(f, accesslog.CSV) }
func FuzzJSONLines(f *testing.F) { fuzz(f, accesslog.JSONLines) }

func FuzzAnyLog(f *testing.F) {
	f.Add([]byte("\x1f\x8b garbage"))
	f.Add([]byte("time,ip,session\n1,1.1.1.1,a"))
	f.Add([]byte(goodLine))
	f.Fuzz(func(t *testing.T, log []byte) {
		_, _ = accesslog.Read(t.Context(), accesslog.Config{Sources: []accesslog.Source{source("log", string(log))}}, func(e accesslog.Entry) error {
			assert.True(t, e.IP.IsValid())
			assert.NotEmpty(t, e.Session)
			return nil
		})
	})
}
