package clientip_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/clientip"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// proxyNet is where trusted proxies are in these tests.
var proxyNet = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}

const proxy = "10.0.0.1:4711" // the peer, where it is trusted

func request(peer, header string, lines ...string) *http.Request {
	r := &http.Request{RemoteAddr: peer, Header: http.Header{}}
	for _, line := range lines {
		r.Header.Add(header, line)
	}
	return r
}

// assertClient checks that the client is want, or for "" that it is unknown.
func assertClient(t *testing.T, want string, resolver clientip.Resolver, r *http.Request) {
	t.Helper()
	ip, err := resolver.ClientIP(r)
	if want == "" {
		_, ok := errors.AsType[*clientip.AddressError](err)
		assert.True(t, ok, "want an AddressError, have %v, %v", ip, err)
		assert.False(t, ip.IsValid(), "an error comes without an address")
		return
	}
	require.NoError(t, err)
	assert.Equal(t, netip.MustParseAddr(want), ip)
}

// addresses are the spellings of an address that are understood everywhere, and
// "" for those that are not.
var addresses = map[string]string{
	"192.0.2.1":                    "192.0.2.1",
	"192.0.2.1:80":                 "192.0.2.1",
	"192.0.2.1:0":                  "192.0.2.1",
	"192.0.2.1:_http":              "192.0.2.1",
	"2001:db8::1":                  "2001:db8::1",
	"[2001:db8::1]":                "2001:db8::1",
	"[2001:db8::1]:65535":          "2001:db8::1",
	"2001:DB8:0:0:0:0:0:1":         "2001:db8::1",
	"[fe80::1%eth0]:80":            "fe80::1",
	"fe80::1%eth0":                 "fe80::1",
	"::ffff:192.0.2.1":             "192.0.2.1",
	"[::ffff:192.0.2.1]:80":        "192.0.2.1",
	"[::ffff:c000:201%eth0]:80":    "192.0.2.1",
	"":                             "",
	"unknown":                      "",
	"_hidden":                      "",
	"localhost":                    "",
	"192.0.2":                      "",
	"192.0.2.256":                  "",
	"192.0.2.01":                   "",
	"0x7f.0.0.1":                   "",
	"3221225985":                   "",
	"192.0.2.1:":                   "",
	"192.0.2.1:65536":              "",
	"192.0.2.1:-1":                 "",
	"192.0.2.1:+80":                "",
	"192.0.2.1:http":               "",
	"192.0.2.1:_":                  "",
	"192.0.2.1/24":                 "",
	"192.0.2.1 ":                   "", // trimmed in lists, see below
	"192.0.2.1 198.51.100.1":       "",
	"[192.0.2.1]":                  "",
	"[192.0.2.1]:80":               "",
	"[2001:db8::1":                 "",
	"2001:db8::1]":                 "",
	"[2001:db8::1]80":              "",
	"[2001:db8::1]:":               "",
	"[]":                           "",
	"[":                            "",
	":":                            "",
	":80":                          "",
	"@":                            "",
	"/run/app.sock":                "",
	strings.Repeat("1", 100_000):   "",
	strings.Repeat("[", 100_000):   "",
	"192.0.2.1\x00":                "",
	"192.0.2.1\n":                  "",
	"１９２.0.2.1":                    "",
	"http://192.0.2.1/":            "",
	"for=192.0.2.1":                "",
	"192.0.2.1;198.51.100.1":       "",
	"[[2001:db8::1]]":              "",
	"[2001:db8::1]:80:90":          "",
	"2001:db8::1::2":               "",
	"[2001:db8::1].example.com:1":  "",
	"::ffff:192.0.2.1:80":          "192.0.2.1",
	"::ffff:192.0.2.1:65536":       "",
	"64:ff9b::192.0.2.1:80":        "64:ff9b::c000:201",
	"::ffff:192.0.2.1:":            "",
	"::ffff:192.0.2:80":            "",
	"::1":                          "::1",
	"2a02:8109::a1:1234:5678:abcd": "2a02:8109::a1:1234:5678:abcd",
	"2001:db8:1:2:3:4:5:6":         "2001:db8:1:2:3:4:5:6",
	// Each may be an address, or an address and a port.
	"2600:300:f:abcd::9:9985":       "",
	"2001:db8::9:80":                "",
	"::ffff:c000:201":               "",
	"::9:80":                        "",
	"1::3:4:5:6:7:8":                "",
	"2001:db8:1:2:3:4:5:6:80":       "", // nine groups
	"2001:db8::1.80":                "",
	"2001:db8::1#80":                "",
	"2001:db8::1p80":                "",
	"192.0.2.1.80":                  "",
	"192.0.2.1#80":                  "",
	"[2600:300:f:abcd::9:9985]":     "2600:300:f:abcd::9:9985",
	"[2600:300:f:abcd::9]:9985":     "2600:300:f:abcd::9",
	"fe80::9:80%eth0":               "fe80::9:80", // a port stands behind the zone
	"2001:db8::9:8a":                "2001:db8::9:8a",
	"2001:db8:1:2:3:4:192.0.2.1:80": "2001:db8:1:2:3:4:c000:201",
}

func TestRemoteAddr(t *testing.T) {
	for peer, want := range addresses {
		assertClient(t, want, clientip.RemoteAddr{}, request(peer, "X-Forwarded-For", "198.51.100.1"))
	}
}

func TestErrorsQuoteLittle(t *testing.T) {
	_, err := clientip.RemoteAddr{}.ClientIP(request(strings.Repeat("x", 100_000), ""))
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 300)
	assert.ErrorContains(t, err, `"xxx`)
}

func TestRemoteAddrDoesNotAllocate(t *testing.T) {
	for _, peer := range []string{"192.0.2.1:4711", "[2001:db8::1]:4711"} {
		r := request(peer, "")
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			if _, err := (clientip.RemoteAddr{}).ClientIP(r); err != nil {
				t.Error(err)
			}
		}))
	}
}

func TestResolverFunc(t *testing.T) {
	want := netip.MustParseAddr("192.0.2.1")
	var resolver clientip.Resolver = clientip.ResolverFunc(func(*http.Request) (netip.Addr, error) { return want, nil })
	assertClient(t, "192.0.2.1", resolver, nil)
}

func TestEntriesOfAList(t *testing.T) {
	resolver := clientip.TrustedProxies("X-Forwarded-For", proxyNet...)
	for entry, want := range addresses {
		if strings.HasSuffix(entry, " ") {
			want = strings.TrimSpace(entry)
		}
		assertClient(t, want, resolver, request(proxy, "X-Forwarded-For", entry))
		assertClient(t, want, resolver, request(proxy, "X-Forwarded-For", "198.51.100.1,"+entry+", 10.0.0.2"))
	}
}

func TestWalk(t *testing.T) {
	const client, spoofed = "192.0.2.1", "198.51.100.99"
	for _, test := range []struct {
		name, peer string
		lines      []string
		want       string
	}{
		{"peer is not trusted", "203.0.113.1:80", []string{spoofed}, "203.0.113.1"},
		{"peer is not trusted, and claims to be", "203.0.113.1:80", []string{spoofed + ", 10.0.0.1"}, "203.0.113.1"},
		{"peer is unknown", "@", []string{client}, ""},
		{"no header", proxy, nil, ""},
		{"one entry", proxy, []string{client}, client},
		{"peer mapped into IPv6", "[::ffff:10.0.0.1]:80", []string{client}, client},
		{"IPv6 peer with a zone", "[2001:db8:ffff::1%eth0]:80", []string{client}, client},
		{"proxy before the proxy", proxy, []string{client + ", 10.1.1.1, 2001:db8:ffff::9"}, client},
		{"client prepends", proxy, []string{spoofed + ", " + client}, client},
		{"client prepends a trusted address", proxy, []string{"10.0.0.2, " + client + ", 10.0.0.3"}, client},
		{"client prepends garbage", proxy, []string{"\x00,,,unknown;\"" + ", " + client}, client},
		{"client sends a line of its own", proxy, []string{spoofed, client}, client},
		{"client sends many lines", proxy, []string{spoofed, "unknown", "", "10.0.0.5", client, "10.0.0.2"}, client},
		{"chain over several lines", proxy, []string{spoofed + ", " + client + ", 10.0.0.2", "10.0.0.3, 10.0.0.4"}, client},
		{"all trusted", proxy, []string{"10.3.3.3, 10.0.0.2", "10.0.0.3"}, "10.3.3.3"},
		{"empty line", proxy, []string{""}, ""},
		{"empty entry", proxy, []string{client + ", , 10.0.0.2"}, ""},
		{"entry that is no address", proxy, []string{client + ", unknown"}, ""},
		{"entry that is no address, past trusted ones", proxy, []string{client + ", unknown, 10.0.0.2", "10.0.0.3"}, ""},
		{"last line empty", proxy, []string{client, ""}, ""},
		{"tabs and spaces", proxy, []string{"\t" + client + "\t ,\t10.0.0.2 "}, client},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, header := range []string{"X-Forwarded-For", "x-forwarded-for", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP"} {
				resolver := clientip.TrustedProxies(header, proxyNet...)
				require.NoError(t, resolver.(clientip.Validator).Validate())
				assertClient(t, test.want, resolver, request(test.peer, header, test.lines...))
			}
		})
	}
}

func TestOtherHeadersAreNotRead(t *testing.T) {
	r := request(proxy, "X-Forwarded-For", "192.0.2.1")
	r.Header.Set("Forwarded", "for=198.51.100.1")
	r.Header.Set("X-Real-Ip", "203.0.113.1")
	assertClient(t, "192.0.2.1", clientip.TrustedProxies("X-Forwarded-For", proxyNet...), r)
	assertClient(t, "198.51.100.1", clientip.TrustedProxies("forwarded", proxyNet...), r)
	assertClient(t, "203.0.113.1", clientip.TrustedProxies("X-Real-IP", proxyNet...), r)
	assertClient(t, "", clientip.TrustedProxies("CF-Connecting-IP", proxyNet...), r)
}

func TestPorts(t *testing.T) {
	const either, honest, withPort = "2600:300:f:abcd::9:9985", "2600:300:f:abcd::9:9985", "2600:300:f:abcd::9"
	for _, test := range []struct {
		header string
		ports  clientip.Ports
		entry  string
		want   string
	}{
		{"X-Forwarded-For", clientip.PortsByHeader, either, ""},
		{"X-Real-IP", clientip.PortsByHeader, either, ""},
		{"Forwarded", clientip.PortsByHeader, `for="` + either + `"`, ""},
		{"X-Forwarded-For", clientip.PortsNever, either, honest},
		{"X-Forwarded-For", clientip.PortsNever, "192.0.2.1:80", "192.0.2.1"},
		{"X-Forwarded-For", clientip.PortsNever, "[" + withPort + "]:9985", withPort},
		{"X-Forwarded-For", clientip.PortsAlways, either, withPort},
		{"X-Forwarded-For", clientip.PortsAlways, "2001:db8:1:2:3:4:5:6:80", "2001:db8:1:2:3:4:5:6"},
		{"X-Forwarded-For", clientip.PortsAlways, "2001:db8::1", ""},
		{"X-Forwarded-For", clientip.PortsAlways, "::ffff:192.0.2.1:80", "192.0.2.1"},
		{"X-Forwarded-For", clientip.PortsAlways, "2001:db8::1:70000", ""},
		{"CloudFront-Viewer-Address", clientip.PortsByHeader, either, withPort},
		{"cloudfront-viewer-address", clientip.PortsByHeader, "192.0.2.1:9985", "192.0.2.1"},
		{"CloudFront-Viewer-Address", clientip.PortsByHeader, "2001:db8::1", ""},
		{"CF-Connecting-IP", clientip.PortsByHeader, either, honest},
		{"True-Client-IP", clientip.PortsByHeader, either, honest},
		{"Fly-Client-IP", clientip.PortsAlways, either, withPort},
	} {
		resolver := clientip.Proxies{Header: test.header, Trusted: proxyNet, Ports: test.ports}.Resolver()
		require.NoError(t, resolver.(clientip.Validator).Validate())
		assertClient(t, test.want, resolver, request(proxy, test.header, test.entry))
	}
	wrong := clientip.Proxies{Header: "X-Real-IP", Trusted: proxyNet, Ports: 9}.Resolver()
	assert.ErrorContains(t, wrong.(clientip.Validator).Validate(), "Ports 9")
}

// A client can have a proxy drop a header: "Connection: close, X-Real-IP" makes it one
// of the connection, which is not passed on (RFC 9110, section 7.6.1).
func TestAHeaderThatTheClientHasTheProxyDrop(t *testing.T) {
	resolver := clientip.TrustedProxies("X-Real-IP", netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ip, err := resolver.ClientIP(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, ip)
	}))
	defer application.Close()
	target, err := url.Parse(application.URL)
	require.NoError(t, err)
	//lint:ignore SA1019 a Director runs before headers of the connection are dropped, and Rewrite after
	reverse := httptest.NewServer(&httputil.ReverseProxy{Director: func(r *http.Request) {
		r.URL.Scheme, r.URL.Host = target.Scheme, target.Host
		r.Header.Set("X-Real-IP", "203.0.113.7")
	}})
	defer reverse.Close()

	for connection, want := range map[string]string{"close": "203.0.113.7", "close, X-Real-IP": "a trusted proxy sent no such header"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, reverse.URL, nil)
		require.NoError(t, err)
		r.Header.Set("Connection", connection)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		said, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Contains(t, string(said), want, connection)
	}
}

func TestNumberOfEntriesIsBounded(t *testing.T) {
	resolver := clientip.TrustedProxies("X-Forwarded-For", proxyNet...)
	chain := func(n int) string { return "192.0.2.1" + strings.Repeat(",10.0.0.1", n) }
	assertClient(t, "192.0.2.1", resolver, request(proxy, "X-Forwarded-For", chain(63)))
	assertClient(t, "", resolver, request(proxy, "X-Forwarded-For", chain(64)))
	assertClient(t, "", resolver, request(proxy, "X-Forwarded-For", chain(200_000)))
	assertClient(t, "", resolver, request(proxy, "X-Forwarded-For", strings.Split(chain(64), ",")...))
	assertClient(t, "192.0.2.2", resolver, request(proxy, "X-Forwarded-For", chain(200_000)+",192.0.2.2"))
}

func TestTrustedPrefixes(t *testing.T) {
	for _, test := range []struct {
		prefix, peer string
		trusted      bool
	}{
		{"10.0.0.0/8", "10.9.9.9:1", true},
		{"10.0.0.0/8", "11.0.0.0:1", false},
		{"10.0.0.7/8", "10.9.9.9:1", true}, // bits of the host do not matter
		{"10.0.0.1/32", "10.0.0.1:1", true},
		{"10.0.0.1/32", "10.0.0.2:1", false},
		{"::ffff:10.0.0.0/104", "10.9.9.9:1", true},
		{"::ffff:10.0.0.0/104", "[::ffff:10.9.9.9]:1", true},
		{"::ffff:10.0.0.0/104", "11.0.0.0:1", false},
		{"fe80::/10", "[fe80::1%eth0]:1", true},
		{"::/1", "10.0.0.1:1", false}, // IPv4 is not a part of IPv6
	} {
		resolver := clientip.TrustedProxies("X-Real-IP", netip.MustParsePrefix(test.prefix))
		require.NoError(t, resolver.(clientip.Validator).Validate())
		want := netip.MustParseAddr("192.0.2.1")
		if !test.trusted {
			want = binding.Normalize(netip.MustParseAddrPort(test.peer).Addr())
		}
		assertClient(t, want.String(), resolver, request(test.peer, "X-Real-IP", "192.0.2.1"))
	}
}

func TestMisconfiguration(t *testing.T) {
	ok := netip.MustParsePrefix("10.0.0.0/8")
	for _, test := range []struct {
		name, header string
		trusted      []netip.Prefix
		want         []string
	}{
		{"no header", "", []netip.Prefix{ok}, []string{`"" is not the name`}},
		{"no header name", "X Forwarded For", []netip.Prefix{ok}, []string{`"X Forwarded For" is not the name`}},
		{"two header names", "X-Real-IP,Forwarded", []netip.Prefix{ok}, []string{"is not the name"}},
		{"nobody trusted", "X-Real-IP", nil, []string{"at least one prefix"}},
		{"zero prefix", "X-Real-IP", []netip.Prefix{ok, {}}, []string{"zero value"}},
		{"all of IPv4", "X-Real-IP", []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, []string{"0.0.0.0/0 holds every"}},
		{"all of IPv6", "X-Real-IP", []netip.Prefix{netip.MustParsePrefix("::/0")}, []string{"::/0 holds every"}},
		{"all of IPv4 in IPv6", "X-Real-IP", []netip.Prefix{netip.MustParsePrefix("::ffff:0.0.0.0/96")}, []string{"holds every"}},
		{"more than IPv4 in IPv6", "X-Real-IP", []netip.Prefix{netip.MustParsePrefix("::ffff:0.0.0.0/90")}, []string{"holds every"}},
		{"everything at once", "", []netip.Prefix{{}, netip.MustParsePrefix("::/0")}, []string{"name", "zero value", "holds every"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			resolver := clientip.TrustedProxies(test.header, test.trusted...)
			err := resolver.(clientip.Validator).Validate()
			require.ErrorIs(t, err, clientip.ErrMisconfigured)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
			for _, peer := range []string{proxy, "192.0.2.1:80"} {
				ip, err := resolver.ClientIP(request(peer, "X-Real-IP", "198.51.100.1"))
				assert.ErrorIs(t, err, clientip.ErrMisconfigured)
				assert.False(t, ip.IsValid())
			}
		})
	}
}

func TestRequestIsLeftAsItIs(t *testing.T) {
	r := request(proxy, "X-Forwarded-For", "192.0.2.1, 10.0.0.2", "10.0.0.3")
	want := r.Header.Clone()
	assertClient(t, "192.0.2.1", clientip.TrustedProxies("X-Forwarded-For", proxyNet...), r)
	assert.Equal(t, want, r.Header)
	assert.Equal(t, proxy, r.RemoteAddr)
}

// An entry is read in each way that Ports has.
func FuzzEntry(f *testing.F) {
	for entry := range addresses {
		f.Add(entry)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		read := func(ports clientip.Ports) netip.Addr {
			resolver := clientip.Proxies{Header: "X-Forwarded-For", UnixSocket: true, Ports: ports}.Resolver()
			ip, err := resolver.ClientIP(request("@", "X-Forwarded-For", entry))
			if err != nil {
				_, ok := errors.AsType[*clientip.AddressError](err)
				assert.True(t, ok)
				assert.False(t, ip.IsValid())
			}
			return ip
		}
		unsure, never, always := read(clientip.PortsByHeader), read(clientip.PortsNever), read(clientip.PortsAlways)
		if unsure.IsValid() && never.IsValid() && always.IsValid() {
			assert.Equal(t, never, unsure, "only what reads the same in both ways is read")
			assert.Equal(t, always, unsure, "only what reads the same in both ways is read")
		}
		if never.IsValid() && always.IsValid() && never != always {
			assert.False(t, unsure.IsValid(), "one of two addresses is none")
		}
	})
}

func FuzzXForwardedFor(f *testing.F) {
	fuzzPrepending(f, "X-Forwarded-For", func(node string) string { return node })
}

// fuzzPrepending checks that nothing that a client sends changes what proxies
// append to it.
func fuzzPrepending(f *testing.F, header string, entry func(node string) string) {
	for _, sent := range []string{"", "192.0.2.9", "10.0.0.1", `"`, `\`, `for="`, `for="\`, `for="a\"`, ",", ";", "for=_x;for=_y", "unknown, [::1", `for="[2001:db8::1]:4711"`} {
		f.Add(sent, uint32(0xC0000201), true)
		f.Add(sent, uint32(0x0A000001), false)
	}
	resolver := clientip.TrustedProxies(header, proxyNet...)
	f.Fuzz(func(t *testing.T, sent string, client uint32, sameLine bool) {
		ip := netip.AddrFrom4([4]byte{byte(client >> 24), byte(client >> 16), byte(client >> 8), byte(client)})
		if proxyNet[0].Contains(ip) {
			ip = netip.MustParseAddr("192.0.2.1")
		}
		honest := entry(ip.String()) + ", " + entry("10.0.0.2")
		lines := []string{sent, honest}
		if sameLine {
			lines = []string{sent + ", " + honest}
		}
		assertClient(t, ip.String(), resolver, request(proxy, header, lines...))

		// Without the header, and with what the client sent alone: an address or an
		// AddressError, and no panic; never the proxy's own.
		assertClient(t, "", resolver, request(proxy, header))
		if ip, err := resolver.ClientIP(request(proxy, header, sent)); err == nil {
			assert.Equal(t, binding.Normalize(ip), ip)
			assert.True(t, ip.IsValid())
		} else {
			_, ok := errors.AsType[*clientip.AddressError](err)
			assert.True(t, ok)
		}
	})
}

func BenchmarkRemoteAddr(b *testing.B) {
	r := request("192.0.2.1:4711", "")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (clientip.RemoteAddr{}).ClientIP(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTrustedProxies(b *testing.B) {
	for header, line := range map[string]string{
		"X-Forwarded-For": "198.51.100.1, 192.0.2.1, 10.0.0.2",
		"Forwarded":       `for=198.51.100.1, for="[2001:db8::1]:4711";proto=https, for=10.0.0.2`,
	} {
		b.Run(header, func(b *testing.B) {
			resolver := clientip.TrustedProxies(header, proxyNet...)
			r := request(proxy, header, line)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := resolver.ClientIP(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
