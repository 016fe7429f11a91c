package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// jsonLines reads one JSON object a line.
type jsonLines struct {
	fields Fields
	clock  clock
}

var errJSON = errors.New("no JSON object with text or numbers in the fields that are asked for")

func newJSONLines(f Fields) parser {
	return &jsonLines{
		fields: f.or(Fields{Time: "time", IP: "ip", Session: "session", User: "user"}),
		clock:  clock{layout: time.RFC3339},
	}
}

func (j *jsonLines) parse(line []byte) (Entry, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(line, &object); err != nil {
		return Entry{}, errJSON
	}
	var values [4][]byte
	for i, name := range []string{j.fields.Time, j.fields.IP, j.fields.Session, j.fields.User} {
		value, err := plain(object[name])
		if err != nil {
			return Entry{}, err
		}
		values[i] = value
	}
	if values[0] == nil || values[1] == nil {
		return Entry{}, errMissing
	}
	return entryOf(&j.clock, values[0], values[1], values[2], values[3])
}

// plain is the text of a string or a number; nothing for null and what is absent.
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
