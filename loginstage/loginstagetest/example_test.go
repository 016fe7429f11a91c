package loginstagetest_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// A recorder works without the rest, wherever a sink is wanted.
func ExampleRecorder() {
	events := &loginstagetest.Recorder{}
	login, err := loginstage.New(loginstage.Config{Events: events})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = login.Begin(httptest.NewRecorder(), httptest.NewRequest("POST", "/login", nil), loginstage.User{ID: "ada", Inactive: true})
	fmt.Println(err)
	_ = login.Flush(context.Background()) // it may be on its way
	fmt.Println(events.Last().Action, events.Last().Cause)
	// Output:
	// loginstage: user "ada" is inactive and is not signed in
	// login_denied inactive_user
}
