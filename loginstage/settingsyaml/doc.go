// Package settingsyaml reads the operator's settings of a user login stage from YAML 1.2, by
// the table of package loginstage/settings. It is a module of its own, so that a host that
// keeps its settings elsewhere needs no YAML.
//
//	s := loginstage.Settings{} // defaults of the program
//	err := errors.Join(
//		settingsyaml.Read(&s, file),
//		settings.ReadEnvironment(&s, "APP_LOGIN_", os.Environ()),
//	)
//
// # What is read
//
// One document that is a map. Values are as in JSON: strings, numbers, true and false, lists
// of strings. A string needs quotes only where YAML takes it for something else.
//
// # What is not
//
// Anchors, aliases, merge keys and tags: no setting needs one, and a few lines of aliases
// can stand for more than any memory holds. A key that is no setting, or is there twice, is a
// mistake, as everywhere in package settings; so are a second document, one that is empty, and
// one longer than [settings.MaxDocument].
//
// # What stays compatible
//
// What package settings says of keys and texts. What YAML this package reads, later releases
// read as the same.
package settingsyaml
