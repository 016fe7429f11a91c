package useragent_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/useragent"
)

// A host that has an app of its own names that itself.
func Example() {
	login, err := loginstage.New(loginstage.Config{
		DeviceName: func(agent string) string {
			if strings.HasPrefix(agent, "Bank/") {
				return "Bank app"
			}
			return useragent.Name(agent)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, agent := range []string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Bank/3.2 (iPhone; iOS 18.6)",
		"curl/8.9.1",
	} {
		r := httptest.NewRequest(http.MethodPost, "https://host.example/login", nil)
		r.Header.Set("User-Agent", agent)
		s, _, err := login.SignIn(httptest.NewRecorder(), r, loginstage.User{ID: "ada"})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%q\n", s.Device)
	}
	// Output:
	// "Firefox on Linux"
	// "Bank app"
	// ""
}
