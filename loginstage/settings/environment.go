package settings

import (
	"errors"
	"strings"

	"github.com/mooring-go/mooring/loginstage"
)

// ReadEnvironment sets the settings that variables of the environment have, as [os.Environ]
// returns them, and returns every mistake in them, joined: an [*Error] each, whose Key is the
// variable. A setting that cannot be read stays as it was, and the others are set.
//
// A variable is the prefix and the key in capitals, with an underscore for the dot: with
// "APP_LOGIN_", APP_LOGIN_SESSION_DURATION and APP_LOGIN_TOLERANCE_FAMILIES. Names of a list
// are separated by commas. The prefix has to be the stage's own: a variable that begins with
// it and is no setting is a mistake, as is one that is there twice.
func ReadEnvironment(into *loginstage.Settings, prefix string, environment []string) error {
	if prefix == "" {
		return &Error{Err: errors.New(`the prefix is empty: want one that no other variable begins with, such as "APP_LOGIN_"`)}
	}
	var known []string
	fields := map[string]field{}
	for f := range leaves(table()) {
		name := variable(prefix, f.key)
		known, fields[name] = append(known, name), f
	}
	var m mistakes
	seen := map[string]bool{}
	for _, entry := range environment {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		f, isSetting := fields[name]
		switch {
		case !isSetting:
			m.add(name, 0, "", unknown(name, known))
		case seen[name]:
			m.add(name, 0, text, errors.New("it is there before: want it once"))
		default:
			if err := f.setText(into, text); err != nil {
				m.add(name, 0, text, err)
			}
		}
		seen[name] = true
	}
	return m.joined()
}

// variable returns the name of the variable of a key.
func variable(prefix, key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}
