package clientip_test

import (
	"strings"
	"testing"

	"github.com/mooring-go/mooring/binding/clientip"
)

func TestForwarded(t *testing.T) {
	resolver := clientip.TrustedProxies("Forwarded", proxyNet...)
	for _, test := range []struct {
		name  string
		lines []string
		want  string
	}{
		// RFC 7239, sections 4, 6 and 7.
		{"address", []string{`for=192.0.2.60;proto=http;by=203.0.113.43`}, "192.0.2.60"},
		{"port, quoted", []string{`for="192.0.2.43:47011"`}, "192.0.2.43"},
		{"IPv6 and port", []string{`For="[2001:db8:cafe::17]:4711"`}, "2001:db8:cafe::17"},
		{"obfuscated port", []string{`for="192.0.2.43:_gazonk"`}, "192.0.2.43"},
		{"obfuscated", []string{`for="_gazonk"`}, ""},
		{"unknown", []string{`for=unknown`}, ""},
		{"list", []string{`for=192.0.2.43, for="[2001:db8:cafe::17]"`}, "2001:db8:cafe::17"},
		{"parameters in another order", []string{`proto=https;host=example.com;FOR=192.0.2.1`}, "192.0.2.1"},
		{"extension", []string{`for=192.0.2.1;secret="a,b;for=198.51.100.1"`}, "192.0.2.1"},
		{"empty pairs", []string{`;for=192.0.2.1;;proto=http;`}, "192.0.2.1"},
		{"space around pairs", []string{" for=192.0.2.1 ; proto=http\t,\tfor=10.0.0.2 "}, "192.0.2.1"},

		{"port, not quoted", []string{`for=192.0.2.43:47011`}, "192.0.2.43"},
		{"IPv6, not quoted", []string{`for=[2001:db8::1]:4711`}, "2001:db8::1"},
		{"IPv6 without brackets", []string{`for="2001:db8::1"`}, "2001:db8::1"},
		{"escapes", []string{`for="\1\9\2.0.2.1"`}, "192.0.2.1"},

		{"chain", []string{`for=198.51.100.1, for=192.0.2.1;proto=https`, `for=10.0.0.3, for="10.0.0.2:80"`}, "192.0.2.1"},
		{"all trusted", []string{`for=10.3.3.3`, `for=10.0.0.3`}, "10.3.3.3"},
		{"stops at unknown", []string{`for=192.0.2.1, for=unknown, for=10.0.0.2`}, ""},
		{"comma in quotes", []string{`for=192.0.2.1;x="a, for=198.51.100.1"`}, "192.0.2.1"},
		{"escaped quote in quotes", []string{`for=192.0.2.1;x="a\", for=198.51.100.1"`}, "192.0.2.1"},
		{"escaped backslash at the end of quotes", []string{`for=192.0.2.1;x="a\\", for=10.0.0.2`}, "192.0.2.1"},
		{"escaped backslash and quote in quotes", []string{`for=192.0.2.1;x="\\\", for=198.51.100.1"`}, "192.0.2.1"},

		{"empty line", []string{``}, ""},
		{"empty element", []string{`for=192.0.2.1, , for=10.0.0.2`}, ""},
		{"no for", []string{`for=192.0.2.1, proto=http`}, ""},
		{"two for", []string{`for=192.0.2.1;for=192.0.2.1`}, ""},
		{"two for in two spellings", []string{`for=192.0.2.1;FOR=198.51.100.1`}, ""},
		{"empty for", []string{`for=`}, ""},
		{"empty quotes", []string{`for=""`}, ""},
		{"no value", []string{`for=192.0.2.1;proto`}, ""},
		{"no name", []string{`=192.0.2.1`}, ""},
		{"bare address", []string{`192.0.2.1`}, ""},
		{"space around =", []string{`for = 192.0.2.1`}, ""},
		{"space in a value", []string{`for=192.0.2.1 x`}, ""},
		{"space in quotes", []string{`for=" 192.0.2.1"`}, ""},
		{"two = in a pair", []string{`for=192.0.2.1;x=a=b`}, ""},
		{"text after quotes", []string{`for="192.0.2.1"x`}, ""},
		{"text before quotes", []string{`for=x"192.0.2.1"`}, ""},
		{"quote not closed", []string{`for="192.0.2.1`}, ""},
		{"quote not opened", []string{`for=192.0.2.1"`}, ""},
		{"closing quote is escaped", []string{`for="192.0.2.1\"`}, ""},
		{"one quote", []string{`for="`}, ""},
		{"quotes in quotes", []string{`for="192.0.2.1""`}, ""},
		{"name that is no token", []string{`f(or=192.0.2.1;for=192.0.2.1`}, ""},

		{"quote left open by the client", []string{`for="a, for=192.0.2.1, for=10.0.0.2`}, "192.0.2.1"},
		{"escape left open by the client", []string{`for="a\, for=192.0.2.1;x="y", for=10.0.0.2`}, "192.0.2.1"},
		{"quote left open on a line before", []string{`for="a`, `for=192.0.2.1`}, "192.0.2.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assertClient(t, test.want, resolver, request(proxy, "Forwarded", test.lines...))
		})
	}
}

func TestForwardedOfGreatLength(t *testing.T) {
	resolver := clientip.TrustedProxies("Forwarded", proxyNet...)
	for _, repeated := range []string{`"`, `\`, `\"`, `";`, `,`, `;`, `for=10.0.0.1,`, `for=10.0.0.1;`, `x="`} {
		long := strings.Repeat(repeated, 1_000_000/len(repeated))
		assertClient(t, "", resolver, request(proxy, "Forwarded", long))
		assertClient(t, "", resolver, request(proxy, "Forwarded", `for="`+long+`"`))
		assertClient(t, "192.0.2.1", resolver, request(proxy, "Forwarded", long+", for=192.0.2.1"))
	}
}

func FuzzForwarded(f *testing.F) {
	fuzzPrepending(f, "Forwarded", func(node string) string { return `for="` + node + `:80";by=_p;x="a,\";"` })
}
