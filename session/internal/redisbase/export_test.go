package redisbase

// What tests of the forms of values need.
var (
	Prelude    = "local sharded = false\n" + prelude
	Instant    = instant
	TimeOf     = timeOf
	TagOf      = tagOf
	KindOf     = kindOf
	DecodeLive = decodeLive
)
