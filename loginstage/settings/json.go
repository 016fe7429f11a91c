package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/mooring-go/mooring/loginstage"
)

// MaxDocument is how long a document of settings may be, in bytes.
const MaxDocument = 1 << 20

// maxDepth is how deep a document is looked into: no setting is as deep.
const maxDepth = 8

// ReadJSON sets the settings that an object of JSON (RFC 8259) has, and returns every mistake
// in it, joined: an [*Error] each, a hundred at the most. What is not JSON, is longer than
// [MaxDocument] or is empty is one mistake, and sets nothing. A setting that cannot be read
// stays as it was, and the others are set. A byte order mark is passed over.
//
// Durations, levels and other values with a text of their own are strings: "hours=12",
// "bind_asn".
func ReadJSON(into *loginstage.Settings, document []byte) error {
	text, err := Clean(document)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, new(json.RawMessage)); err != nil {
		line := 0
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			line = 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
		}
		return &Error{Line: line, Err: fmt.Errorf("want JSON: %w", err)}
	}
	r := jsonReader{decoder: json.NewDecoder(bytes.NewReader(text)), text: text, line: 1}
	r.decoder.UseNumber()
	root, err := r.node(0)
	if err != nil {
		return err
	}
	return ReadNode(into, root)
}

// Clean returns a document without a byte order mark, or what nothing can be read of for an
// [*Error]: one that is empty, longer than [MaxDocument], or not UTF-8. It is for readers of
// other formats.
func Clean(document []byte) ([]byte, error) {
	if len(document) > MaxDocument {
		return nil, &Error{Err: fmt.Errorf("%d bytes: want %d at the most", len(document), MaxDocument)}
	}
	if !utf8.Valid(document) {
		return nil, &Error{Err: errors.New("it is not UTF-8")}
	}
	text := bytes.TrimPrefix(document, []byte("\ufeff"))
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, &Error{Err: errors.New("it is empty: want settings, or {} for the defaults")}
	}
	return text, nil
}

// jsonReader makes nodes of JSON that is valid.
type jsonReader struct {
	decoder *json.Decoder
	text    []byte
	counted int // of the text
	line    int // there
}

// node returns the next value.
func (r *jsonReader) node(depth int) (Node, error) {
	token, line, err := r.token()
	if err != nil {
		return Node{}, err
	}
	if depth > maxDepth {
		return Node{}, &Error{Line: line, Err: fmt.Errorf("it is nested too deep: want %d levels at the most", maxDepth)}
	}
	switch token := token.(type) {
	case bool:
		return Node{Kind: Bool, Line: line, Text: fmt.Sprint(token)}, nil
	case json.Number:
		return Node{Kind: Number, Line: line, Text: token.String()}, nil
	case string:
		return Node{Kind: String, Line: line, Text: token}, nil
	case json.Delim:
		if token == '[' {
			return r.list(line, depth)
		}
		return r.object(line, depth)
	default:
		return Node{Line: line}, nil
	}
}

func (r *jsonReader) list(line, depth int) (Node, error) {
	list := Node{Kind: List, Line: line}
	for r.decoder.More() {
		item, err := r.node(depth + 1)
		if err != nil {
			return Node{}, err
		}
		list.Items = append(list.Items, item)
	}
	_, _, err := r.token()
	return list, err
}

func (r *jsonReader) object(line, depth int) (Node, error) {
	object := Node{Kind: Map, Line: line}
	for r.decoder.More() {
		key, line, err := r.token()
		if err != nil {
			return Node{}, err
		}
		value, err := r.node(depth + 1)
		if err != nil {
			return Node{}, err
		}
		object.Members = append(object.Members, Member{Key: fmt.Sprint(key), Line: line, Value: value})
	}
	_, _, err := r.token()
	return object, err
}

// token returns the next token and the line that it is in.
func (r *jsonReader) token() (json.Token, int, error) {
	token, err := r.decoder.Token()
	if err != nil {
		return nil, 0, &Error{Line: r.line, Err: fmt.Errorf("want JSON: %w", err)}
	}
	at := int(r.decoder.InputOffset())
	r.line += bytes.Count(r.text[r.counted:at], []byte("\n"))
	r.counted = at
	return token, r.line, nil
}
