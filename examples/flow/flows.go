package main

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

const (
	flowTime    = 10 * time.Minute // how long a flow may take
	maxFlows    = 10_000           // how many may be under way
	maxAttempts = 5                // how many wrong answers a flow takes
)

// flow is how far one client has come. Who it says the user is counts for
// nothing before the last stage has begun.
type flow struct {
	mu       sync.Mutex
	at       int // the stage that has asked; len(stages): done
	asked    any // what it asked
	user     loginstage.User
	attempts int
	expires  time.Time
}

// flows holds the flows that are under way, in memory. It is safe for
// concurrent use.
type flows struct {
	cookie session.Cookie // holds the key of the client's flow

	mu    sync.Mutex
	byKey map[string]*flow
}

func newFlows() *flows {
	return &flows{cookie: session.Cookie{Name: "__Host-flow"}, byKey: make(map[string]*flow)}
}

// of is the client's flow, or nil.
func (f *flows) of(r *http.Request) *flow {
	key, _ := f.cookie.Value(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.byKey[key]
	if found == nil || !time.Now().Before(found.expires) {
		return nil
	}
	return found
}

// start gives the client a new flow, or nil if there are too many.
func (f *flows) start(w http.ResponseWriter) *flow {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if len(f.byKey) >= maxFlows {
		for key, old := range f.byKey {
			if !now.Before(old.expires) {
				delete(f.byKey, key)
			}
		}
	}
	if len(f.byKey) >= maxFlows {
		return nil
	}
	key, started := rand.Text(), &flow{expires: now.Add(flowTime)}
	f.byKey[key] = started
	f.cookie.Set(w, key, int(flowTime.Seconds()))
	return started
}

// end forgets the client's flow.
func (f *flows) end(w http.ResponseWriter, r *http.Request) {
	key, _ := f.cookie.Value(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.byKey, key)
	f.cookie.Set(w, "", -1)
}
