package sqlstore

import (
	"context"
	"time"
)

// Now returns the time by the server's clock, to the microsecond. SQLite has no
// server: there it is the process's.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	return within(ctx, s, "now", func() (time.Time, error) { return s.now(ctx) })
}

func (s *Store) now(ctx context.Context) (now time.Time, err error) {
	if err := s.ready(ctx); err != nil {
		return time.Time{}, err
	}
	err = s.retry(ctx, func() error {
		now, err = s.clock(ctx, s.db)
		return err
	})
	return now, err
}

func (s *Store) clock(ctx context.Context, in executor) (time.Time, error) {
	if s.text.dialect.now == "" {
		return time.Now().Round(0).UTC(), nil
	}
	var now int64
	err := in.QueryRowContext(ctx, s.text.of("SELECT {now}")).Scan(&now)
	return timeOf(now), err
}
