package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/mooring-go/mooring/loginstage"
)

// Log writes each event to logger as one record: at the event's time, with the
// action as its message and the event's keys as attributes. With a
// [slog.JSONHandler] that is the event's JSON, with level and msg besides. A
// login_denied and a logout by a broken binding are warnings, everything else is
// information. Nil is [slog.Default], as it is then.
func Log(logger *slog.Logger) loginstage.Sink {
	return Func(func(ctx context.Context, e loginstage.Event) error {
		logger := logger
		if logger == nil {
			logger = slog.Default()
		}
		attrs, err := attrsOf(e)
		if err != nil {
			return err
		}
		if !logger.Enabled(ctx, level(e)) {
			return nil
		}
		record := slog.NewRecord(e.Time, level(e), string(e.Action), 0)
		record.AddAttrs(attrs...)
		return logger.Handler().Handle(ctx, record)
	})
}

func level(e loginstage.Event) slog.Level {
	if e.Action == loginstage.ActionLoginDenied || e.Context.Binding != nil {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// attrsOf returns the event's keys and values but for its time, which is the record's.
func attrsOf(e loginstage.Event) ([]slog.Attr, error) {
	about, err := json.Marshal(e.Context)
	if err != nil {
		return nil, fmt.Errorf("sink: encoding event %s: %w", e.ID, err)
	}
	return []slog.Attr{
		slog.String("id", e.ID),
		slog.Int("version", e.Version),
		slog.String("action", string(e.Action)),
		slog.String("cause", string(e.Cause)),
		slog.String("user", e.User),
		slog.String("session", e.Session.String()),
		slog.String("stage", e.Stage),
		slog.String("client_ip", address(e)),
		slog.String("actor", e.Actor),
		slog.Any("context", json.RawMessage(about)),
	}, nil
}

// address returns the client's address as the event's JSON has it.
func address(e loginstage.Event) string {
	if !e.ClientIP.IsValid() {
		return ""
	}
	return e.ClientIP.String()
}
