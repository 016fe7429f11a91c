package settings_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/settings"
)

// What the program says by itself counts for less than the file, and the file for less than
// the environment.
func Example() {
	s := loginstage.Settings{SessionDuration: duration.MustParse("hours=12"), LoginURL: "/login"}
	err := errors.Join(
		settings.ReadJSON(&s, []byte(`{"session_duration": "hours=8", "max_sessions": 10}`)),
		settings.ReadEnvironment(&s, "APP_LOGIN_", []string{"APP_LOGIN_MAX_SESSIONS=5", "PATH=/bin"}), // os.Environ()
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	config := s.Config() // wire a Store and the other parts into it
	login, err := loginstage.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := login.Settings()
	fmt.Println(now.SessionDuration, now.MaxSessions, now.LoginURL)
	// Output: hours=8 5 /login
}

// Every mistake is told, with its line and what is allowed.
func ExampleReadJSON() {
	var s loginstage.Settings
	fmt.Println(settings.ReadJSON(&s, []byte(`{
  "network_bindng": "bind_asn",
  "geoip_binding": "country",
  "max_sessions": "5"
}`)))
	// Output:
	// settings: line 2: network_bindng: there is no such setting: want network_binding
	// settings: line 3: geoip_binding: "country": binding: "country" is not a GeoIP binding, want one of no_binding, bind_continent, bind_continent_country, bind_continent_country_city
	// settings: line 4: max_sessions: "5": a string: want a number
}

// The same function reads the settings at the start and while the stage runs. An operator
// writes a file beside the old one and renames it.
func ExampleFollow() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "login.json")
	write := func(text string) {
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			fmt.Println(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			fmt.Println(err)
		}
	}
	write(`{"session_duration": "hours=12"}`)

	read := func(context.Context) (s loginstage.Settings, actor string, err error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return s, "", err
		}
		return s, "file login.json", settings.ReadJSON(&s, text)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	s, _, err := read(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	login, err := loginstage.New(s.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan error)
	go func() {
		done <- settings.Follow(ctx, settings.Following{Login: login, Source: read, Every: time.Millisecond})
	}()

	write(`{"session_duration": "hours=1"}`)
	for login.Settings().SessionDuration != duration.MustParse("hours=1") {
		time.Sleep(time.Millisecond)
	}
	stop()
	fmt.Println(login.Settings().SessionDuration, <-done)
	// Output: hours=1 context canceled
}
