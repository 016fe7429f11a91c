package loginstage

import "time"

const (
	// emitGrace is how long a request waits for the sink, so that its events are out
	// when its response is, unless the sink is slow.
	emitGrace = 100 * time.Millisecond
	// patienceRegained is how many times longer than they waited the requests go
	// without waiting.
	patienceRegained = 20
)

// patience is the time for which all requests together wait for a sink: emitGrace,
// which comes back with time. A request can wait several times, once for each of its
// steps that ends sessions; since all share what is left, it waits no longer in all
// than it would once. The zero value is full.
type patience struct {
	spent time.Duration // as of at
	at    time.Time
}

// left returns how long a request may wait now.
func (p *patience) left(now time.Time) time.Duration {
	if regained := now.Sub(p.at) / patienceRegained; regained >= p.spent {
		p.spent, p.at = 0, now
	} else if regained > 0 {
		p.spent, p.at = p.spent-regained, now
	}
	return emitGrace - p.spent
}

// spend takes away the time that a request has waited.
func (p *patience) spend(from, to time.Time) {
	p.left(from)
	p.spent = min(emitGrace, p.spent+to.Sub(from))
	if to.After(p.at) {
		p.at = to
	}
}
