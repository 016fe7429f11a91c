package nearcache

import "time"

// Kept returns how much is kept.
func (s *Store) Kept() (sessions, bytes int64) { return s.kept.sessions.Load(), s.kept.bytes.Load() }

// SetClock has the store go by a clock instead of time.Now.
func (s *Store) SetClock(now func() time.Time) { s.clock.process = now }
