package benchmarks

import (
	"slices"
	"testing"
	"time"
)

// waits is how long something took, done over and over in each of several runs.
// What the work beside it causes is in every run; what the machine causes, which
// now and then takes a thread off its processor for milliseconds, is in some.
type waits struct {
	longest      []time.Duration // of each run
	total, waits int             // of all runs: how often it was done, and took longer than waiting
}

// waiting is longer than anything here takes unless it waits for something.
const waiting = 100 * time.Microsecond

// during adds a run of do while something else is done.
func (w *waits) during(do, something func()) {
	over, done := make(chan struct{}), make(chan time.Duration)
	go func() {
		var longest time.Duration
		for {
			select {
			case <-over:
				done <- longest
				return
			default:
				start := time.Now()
				do()
				took := time.Since(start)
				longest = max(longest, took)
				w.total++
				if took > waiting {
					w.waits++
				}
			}
		}
	}()
	something()
	close(over)
	w.longest = append(w.longest, <-done)
}

func (w *waits) report(b *testing.B, suffix string) {
	slices.Sort(w.longest)
	b.ReportMetric(w.longest[len(w.longest)/2].Seconds()*1e6, "µs-slowest"+suffix)
	b.ReportMetric(1e6*float64(w.waits)/float64(w.total), "waits/million"+suffix)
}

// busy keeps a processor busy with nothing.
func busy(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}
