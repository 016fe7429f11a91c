package loginstage

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the script
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// The device key of a page: a WebCrypto key that a script keeps in IndexedDB. The
// browser hands out no private half of it, not even to the script.

//go:embed devicekey.js
var script []byte

// maxProofBody is how long the body of a proof may be, in bytes.
const maxProofBody = 16 << 10

// keyState is what the script is told of the session.
type keyState struct {
	Kind     devicekey.Kind `json:"kind,omitempty"`     // of the session's key; empty: it has none
	Handle   string         `json:"handle,omitempty"`   // by which the script keeps its key
	Register string         `json:"register,omitempty"` // the challenge of a registration, while it is offered
	Prove    string         `json:"prove,omitempty"`    // the challenge of the next proof
	Seconds  int            `json:"seconds,omitempty"`  // how much longer the last proof holds; 0: none does, or none is asked for by time
}

func (l *UserLogin) serveScript(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(script))
}

// servePageState tells the script what there is to register or to prove.
func (l *UserLogin) servePageState(w http.ResponseWriter, r *http.Request) {
	s, err := l.load(r)
	switch {
	case isEnded(err):
		l.writeState(w, keyState{})
	case err != nil:
		l.failKey(w, r, err)
	default:
		l.writeState(w, l.stateOf(r, s, l.passHolds(r, &s, l.sessions.Now(r.Context()))))
	}
}

// stateOf returns what the script needs next, where the browser's pass holds so much
// longer.
func (l *UserLogin) stateOf(r *http.Request, s session.Session, holds time.Duration) keyState {
	state := keyState{Kind: s.Drift.Key.Kind, Handle: pageHandle(s)}
	if s.Drift.Key.IsZero() {
		state.Register = l.registration(r, s)
		return state
	}
	state.Prove = l.secrets.Challenge(devicekey.Prove, keySubject(s), l.sessions.Now(r.Context()))
	if l.config.ProveEvery > 0 {
		state.Seconds = int(holds / time.Second)
	}
	return state
}

// pageHandle returns what the script keeps the key of the session under. It discloses
// nothing, and stays the same when the session is renewed and when secrets change.
func pageHandle(s session.Session) string {
	sum := sha256.Sum256([]byte("mooring page key\x00" + keySubject(s)))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// registration returns the challenge that r was offered to register a key with, or "".
func (l *UserLogin) registration(r *http.Request, s session.Session) string {
	challenge, ok := l.offered(r, s, registerTime)
	if !ok {
		return ""
	}
	return challenge
}

// servePageRegister binds the session to the script's key. That the browser has just
// signed in is shown by the cookie with the challenge, which that answer alone set.
func (l *UserLogin) servePageRegister(w http.ResponseWriter, r *http.Request) {
	s, proof, ok := l.pageProof(w, r)
	if !ok {
		return
	}
	key, claims, err := devicekey.ParseRegistration(devicekey.Page, proof)
	if err == nil && claims.Challenge != l.registration(r, s) {
		err = fmt.Errorf("%w: it was not offered to this browser", devicekey.ErrChallenge)
	}
	if err != nil {
		refuseKey(w, http.StatusBadRequest, err.Error())
		return
	}
	bound, err := l.bindKey(r, s, key, claims.Challenge)
	if err != nil {
		l.failKey(w, r, err)
		return
	}
	l.offerCookie().Set(w, "", -1)
	l.givePass(w, r, bound)
	l.writeState(w, l.stateOf(r, bound, l.passTime()))
}

// servePageProve gives the browser a new pass for a proof by its key.
func (l *UserLogin) servePageProve(w http.ResponseWriter, r *http.Request) {
	s, proof, ok := l.pageProof(w, r)
	if !ok {
		return
	}
	if s.Drift.Key.Kind != devicekey.Page {
		refuseKey(w, http.StatusBadRequest, "The session has no key of a page.")
		return
	}
	claims, err := devicekey.VerifyProof(s.Drift.Key, proof)
	if err != nil { // by another key, say: the session is as it was
		refuseKey(w, http.StatusBadRequest, err.Error())
		return
	}
	fresh, err := l.answered(r, s, claims.Challenge)
	if err == nil && fresh {
		err = l.recordProof(r, s)
	}
	switch {
	case err != nil:
		l.failKey(w, r, err)
	case !fresh:
		refuseKey(w, http.StatusForbidden, "The challenge is too old, or it has been answered.")
	default:
		l.givePass(w, r, s)
		l.writeState(w, l.stateOf(r, s, l.passTime()))
	}
}

// servePageGiveUp is for a browser that cannot prove the key of its session: it is
// asked no more for a while, and is anonymous where it would be.
func (l *UserLogin) servePageGiveUp(w http.ResponseWriter, r *http.Request) {
	if err := l.sameOrigin.Check(r); err != nil {
		refuseKey(w, http.StatusForbidden, "Only pages of the same origin can say so.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxProofBody)
	l.giveUp(w)
	if page := r.FormValue("next"); samePath(page) {
		http.Redirect(w, r, page, http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// pageProof returns the session that r was sent in and the proof in its body, or false
// if it has answered.
func (l *UserLogin) pageProof(w http.ResponseWriter, r *http.Request) (s session.Session, proof string, ok bool) {
	if err := l.sameOrigin.Check(r); err != nil {
		refuseKey(w, http.StatusForbidden, "Only pages of the same origin can prove a key.")
		return s, "", false
	}
	s, err := l.load(r)
	if err != nil {
		l.failKey(w, r, err)
		return s, "", false
	}
	var body struct {
		Proof string `json:"proof"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxProofBody)).Decode(&body); err != nil {
		refuseKey(w, http.StatusBadRequest, fmt.Sprintf(`Want {"proof": "…"} of at most %d bytes.`, maxProofBody))
		return s, "", false
	}
	return s, body.Proof, true
}

func (l *UserLogin) writeState(w http.ResponseWriter, state keyState) {
	body, err := json.Marshal(state)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body) // the client may be gone
}
