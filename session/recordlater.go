package session

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// merge returns theirs with what has changed from base to mine. All are JSON: theirs
// was written by a later release, base is what this one makes of it, and mine what it
// writes. What is the same in base and mine stays as it is in theirs, to the byte,
// and so does what theirs alone has.
func merge(theirs, base, mine json.RawMessage) json.RawMessage {
	if bytes.Equal(base, mine) {
		return theirs
	}
	t, b, m := object(theirs), object(base), object(mine)
	if t == nil || m == nil {
		return mine
	}
	merged := make(map[string]json.RawMessage, len(t)+len(m))
	for key, value := range t {
		_, known := b[key]
		change, written := m[key]
		switch {
		case written:
			merged[key] = merge(value, b[key], change)
		case !known:
			merged[key] = value
		}
	}
	for key, value := range m {
		if _, there := t[key]; !there {
			merged[key] = value
		}
	}
	return join(merged)
}

// object returns the fields of a JSON object, as they are written, or nil for what is
// no object.
func object(text json.RawMessage) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil {
		return nil
	}
	return fields
}

// join writes the fields as an object. [json.Marshal] would rewrite their values.
func join(fields map[string]json.RawMessage) json.RawMessage {
	text := []byte{'{'}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if len(text) > 1 {
			text = append(text, ',')
		}
		quoted, _ := json.Marshal(key) // a string never fails
		text = append(append(append(text, quoted...), ':'), fields[key]...)
	}
	return append(text, '}')
}
