package main

import "math"

// A target is one figure and what it may be.
type target struct {
	path   string // what is done
	what   string // which figure of it
	unit   string
	figure func(m measured) float64
	limit  float64
	least  bool // the limit is a minimum
}

const (
	ns     = "ns/op"
	allocs = "allocs/op"
)

// targets are in the order in which they are shown.
var targets = []target{
	{"guard, unchanged address", "time", "µs", over("Guard/unchanged", ns, 1000), 1.0, false},
	{"", "of the floor", "", ratioOver("Guard/unchanged", "Guard/floor"), 1.5, false},
	{"", "allocations", "", over("Guard/unchanged", allocs, 1), 2, false},
	{"", "of scs `LoadAndSave`", "", ratioOver("Guard/unchanged", "Guard/scs"), 1.0 / 12, false},
	{"", "of gorilla `CookieStore`", "", ratioOver("Guard/unchanged", "Guard/gorilla-cookie"), 1.0 / 15, false},
	{"", "of gorilla `CookieStore`, saved", "", ratioOver("Guard/unchanged", "Guard/gorilla-cookie-save"), 1.0 / 15, false},
	{"", "of gorilla `FilesystemStore`", "", ratioOver("Guard/unchanged", "Guard/gorilla-files"), 1.0 / 15, false},
	{"the floor: cookie, SHA-256, map, context", "time", "µs", over("Guard/floor", ns, 1000), none, false},
	{"", "allocations", "", over("Guard/floor", allocs, 1), none, false},
	{"guard, anonymous", "time", "µs", over("Guard/anonymous", ns, 1000), 0.2, false},
	{"", "allocations", "", over("Guard/anonymous", allocs, 1), 1, false},
	{"locate and check, changed address", "time", "µs", of("Moved/mooring/addresses=1000", ns, 1000), 1.0, false},
	{"", "allocations", "", of("Moved/mooring/addresses=1000", allocs, 1), 0, false},
	{"", "of geoip2 v2 `City` and `ASN`", "", ratio("Moved/mooring/addresses=1000", "Moved/geoip2-v2/addresses=1000"), 0.40, false},
	{"", "of geoip2 v1", "", ratio("Moved/mooring/addresses=1000", "Moved/geoip2-v1/addresses=1000"), 0.40, false},
	{"", "of geoip2 v2, 100,000 addresses in turn", "", ratio("Moved/mooring/addresses=100000", "Moved/geoip2-v2/addresses=100000"), 0.50, false},
	{"", "allocations, 100,000 addresses in turn", "", of("Moved/mooring/addresses=100000", allocs, 1), 3, false},
	{"guard, changed address", "time", "µs", over("MovedRequest", ns, 1000), none, false},
	{"", "allocations", "", over("MovedRequest", allocs, 1), none, false},
	{"guard, broken binding, to the event", "time", "µs", over("Broken", ns, 1000), 25, false},
	{"", "of the guard, unchanged address", "", ratioOver("Broken", "Guard/unchanged"), 20, false},
	{"`ProveEvery`, added to the guard", "time", "µs", difference("DeviceKey/proven", "DeviceKey/off", ns, 1000), 0.6, false},
	{"", "allocations", "", difference("DeviceKey/proven", "DeviceKey/off", allocs, 1), 0, false},
	{"`duration.Parse`, three pairs", "time", "ns", of("Duration/mooring", ns, 1), 150, false},
	{"", "allocations", "", of("Duration/mooring", allocs, 1), 0, false},
	{"", "of `time.ParseDuration`", "", ratio("Duration/mooring", "Duration/time"), none, false},
	{"ending others, memory", "time, 10,000 sessions", "µs", of("EndOthers/mooring/sessions=10000", ns, 1000), 5, false},
	{"", "time, 100,000 sessions", "µs", of("EndOthers/mooring/sessions=100000", ns, 1000), 5, false},
	{"", "time, 1,000,000 sessions", "µs", of("EndOthers/mooring/sessions=1000000", ns, 1000), 5, false},
	{"", "a million to 10,000 sessions", "", ratio("EndOthers/mooring/sessions=1000000", "EndOthers/mooring/sessions=10000"), 1.3, false},
	{"", "of scs `Iterate`, 100,000 sessions", "", ratio("EndOthers/mooring/sessions=100000", "EndOthers/scs/sessions=100000"), none, false},
	{"memory store", "bytes a session", "", of("Memory/mooring", "bytes/session", 1), 600, false},
	{"", "bytes a session in scs, no index", "", of("Memory/scs", "bytes/session", 1), none, false},
	{"", "two cores to one, mixed load", "", twoToOne("Mixed"), 1.7, true},
	{"", "slowest read while a million are swept, median of ten sweeps", "ms", of("Sweep", "µs-slowest-running", 1e3), 1, false},
	{"", "the same, nothing swept", "ms", of("Sweep", "µs-slowest-running-idle", 1e3), none, false},
	{"", "the same with waiting for a processor", "ms", of("Sweep", "µs-slowest", 1e3), none, false},
	{"", "the same with waiting, nothing swept", "ms", of("Sweep", "µs-slowest-idle", 1e3), none, false},
	{"", "reads over 0.1 ms in a million, a million swept", "", of("Sweep", "waits/million", 1), none, false},
	{"", "the same, nothing swept", "", of("Sweep", "waits/million-idle", 1), none, false},
	{"maxmind", "slowest lookup while files are swapped, median of twenty swaps", "ms", of("Swap", "µs-slowest-running", 1e3), 1, false},
	{"", "the same, nothing swapped", "ms", of("Swap", "µs-slowest-running-idle", 1e3), none, false},
	{"", "the same with waiting for a processor", "ms", of("Swap", "µs-slowest", 1e3), none, false},
	{"", "the same with waiting, nothing swapped", "ms", of("Swap", "µs-slowest-idle", 1e3), none, false},
	{"", "lookups over 0.1 ms in a million, files swapped", "", of("Swap", "waits/million", 1), none, false},
	{"", "the same, nothing swapped", "", of("Swap", "waits/million-idle", 1), none, false},
	{"Redis, 16 clients", "request", "µs", of("Redis/request/mooring/clients=16", ns, 1000), none, false},
	{"", "request, of raw `GET`", "", ratio("Redis/request/mooring/clients=16", "Redis/request/raw/clients=16"), 1.15, false},
	{"", "request, of scs", "", ratio("Redis/request/mooring/clients=16", "Redis/request/scs/clients=16"), 1, false},
	{"", "`Get`, of raw `GET`", "", ratio("Redis/find/mooring/clients=16", "Redis/find/raw/clients=16"), 1.15, false},
	{"", "`Get`, of scs redisstore `Find`", "", ratio("Redis/find/mooring/clients=16", "Redis/find/scs/clients=16"), 1, false},
	{"", "raw `GET`, of scs redisstore `Find`", "", ratio("Redis/find/raw/clients=16", "Redis/find/scs/clients=16"), none, false},
	{"", "request, near cache", "µs", of("Redis/request/nearcache/clients=16", ns, 1000), 2, false},
	{"", "`Get`, near cache", "µs", of("Redis/find/nearcache/clients=16", ns, 1000), none, false},
	{"Redis, 1 client", "request, of raw `GET`", "", ratio("Redis/request/mooring/clients=1", "Redis/request/raw/clients=1"), none, false},
	{"Redis through rueidis, 16 clients", "request", "µs", of("Redis/request/rueidis/clients=16", ns, 1000), none, false},
	{"", "request, of raw `GET` through go-redis", "", ratio("Redis/request/rueidis/clients=16", "Redis/request/raw/clients=16"), 0.6, false},
	{"", "request, of raw `GET` through rueidis", "", ratio("Redis/request/rueidis/clients=16", "Redis/request/raw-rueidis/clients=16"), none, false},
	{"", "request, of scs", "", ratio("Redis/request/rueidis/clients=16", "Redis/request/scs/clients=16"), 1, false},
	{"", "`Get`, of raw `GET` through go-redis", "", ratio("Redis/find/rueidis/clients=16", "Redis/find/raw/clients=16"), 0.6, false},
	{"", "`Get`, of raw `GET` through rueidis", "", ratio("Redis/find/rueidis/clients=16", "Redis/find/raw-rueidis/clients=16"), none, false},
	{"", "`Get`, of scs redisstore `Find`", "", ratio("Redis/find/rueidis/clients=16", "Redis/find/scs/clients=16"), 1, false},
	{"", "`MaxFlushDelay` of 20 µs: request, of raw `GET` through go-redis", "", ratio("Redis/request/rueidis-delayed/clients=16", "Redis/request/raw/clients=16"), 0.6, false},
	{"Redis through rueidis, 1 client", "request, of raw `GET` through go-redis", "", ratio("Redis/request/rueidis/clients=1", "Redis/request/raw/clients=1"), none, false},
	{"", "the same with `MaxFlushDelay` of 20 µs", "", ratio("Redis/request/rueidis-delayed/clients=1", "Redis/request/raw/clients=1"), none, false},
	{"Redis, its connections hang, 16 clients", "slowest request through go-redis", "s", of("Hang/go-redis", "s-slowest", 1), 3.3, false},
	{"", "requests that failed", "", of("Hang/go-redis", "failed", 1), none, false},
	{"", "slowest request through rueidis", "s", of("Hang/rueidis", "s-slowest", 1), 3.3, false},
	{"", "requests that failed", "", of("Hang/rueidis", "failed", 1), none, false},
	{"PostgreSQL, 16 clients", "request", "µs", of("Postgres/request/mooring/clients=16", ns, 1000), none, false},
	{"", "request, of a raw prepared `SELECT`", "", ratio("Postgres/request/mooring/clients=16", "Postgres/request/raw-sql/clients=16"), 1.15, false},
	{"", "the same through pgx", "", ratio("Postgres/request/mooring/clients=16", "Postgres/request/raw-pgx/clients=16"), none, false},
	{"", "request, of scs", "", ratio("Postgres/request/mooring/clients=16", "Postgres/request/scs/clients=16"), 1, false},
	{"", "`Get`, of a raw prepared `SELECT`", "", ratio("Postgres/find/mooring/clients=16", "Postgres/find/raw-sql/clients=16"), 1.15, false},
	{"", "`Get`, of scs pgxstore `Find`", "", ratio("Postgres/find/mooring/clients=16", "Postgres/find/scs/clients=16"), 1, false},
	{"", "a raw prepared `SELECT`, of scs pgxstore `Find`", "", ratio("Postgres/find/raw-sql/clients=16", "Postgres/find/scs/clients=16"), none, false},
	{"", "request, near cache", "µs", of("Postgres/request/nearcache/clients=16", ns, 1000), 2, false},
	{"", "`Get`, near cache", "µs", of("Postgres/find/nearcache/clients=16", ns, 1000), none, false},
	{"PostgreSQL, 1 client", "request, of a raw prepared `SELECT`", "", ratio("Postgres/request/mooring/clients=1", "Postgres/request/raw-sql/clients=1"), none, false},
}

// none is the limit of a figure that has no target.
var none = math.Inf(1)

// of returns what a benchmark measured, divided by unit.
func of(name, unit string, scale float64) func(measured) float64 {
	return func(m measured) float64 { return m.median(name, unit) / scale }
}

// over returns what a benchmark measured over the bare handler.
func over(name, unit string, scale float64) func(measured) float64 {
	return func(m measured) float64 { return (m.median(name, unit) - m.median("Guard/bare", unit)) / scale }
}

// difference returns how much more one benchmark measured than another.
func difference(name, than, unit string, scale float64) func(measured) float64 {
	return func(m measured) float64 { return (m.median(name, unit) - m.median(than, unit)) / scale }
}

// ratio returns the time of one benchmark to that of another.
func ratio(name, peer string) func(measured) float64 {
	return func(m measured) float64 { return m.median(name, ns) / m.median(peer, ns) }
}

// ratioOver is ratio for what each takes over the bare handler.
func ratioOver(name, peer string) func(measured) float64 {
	return func(m measured) float64 { return over(name, ns, 1)(m) / over(peer, ns, 1)(m) }
}

// twoToOne returns how much more is done with two processors than with one.
func twoToOne(name string) func(measured) float64 {
	return func(m measured) float64 { return m.onOne(name, ns) / m.median(name, ns) }
}
