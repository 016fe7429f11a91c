package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// jsonLines reads one JSON object a line.
type jsonLines struct {
	names  [4][]string // of time, address, session and user: the first that a line has counts
	reader entryReader
}

var errJSON = errors.New("no JSON object with text or numbers in the fields that are asked for")

// jsonNames are what is looked for where nothing else is said: this program's own
// names, and those of Caddy, Traefik, and of nginx as it is often set up. A log that
// has no member for sessions tells them apart by the user.
var jsonNames = [4][]string{
	{"time", "ts", "timestamp", "@timestamp", "time_iso8601", "time_local", "StartUTC", "msec"},
	{"ip", "client_ip", "remote_ip", "remote_addr", "ClientHost", "request.client_ip", "request.remote_ip"},
	{"session", "session_id", "user", "user_id", "remote_user", "ClientUsername"},
	{"user", "user_id", "remote_user", "ClientUsername"},
}

func newJSONLines(c Config) parser {
	j := &jsonLines{names: jsonNames, reader: c.reader(time.RFC3339Nano, clf, time.DateTime, "2006-01-02T15:04:05Z0700")}
	for i, name := range []string{c.Fields.Time, c.Fields.IP, c.Fields.Session, c.Fields.User} {
		if name != "" {
			j.names[i] = []string{name}
		}
	}
	return j
}

func (j *jsonLines) parse(line []byte) (Entry, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(line, &object); err != nil {
		return Entry{}, errJSON
	}
	var values [4][]byte
	for i, names := range j.names {
		value, err := plain(first(object, names))
		if err != nil {
			return Entry{}, err
		}
		values[i] = value
	}
	if values[0] == nil || values[1] == nil {
		return Entry{}, errMissing
	}
	return j.reader.entry(values[0], values[1], values[2], values[3])
}

// first returns the first member that there is, or nil.
func first(object map[string]json.RawMessage, names []string) json.RawMessage {
	for _, name := range names {
		if value, ok := member(object, name); ok {
			return value
		}
	}
	return nil
}

// member returns the member of that name or, where its name has a dot, the member of
// a member.
func member(object map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	if value, ok := object[name]; ok {
		return value, true
	}
	outer, inner, dotted := strings.Cut(name, ".")
	value, ok := object[outer]
	if !dotted || !ok {
		return nil, false
	}
	var within map[string]json.RawMessage
	if json.Unmarshal(value, &within) != nil {
		return nil, false
	}
	return member(within, inner)
}

// plain returns the text of a string or a number; nothing for null and what is absent.
func plain(value json.RawMessage) ([]byte, error) {
	switch {
	case len(value) == 0 || string(value) == "null":
		return nil, nil
	case value[0] != '"':
		var number json.Number
		if err := json.Unmarshal(value, &number); err != nil {
			return nil, errJSON
		}
		return value, nil
	case bytes.IndexByte(value, '\\') < 0:
		return value[1 : len(value)-1], nil
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return nil, errJSON
	}
	return []byte(text), nil
}
