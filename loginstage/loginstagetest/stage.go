package loginstagetest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
)

// Stage is a user login stage, and what it told. It is safe for concurrent use.
type Stage struct {
	*loginstage.UserLogin
	Events *Recorder
}

// New returns the stage that config describes, with what a test needs filled in:
// a Locator that is nil is that of [bindingtest.Places], a Logger that is nil writes to
// the test's output, and an Origin that is empty is that of a [Browser]. The store is in memory and the stage's own, unless
// config has one. Events are recorded, and then given to config.Events, if any. A
// mistake in config ends the test.
func New(t testing.TB, config loginstage.Config) *Stage {
	t.Helper()
	if config.Locator == nil {
		config.Locator = bindingtest.Places()
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.NewTextHandler(outputOf(t), nil))
	}
	if config.Origin == "" {
		config.Origin = origin.String()
	}
	events := &Recorder{}
	if next := config.Events; next == nil {
		config.Events = events
	} else {
		config.Events = both{events, next}
	}
	login, err := loginstage.New(config)
	if err != nil {
		t.Fatalf("loginstagetest: %v", err)
	}
	events.arrived = func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = login.Flush(ctx) // a sink that hangs is for the test to find out
	}
	return &Stage{UserLogin: login, Events: events}
}

// patience is how long a recorder waits for events that are on their way: as
// long as a sink has for one.
const patience = 10 * time.Second

type both struct {
	first, second loginstage.Sink
}

func (s both) Emit(ctx context.Context, e loginstage.Event) error {
	return errors.Join(s.first.Emit(ctx, e), s.second.Emit(ctx, e))
}

// output is a test's output for as long as the test runs. What is written later
// is dropped, where the test's own would panic.
type output struct {
	mu sync.Mutex
	w  io.Writer
}

func outputOf(t testing.TB) *output {
	o := &output{w: t.Output()}
	t.Cleanup(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.w = io.Discard
	})
	return o
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(p)
}
