package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/clientip"
)

// Entry is one use of a session. What it points to is read-only.
type Entry struct {
	Time    time.Time
	IP      netip.Addr // normalized
	Session []byte     // empty: the request came without one
	User    []byte     // empty: not known
}

// Fields says where in a line what is. Combined Log Format has host, ident, user,
// time, request, status, bytes, referer, agent, and extra1, extra2, … for what is
// appended, quoted or not; VHost has vhost before these. CSV has the names of its
// header, W3C those of its directive, JSON lines those of their members, with a dot
// between a member and a member of it. A zero field is the format's own.
type Fields struct{ Time, IP, Session, User string }

// or returns f with the names of standard where f has none.
func (f Fields) or(standard Fields) Fields {
	for _, name := range []struct{ given, standard *string }{
		{&f.Time, &standard.Time}, {&f.IP, &standard.IP}, {&f.Session, &standard.Session}, {&f.User, &standard.User},
	} {
		if *name.given == "" {
			*name.given = *name.standard
		}
	}
	return f
}

var (
	errMissing = errors.New("a field is missing")
	errAddress = errors.New("the address is none")
)

// parser reads one line after the other, none of them empty. What an entry points to
// is valid until the next.
type parser interface {
	parse(line []byte) (Entry, error)
}

// entryReader reads the four fields of an entry.
type entryReader struct {
	clock   clock
	proxies clientip.Resolver // finds the client in a list
	request *http.Request     // what proxies reads, reused
}

// reader returns an entryReader that reads times in the layouts.
func (c Config) reader(layouts ...string) entryReader {
	return entryReader{
		clock:   clock{layouts: layouts},
		proxies: clientip.Proxies{Header: forwardedFor, Trusted: slices.Concat(c.Proxies, local), UnixSocket: true, Ports: clientip.PortsNever}.Resolver(),
		request: &http.Request{RemoteAddr: "@", Header: http.Header{forwardedFor: {""}}},
	}
}

const forwardedFor = "X-Forwarded-For"

// local are the networks in which the proxies of a list are looked for, besides those
// that are named.
var local = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("::1/128"),
}

func (r *entryReader) entry(when, ip, session, user []byte) (Entry, error) {
	at, err := r.clock.read(when)
	if err != nil {
		return Entry{}, err
	}
	addr, err := r.address(ip)
	if err != nil {
		return Entry{}, err
	}
	return Entry{Time: at, IP: addr, Session: known(session), User: known(user)}, nil
}

// address reads an address, with or without a port, or a list of addresses as in
// X-Forwarded-For: the last one that is no proxy's.
func (r *entryReader) address(text []byte) (netip.Addr, error) {
	if addr, err := netip.ParseAddr(string(text)); err == nil {
		return binding.Normalize(addr), nil
	}
	if bytes.IndexByte(text, ',') < 0 {
		withPort, err := netip.ParseAddrPort(string(text))
		if err != nil {
			return netip.Addr{}, errAddress
		}
		return binding.Normalize(withPort.Addr()), nil
	}
	r.request.Header[forwardedFor][0] = string(text)
	addr, err := r.proxies.ClientIP(r.request)
	if err != nil {
		return netip.Addr{}, errAddress
	}
	return addr, nil
}

// known returns text, or nothing for the dash that stands for nothing.
func known(text []byte) []byte {
	if len(text) == 1 && text[0] == '-' {
		return nil
	}
	return text
}

// LineError is what is wrong with a line.
type LineError struct {
	Source string
	Line   int
	Err    error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.Source, e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }
