package loginstage

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// Device Bound Session Credentials, as Chromium 156 speaks it and as the draft of
// February 2026 says it: https://w3c.github.io/webappsec-dbsc/. Both are accepted.
//
// A browser takes every answer but a 200, a 403 with a challenge and a 5xx for the end
// of its session, and drops the key.

// The headers of the protocol.
const (
	headerRegistration = "Secure-Session-Registration"
	headerChallenge    = "Secure-Session-Challenge"
	headerResponse     = "Secure-Session-Response"
	headerSessionID    = "Sec-Secure-Session-Id"
)

// instructions are the session instructions of the protocol.
type instructions struct {
	SessionID   string       `json:"session_identifier"`
	RefreshURL  string       `json:"refresh_url"`
	Scope       scope        `json:"scope"`
	Credentials []credential `json:"credentials"`
}

type scope struct {
	IncludeSite   bool        `json:"include_site"`
	Specification []scopeRule `json:"scope_specification"`
}

type scopeRule struct {
	Type   string `json:"type"`
	Domain string `json:"domain"`
	Path   string `json:"path"`
}

type credential struct {
	Type       string `json:"type"`
	Name       string `json:"name"`
	Attributes string `json:"attributes"`
}

// serveDBSCRegister binds the session that has just been signed in to the browser's
// key. The request may come without cookies, if another site's answer led to the
// sign-in, so the session is found by the claim that brings its handle back.
func (l *UserLogin) serveDBSCRegister(w http.ResponseWriter, r *http.Request) {
	key, claims, err := devicekey.ParseRegistration(devicekey.DBSC, r.Header.Get(headerResponse))
	if err != nil {
		refuseKey(w, http.StatusBadRequest, err.Error())
		return
	}
	s, err := l.findByHandle(r.Context(), claims.Authorization)
	if err == nil {
		err = l.sameBrowser(r, s)
	}
	if err != nil {
		l.failKey(w, r, err)
		return
	}
	now := l.sessions.Now(r.Context())
	if err := l.secrets.CheckChallenge(devicekey.Register, keySubject(s), claims.Challenge, now, registerTime); err != nil {
		refuseKey(w, http.StatusBadRequest, err.Error())
		return
	}
	bound, err := l.bindKey(r, s, key, claims.Challenge)
	if err != nil {
		l.failKey(w, r, err)
		return
	}
	l.offerCookie().Set(w, "", -1)
	l.acceptDBSC(w, r, bound, claims.Authorization)
}

// serveDBSCRefresh gives the browser a new bound cookie for a proof by its key, and a
// challenge to prove where it brings none that counts.
func (l *UserLogin) serveDBSCRefresh(w http.ResponseWriter, r *http.Request) {
	handle := strings.Trim(r.Header.Get(headerSessionID), `"`)
	s, err := l.findByHandle(r.Context(), handle)
	if err == nil && s.Drift.Key.Kind != devicekey.DBSC {
		err = session.ErrNotFound
	}
	if err == nil {
		err = l.sameBrowser(r, s)
	}
	if err != nil {
		l.failKey(w, r, err)
		return
	}
	proof := r.Header.Get(headerResponse)
	if proof == "" {
		l.challengeDBSC(w, r, s, handle)
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
	case !fresh: // too old, or used: the right key may try again
		l.challengeDBSC(w, r, s, handle)
	default:
		l.acceptDBSC(w, r, s, handle)
	}
}

// acceptDBSC answers with the bound cookie, the session instructions and the
// challenge of the next refresh. The handle is the one that the browser brought: another
// one, as a new secret makes it, would be another session to it.
func (l *UserLogin) acceptDBSC(w http.ResponseWriter, r *http.Request, s session.Session, handle string) {
	body, err := json.Marshal(instructions{
		SessionID:  handle,
		RefreshURL: l.keyURL(dbscRefresh),
		Scope: scope{Specification: []scopeRule{
			{Type: "exclude", Domain: "*", Path: l.keyURL("")},
		}},
		Credentials: []credential{{Type: "cookie", Name: l.passCookie.Name, Attributes: l.passCookie.Attributes()}},
	})
	if err != nil {
		l.failKey(w, r, err)
		return
	}
	l.givePass(w, r, s)
	l.setChallengeDBSC(w, r, s, handle)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // the client may be gone
}

func (l *UserLogin) challengeDBSC(w http.ResponseWriter, r *http.Request, s session.Session, handle string) {
	l.setChallengeDBSC(w, r, s, handle)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusForbidden)
}

func (l *UserLogin) setChallengeDBSC(w http.ResponseWriter, r *http.Request, s session.Session, handle string) {
	challenge := l.secrets.Challenge(devicekey.Prove, keySubject(s), l.sessions.Now(r.Context()))
	w.Header().Set(headerChallenge, fmt.Sprintf(`"%s";id="%s"`, challenge, handle))
}
