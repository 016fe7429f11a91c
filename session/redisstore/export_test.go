package redisstore

import "time"

// CheckEvery sets how often the server is asked whether it is fit.
func (s *Store) CheckEvery(every time.Duration) { s.server.every = every }
