package loginstage

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mooring-go/mooring/session"
)

const (
	// askedPatience is how long a client has to prove its key before it is told that
	// it did not.
	askedPatience = 15 * time.Second
	// maxAsked is how many clients are waited for at a time; of more it is told at once.
	maxAsked = 1024
)

// asked are the clients of this process that were asked to prove their keys a moment
// ago. One that does so is not told of: the user noticed nothing. The zero value has
// none; it is safe for concurrent use.
type asked struct {
	waiting atomic.Int32
	mu      sync.Mutex
	by      map[askedKey]*time.Timer
}

type askedKey struct {
	session session.ID
	ip      netip.Addr
	move    string // "": the last proof is over
}

// add waits for the proof that e asks r for, and has it told that there was none, once.
func (a *asked) add(l *UserLogin, r *http.Request, e *proofError, ip netip.Addr) {
	if l.config.Events == nil {
		return
	}
	event := l.unprovedEvent(r, e, ip)
	key := askedKey{session: e.session.ID, ip: ip, move: e.move}
	ctx := context.WithoutCancel(r.Context())
	tell := func() {
		if l.told.first(event.ID) {
			l.events.emit(ctx, event)
		}
	}
	if e.gaveUp || e.dpop != "" { // nothing to wait for
		a.remove(key)
		tell()
		return
	}
	a.mu.Lock()
	_, again := a.by[key]
	if full := len(a.by) >= maxAsked; !again && !full {
		if a.by == nil {
			a.by = make(map[askedKey]*time.Timer)
		}
		a.waiting.Add(1)
		a.by[key] = time.AfterFunc(askedPatience, func() {
			if a.remove(key) && (key.move == "" || !l.hasProved(ctx, key.session, key.move)) {
				tell()
			}
		})
		again = true
	}
	a.mu.Unlock()
	if !again {
		tell()
	}
}

// served takes note that a request of the session came from the address with a proof.
func (a *asked) served(id session.ID, ip netip.Addr) {
	if a.waiting.Load() > 0 {
		a.remove(askedKey{session: id, ip: ip})
	}
}

// remove reports whether the client was waited for, and waits no more.
func (a *asked) remove(key askedKey) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	timer, waiting := a.by[key]
	if waiting {
		timer.Stop()
		delete(a.by, key)
		a.waiting.Add(-1)
	}
	return waiting
}
