package benchmarks

import (
	"testing"
	"time"

	"github.com/mooring-go/mooring/duration"
)

// BenchmarkDuration reads one duration, beside the standard library's parser of
// its own form of it.
func BenchmarkDuration(b *testing.B) {
	b.Run("mooring", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := duration.Parse("days=1,hours=2.5,seconds=30"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("time", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := time.ParseDuration("26.5h0m30s"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
