package clientip_test

import (
	"fmt"
	"net/http"
	"net/netip"

	"github.com/mooring-go/mooring/binding/clientip"
)

func Example() {
	resolver := clientip.TrustedProxies("X-Forwarded-For", netip.MustParsePrefix("10.0.0.0/8"))

	r := &http.Request{RemoteAddr: "10.0.0.1:4711", Header: http.Header{
		// The client claims to be 198.51.100.1; the proxy in front says who it is.
		"X-Forwarded-For": {"198.51.100.1, 192.0.2.1, 10.0.0.2"},
	}}
	fmt.Println(resolver.ClientIP(r))

	r.RemoteAddr = "203.0.113.7:4711" // not a proxy that is trusted
	fmt.Println(resolver.ClientIP(r))
	// Output:
	// 192.0.2.1 <nil>
	// 203.0.113.7 <nil>
}

func ExampleRemoteAddr() {
	r := &http.Request{RemoteAddr: "[2001:db8::1]:4711"}
	fmt.Println(clientip.RemoteAddr{}.ClientIP(r))
	// Output: 2001:db8::1 <nil>
}

func ExampleTrustedProxies_forwarded() {
	resolver := clientip.TrustedProxies("Forwarded", netip.MustParsePrefix("10.0.0.0/8"))
	r := &http.Request{RemoteAddr: "10.0.0.1:4711", Header: http.Header{
		"Forwarded": {`for="[2001:db8::1]:4711";proto=https`},
	}}
	fmt.Println(resolver.ClientIP(r))

	r.Header.Set("Forwarded", "for=unknown")
	_, err := resolver.ClientIP(r)
	fmt.Println(err)
	// Output:
	// 2001:db8::1 <nil>
	// clientip: Forwarded: "for=unknown": not an IP address (want "ip", "ip:port", "[ipv6]" or "[ipv6]:port")
}

// nginx connects through a Unix socket, and writes IPv6 addresses without ports.
func ExampleProxies() {
	resolver := clientip.Proxies{Header: "X-Forwarded-For", UnixSocket: true, Ports: clientip.PortsNever}.Resolver()
	r := &http.Request{RemoteAddr: "@", Header: http.Header{"X-Forwarded-For": {"2001:db8::9:80"}}}
	fmt.Println(resolver.ClientIP(r))

	r.Header.Del("X-Forwarded-For") // a client can have a proxy drop it
	_, err := resolver.ClientIP(r)
	fmt.Println(err)
	// Output:
	// 2001:db8::9:80 <nil>
	// clientip: X-Forwarded-For: "": a trusted proxy sent no such header
}

func ExampleValidator() {
	resolver := clientip.TrustedProxies("X-Forwarded-For")
	fmt.Println(resolver.(clientip.Validator).Validate())
	// Output: clientip: trusted proxies: none is trusted, want at least one prefix
}
