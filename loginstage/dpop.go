package loginstage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// DPoP (RFC 9449) for clients that send a bearer token: each request proves the key
// that came with the sign-in.

const (
	headerDPoP  = "Dpop"
	headerNonce = "Dpop-Nonce"

	// nonceTime is how long a nonce can be used, and with it a proof.
	nonceTime = 2 * time.Minute
	// signInTime is by how much the time of a sign-in's proof may differ from this
	// process's: it has no nonce.
	signInTime = time.Minute
)

// Why a proof does not do (RFC 9449, sections 7.1 and 9).
const (
	dpopInvalidToken = "invalid_token"
	dpopInvalidProof = "invalid_dpop_proof"
	dpopUseNonce     = "use_dpop_nonce"
)

// signInKey returns the key of the DPoP proof of a request that signs in, or the zero
// Key where there is none, or where the client is no client of an API.
func (l *UserLogin) signInKey(r *http.Request) (devicekey.Key, error) {
	proofs := r.Header[headerDPoP]
	if l.config.DeviceKey == DeviceKeyOff || len(proofs) == 0 || !bears(l.config.Carrier, r) {
		return devicekey.Key{}, nil
	}
	if len(proofs) > 1 {
		return devicekey.Key{}, fmt.Errorf("%w: %d headers DPoP, want one", devicekey.ErrProof, len(proofs))
	}
	proof, err := devicekey.VerifyDPoP(proofs[0], devicekey.Request{Method: r.Method, URL: l.requestURL(r)})
	if err != nil {
		return devicekey.Key{}, err
	}
	if off := l.sessions.Now(r.Context()).Sub(proof.Time).Abs(); off > signInTime {
		return devicekey.Key{}, fmt.Errorf("%w: iat is off by %s, want %s at the most", devicekey.ErrProof, off.Round(time.Second), signInTime)
	}
	err = l.sessions.Once(r.Context(), proof.Key.Thumbprint(), proof.ID, 3*signInTime)
	if errors.Is(err, session.ErrExists) {
		return devicekey.Key{}, fmt.Errorf("%w: it was used before", devicekey.ErrProof)
	}
	return proof.Key, err
}

// checkDPoP returns a *proofError if r brings no proof by the key of s that is for r
// and is new.
func (l *UserLogin) checkDPoP(r *http.Request, s *session.Session) error {
	g, _ := r.Context().Value(guardedKey{}).(*guarded)
	for ; g != nil; g = g.outside() {
		if g.err != nil || !g.dpop {
			continue
		}
		if proved := g.current(); proved.ID == s.ID && proved.Drift.Key == s.Drift.Key {
			return nil // the guard of another stage has seen the proof, which is used up
		}
	}
	refuse := func(code, detail string) error {
		e := &proofError{session: *s, dpop: code, detail: detail}
		if code != dpopUseNonce {
			ip, _ := l.clientIP(r)
			l.asked.add(l, r, e, ip)
		}
		return e
	}
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	proofs := r.Header[headerDPoP]
	if !strings.EqualFold(scheme, "DPoP") || len(proofs) != 1 {
		return refuse(dpopInvalidToken, "This token is bound to a key: want the scheme DPoP and one DPoP header.")
	}
	token, err := l.config.Carrier.Read(r)
	if err != nil {
		return err
	}
	proof, err := devicekey.VerifyDPoP(proofs[0], devicekey.Request{Method: r.Method, URL: l.requestURL(r), Token: token.Secret()})
	if err != nil {
		return refuse(dpopInvalidProof, err.Error())
	}
	if proof.Key != s.Drift.Key {
		return refuse(dpopInvalidProof, "The proof is by another key than the session's.")
	}
	now := l.sessions.Now(r.Context())
	if err := l.secrets.CheckChallenge(devicekey.Nonce, keySubject(*s), proof.Nonce, now, nonceTime); err != nil {
		return refuse(dpopUseNonce, "Use the nonce of the header DPoP-Nonce.")
	}
	err = l.sessions.Once(r.Context(), keySubject(*s), proof.ID, nonceTime+time.Minute)
	if errors.Is(err, session.ErrExists) {
		return refuse(dpopInvalidProof, "The proof was used before: each request needs its own jti.")
	}
	return err
}

// askDPoP answers a request without a proof that does, as RFC 9449 says.
func (l *UserLogin) askDPoP(w http.ResponseWriter, r *http.Request, e *proofError) {
	l.setChallenge(r.Context(), w.Header(), e)
	writeProblem(w, Problem{Type: ProblemProve, Status: http.StatusUnauthorized, Detail: e.detail})
}

// challengeDPoP returns the challenge to a client whose proof does not do.
func (l *UserLogin) challengeDPoP(e *proofError) string {
	return "DPoP realm=" + strconv.Quote(l.config.Name) + `, error="` + cmp.Or(e.dpop, dpopInvalidProof) + `", algs="ES256 RS256"`
}

// DPoPNonce returns the nonce that a client's next proofs of its DPoP key are to have:
// the value of the header DPoP-Nonce in the answer to the call whose context ctx is (RFC
// 9449, section 8.2). It returns "" where the session of the call has no such key, and
// for a context that neither a guard of the stage nor [UserLogin.Authenticate] made. A
// guard of net/http gives the client its nonce itself. It is safe for concurrent use.
func (l *UserLogin) DPoPNonce(ctx context.Context) string {
	l = l.in(ctx)
	g := l.foundIn(ctx)
	if g == nil {
		return ""
	}
	s := g.current()
	if unproved, ok := errors.AsType[*proofError](g.err); ok {
		s = unproved.session
	}
	if s.Drift.Key.Kind != devicekey.DPoP {
		return ""
	}
	return l.nonce(ctx, s)
}

// nonce returns a new nonce for the client of s.
func (l *UserLogin) nonce(ctx context.Context, s session.Session) string {
	return l.secrets.Challenge(devicekey.Nonce, keySubject(s), l.sessions.Now(ctx))
}

// renewNonce gives the client of a session with a DPoP key the nonce of its next
// requests.
func (l *UserLogin) renewNonce(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if s.Drift.Key.Kind == devicekey.DPoP {
		w.Header().Set(headerNonce, l.nonce(r.Context(), *s))
	}
}

// requestURL returns where r was sent as its client knows it, without the query. The
// host's name is the configured one: that of the request is whatever its sender wrote,
// who may pass on what a client meant for another host.
func (l *UserLogin) requestURL(r *http.Request) string {
	path, _, _ := strings.Cut(clientURI(l.config.PathPrefix, r), "?")
	return l.config.Origin + path
}
