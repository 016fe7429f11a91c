package loginstage

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// Device Bound Session Credentials, as Chromium 156 speaks it and as the draft of
// February 2026 says it: https://w3c.github.io/webappsec-dbsc/. Both are accepted.
//
// A browser takes most answers but 200, 403 with a challenge and a 5xx for the end
// of its session and drops the key, so that what fails on this side must be a 503.

// The headers of the protocol.
const (
	headerRegistration = "Secure-Session-Registration"
	headerChallenge    = "Secure-Session-Challenge"
	headerResponse     = "Secure-Session-Response"
	headerSessionID    = "Sec-Secure-Session-Id"
)

// The endpoints, below Config.DeviceKeyPath.
const (
	dbscRegister = "/dbsc/register"
	dbscRefresh  = "/dbsc/refresh"
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

// registerDBSC binds the session that has just been signed in to the browser's
// key. The request may come without cookies, if another site's answer led to the
// sign-in, so the session is found by the claim that brings its handle back.
func (l *UserLogin) registerDBSC(w http.ResponseWriter, r *http.Request) {
	proof := r.Header.Get(headerResponse)
	if proof == "" {
		refuse(w, http.StatusBadRequest, "A registration brings a proof.")
		return
	}
	key, claims, err := devicekey.ParseRegistration(devicekey.DBSC, proof)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	s, err := l.findByHandle(r.Context(), claims.Authorization)
	if err == nil {
		err = l.sameBrowser(r, s)
	}
	if err != nil {
		l.refuseKey(w, r, err)
		return
	}
	now := l.sessions.Now(r.Context())
	if err := l.secrets.CheckChallenge(devicekey.Register, keySubject(s), claims.Challenge, now, registerTime); err != nil {
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
	l.acceptDBSC(w, r, bound)
}

// sameBrowser returns [session.ErrNotFound] if r brings the token of another
// session than s. A request without cookies is from nobody else.
func (l *UserLogin) sameBrowser(r *http.Request, s session.Session) error {
	token, err := l.config.Carrier.Read(r)
	if err != nil || token.IsZero() || token.ID() == s.ID {
		return err
	}
	other, err := l.sessions.Find(r.Context(), token, session.KindSession)
	if isEnded(err) || (err == nil && lineage(other) == lineage(s)) {
		return nil
	}
	if err != nil {
		return err
	}
	return session.ErrNotFound
}

// refreshDBSC gives the browser a new bound cookie for a proof by its key, and a
// challenge to prove where it brings none that counts.
func (l *UserLogin) refreshDBSC(w http.ResponseWriter, r *http.Request) {
	handle := strings.Trim(r.Header.Get(headerSessionID), `"`)
	s, err := l.findByHandle(r.Context(), handle)
	if err == nil && s.Drift.Key.Kind != devicekey.DBSC {
		err = session.ErrNotFound
	}
	if err != nil {
		l.refuseKey(w, r, err)
		return
	}
	proof := r.Header.Get(headerResponse)
	if proof == "" {
		l.challengeDBSC(w, r, s, http.StatusForbidden)
		return
	}
	claims, err := devicekey.VerifyProof(s.Drift.Key, proof)
	if err != nil { // another key: the record is as it was
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	fresh, err := l.answered(r, s, claims.Challenge)
	if err != nil {
		l.refuseKey(w, r, err)
		return
	}
	if !fresh { // too old, or used: the right key may try again
		l.challengeDBSC(w, r, s, http.StatusForbidden)
		return
	}
	if err := l.recordProof(r, s); err != nil {
		l.refuseKey(w, r, err)
		return
	}
	l.acceptDBSC(w, r, s)
}

// answered reports whether the challenge is the session's, is recent and is
// answered for the first time.
func (l *UserLogin) answered(r *http.Request, s session.Session, challenge string) (bool, error) {
	now, longest := l.sessions.Now(r.Context()), l.passTime()+proveTime
	if err := l.secrets.CheckChallenge(devicekey.Prove, keySubject(s), challenge, now, longest); err != nil {
		return false, nil
	}
	return l.useChallenge(r.Context(), s, challenge, longest)
}

// acceptDBSC answers with the bound cookie, the session instructions and the
// challenge of the next refresh.
func (l *UserLogin) acceptDBSC(w http.ResponseWriter, r *http.Request, s session.Session) {
	cookie := l.passCookie()
	body, err := json.Marshal(instructions{
		SessionID:  l.keyHandle(s),
		RefreshURL: l.config.DeviceKeyPath + dbscRefresh,
		Scope: scope{Specification: []scopeRule{
			{Type: "exclude", Domain: "*", Path: l.config.DeviceKeyPath},
		}},
		Credentials: []credential{{Type: "cookie", Name: cookie.CookieName(), Attributes: cookie.Attributes()}},
	})
	if err != nil {
		l.refuseKey(w, r, err)
		return
	}
	l.givePass(w, r, s)
	l.setChallengeDBSC(w, r, s)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // the client may be gone
}

func (l *UserLogin) challengeDBSC(w http.ResponseWriter, r *http.Request, s session.Session, status int) {
	l.setChallengeDBSC(w, r, s)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
}

func (l *UserLogin) setChallengeDBSC(w http.ResponseWriter, r *http.Request, s session.Session) {
	challenge := l.secrets.Challenge(devicekey.Prove, keySubject(s), l.sessions.Now(r.Context()))
	w.Header().Set(headerChallenge, fmt.Sprintf(`"%s";id="%s"`, challenge, l.keyHandle(s)))
}

// refuseKey answers a request about a device key that cannot be met: 400 where
// there is no such session any more, so that the browser drops its key, and 503
// where nobody knows, so that it keeps it.
func (l *UserLogin) refuseKey(w http.ResponseWriter, r *http.Request, err error) {
	if isEnded(err) || errors.Is(err, session.ErrNotFound) {
		refuse(w, http.StatusBadRequest, "There is no such session.")
		return
	}
	l.config.Logger.ErrorContext(r.Context(), "loginstage: a device key could not be checked", "error", err)
	w.Header().Set("Retry-After", "1")
	refuse(w, http.StatusServiceUnavailable, "The device key could not be checked. Try again.")
}

// refuse answers with a problem. It never redirects: a redirect takes the proof
// along.
func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Cache-Control", "no-store")
	writeProblem(w, Problem{Status: status, Detail: detail})
}
