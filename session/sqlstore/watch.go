package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/mooring-go/mooring/session"
)

var _ session.Watcher = (*Store)(nil)

// The pauses between attempts to connect.
const (
	firstPause = 20 * time.Millisecond
	maxPause   = time.Second
)

// Watch tells of changes, as [session.Watcher] says: in PostgreSQL by a connection
// that [Config.Listen] opens, in MySQL, MariaDB and SQLite by looking every so often.
func (s *Store) Watch(ctx context.Context, every time.Duration, tell func(session.Change)) error {
	if every <= 0 {
		every = session.DefaultWatchEvery
	}
	hear := s.poll
	if s.text.dialect.notify != "" {
		if s.listen == nil {
			return fmt.Errorf("sqlstore: watching: Config.Listen is nil: %w", session.ErrNotWatched)
		}
		hear = s.hear
	}
	pause, said := firstPause, false
	for {
		connected, err := hear(ctx, every, tell)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if connected {
			pause = firstPause
		}
		if connected || !said {
			tell(session.Change{Kind: session.ChangeLost, Err: s.failed(ctx, "watching", err)})
			said = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
}

// minPatience is how long a Watch waits for an answer at the least: a server, and this
// process, may be slow for so long.
const minPatience = time.Second

// patience returns how long a Watch that is to hear something every so often goes without.
func patience(every time.Duration) time.Duration { return max(session.LostAfter*every, minPatience) }
