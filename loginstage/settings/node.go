package settings

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
)

// A Node is a value in a document of settings, whatever that is written in. The zero Node
// is a null without a line. It is a value; readers do not change it.
type Node struct {
	Kind    Kind
	Line    int      // from 1; 0: nobody knows
	Text    string   // of a scalar: what it says, without quotes and escapes
	Items   []Node   // of a List
	Members []Member // of a Map, in order; a key that is repeated is there again
}

// A Member is a key of a Map, and its value.
type Member struct {
	Key   string
	Line  int // of the key, from 1; 0: nobody knows
	Value Node
}

// Kind is what a [Node] is. The zero value is [Null]. There are no others than these.
type Kind int

// The kinds: those of JSON.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Map
)

// String returns the name of the kind, with its article.
func (k Kind) String() string {
	names := []string{"null", "a boolean", "a number", "a string", "a list", "an object"}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return names[k]
}

// ReadNode sets the settings that a document has, and returns every mistake in it, joined:
// an [*Error] each, a hundred at the most. A setting that cannot be read stays as it was,
// and the others are set, so that [loginstage.New] can find what else is wrong. It is for
// readers of other formats, such as package loginstage/settingsyaml.
func ReadNode(into *loginstage.Settings, document Node) error {
	var m mistakes
	readObject(into, document, field{inside: table()}, 0, &m)
	return m.joined()
}

// readObject sets the fields inside of an object.
func readObject(into *loginstage.Settings, node Node, of field, line int, m *mistakes) {
	if node.Kind != Map {
		m.add(of.key, max(line, node.Line), node.Text, fmt.Errorf("%s: want an object with keys such as %s", node.Kind, of.inside[0].name))
		return
	}
	first := make(map[string]int, len(node.Members)) // the lines of the keys so far
	for _, member := range node.Members {
		key := member.Key
		if of.key != "" {
			key = of.key + "." + key
		}
		if before, again := first[member.Key]; again {
			m.add(key, member.Line, "", fmt.Errorf("it is there before, in line %d: want it once", before))
			continue
		}
		first[member.Key] = member.Line
		i := slices.IndexFunc(of.inside, func(f field) bool { return f.name == member.Key })
		switch {
		case i < 0 && m.full(): // and to look for what is near would take a while
			m.dropped++
		case i < 0:
			m.add(key, member.Line, "", unknown(member.Key, namesOf(of.inside)))
		case of.inside[i].inside != nil:
			readObject(into, member.Value, of.inside[i], member.Line, m)
		default:
			if err := of.inside[i].set(into, member.Value); err != nil {
				m.add(key, member.Line, member.Value.Text, err)
			}
		}
	}
}

func namesOf(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

// set sets the field to what the value says, or leaves it as it is.
func (f field) set(into *loginstage.Settings, value Node) error {
	form := f.form()
	if value.Kind == Null {
		return errors.New("it has no value: want one, or no key for the default")
	}
	switch {
	case form == listForm && value.Kind == List:
		names := make([]string, 0, len(value.Items))
		for _, item := range value.Items {
			if item.Kind != String {
				return fmt.Errorf("%s in the list: want strings", item.Kind)
			}
			names = append(names, item.Text)
		}
		f.setNames(into, names)
		return nil
	case form == listForm:
		return fmt.Errorf("%s: want a list of strings", value.Kind)
	case value.Kind == List, value.Kind == Map:
		return fmt.Errorf("%s: want %s", value.Kind, f.wants())
	case form.kind() != value.Kind:
		if err := f.setText(new(loginstage.Settings), value.Text); err != nil && form == textForm {
			return err // it says what is allowed, which quotes alone would not be
		}
		return fmt.Errorf("%s: want %s", value.Kind, form.kind())
	case value.Kind == Bool && value.Text != "true" && value.Text != "false":
		return errors.New("want true or false")
	}
	return f.setText(into, value.Text)
}

// wants returns the kind of node that the setting is, with an example where an object
// would be as likely.
func (f field) wants() string {
	kind := f.form().kind().String()
	switch f.of {
	case reflect.TypeFor[duration.Duration]():
		return kind + ` such as "hours=12"`
	case reflect.TypeOf(loginstage.Settings{}.Actions):
		return kind + ` such as "*=report,network.asn=step_up"`
	default:
		return kind
	}
}

// kind returns the kind of node that a setting of the form is.
func (f form) kind() Kind {
	return [...]Kind{textForm: String, boolForm: Bool, integerForm: Number, listForm: List}[f]
}
