package loginstage

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// proveTime is for how much longer than a pass a challenge can be answered: a browser
// keeps one for its next refresh.
const proveTime = 10 * time.Minute

// unboundTime is how long after a sign-in a request may come from a browser that does
// not know yet that its session was bound to a key: it has the offer, which the answer
// to the registration takes away.
const unboundTime = 30 * time.Second

// A proofError carries a session out of admit whose device key is to be proved first.
// The session goes on.
type proofError struct {
	session session.Session
	broken  *binding.Broken // what no longer holds; nil: the last proof is over, or there is none
	move    string          // the name of that
	dpop    string          // why the DPoP proof of the request does not do: RFC 9449, section 7.1
	detail  string          // the same in words, for the client's developer
	gaveUp  bool            // the client has said, or shown, that it cannot
}

func (e *proofError) Error() string {
	if e.broken != nil {
		return "loginstage: the device key is to be proved: " + e.broken.String()
	}
	return "loginstage: the device key is to be proved"
}

// checkKey returns a *proofError if the device key of s has to be proved before r is
// served, wherever r comes from: it has no proof, or an old one. It returns another
// error where nobody knows.
func (l *UserLogin) checkKey(r *http.Request, s *session.Session, ip netip.Addr, now time.Time) error {
	switch {
	case s.Drift.Key.Kind == devicekey.DPoP:
		return l.checkDPoP(r, s)
	case l.config.ProveEvery == 0:
		return nil
	case l.passHolds(r, s, now) > 0:
		l.asked.served(s.ID, ip)
		return nil
	}
	// Requests are on their way while the key is registered, which cannot have the pass.
	if _, ok := l.offered(r, *s, min(unboundTime, l.passTime())); ok {
		return nil
	}
	return l.proofNeeded(r, &proofError{session: *s}, ip)
}

// checkMove returns a *proofError if the key of s has to be proved for what it was
// moved to, and otherwise nil, with what that adds to the drift of moved.
func (l *UserLogin) checkMove(r *http.Request, s session.Session, moved *verdict) error {
	if slices.Contains(s.Drift.Proved, moved.move) {
		return nil
	}
	if s.Drift.Key.Kind == devicekey.DPoP { // checkKey has seen the proof of this request
		moved.drift.Proved = []string{moved.move}
		return nil
	}
	return l.proofNeeded(r, &proofError{session: s, broken: moved.broken, move: moved.move}, moved.step.To.IP)
}

// proofNeeded completes the error of a request that has to wait for a proof.
func (l *UserLogin) proofNeeded(r *http.Request, e *proofError, ip netip.Addr) error {
	e.gaveUp = l.askedBefore(r) == askedInVain
	l.asked.add(l, r, e, ip)
	return e
}

// answered reports whether the challenge is the session's, is recent and is answered
// for the first time, in all processes.
func (l *UserLogin) answered(r *http.Request, s session.Session, challenge string) (bool, error) {
	now, longest := l.sessions.Now(r.Context()), l.passTime()+proveTime
	if err := l.secrets.CheckChallenge(devicekey.Prove, keySubject(s), challenge, now, longest); err != nil {
		return false, nil //nolint:nilerror // the client gets another challenge
	}
	err := l.sessions.Once(r.Context(), keySubject(s), challenge, longest+time.Minute)
	if errors.Is(err, session.ErrExists) {
		return false, nil
	}
	return err == nil, err
}

// recordProof remembers that the key of s was proved from where r comes, if the binding
// asks for that, and tells of it. The address stays as it was last seen: the guard
// judges the next request, and finds the move proved.
func (l *UserLogin) recordProof(r *http.Request, s session.Session) error {
	return l.whereverItIs(r.Context(), s, func(s session.Session) error { return l.recordProofIn(r, s) })
}

func (l *UserLogin) recordProofIn(r *http.Request, s session.Session) error {
	if !s.Policy.Binds() {
		return nil
	}
	ip, err := l.clientIP(r)
	if err != nil {
		return err
	}
	if ip == s.IP {
		return nil
	}
	moved, err := l.judge(r.Context(), s, ip)
	if err != nil || moved.action != binding.Prove || slices.Contains(s.Drift.Proved, moved.move) {
		return err
	}
	seen := session.Seen{Time: s.LastSeen, IP: s.IP, Drift: session.Drift{Proved: []string{moved.move}}}
	if _, err := l.sessions.Touch(r.Context(), s, seen); err != nil {
		return err
	}
	l.emitProved(r, s, moved)
	return nil
}

// emitProved tells that the key was proved for a move, once.
func (l *UserLogin) emitProved(r *http.Request, s session.Session, moved verdict) {
	event := l.provedEvent(r, s, moved)
	if l.told.first(event.ID) {
		l.events.emit(r.Context(), event)
	}
}

// provedMove names what is proved by a proof from where the decision is about: all
// that is broken, and, where nothing is known of the place, the address. A proof from
// one unknown place is not one from another.
func provedMove(decision binding.Decision) string {
	move := decision.Move()
	for _, ruling := range decision.Rulings {
		if ruling.Outcome == binding.Broke && (ruling.Rule == binding.NetworkMissing || ruling.Rule == binding.GeoIPMissing) {
			return move + "@" + network(decision.To.IP).String()
		}
	}
	return move
}

// network returns the network of one site: the address of IPv4, 64 bits of IPv6.
func network(ip netip.Addr) netip.Prefix {
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	prefix, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

// hasProved reports whether the key of the session was proved for the move by now.
// Where nobody knows it is not.
func (l *UserLogin) hasProved(ctx context.Context, id session.ID, move string) bool {
	s, err := l.sessions.Get(ctx, id, session.KindSession)
	return err == nil && slices.Contains(s.Drift.Proved, move)
}
