package loginstage

import (
	_ "embed" // the script
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// The device key of a page: a WebCrypto key that a script keeps in IndexedDB. The
// browser hands out no private half of it, not even to the script.

//go:embed devicekey.js
var script []byte

// The endpoints, below Config.DeviceKeyPath.
const (
	pageScript   = "/device-key.js"
	pageState    = "/page/state"
	pageRegister = "/page/register"
	pageProve    = "/page/prove"
)

// maxProofBody is how long the body of a proof may be, in bytes.
const maxProofBody = 16 << 10

// keyState is what the script is told of the session.
type keyState struct {
	Kind     devicekey.Kind `json:"kind,omitempty"`     // of the session's key; empty: it has none
	Handle   string         `json:"handle,omitempty"`   // by which the script keeps its key
	Register string         `json:"register,omitempty"` // the challenge of a registration, while it is offered
	Prove    string         `json:"prove,omitempty"`    // the challenge of the next proof
	Seconds  int            `json:"seconds,omitempty"`  // for how long the last proof holds; 0: no proof is asked for by time
}

func (l *UserLogin) serveScript(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, newContent(script))
}

// pageState tells the script what there is to register or to prove.
func (l *UserLogin) pageState(w http.ResponseWriter, r *http.Request) {
	s, err := l.sessions.Load(r)
	switch {
	case isEnded(err) || (err == nil && s.Stage != l.config.Name):
		writeJSON(w, keyState{})
	case err != nil:
		l.refuseKey(w, r, err)
	default:
		l.writeState(w, r, s, l.hasPass(r, &s))
	}
}

// writeState answers with what the script needs next.
func (l *UserLogin) writeState(w http.ResponseWriter, r *http.Request, s session.Session, proved bool) {
	now := l.sessions.Now(r.Context())
	state := keyState{Kind: s.Drift.Key.Kind, Handle: l.keyHandle(s)}
	switch {
	case !s.Drift.Key.IsZero():
		state.Prove = l.secrets.Challenge(devicekey.Prove, keySubject(s), now)
		if proved && l.config.ProveEvery > 0 {
			state.Seconds = int(l.passTime() / time.Second)
		}
	default:
		offered, _ := l.offerCookie().Value(r)
		if l.secrets.CheckChallenge(devicekey.Register, keySubject(s), offered, now, registerTime) == nil {
			state.Register = offered
		}
	}
	writeJSON(w, state)
}

// pageRegister binds the session to the script's key. That the browser has just
// signed in is shown by the cookie with the challenge, which only that answer set.
func (l *UserLogin) pageRegister(w http.ResponseWriter, r *http.Request) {
	s, proof, ok := l.pageProof(w, r)
	if !ok {
		return
	}
	key, claims, err := devicekey.ParseRegistration(devicekey.Page, proof)
	if err == nil {
		now := l.sessions.Now(r.Context())
		err = l.secrets.CheckChallenge(devicekey.Register, keySubject(s), claims.Challenge, now, registerTime)
	}
	if offered, _ := l.offerCookie().Value(r); err == nil && offered != claims.Challenge {
		err = fmt.Errorf("%w: it was not offered to this browser", devicekey.ErrChallenge)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	bound := s
	if s.Drift.Key.IsZero() {
		if bound, err = l.bindKey(r, s, key); err != nil {
			l.refuseKey(w, r, err)
			return
		}
	}
	if bound.Drift.Key != key {
		refuse(w, http.StatusBadRequest, "The session has a device key already.")
		return
	}
	l.offerCookie().Set(w, "", -1)
	l.givePass(w, r, bound)
	l.writeState(w, r, bound, true)
}

// pageProve gives the browser a new pass for a proof by its key.
func (l *UserLogin) pageProve(w http.ResponseWriter, r *http.Request) {
	s, proof, ok := l.pageProof(w, r)
	if !ok {
		return
	}
	if s.Drift.Key.Kind != devicekey.Page {
		refuse(w, http.StatusBadRequest, "The session has no key of a page.")
		return
	}
	claims, err := devicekey.VerifyProof(s.Drift.Key, proof)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	fresh, err := l.answered(r, s, claims.Challenge)
	if err == nil && fresh {
		err = l.recordProof(r, s)
	}
	switch {
	case err != nil:
		l.refuseKey(w, r, err)
	case !fresh:
		refuse(w, http.StatusBadRequest, "The challenge is too old, or it has been answered.")
	default:
		l.givePass(w, r, s)
		l.writeState(w, r, s, true)
	}
}

// pageProof returns the session that r was sent in and the proof in its body, or
// false if it has been answered.
func (l *UserLogin) pageProof(w http.ResponseWriter, r *http.Request) (s session.Session, proof string, ok bool) {
	if err := l.sameOrigin.Check(r); err != nil {
		refuse(w, http.StatusForbidden, "Only pages of the same origin can prove a key.")
		return s, "", false
	}
	s, err := l.sessions.Load(r)
	if err == nil && s.Stage != l.config.Name {
		err = session.ErrNotFound
	}
	if err != nil {
		l.refuseKey(w, r, err)
		return s, "", false
	}
	var body struct {
		Proof string `json:"proof"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxProofBody)).Decode(&body); err != nil && !errors.Is(err, io.EOF) {
		refuse(w, http.StatusBadRequest, fmt.Sprintf(`Want {"proof": "…"} of at most %d bytes.`, maxProofBody))
		return s, "", false
	}
	return s, body.Proof, true
}

func writeJSON(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body) // the client may be gone
}
