package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/mooring-go/mooring/loginstage"
)

// Func is a function that is a sink.
type Func func(ctx context.Context, e loginstage.Event) error

// Emit calls f.
func (f Func) Emit(ctx context.Context, e loginstage.Event) error { return f(ctx, e) }

// JSONLines writes each event to w as one line of JSON, in one call of Write,
// and one at a time.
func JSONLines(w io.Writer) loginstage.Sink { return &jsonLines{w: w} }

type jsonLines struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *jsonLines) Emit(_ context.Context, e loginstage.Event) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("sink: encoding event %s: %w", e.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("sink: writing event %s: %w", e.ID, err)
	}
	return nil
}

// FanOut gives each event to all sinks, one after the other, whatever becomes
// of it in the others. Its error joins theirs; a panic in one counts as its
// error.
func FanOut(sinks ...loginstage.Sink) loginstage.Sink { return fanOut(sinks) }

type fanOut []loginstage.Sink

func (s fanOut) Emit(ctx context.Context, e loginstage.Event) error {
	var failed []error
	for i, sink := range s {
		if err := emit(ctx, sink, e); err != nil {
			failed = append(failed, fmt.Errorf("sink: %d of %d: %w", i+1, len(s), err))
		}
	}
	return errors.Join(failed...)
}

func emit(ctx context.Context, sink loginstage.Sink, e loginstage.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return sink.Emit(ctx, e)
}

// Filter gives sink the events that keep returns true for.
func Filter(sink loginstage.Sink, keep func(loginstage.Event) bool) loginstage.Sink {
	return Func(func(ctx context.Context, e loginstage.Event) error {
		if !keep(e) {
			return nil
		}
		return sink.Emit(ctx, e)
	})
}
