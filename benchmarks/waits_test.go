package benchmarks

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

// waits is how long something took, done over and over in each of several runs:
// by the clock, and without the time for which its thread waited for a processor,
// which is milliseconds now and then, whatever is done beside it.
type waits struct {
	longest, running []time.Duration // of each run
	total, waits     int             // of all runs: how often it was done, and took longer than waiting
}

// waiting is longer than anything here takes unless it waits for something.
const waiting = 100 * time.Microsecond

// during adds a run of do while something else is done.
func (w *waits) during(do, something func()) {
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		thread := keepThread()
		defer thread.release()
		var longest, running time.Duration
		for n := 0; ; n++ {
			if n%1000 == 0 {
				select {
				case <-over:
					w.longest, w.running = append(w.longest, longest), append(w.running, running)
					w.total += n
					return
				default:
					runtime.Gosched() // here, and not in the middle of what is timed
					thread.queued()
				}
			}
			start := time.Now()
			do()
			took := time.Since(start)
			longest = max(longest, took)
			if took > waiting {
				w.waits++
				took -= thread.queued()
			}
			running = max(running, took)
		}
	}()
	something()
	close(over)
	<-done
}

func (w *waits) report(b *testing.B, suffix string) {
	for _, figure := range []struct {
		unit   string
		values []time.Duration
	}{{"µs-slowest", w.longest}, {"µs-slowest-running", w.running}} {
		slices.Sort(figure.values)
		b.ReportMetric(figure.values[len(figure.values)/2].Seconds()*1e6, figure.unit+suffix)
	}
	b.ReportMetric(1e6*float64(w.waits)/float64(w.total), "waits/million"+suffix)
}

// busy keeps a processor busy with nothing.
func busy(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}
