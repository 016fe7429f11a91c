package benchmarks

import (
	"fmt"
	"os"
	"runtime"
	"time"
)

// A thread is the operating system's thread of a goroutine that stays on it.
type thread struct {
	stat   *os.File // nil: the system does not tell
	before time.Duration
}

func keepThread() *thread {
	runtime.LockOSThread()
	stat, err := os.Open("/proc/thread-self/schedstat")
	if err != nil {
		return &thread{}
	}
	return &thread{stat: stat}
}

func (t *thread) release() {
	if t.stat != nil {
		_ = t.stat.Close()
	}
	runtime.UnlockOSThread()
}

// queued is for how long, since it was asked last, the thread could have run and
// had no processor; 0 where the system does not tell.
func (t *thread) queued() time.Duration {
	if t.stat == nil {
		return 0
	}
	var text [64]byte
	n, _ := t.stat.ReadAt(text[:], 0)
	var ran, queued int64 // nanoseconds: Documentation/scheduler/sched-stats.rst of Linux
	if _, err := fmt.Sscan(string(text[:n]), &ran, &queued); err != nil {
		return 0
	}
	since := time.Duration(queued) - t.before
	t.before = time.Duration(queued)
	return since
}
