package loginstage_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// Server-sent events, until the session ends: by a sign-out, a limit, or an operator, in
// this process or in another one.
func ExampleUserLogin_Live() {
	login, err := loginstage.New(loginstage.Config{Carrier: session.Bearer{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go login.Watch(ctx) // Run does not; a host has both

	news := make(chan string, 1)
	news <- "good"
	server := httptest.NewServer(login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		live := login.Live(r)
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			select {
			case text := <-news:
				fmt.Fprintf(w, "data: %s\n\n", text)
			case <-live.Done():
				if over, ok := errors.AsType[*loginstage.LiveError](context.Cause(live)); ok {
					fmt.Fprintf(w, "event: over\ndata: %s\n\n", over.Ending)
				}
				return
			}
			if http.NewResponseController(w).Flush() != nil {
				return
			}
		}
	})))
	defer server.Close()

	signedIn := httptest.NewRecorder()
	if _, err := login.Begin(signedIn, httptest.NewRequest("POST", "/login", nil), loginstage.User{ID: "ada"}); err != nil {
		fmt.Println(err)
		return
	}
	request, _ := http.NewRequest("GET", server.URL, nil)
	request.Header.Set("Authorization", "Bearer "+signedIn.Header().Get(session.DefaultTokenHeader))
	response, err := server.Client().Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if lines.Text() == "" {
			continue
		}
		fmt.Println(lines.Text())
		if lines.Text() == "data: good" {
			fmt.Println(login.RevokeUser(ctx, "ada", "support"))
		}
	}
	// Output:
	// data: good
	// 1 <nil>
	// event: over
	// data: revoked
}
