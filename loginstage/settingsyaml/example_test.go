package settingsyaml_test

import (
	"errors"
	"fmt"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/settings"
	"github.com/mooring-go/mooring/loginstage/settingsyaml"
)

func Example() {
	file := []byte(`
session_duration: hours=8
network_binding: bind_asn
tolerance:
  families: learn
`)
	s := loginstage.Settings{SessionDuration: duration.MustParse("hours=12"), LoginURL: "/login"}
	err := errors.Join(
		settingsyaml.Read(&s, file),
		settings.ReadEnvironment(&s, "APP_LOGIN_", []string{"APP_LOGIN_NETWORK_BINDING=bind_asn_network"}), // os.Environ()
	)
	fmt.Println(s.SessionDuration, s.NetworkBinding, s.Tolerance.Families, s.LoginURL, err)
	// Output: hours=8 bind_asn_network learn /login <nil>
}

func ExampleRead() {
	var s loginstage.Settings
	fmt.Println(settingsyaml.Read(&s, []byte(`
session_duration: 12h
max_sessions: many
max_sesions: 5
`)))
	// Output:
	// settings: line 2: session_duration: "12h": duration: parse "12h": at byte 0: pair without "="; want key=value, such as hours=12
	// settings: line 3: max_sessions: "many": a string: want a number
	// settings: line 4: max_sesions: there is no such setting: want max_sessions
}
