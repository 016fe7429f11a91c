package sink_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/sink"
	"github.com/mooring-go/mooring/session"
)

var errOut = errors.New("out of order")

// broken returns the event of the design's example.
func broken() loginstage.Event {
	asn := &binding.ASN{Number: 6805, Organization: "Telefonica Germany", Network: netip.MustParsePrefix("5.4.0.0/14")}
	return loginstage.Event{
		ID: "1", Version: 1, Time: time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC), Action: loginstage.ActionLogout,
		Cause: session.CauseBroken, User: "ada <&>", Stage: "user-login", ClientIP: netip.MustParseAddr("5.6.7.8"),
		Context: loginstage.Context{
			ASN: asn,
			Geo: &binding.Geo{Continent: binding.Continent{Code: "EU"}, Country: binding.Country{ISOCode: "DE"},
				Coordinates: &binding.Coordinates{Latitude: 51.2993, Longitude: 9.491}},
			Binding:      &binding.Broken{Reason: binding.NetworkMissing, New: asn, Previous: binding.Missing{}},
			IP:           &loginstage.Move{Previous: netip.MustParseAddr("1.2.3.4"), New: netip.MustParseAddr("5.6.7.8")},
			HTTPRequest:  &loginstage.Request{Args: map[string]string{}, Path: "/if/admin/", Method: "GET", UserAgent: "Mozilla/5.0"},
			LogoutReason: "Session binding broken",
		},
	}
}

const brokenJSON = `{
	"id": "1", "version": 1, "time": "2026-03-01T12:00:00.123456789Z", "action": "logout", "cause": "binding_broken",
	"user": "ada <&>", "session": "", "stage": "user-login", "client_ip": "5.6.7.8", "actor": "",
	"context": {
		"asn": {"asn":6805,"as_org":"Telefonica Germany","network":"5.4.0.0/14"},
		"geo": {"lat":51.2993,"city":"","long":9.491,"country":"DE","continent":"EU"},
		"binding": {"reason":"network.missing","new_value":{"asn":6805,"as_org":"Telefonica Germany","network":"5.4.0.0/14"},"previous_value":{}},
		"ip": {"previous":"1.2.3.4","new":"5.6.7.8"},
		"http_request": {"args":{},"path":"/if/admin/","method":"GET","user_agent":"Mozilla/5.0"},
		"logout_reason": "Session binding broken"
	}
}`

func TestJSONLinesToTheLetter(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, sink.JSONLines(&out).Emit(t.Context(), broken()))
	assert.JSONEq(t, brokenJSON, out.String())
	assert.Equal(t, 1, bytes.Count(out.Bytes(), []byte("\n")))
	assert.True(t, bytes.HasSuffix(out.Bytes(), []byte("}\n")))
}

func TestLogToTheLetter(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, sink.Log(slog.New(slog.NewJSONHandler(&out, nil))).Emit(t.Context(), broken()))
	var got map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	assert.Equal(t, "WARN", got["level"])
	assert.Equal(t, "logout", got["msg"])
	delete(got, "level")
	delete(got, "msg")
	text, err := json.Marshal(got)
	require.NoError(t, err)
	assert.JSONEq(t, brokenJSON, string(text))
}

func TestLogLevels(t *testing.T) {
	for _, test := range []struct {
		event loginstage.Event
		level slog.Level
	}{
		{loginstage.Event{Action: loginstage.ActionLogin}, slog.LevelInfo},
		{loginstage.Event{Action: loginstage.ActionLogout, Cause: session.CauseSignedOut}, slog.LevelInfo},
		{loginstage.Event{Action: loginstage.ActionLoginDenied}, slog.LevelWarn},
		{broken(), slog.LevelWarn},
	} {
		var out bytes.Buffer
		log := sink.Log(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn})))
		require.NoError(t, log.Emit(t.Context(), test.event))
		assert.Equal(t, test.level == slog.LevelWarn, out.Len() > 0, "%s", test.event.Action)
	}
}

func TestLogWithoutAClient(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, sink.Log(slog.New(slog.NewJSONHandler(&out, nil))).Emit(t.Context(), loginstage.Event{Action: loginstage.ActionLogin}))
	assert.Contains(t, out.String(), `"client_ip":""`)
	assert.Contains(t, out.String(), `"session":""`)
}

func TestLogToTheDefaultAsItIsThen(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	log := sink.Log(nil)
	var out bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, log.Emit(t.Context(), broken()))
	assert.Contains(t, out.String(), "msg=logout")
	assert.Contains(t, out.String(), "time=2026-03-01T12:00:00.123Z", "the event's own time")
}

type failingHandler struct{ slog.Handler }

func (failingHandler) Handle(context.Context, slog.Record) error { return errOut }

func TestLogThatFails(t *testing.T) {
	log := sink.Log(slog.New(failingHandler{slog.NewTextHandler(&bytes.Buffer{}, nil)}))
	assert.ErrorIs(t, log.Emit(t.Context(), broken()), errOut)
}

// unencodable returns an event that has no JSON.
func unencodable() loginstage.Event {
	event := broken()
	event.Context.Binding = &binding.Broken{Previous: make(chan int)}
	return event
}

func TestAnEventThatHasNoJSON(t *testing.T) {
	var out bytes.Buffer
	assert.ErrorContains(t, sink.JSONLines(&out).Emit(t.Context(), unencodable()), "encoding event 1")
	assert.ErrorContains(t, sink.Log(slog.New(slog.NewTextHandler(&out, nil))).Emit(t.Context(), unencodable()), "encoding event 1")
	assert.Zero(t, out.Len())
}

// writer counts the calls of Write, and how many are at work.
type writer struct {
	mu     sync.Mutex
	writes int
	out    bytes.Buffer
	err    error
}

func (w *writer) Write(p []byte) (int, error) {
	if !w.mu.TryLock() {
		return 0, errors.New("two at once")
	}
	defer w.mu.Unlock()
	w.writes++
	if w.err != nil {
		return 0, w.err
	}
	return w.out.Write(p)
}

func TestJSONLinesWritesEachLineAtOnceAndOneAtATime(t *testing.T) {
	var w writer
	lines := sink.JSONLines(&w)
	const events = 200
	var running sync.WaitGroup
	for range events {
		running.Go(func() { assert.NoError(t, lines.Emit(t.Context(), broken())) })
	}
	running.Wait()
	assert.Equal(t, events, w.writes)
	scanner, n := bufio.NewScanner(&w.out), 0
	for scanner.Scan() {
		n++
		require.True(t, json.Valid(scanner.Bytes()))
	}
	assert.Equal(t, events, n)
}

func TestJSONLinesThatFails(t *testing.T) {
	assert.ErrorIs(t, sink.JSONLines(&writer{err: errOut}).Emit(t.Context(), broken()), errOut)
}

func TestFanOutGivesToAll(t *testing.T) {
	var told []string
	tell := func(name string, err error) loginstage.Sink {
		return sink.Func(func(_ context.Context, e loginstage.Event) error {
			told = append(told, name+" "+e.ID)
			return err
		})
	}
	panics := sink.Func(func(context.Context, loginstage.Event) error { panic("at the disco") })
	other := errors.New("elsewhere")
	err := sink.FanOut(tell("a", nil), tell("b", errOut), panics, tell("c", other), tell("d", nil)).Emit(t.Context(), broken())
	assert.Equal(t, []string{"a 1", "b 1", "c 1", "d 1"}, told)
	assert.ErrorIs(t, err, errOut)
	assert.ErrorIs(t, err, other)
	assert.ErrorContains(t, err, "2 of 5")
	assert.ErrorContains(t, err, "3 of 5: panic: at the disco")

	assert.NoError(t, sink.FanOut().Emit(t.Context(), broken()))
	assert.NoError(t, sink.FanOut(tell("a", nil), tell("b", nil)).Emit(t.Context(), broken()))
}

func TestFilter(t *testing.T) {
	var told []loginstage.Action
	only := sink.Filter(sink.Func(func(_ context.Context, e loginstage.Event) error {
		told = append(told, e.Action)
		return errOut
	}), func(e loginstage.Event) bool { return e.Action == loginstage.ActionLogout })
	assert.NoError(t, only.Emit(t.Context(), loginstage.Event{Action: loginstage.ActionLogin}))
	assert.ErrorIs(t, only.Emit(t.Context(), broken()), errOut)
	assert.Equal(t, []loginstage.Action{loginstage.ActionLogout}, told)
}

func TestTheContextIsPassedOn(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "trace")
	var got any
	see := sink.Func(func(ctx context.Context, _ loginstage.Event) error {
		got = ctx.Value(key{})
		return nil
	})
	require.NoError(t, sink.FanOut(sink.Filter(see, func(loginstage.Event) bool { return true })).Emit(ctx, broken()))
	assert.Equal(t, "trace", got)
}
