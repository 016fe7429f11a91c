package settings

import (
	"encoding"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/mooring-go/mooring/loginstage"
)

// A field is one setting, or an object of several.
type field struct {
	name   string  // "families"
	key    string  // "tolerance.families"
	index  []int   // of the field of loginstage.Settings
	inside []field // of an object; nil for a setting
	of     reflect.Type
}

// table returns what there is to set. It is the fields of loginstage.Settings, so that a
// new one is known to every reader and to the schema.
var table = sync.OnceValue(func() []field {
	return fieldsOf(reflect.TypeFor[loginstage.Settings](), "", nil)
})

func fieldsOf(of reflect.Type, prefix string, index []int) []field {
	var all []field
	for i := range of.NumField() {
		in := of.Field(i)
		name, _, _ := strings.Cut(in.Tag.Get("json"), ",")
		f := field{name: name, key: prefix + name, index: append(append([]int(nil), index...), i), of: in.Type}
		if in.Type.Kind() == reflect.Struct && !isText(in.Type) {
			f.inside = fieldsOf(in.Type, f.key+".", f.index)
		}
		all = append(all, f)
	}
	return all
}

// isText reports whether values of the type read themselves from text.
func isText(of reflect.Type) bool {
	return of.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) ||
		reflect.PointerTo(of).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// leaves yields the settings, those inside of objects too.
func leaves(fields []field) iter.Seq[field] {
	return func(yield func(field) bool) {
		for _, f := range fields {
			inside := f.inside
			if inside == nil {
				inside = []field{f}
			}
			for _, leaf := range inside { // of objects there are no more levels: a test
				if !yield(leaf) {
					return
				}
			}
		}
	}
}

// form is how a setting is written in a document.
type form int

const (
	textForm    form = iota // a string
	boolForm                // true or false
	integerForm             // a whole number
	listForm                // a list of strings
)

func (f field) form() form {
	switch {
	case isText(f.of), f.of.Kind() == reflect.String:
		return textForm
	case f.of.Kind() == reflect.Bool:
		return boolForm
	case f.of.Kind() == reflect.Slice:
		return listForm
	default:
		return integerForm
	}
}

// setText sets the field to what the text says, or leaves it as it is. What it had is not
// written to, since others may use it.
func (f field) setText(into *loginstage.Settings, text string) error {
	value := reflect.New(f.of).Elem()
	if err := readText(value, text); err != nil {
		return err
	}
	reflect.ValueOf(into).Elem().FieldByIndex(f.index).Set(value)
	return nil
}

// setNames sets the field, a list, to the names.
func (f field) setNames(into *loginstage.Settings, names []string) {
	reflect.ValueOf(into).Elem().FieldByIndex(f.index).Set(reflect.ValueOf(names))
}

// readText reads into a new value.
func readText(value reflect.Value, text string) error {
	if value.Kind() == reflect.Pointer {
		value.Set(reflect.New(value.Type().Elem()))
	} else {
		value = value.Addr()
	}
	if reader, ok := reflect.TypeAssert[encoding.TextUnmarshaler](value); ok {
		return reader.UnmarshalText([]byte(text))
	}
	value = value.Elem()
	switch value.Kind() {
	case reflect.String:
		value.SetString(text)
	case reflect.Bool:
		read, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("want true or false")
		}
		value.SetBool(read)
	case reflect.Int:
		read, err := strconv.ParseInt(text, 10, value.Type().Bits())
		if err != nil {
			return errors.New("want a whole number")
		}
		value.SetInt(read)
	case reflect.Uint16:
		read, err := strconv.ParseUint(text, 10, value.Type().Bits())
		if err != nil {
			return errors.New("want a whole number from 0 to 65535")
		}
		value.SetUint(read)
	case reflect.Slice:
		names := []string{}
		for name := range strings.SplitSeq(text, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
		value.Set(reflect.ValueOf(names))
	default:
		return fmt.Errorf("a %s is not read from text", value.Type())
	}
	return nil
}
