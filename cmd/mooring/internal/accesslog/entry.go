package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/mooring-go/mooring/binding"
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
// appended, quoted or not. CSV has the names of its header, JSON lines those of
// their members. A zero field is the format's own: host or ip, time, user, and
// user or session.
type Fields struct{ Time, IP, Session, User string }

// or is f with the names of standard where f has none.
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
	errTime    = errors.New("the time is none that is understood")
)

// parser reads one line after the other. What an entry points to is valid until
// the next.
type parser interface {
	parse(line []byte) (Entry, error)
}

// entryOf reads the four fields. Times repeat from line to line, and are read
// once.
func entryOf(clock *clock, when, ip, session, user []byte) (Entry, error) {
	at, err := clock.read(when)
	if err != nil {
		return Entry{}, err
	}
	addr, err := addressOf(ip)
	if err != nil {
		return Entry{}, err
	}
	return Entry{Time: at, IP: addr, Session: known(session), User: known(user)}, nil
}

// addressOf reads an address, with or without a port.
func addressOf(text []byte) (netip.Addr, error) {
	addr, err := netip.ParseAddr(string(text))
	if err != nil {
		withPort, portErr := netip.ParseAddrPort(string(text))
		if portErr != nil {
			return netip.Addr{}, errAddress
		}
		addr = withPort.Addr()
	}
	return binding.Normalize(addr), nil
}

// known is text, or nothing for the dash that stands for nothing.
func known(text []byte) []byte {
	if len(text) == 1 && text[0] == '-' {
		return nil
	}
	return text
}

// clock reads times in the layout, or Unix seconds where there is none.
type clock struct {
	layout string
	text   []byte // what was read last
	time   time.Time
}

func (c *clock) read(text []byte) (time.Time, error) {
	if len(text) > 0 && bytes.Equal(text, c.text) {
		return c.time, nil
	}
	read, err := time.Parse(c.layout, string(text))
	if err != nil {
		if read, err = unixTime(string(text)); err != nil {
			return time.Time{}, err
		}
	}
	c.text, c.time = append(c.text[:0], text...), read.UTC()
	return c.time, nil
}

// unixTime reads seconds since 1970, with decimals or without.
func unixTime(text string) (time.Time, error) {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds >= 0 && seconds < 1<<33) {
		return time.Time{}, errTime
	}
	return time.UnixMicro(int64(seconds * 1e6)), nil
}

// LineError is what is wrong with a line.
type LineError struct {
	Source string
	Line   int
	Err    error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.Source, e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }
