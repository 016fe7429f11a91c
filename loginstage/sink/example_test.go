package sink_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/sink"
)

var denied = loginstage.Event{
	ID: "1", Version: loginstage.EventVersion, Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	Action: loginstage.ActionLoginDenied, Cause: loginstage.CauseInactiveUser, User: "ada", Stage: "user-login",
}

func ExampleJSONLines() {
	events := sink.JSONLines(os.Stdout)
	if err := events.Emit(context.Background(), denied); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"id":"1","version":1,"time":"2026-03-01T12:00:00Z","action":"login_denied","cause":"inactive_user","user":"ada","session":"","stage":"user-login","client_ip":"","actor":"","context":{}}
}

func ExampleLog() {
	events := sink.Log(slog.New(slog.NewTextHandler(os.Stdout, nil)))
	if err := events.Emit(context.Background(), denied); err != nil {
		fmt.Println(err)
	}
	// Output:
	// time=2026-03-01T12:00:00.000Z level=WARN msg=login_denied id=1 version=1 action=login_denied cause=inactive_user user=ada session="" stage=user-login client_ip="" actor="" context="{}"
}

func ExampleFanOut() {
	events := sink.FanOut(
		sink.Func(func(context.Context, loginstage.Event) error { return fmt.Errorf("the queue is down") }),
		sink.Filter(
			sink.Func(func(_ context.Context, e loginstage.Event) error {
				fmt.Println("write to the security team:", e.User, "was denied:", e.Cause)
				return nil
			}),
			func(e loginstage.Event) bool { return e.Action == loginstage.ActionLoginDenied },
		),
	)
	fmt.Println(events.Emit(context.Background(), denied))
	// Output:
	// write to the security team: ada was denied: inactive_user
	// sink: 1 of 2: the queue is down
}
