package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// combined reads the Combined Log Format of Apache httpd, which nginx and others
// write too:
//
//	192.0.2.1 - ada [05/Jan/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "agent" "session"
type combined struct {
	fields                  [][]byte
	clock                   clock
	when, ip, session, user int
}

var combinedNames = []string{"host", "ident", "user", "time", "request", "status", "bytes", "referer", "agent"}

// maxFields is how many fields of a line are looked at.
const maxFields = 32

var (
	errUnclosed = errors.New("a quote or bracket is not closed")
	errTooMany  = fmt.Errorf("more than %d fields", maxFields)
)

func newCombined(f Fields) (parser, error) {
	f = f.or(Fields{Time: "time", IP: "host", Session: "user", User: "user"})
	c := &combined{clock: clock{layout: "02/Jan/2006:15:04:05 -0700"}}
	for _, field := range []struct {
		name  string
		index *int
	}{{f.Time, &c.when}, {f.IP, &c.ip}, {f.Session, &c.session}, {f.User, &c.user}} {
		var err error
		if *field.index, err = combinedIndex(field.name); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func combinedIndex(name string) (int, error) {
	if i := slices.Index(combinedNames, name); i >= 0 {
		return i, nil
	}
	if number, ok := strings.CutPrefix(name, "extra"); ok {
		if n, err := strconv.Atoi(number); err == nil && n >= 1 && n <= maxFields-len(combinedNames) {
			return len(combinedNames) + n - 1, nil
		}
	}
	return 0, fmt.Errorf("field %q: want one of %s, extra1, extra2, …", name, strings.Join(combinedNames, ", "))
}

func (c *combined) parse(line []byte) (Entry, error) {
	c.fields = c.fields[:0]
	for len(line) > 0 {
		if line[0] == ' ' {
			line = line[1:]
			continue
		}
		field, rest, err := nextField(line)
		if err != nil {
			return Entry{}, err
		}
		if len(c.fields) == maxFields {
			return Entry{}, errTooMany
		}
		c.fields, line = append(c.fields, field), rest
	}
	if max(c.when, c.ip, c.session, c.user) >= len(c.fields) {
		return Entry{}, errMissing
	}
	return entryOf(&c.clock, c.fields[c.when], c.fields[c.ip], c.fields[c.session], c.fields[c.user])
}

// nextField is the field that line begins with: up to a space or, where it is in
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
