package benchmarks

import (
	"math/bits"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// steps is how many steps lie between a time and twice of it.
const steps = 8

// waits counts how long something took, each time that it was done, in steps of
// an eighth, so that counting takes no memory while it goes on.
type waits struct {
	counted [64 * steps]int
	total   int
	longest time.Duration
}

func (w *waits) add(d time.Duration) {
	w.counted[stepOf(d)]++
	w.total++
	w.longest = max(w.longest, d)
}

// stepOf is the step that d, of 8 ns or more, is in.
func stepOf(d time.Duration) int {
	octave := bits.Len64(uint64(max(d, steps))) - 1
	return octave*steps + int(max(d, steps)>>(octave-3))&(steps-1)
}

// quantile is the time that the share of all took at the most.
func (w *waits) quantile(share float64) time.Duration {
	left := int(share * float64(w.total))
	for step, n := range w.counted {
		if left -= n; left < 0 {
			return time.Duration(steps+step%steps+1) << (step/steps - 3)
		}
	}
	return w.longest
}

func (w *waits) report(b *testing.B, suffix string) {
	b.ReportMetric(float64(w.quantile(0.9999).Nanoseconds())/1000, "µs-p99.99"+suffix)
	b.ReportMetric(float64(w.longest.Nanoseconds())/1000, "µs-slowest"+suffix)
}

// slowest does something over and over until stop is called.
func slowest(do func()) (stop func() *waits) {
	over, done := make(chan struct{}), make(chan *waits)
	go func() {
		all := new(waits)
		for {
			select {
			case <-over:
				done <- all
				return
			default:
				start := time.Now()
				do()
				all.add(time.Since(start))
			}
		}
	}()
	return func() *waits { close(over); return <-done }
}

// idle is slowest for a second in which nothing else is done.
func idle(do func()) *waits {
	stop := slowest(do)
	time.Sleep(time.Second)
	return stop()
}

func TestWaitsAreCountedInSteps(t *testing.T) {
	var w waits
	for _, d := range []time.Duration{0, 100, 100, 1000, 5000} {
		w.add(d)
	}
	assert.Equal(t, 5*time.Microsecond, w.longest)
	assert.Equal(t, time.Duration(104), w.quantile(0.5))
	assert.Equal(t, time.Duration(1024), w.quantile(0.7))
	for d := time.Duration(8); d < time.Hour; d = d*17/16 + 1 {
		w = waits{}
		w.add(d)
		assert.Greater(t, w.quantile(0.5), d)
		assert.LessOrEqual(t, w.quantile(0.5), d+d/steps+1)
	}
}
