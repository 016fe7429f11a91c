package loginstage

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// A SettingError is one setting that cannot be read. [Config.ReadSettings] returns
// all of them, joined.
type SettingError struct {
	Key  string // as it was looked up: "session_duration", "tolerance.families"
	Text string // what was found there
	Err  error  // what is wrong with it, and what is allowed
}

// Error names the key, the text and what is allowed.
func (e *SettingError) Error() string {
	return fmt.Sprintf("loginstage: %s: %.80q: %v", e.Key, e.Text, e.Err)
}

// Unwrap returns Err.
func (e *SettingError) Unwrap() error { return e.Err }

// ReadSettings sets the settings that lookup finds a text for, such as variables of
// the environment, and returns every mistake in them, joined: a [*SettingError] each.
// A setting that cannot be read stays as it was, so that [New] can find what else is
// wrong.
//
// Keys are those of Config's JSON form; a setting inside Tolerance has both, with a
// dot between them. Names of a list are separated by commas.
//
//	err := config.ReadSettings(func(key string) (string, bool) {
//		return os.LookupEnv("APP_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_")))
//	})
func (c *Config) ReadSettings(lookup func(key string) (text string, found bool)) error {
	return errors.Join(readFields(reflect.ValueOf(c).Elem(), "", lookup)...)
}

// readFields sets the fields of a struct that have a key, and returns the mistakes.
func readFields(fields reflect.Value, prefix string, lookup func(key string) (string, bool)) []error {
	var mistakes []error
	for i := range fields.NumField() {
		name, _, _ := strings.Cut(fields.Type().Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		key, field := prefix+name, fields.Field(i)
		if _, isText := reflect.TypeAssert[encoding.TextUnmarshaler](field.Addr()); !isText && field.Kind() == reflect.Struct {
			mistakes = append(mistakes, readFields(field, key+".", lookup)...)
			continue
		}
		text, found := lookup(key)
		if !found {
			continue
		}
		if err := readField(field, text); err != nil {
			mistakes = append(mistakes, &SettingError{Key: key, Text: text, Err: err})
		}
	}
	return mistakes
}

// readField sets a field to what the text says, or leaves it as it is.
func readField(field reflect.Value, text string) error {
	read := reflect.New(field.Type())
	into := read
	if field.Kind() == reflect.Pointer {
		into = reflect.New(field.Type().Elem())
		read.Elem().Set(into)
	}
	if reader, ok := reflect.TypeAssert[encoding.TextUnmarshaler](into); ok {
		if err := reader.UnmarshalText([]byte(text)); err != nil {
			return err
		}
		field.Set(read.Elem())
		return nil
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Bool:
		value, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("want true or false")
		}
		field.SetBool(value)
	case reflect.Int:
		value, err := strconv.ParseInt(text, 10, field.Type().Bits())
		if err != nil {
			return errors.New("want a whole number")
		}
		field.SetInt(value)
	case reflect.Uint16:
		value, err := strconv.ParseUint(text, 10, field.Type().Bits())
		if err != nil {
			return errors.New("want a whole number from 0 to 65535")
		}
		field.SetUint(value)
	case reflect.Slice:
		names := reflect.MakeSlice(field.Type(), 0, 0)
		for name := range strings.SplitSeq(text, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = reflect.Append(names, reflect.ValueOf(name))
			}
		}
		field.Set(names)
	default:
		return fmt.Errorf("a %s is not read from text", field.Type())
	}
	return nil
}
