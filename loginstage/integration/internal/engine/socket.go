package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/coder/websocket"
)

// A socket sends commands and hands on what is answered. The DevTools protocol and
// WebDriver BiDi have the same form on the wire.
type socket struct {
	conn    *websocket.Conn
	onEvent func(event)

	mu      sync.Mutex
	last    int
	waiting map[int]chan reply
	failed  error // why nothing is answered any more
}

// An event is what the browser tells without being asked.
type event struct {
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Session string          `json:"sessionId"` // of the DevTools protocol
}

type reply struct {
	ID      int             `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   json.RawMessage `json:"error"` // an object, or a name beside Message
	Message string          `json:"message"`
}

// dial connects to the address, and calls onEvent, which may be nil, for each
// event, one after the other.
func dial(ctx context.Context, address string, onEvent func(event)) (*socket, error) {
	conn, _, err := websocket.Dial(ctx, address, nil) //nolint:bodyclose // the connection is the body
	if err != nil {
		return nil, fmt.Errorf("engine: connecting to %s: %w", address, err)
	}
	conn.SetReadLimit(64 << 20)
	s := &socket{conn: conn, onEvent: onEvent, waiting: make(map[int]chan reply)}
	go s.read(ctx)
	return s, nil
}

func (s *socket) read(ctx context.Context) {
	for {
		_, message, err := s.conn.Read(ctx)
		if err != nil {
			s.fail(err)
			return
		}
		var got struct {
			reply
			event
		}
		if err := json.Unmarshal(message, &got); err != nil {
			s.fail(err)
			return
		}
		if got.Method != "" {
			if s.onEvent != nil {
				s.onEvent(got.event)
			}
			continue
		}
		s.mu.Lock()
		waits := s.waiting[got.ID]
		delete(s.waiting, got.ID)
		s.mu.Unlock()
		if waits != nil {
			waits <- got.reply
		}
	}
}

func (s *socket) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
	for _, waits := range s.waiting {
		close(waits)
	}
	s.waiting = nil
}

// call sends the command and decodes its result, unless result is nil. The session
// is one of the DevTools protocol; empty: the browser itself.
func (s *socket) call(ctx context.Context, session, method string, params, result any) error {
	if params == nil {
		params = struct{}{}
	}
	waits := make(chan reply, 1)
	s.mu.Lock()
	if s.failed != nil {
		s.mu.Unlock()
		return fmt.Errorf("engine: %s: %w", method, s.failed)
	}
	s.last++
	id := s.last
	s.waiting[id] = waits
	s.mu.Unlock()

	message, err := json.Marshal(struct {
		ID      int    `json:"id"`
		Method  string `json:"method"`
		Params  any    `json:"params"`
		Session string `json:"sessionId,omitempty"`
	}{id, method, params, session})
	if err != nil {
		return fmt.Errorf("engine: %s: %w", method, err)
	}
	if err := s.conn.Write(ctx, websocket.MessageText, message); err != nil {
		return fmt.Errorf("engine: %s: %w", method, err)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("engine: %s: %w", method, context.Cause(ctx))
	case got, ok := <-waits:
		switch {
		case !ok:
			return fmt.Errorf("engine: %s: the browser has gone: %w", method, s.failed)
		case got.Error != nil:
			return fmt.Errorf("engine: %s: %s %s", method, got.Error, got.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(got.Result, result)
	}
}
