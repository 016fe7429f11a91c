package nearcache

// Kept returns how much is kept.
func (s *Store) Kept() (sessions, bytes int64) { return s.kept.sessions.Load(), s.kept.bytes.Load() }
