package redisstore

import "time"

// What tests of the forms of values need.
var (
	Prelude    = "local sharded = false\n" + prelude
	Instant    = instant
	TimeOf     = timeOf
	TagOf      = tagOf
	KindOf     = kindOf
	DecodeLive = decodeLive
)

// CheckEvery sets how often the server is asked whether it is fit.
func (s *Store) CheckEvery(every time.Duration) { s.server.every = every }
