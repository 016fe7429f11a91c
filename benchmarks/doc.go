// Package benchmarks measures Mooring beside what a host would otherwise use: in
// one run, with the same work on both sides.
//
//	go run ./benchmarks/cmd/compare   fetches data, runs all, prints a table
//	go run ./benchmarks/cmd/load      loads a server over HTTP at rising rates
//
// It has benchmarks and tests, and nothing to import.
package benchmarks
