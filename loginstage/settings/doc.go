// Package settings reads the operator's settings of a user login stage, a
// [loginstage.Settings], from JSON, from the environment and, with package
// loginstage/settingsyaml, from YAML. It also keeps running stages to a source of them.
//
// # Reading
//
// [ReadJSON] and [ReadEnvironment] set what they find and leave the rest, so that what is
// read later counts for more. The usual order is code, file, environment:
//
//	s := loginstage.Settings{SessionDuration: duration.MustParse("hours=12")}
//	err := errors.Join(
//		settings.ReadJSON(&s, file),
//		settings.ReadEnvironment(&s, "APP_LOGIN_", os.Environ()),
//	)
//	config := s.Config()
//	config.Store = store
//	login, err := loginstage.New(config)
//
// Every mistake is found at once, an [*Error] each, which has the key, the line and what is
// allowed. A key that is no setting and a key that is there twice are mistakes: a setting that
// is misspelt would otherwise leave sessions unbound, and nobody would notice. A document
// that is empty is one too, since a file that is being written is empty at first.
// What excludes what, and what a store or a carrier cannot do, [loginstage.New] and
// [loginstage.UserLogin.Apply] find.
//
// All readers go by one table, which is made of the fields of loginstage.Settings: none
// knows a key that another does not. [Schema] is the same table as a JSON Schema, for
// editors and pipelines.
//
// # Changing settings while the stage runs
//
// [loginstage.UserLogin.Apply] changes them in one process. [Follow] looks at a source now
// and then and applies what it finds, so that all processes of a host come to have the same:
// a file that is replaced, or a row in the host's database.
//
// Who may write there decides whom the host admits, and for how long: settings can unbind
// sessions and send browsers to another page to sign in. Guard the source as the program
// itself.
//
// # What stays compatible
//
// Keys and the texts of their values are read by later releases. New keys come with any
// release; a process of the release before refuses a file that has one, so give a file a
// new key once all processes know it. [Node] gets no kinds that a converter of the host's
// would have to know.
package settings
