package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/mooring-go/mooring/loginstage"
)

const (
	flowTime    = 10 * time.Minute // how long a flow may take
	maxAttempts = 5                // how many wrong answers a flow takes
	flowCookie  = "__Host-flow"
	maxCookie   = 3800 // bytes of its value; browsers keep 4096 with name and attributes
)

// flow is how far one client has come. The client keeps it, sealed, in a cookie:
// anybody can begin a sign-in, so one that is under way costs the server no memory.
type flow struct {
	ID       string                // of this state of the flow; each answer makes another
	At       int                   // the stage that has asked
	Asked    *loginstage.Challenge // what it asked; nil: it is still to begin
	User     loginstage.User       // counts for nothing before the last stage has begun
	Attempts int                   // wrong answers so far
	Next     string                // the page that was wanted
	Expires  time.Time
}

// proved reports whether the client has shown something that only the user has.
func (f *flow) proved() bool { return f.User.Method != "" }

// flows seals and opens the flows of all clients. It is safe for concurrent use.
//
// Attacker: a client can go back to an older cookie of its own. Before something is
// proved that gains nothing: the client could as well begin another flow. Afterwards
// each state is answered once, or a copied cookie would sign in without the password
// for ten minutes. What is remembered for that grows with right passwords alone.
type flows struct {
	aead cipher.AEAD

	mu       sync.Mutex
	answered map[string]time.Time // by the ID of a proved state: when it can be forgotten
	swept    time.Time
}

// newFlows returns flows sealed with the key of 32 bytes. Flows outlive the process
// if it has the same key again; processes that share a key take each other's, but
// do not know what was answered at the others.
func newFlows(key []byte) (*flows, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("key of %d bytes: want 32", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &flows{aead: aead, answered: make(map[string]time.Time), swept: time.Now()}, err
}

// start returns a new flow, for a client that wants to go on to the page. The client has
// it once it is saved.
func (*flows) start(next string) *flow { return &flow{Next: next, Expires: time.Now().Add(flowTime)} }

// of returns the client's flow, or nil if it has none that is still good.
func (f *flows) of(r *http.Request) *flow {
	cookie, err := r.Cookie(flowCookie)
	if err != nil {
		return nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return nil
	}
	text, err := f.aead.Open(nil, nil, sealed, []byte(flowCookie))
	if err != nil {
		return nil
	}
	var found flow
	if err := json.Unmarshal(text, &found); err != nil || !time.Now().Before(found.Expires) {
		return nil
	}
	return &found
}

// save gives the client the flow as it is now.
func (f *flows) save(w http.ResponseWriter, state *flow) error {
	state.ID = rand.Text()
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	value := base64.RawURLEncoding.EncodeToString(f.aead.Seal(nil, nil, text, []byte(flowCookie)))
	if len(value) > maxCookie {
		return errors.New("the flow does not fit into a cookie: ask a shorter question")
	}
	setFlowCookie(w, value, int(time.Until(state.Expires).Seconds()))
	return nil
}

// answer reports whether the state may be answered, and sees to it that a proved
// one is answered once.
func (f *flows) answer(state *flow) bool {
	if !state.proved() {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(f.swept) > time.Minute {
		for id, expires := range f.answered {
			if !now.Before(expires) {
				delete(f.answered, id)
			}
		}
		f.swept = now
	}
	_, before := f.answered[state.ID]
	f.answered[state.ID] = state.Expires
	return !before
}

// end takes the flow from the client.
func (*flows) end(w http.ResponseWriter) { setFlowCookie(w, "", -1) }

func setFlowCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: flowCookie, Value: value, MaxAge: maxAge,
		Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
