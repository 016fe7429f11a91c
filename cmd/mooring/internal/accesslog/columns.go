package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A layout is a format whose lines are fields that are separated by spaces, in quotes
// or brackets where they hold some.
type layout struct {
	format Format
	names  []string // of the fields; what is appended to them is extra1, extra2, …
	fields Fields   // where what is needed stands; no Session: the format has none
	time   string
	begin  func(line []byte) []byte // returns the line from its first field on; nil: the whole line
}

const clf = "02/Jan/2006:15:04:05 -0700"

var combinedNames = []string{"host", "ident", "user", "time", "request", "status", "bytes", "referer", "agent"}

// layouts are the formats, in the order in which they are tried on a line.
var layouts = []layout{
	{
		// Apache httpd, nginx, Caddy and Traefik by way of a setting:
		// 192.0.2.1 - ada [05/Jan/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "agent"
		format: Combined, names: combinedNames, time: clf,
		fields: Fields{Time: "time", IP: "host", Session: "user", User: "user"},
	},
	{
		// example.com:443 192.0.2.1 - ada [05/Jan/2026:09:00:00 +0000] "GET / HTTP/1.1" …
		format: VHost, names: append([]string{"vhost"}, combinedNames...), time: clf,
		fields: Fields{Time: "time", IP: "host", Session: "user", User: "user"},
	},
	{
		// … haproxy[14389]: 192.0.2.1:33317 [05/Jan/2026:09:00:00.655] http-in static/srv1 …
		format: HAProxy, time: "02/Jan/2006:15:04:05.000",
		names: []string{
			"host", "time", "frontend", "backend", "timers", "status", "bytes", "request_cookie", "response_cookie", "state", "connections", "queue",
		},
		fields: Fields{Time: "time", IP: "host", Session: "request_cookie"},
		begin:  afterSyslog,
	},
	{
		// AWS Application Load Balancer.
		format: ALB, time: time.RFC3339,
		names: []string{
			"type", "time", "elb", "client", "target", "request_time", "target_time", "response_time", "elb_status", "target_status",
			"received", "sent", "request", "agent", "cipher", "protocol", "target_group", "trace",
		},
		fields: Fields{Time: "time", IP: "client"},
	},
	{
		// AWS Classic Load Balancer.
		format: ELB, time: time.RFC3339,
		names: []string{
			"time", "elb", "client", "backend", "request_time", "backend_time", "response_time", "elb_status", "backend_status",
			"received", "sent", "request", "agent", "cipher", "protocol",
		},
		fields: Fields{Time: "time", IP: "client"},
	},
}

// layoutOf returns the layout of the format, or nil for a format of another kind.
func layoutOf(format Format) *layout {
	i := slices.IndexFunc(layouts, func(l layout) bool { return l.format == format })
	if i < 0 {
		return nil
	}
	return &layouts[i]
}

// afterSyslog returns what HAProxy wrote, behind what syslog puts before it.
func afterSyslog(line []byte) []byte {
	if i := bytes.Index(line, []byte("haproxy[")); i >= 0 {
		if _, rest, found := bytes.Cut(line[i:], []byte("]: ")); found {
			return rest
		}
	}
	return line
}

// columns reads lines of a layout.
type columns struct {
	layout                  *layout
	reader                  entryReader
	found                   [][]byte
	when, ip, session, user int // user: -1 if there is none
}

// maxFields is how many fields of a line are looked at.
const maxFields = 32

var (
	errUnclosed = errors.New("a quote or bracket is not closed")
	errTooMany  = fmt.Errorf("more than %d fields", maxFields)
)

func newColumns(l *layout, c Config) (parser, error) {
	f := c.Fields.or(l.fields)
	if f.Session == "" {
		return nil, fmt.Errorf("log format %s has no field that tells sessions apart: want -session-field to name one of %s", l.format, l.allowed())
	}
	p := &columns{layout: l, reader: c.reader(l.time), user: -1}
	for _, field := range []struct {
		name  string
		index *int
	}{{f.Time, &p.when}, {f.IP, &p.ip}, {f.Session, &p.session}, {f.User, &p.user}} {
		if field.name == "" {
			continue
		}
		var err error
		if *field.index, err = l.index(field.name); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (l *layout) allowed() string { return strings.Join(l.names, ", ") + ", extra1, extra2, …" }

// index returns where the field stands.
func (l *layout) index(name string) (int, error) {
	if i := slices.Index(l.names, name); i >= 0 {
		return i, nil
	}
	if number, ok := strings.CutPrefix(name, "extra"); ok {
		if n, err := strconv.Atoi(number); err == nil && n >= 1 && n <= maxFields-len(l.names) {
			return len(l.names) + n - 1, nil
		}
	}
	return 0, fmt.Errorf("field %q: want one of %s", name, l.allowed())
}

func (c *columns) parse(line []byte) (Entry, error) {
	if c.layout.begin != nil {
		line = c.layout.begin(line)
	}
	c.found = c.found[:0]
	for len(line) > 0 {
		if line[0] == ' ' {
			line = line[1:]
			continue
		}
		field, rest, err := nextField(line)
		if err != nil {
			return Entry{}, err
		}
		if len(c.found) == maxFields {
			return Entry{}, errTooMany
		}
		c.found, line = append(c.found, field), rest
	}
	if max(c.when, c.ip, c.session, c.user) >= len(c.found) {
		return Entry{}, errMissing
	}
	var user []byte
	if c.user >= 0 {
		user = c.found[c.user]
	}
	return c.reader.entry(c.found[c.when], c.found[c.ip], c.found[c.session], user)
}

// nextField returns the field that line begins with: up to a space or, where it is in
// quotes or brackets, up to their end. A backslash takes what is after it as it
// is. [2001:db8::1]:443 is not in brackets.
func nextField(line []byte) (field, rest []byte, err error) {
	word, after := line, []byte(nil)
	if i := bytes.IndexByte(line, ' '); i >= 0 {
		word, after = line[:i], line[i:]
	}
	var end byte
	switch {
	case line[0] == '"':
		end = '"'
	case line[0] == '[' && !bytes.Contains(word, []byte("]:")):
		end = ']'
	default:
		return word, after, nil
	}
	for i := 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case end:
			return line[1:i], line[i+1:], nil
		}
	}
	return nil, nil, errUnclosed
}
