package settings

import (
	"encoding"
	"encoding/json"
	"reflect"

	"github.com/mooring-go/mooring/duration"
)

// Schema returns a JSON Schema (draft 2020-12) of the documents that [ReadJSON] and package
// settingsyaml read, for editors and for pipelines that look at a file before it is used. What
// it refuses they refuse. It cannot say everything: what the texts of values may be, and what
// excludes what, is for the readers and [loginstage.New] to find.
func Schema() []byte {
	root := objectSchema(table())
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "Settings of Mooring's user login stage"
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // strings, numbers and maps of them have a JSON
	}
	return append(text, '\n')
}

// schema is the part of JSON Schema that settings need.
type schema struct {
	Schema      string            `json:"$schema,omitempty"`
	Title       string            `json:"title,omitempty"`
	Type        string            `json:"type"`
	Description string            `json:"description,omitempty"`
	Enum        []string          `json:"enum,omitempty"`
	Pattern     string            `json:"pattern,omitempty"`
	Minimum     *int              `json:"minimum,omitempty"`
	Maximum     *int              `json:"maximum,omitempty"`
	Items       *schema           `json:"items,omitempty"`
	Properties  map[string]schema `json:"properties,omitempty"`
	Additional  *bool             `json:"additionalProperties,omitempty"`
}

func objectSchema(fields []field) schema {
	object := schema{Type: "object", Properties: map[string]schema{}, Additional: new(bool)}
	for _, f := range fields {
		if f.inside != nil {
			object.Properties[f.name] = objectSchema(f.inside)
		} else {
			object.Properties[f.name] = f.schema()
		}
	}
	return object
}

// schema returns what a setting's value has to be.
func (f field) schema() schema {
	switch f.form() {
	case boolForm:
		return schema{Type: "boolean"}
	case listForm:
		return schema{Type: "array", Items: &schema{Type: "string"}}
	case integerForm:
		integer := schema{Type: "integer"}
		if f.of.Kind() == reflect.Uint16 {
			integer.Minimum, integer.Maximum = new(int), new(int)
			*integer.Maximum = 1<<16 - 1
		}
		return integer
	}
	if f.of == reflect.TypeFor[duration.Duration]() {
		return schema{
			Type: "string", Pattern: "^[^=,;]+=[^=,;]+([,;][^=,;]+=[^=,;]+)*$",
			Description: "A duration, such as hours=12 or days=1,hours=2.5: microseconds, milliseconds, seconds, minutes, hours, days, weeks.",
		}
	}
	return schema{Type: "string", Enum: namesOfValues(f.of)}
}

// namesOfValues returns the texts that values of the type can have, if that is a number with
// names, and nil for any other.
func namesOfValues(of reflect.Type) []string {
	if of.Kind() != reflect.Uint8 {
		return nil
	}
	var names []string
	if readText(reflect.New(of).Elem(), "") == nil {
		names = append(names, "")
	}
	value := reflect.New(of).Elem()
	for n := range uint64(1 << 8) {
		value.SetUint(n)
		if named, ok := reflect.TypeAssert[encoding.TextMarshaler](value); ok {
			if text, err := named.MarshalText(); err == nil {
				names = append(names, string(text))
			}
		}
	}
	return names
}
