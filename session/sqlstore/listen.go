package sqlstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/mooring-go/mooring/session"
)

// A Listener is one connection to PostgreSQL that a Watch has for itself. It goes to
// the server itself: a pooler that lends connections by the transaction passes no
// notification on. With pgx it is a *pgx.Conn:
//
//	type listener struct{ *pgx.Conn }
//
//	func (l listener) Exec(ctx context.Context, query string) error {
//		_, err := l.Conn.Exec(ctx, query)
//		return err
//	}
//
//	func (l listener) Wait(ctx context.Context) (channel, payload string, err error) {
//		n, err := l.WaitForNotification(ctx)
//		if err != nil {
//			return "", "", err
//		}
//		return n.Channel, n.Payload, nil
//	}
//
//	config.Listen = func(ctx context.Context) (sqlstore.Listener, error) {
//		conn, err := pgx.Connect(ctx, url)
//		return listener{conn}, err
//	}
//
// A connection of a *pgxpool.Pool serves too, if it is hijacked:
//
//	conn, err := pool.Acquire(ctx)
//	if err != nil {
//		return nil, err
//	}
//	return listener{conn.Hijack()}, nil
//
// With lib/pq it is a *pq.ListenerConn and the channel of its notifications, which has to
// be read while a statement is executed too, since the answer comes after them. The
// repository has a listener of that kind in session/integration/listenerpq_test.go, to be
// copied. A *pq.Listener does not serve: it connects again by itself, and Watch would not
// know of what it missed.
type Listener interface {
	// Exec executes a statement without parameters and without rows to read.
	Exec(ctx context.Context, query string) error
	// Wait returns the next notification, also one that came during Exec. It returns
	// an error soon after ctx ends.
	Wait(ctx context.Context) (channel, payload string, err error)
	// Close closes the connection.
	Close(ctx context.Context) error
}

// A hearing is what a Watch in PostgreSQL has heard.
type hearing struct {
	mu      sync.Mutex
	sent    map[int]time.Time // when each beat was
	beatErr error             // why the latest could not be sent
}

// keptBeats is of how many beats it is known when they were sent.
const keptBeats = 64

// hear connects and tells of changes until that fails. It returns whether it was
// connected, and why it is no longer.
//
// It sends numbers to itself by a connection of the pool: PostgreSQL delivers
// notifications in the order of the commits, so that what was committed before one was
// sent comes before it.
func (s *Store) hear(ctx context.Context, every time.Duration, tell func(session.Change)) (connected bool, err error) {
	if err := s.ready(ctx); err != nil {
		return false, err
	}
	opening, opened := context.WithTimeout(ctx, openTime)
	defer opened()
	listener, err := s.listen(opening)
	if err != nil {
		return false, err
	}
	defer func() {
		closing, closed := context.WithTimeout(context.WithoutCancel(ctx), openTime)
		defer closed()
		_ = listener.Close(closing)
	}()
	channel, beat := s.channel(), "mooring_"+rand.Text()
	// The lock comes last: a transaction that did not see it is over by then.
	for _, query := range []string{
		"LISTEN " + channel, `LISTEN "` + beat + `"`,
		fmt.Sprintf("SELECT pg_advisory_lock_shared(%d)", s.listening()),
	} {
		if err := listener.Exec(opening, query); err != nil {
			return false, err
		}
	}
	h := &hearing{sent: map[int]time.Time{}}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { s.beats(ctx, h, every, beat) })
	connected, err = h.receive(ctx, listener, patience(every), channel, beat, tell)
	cancel()
	running.Wait()
	return connected, errors.Join(err, h.beatErr)
}

// openTime is how long it may take to begin to listen.
const openTime = 10 * time.Second

// receive tells of what the listener hears, until it fails or has heard no beat for
// longer than patience.
func (h *hearing) receive(ctx context.Context, listener Listener, patience time.Duration, channel, beat string, tell func(session.Change)) (connected bool, err error) {
	var heard time.Time
	for last := time.Now(); ; {
		if time.Since(last) >= patience {
			return connected, fmt.Errorf("nothing was heard for %s", patience)
		}
		waiting, cancel := context.WithDeadline(ctx, last.Add(patience))
		on, payload, err := listener.Wait(waiting)
		cancel()
		switch {
		case err != nil:
			return connected, err
		case on == channel && connected:
			for _, change := range parsePayload(payload) {
				tell(change)
			}
		case on == beat:
			last = time.Now()
			sent, known := h.when(payload)
			if known && !connected {
				connected, heard = true, last
				tell(session.Change{Kind: session.ChangeConnected, Heard: heard})
			} else if known && sent.After(heard) {
				heard = sent
				tell(session.Change{Kind: session.ChangeHeard, Heard: heard})
			}
		}
	}
}

// when returns when the beat of the number was sent.
func (h *hearing) when(number string) (time.Time, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, err := strconv.Atoi(number)
	sent, known := h.sent[n]
	return sent, known && err == nil
}

// beats sends a number every so often.
func (s *Store) beats(ctx context.Context, h *hearing, every time.Duration, channel string) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for number := 0; ; number++ {
		h.mu.Lock()
		h.sent[number] = time.Now()
		delete(h.sent, number-keptBeats)
		h.mu.Unlock()
		bounded, cancel := context.WithTimeout(ctx, patience(every))
		err := withinAlone(bounded, s, "sending a beat", func() error {
			_, err := s.db.ExecContext(bounded, s.text.of("SELECT pg_notify({text}, {text})"), channel, strconv.Itoa(number))
			return err
		})
		cancel()
		h.mu.Lock()
		h.beatErr = err
		h.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
