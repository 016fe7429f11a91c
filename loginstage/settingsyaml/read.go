package settingsyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/settings"
)

// maxDepth is how deep a document is looked into: no setting is as deep.
const maxDepth = 8

// Read sets the settings that a document of YAML has, and returns every mistake in it,
// joined: a [*settings.Error] each, two hundred at the most. What is no YAML, or is none of
// the part of it that this package reads, is a mistake, and sets nothing. A setting that cannot
// be read stays as it was, and the others are set. A byte order mark is passed over.
func Read(into *loginstage.Settings, document []byte) error {
	text, err := settings.Clean(document)
	if err != nil {
		return err
	}
	root, err := parse(text)
	if err != nil {
		return err
	}
	var r reader
	node, _ := r.node(root, 0)
	if len(r.mistakes) > 0 {
		rest := settings.ReadNode(new(loginstage.Settings), node) // without what is not read
		return errors.Join(append(r.mistakes, eachOf(rest)...)...)
	}
	return settings.ReadNode(into, node)
}

// eachOf returns the errors that ReadNode has joined.
func eachOf(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return nil
}

// parse returns the root of the only document in text.
func parse(text []byte) (root *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil { // a fault of the parser's
			root, err = nil, &settings.Error{Err: fmt.Errorf("want YAML: it cannot be parsed: %v", p)}
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, &settings.Error{Err: errors.New("it has comments alone: want settings, or {} for the defaults")}
	} else if err != nil {
		return nil, syntaxError(err)
	}
	if err := decoder.Decode(&more); err == nil {
		return nil, &settings.Error{Line: more.Line, Err: errors.New("another document: want one")}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(err)
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, &settings.Error{Err: errors.New("want one map of settings")}
	}
	return document.Content[0], nil
}

// syntax is how the parser says what is wrong.
var syntax = regexp.MustCompile(`^yaml: (?:line (\d+): )?((?s).*)$`)

// syntaxError returns the parser's error with the line apart.
func syntaxError(err error) error {
	parts := syntax.FindStringSubmatch(err.Error())
	if parts == nil {
		return &settings.Error{Err: fmt.Errorf("want YAML: %w", err)}
	}
	line, _ := strconv.Atoi(parts[1]) // 0 where there is none
	return &settings.Error{Line: line, Err: fmt.Errorf("want YAML: %.200s", parts[2])}
}

// reader makes nodes of what was parsed, and notes what is not read.
type reader struct{ mistakes []error }

// maxMistakes is how many mistakes are told.
const maxMistakes = 100

func (r *reader) mistake(at *yaml.Node, text, what string) {
	if len(r.mistakes) < maxMistakes {
		r.mistakes = append(r.mistakes, &settings.Error{Line: at.Line, Text: text, Err: errors.New(what)})
	}
}

// node returns what at says, without the members of maps that it says by an anchor, an
// alias or a tag. It is false if it says nothing else.
func (r *reader) node(at *yaml.Node, depth int) (node settings.Node, ok bool) {
	node, ok = settings.Node{Line: at.Line}, true
	if depth > maxDepth {
		r.mistake(at, "", fmt.Sprintf("it is nested too deep: want %d levels at the most", maxDepth))
		return node, false
	}
	if at.Anchor != "" {
		r.mistake(at, "&"+at.Anchor, "an anchor: want the value, where it is needed")
		ok = false
	}
	if at.Style&yaml.TaggedStyle != 0 {
		r.mistake(at, at.Tag, "a tag: want none")
		ok = false
	}
	switch at.Kind {
	case yaml.ScalarNode:
		node.Kind, node.Text = kindOf(at), at.Value
	case yaml.SequenceNode:
		node.Kind = settings.List
		for _, item := range at.Content {
			read, itemOK := r.node(item, depth+1)
			node.Items, ok = append(node.Items, read), ok && itemOK
		}
	case yaml.MappingNode:
		node.Kind = settings.Map
		for i := 0; i+1 < len(at.Content); i += 2 {
			if member, ok := r.member(at.Content[i], at.Content[i+1], depth); ok {
				node.Members = append(node.Members, member)
			}
		}
	case yaml.AliasNode:
		r.mistake(at, "*"+at.Value, "an alias: want the value, where it is needed")
		return node, false
	default:
		r.mistake(at, "", "want a map of settings")
		return node, false
	}
	return node, ok
}

func (r *reader) member(key, value *yaml.Node, depth int) (settings.Member, bool) {
	name, nameOK := r.node(key, depth+1)
	if nameOK && name.Kind != settings.String {
		r.mistake(key, name.Text, name.Kind.String()+" as a key: want the name of a setting")
		nameOK = false
	}
	read, ok := r.node(value, depth+1)
	return settings.Member{Key: name.Text, Line: key.Line, Value: read}, ok && nameOK
}

// kindOf returns what a scalar is, by the core schema (YAML 1.2.2, section 10.3).
func kindOf(scalar *yaml.Node) settings.Kind {
	switch scalar.ShortTag() {
	case "!!null":
		return settings.Null
	case "!!bool":
		return settings.Bool
	case "!!int", "!!float":
		return settings.Number
	default: // !!str, and what YAML 1.1 had besides, such as times
		return settings.String
	}
}
