package loginstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/session"
)

// ErrNoChallenge is returned by [UserLogin.Finish] where there is nothing to answer:
// the client was asked nothing, has answered already, or is too late. The user has to
// sign in again.
var ErrNoChallenge = errors.New("loginstage: no challenge to answer")

// A DeniedError reports a user whom the stage does not sign in.
type DeniedError struct {
	Cause session.Cause // CauseNoUser, CauseInactiveUser or, by Confirm, CauseOtherUser or CauseImpersonated
	User  string        // the user's ID as it was given
}

// Error says who was denied and why.
func (e *DeniedError) Error() string {
	switch e.Cause {
	case CauseInactiveUser:
		return fmt.Sprintf("loginstage: user %q is inactive and is not signed in", e.User)
	case CauseOtherUser:
		return fmt.Sprintf("loginstage: user %q is not the one that the session is of", e.User)
	case CauseImpersonated:
		return fmt.Sprintf("loginstage: the session of user %q is another's, who cannot prove to be that user", e.User)
	}
	return fmt.Sprintf("loginstage: user ID %.80q: want 1 to %d bytes of printable text", e.User, maxUser)
}

const (
	maxUser = 255
	maxName = 255

	// challengeTime is how long a user has for the answer.
	challengeTime = 10 * time.Minute
)

// Begin signs the user in, or asks whether they want to stay signed in. A nil
// challenge means that the user is signed in. Otherwise, where StaySignedInOffset
// is above 0, show the challenge: the user is signed in after [UserLogin.Finish],
// and until then a session that is live in the same browser goes on. Every sign-in
// issues a new token, and the session before it ends (session fixation).
//
// Call Begin before the response begins; [ErrResponseBegun] says that it has. Where
// the call is behind a guard, the answer is not cacheable whatever else is done to
// its header.
//
// A user without a usable ID, or an inactive one, is a [*DeniedError], and no
// session is made. Where DenyOverMaxSessions is on, a user with too many sessions is a
// [*session.LimitError], which names those to end first. What no session can hold of
// the user, such as a Value that is too long, is [session.ErrInvalid]. Any other error means that the store or the carrier failed, or,
// where a binding is configured, that the locator failed or the client's address is
// not known; the user is not signed in, and what was before is as it was. Without
// a binding such an address is logged as a warning, and the user is signed in.
func (l *UserLogin) Begin(w http.ResponseWriter, r *http.Request, user User) (*Challenge, error) {
	l = l.in(r.Context())
	_, challenge, err := l.SignIn(w, r, user)
	return challenge, err
}

// SignIn is [UserLogin.Begin], and returns the session that was started besides: the
// pending one where there is a challenge.
func (l *UserLogin) SignIn(w http.ResponseWriter, r *http.Request, user User) (session.Session, *Challenge, error) {
	l = l.in(r.Context())
	var none session.Session
	if err := begun(w); err != nil {
		return none, nil, err
	}
	if err := l.admitUser(r, user, none); err != nil {
		return none, nil, err
	}
	l.pitfalls.warnOfPlainHTTP(l, r)
	policy := l.config.policy()
	here, err := l.here(r, policy)
	if err != nil {
		return none, nil, err
	}
	s := session.Session{
		User: user.ID, Name: clip(user.Name, maxName), Method: clip(user.Method, maxName), Stage: l.config.Name,
		Created: l.sessions.Now(r.Context()), IP: here.IP, UserAgent: clip(r.UserAgent(), maxUserAgent),
		Policy: policy, Anchor: here,
		Actor: user.Actor, Tenant: user.Tenant, Required: user.Required,
	}
	s.Device = l.nameDevice(r.Context(), s.UserAgent)
	proved(&s, user, s.Created)
	if user.Value != nil {
		if s.Value, err = session.EncodeValue(user.Value); err != nil {
			return none, nil, fmt.Errorf("loginstage: beginning: %w", err)
		}
	}
	if l.config.StaySignedInOffset == 0 || s.Actor != "" {
		s, err := l.signIn(w, r, s, here, false)
		return s, nil, err
	}
	if s, err = l.beginPending(w, r, s); err != nil {
		return none, nil, fmt.Errorf("loginstage: beginning: %w", err)
	}
	return s, challengeOf(s, l.config.StaySignedInOffset), nil
}

// Challenge returns the challenge that the client has yet to answer, for a host
// that asks on a page of its own, or [ErrNoChallenge]. Any other error means that
// the store or the carrier failed.
func (l *UserLogin) Challenge(r *http.Request) (*Challenge, error) {
	l = l.in(r.Context())
	pending, err := l.pending(r)
	if isEnded(err) {
		return nil, ErrNoChallenge
	}
	if err != nil {
		return nil, fmt.Errorf("loginstage: looking for the challenge: %w", err)
	}
	return challengeOf(pending, l.config.StaySignedInOffset), nil
}

func challengeOf(pending session.Session, offset duration.Duration) *Challenge {
	return &Challenge{
		Component: ComponentStaySignedIn, Stage: pending.Stage, User: pending.User, Name: pending.Name,
		Offset: offset, Expires: pending.Expires,
	}
}

// Finish signs the user in whom Begin asked, with the answer. It does so once, however
// often and from however many requests at once it is called: the others get
// [ErrNoChallenge].
//
// The client may have moved since Begin. Where the binding is broken there, Finish
// returns [*MovedError], and the user has to sign in again; where the Actions do not
// end a session for it, the new session is restricted or the move is reported. Where
// the binding holds by a tolerance alone, the session stays bound to where Begin was
// called.
//
// An answer whose Raw cannot be read is a [*RejectedError], and consumes nothing. Like
// Begin, Finish is called before the response begins, and returns [ErrResponseBegun]
// otherwise.
func (l *UserLogin) Finish(w http.ResponseWriter, r *http.Request, answer Answer) error {
	l = l.in(r.Context())
	_, err := l.FinishSignIn(w, r, answer)
	return err
}

// FinishSignIn is [UserLogin.Finish], and returns the session that was started.
func (l *UserLogin) FinishSignIn(w http.ResponseWriter, r *http.Request, answer Answer) (session.Session, error) {
	l = l.in(r.Context())
	var none session.Session
	if err := begun(w); err != nil {
		return none, err
	}
	staySignedIn, err := answer.staysSignedIn()
	if err != nil {
		return none, err
	}
	pending, err := l.pending(r)
	if isEnded(err) {
		return none, ErrNoChallenge
	}
	if err != nil {
		return none, fmt.Errorf("loginstage: finishing: %w", err)
	}
	if err := l.admitUser(r, User{ID: pending.User}, pending); err != nil {
		return none, err
	}
	here, err := l.here(r, pending.Policy)
	if err != nil {
		return none, err
	}
	moved := verdict{action: binding.Allow}
	if here.IP != pending.Anchor.IP {
		if moved, err = l.judge(r.Context(), pending, here.IP); err != nil {
			return none, err
		}
		if moved.action == binding.End {
			return none, l.denyMoved(r, pending, moved)
		}
	}
	s := pending
	s.Created, s.LastSeen = l.sessions.Now(r.Context()), time.Time{}
	s.IP, s.Drift = here.IP, moved.drift
	if here.IP == pending.Anchor.IP || moved.holdsExactly(pending) {
		s.Anchor = here // and otherwise it stays, so that it is not moved by a tolerance
	}
	s, err = l.signIn(w, r, s, here, staySignedIn)
	if isEnded(err) {
		return none, ErrNoChallenge
	}
	if err == nil {
		l.emitMove(r, s, session.Drift{}, moved)
	}
	return s, err
}

// denyMoved ends a pending session whose client has moved.
func (l *UserLogin) denyMoved(r *http.Request, pending session.Session, moved verdict) error {
	ending, _ := l.endingBroken(r, moved)
	_, err := l.sessions.End(context.WithoutCancel(r.Context()), pending.ID, ending)
	if isEnded(err) {
		return ErrNoChallenge
	}
	if err != nil {
		return fmt.Errorf("loginstage: finishing: %w", err)
	}
	l.events.emit(r.Context(), l.deniedEvent(r, session.CauseBroken, pending.User, &moved))
	return &MovedError{Broken: moved.broken}
}

// A MovedError is returned by [UserLogin.Finish] where the client has moved since
// [UserLogin.Begin], so that the binding does not hold.
type MovedError struct {
	Broken *binding.Broken // what does not hold
}

// Error says which fact changed, from what to what.
func (e *MovedError) Error() string {
	return "loginstage: moved before the challenge was answered: " + e.Broken.String()
}

// signIn makes s live, at the location here, with the limits that it sets. If s is
// pending it must still be live, and is answered.
func (l *UserLogin) signIn(w http.ResponseWriter, r *http.Request, s session.Session, here binding.Location, staySignedIn bool) (session.Session, error) {
	s.StaySignedIn = staySignedIn
	l.limit(&s, s.Created)
	key, err := l.signInKey(r)
	if err != nil {
		return session.Session{}, fmt.Errorf("loginstage: signing in: %w", err)
	}
	s.Drift.Key = key
	device, err := l.knownDevice(r, s.User)
	if err != nil {
		return session.Session{}, err
	}
	s.KnownDevice = !device.ID.IsZero()
	if isRenamed(device) {
		s.Device = device.Device
	}
	replace := session.Replace{
		Others: l.config.TerminateOtherSessions,
		Max:    l.config.MaxSessions, Deny: l.config.DenyOverMaxSessions, PerTenant: l.config.MaxSessionsPerTenant,
		Ending: l.ending(r, "", actorOf(s)),
	}
	if s.Actor != "" {
		replace.Others, replace.Max = false, 0 // somebody else ends none of the user's own
	}
	if s.Kind == session.KindPending {
		replace.Answers, s.Kind = s.ID, session.KindSession
	}
	if len(l.config.AlsoAdmit) > 0 { // and otherwise Start finds what the client had
		before, err := l.load(r)
		if err != nil && !isEnded(err) {
			return session.Session{}, fmt.Errorf("loginstage: signing in: %w", err)
		}
		replace.Before = before.ID
	}
	if noted := l.noted(w, r); !noted.IsZero() {
		replace.Before = noted
	}
	user := s.User
	s, err = l.sessions.Start(w, r, s, replace)
	if _, over := errors.AsType[*session.LimitError](err); over {
		l.events.emit(r.Context(), l.deniedEvent(r, session.CauseMaxSessions, user, nil))
	}
	if err == nil {
		err = l.endBefore(w, r, s)
	}
	if err != nil {
		return session.Session{}, fmt.Errorf("loginstage: signing in: %w", err)
	}
	if !replace.Answers.IsZero() {
		l.clearPending(w)
	}
	if s.Actor == "" {
		l.rememberDevice(w, r, s, device)
	}
	l.deleteDuplicateTokens(w, r)
	l.replaceWaiting(w, r, s.User)
	l.offerKey(w, r, s)
	l.renewNonce(w, r, &s)
	l.noteSession(w, r, s.ID)
	carried(w, r)
	l.events.emit(r.Context(), l.loginEvent(r, s, here))
	if !key.IsZero() {
		l.emitBound(r, s)
	}
	return s, nil
}

// endBefore ends what the session goes on as that the client had until it signed in as
// s, if that was renewed beside the sign-in, which then could not end it. Where it
// cannot be ended the user is not signed in.
func (l *UserLogin) endBefore(w http.ResponseWriter, r *http.Request, s session.Session) error {
	before, err := l.load(r)
	ctx := context.WithoutCancel(r.Context())
	if isRenewed(err) { // and otherwise the sign-in has ended it, or there was none
		err = l.endFound(ctx, before, err, l.ending(r, session.CauseReplaced, actorOf(s)))
	}
	if err == nil || isEnded(err) {
		return nil
	}
	_, endErr := l.sessions.End(ctx, s.ID, l.ending(r, session.CauseNotCarried, actorOf(s)))
	return errors.Join(err, endErr, l.sessions.Clear(w, r))
}

// limit sets how long s lives, from the instant at which its user was admitted.
func (l *UserLogin) limit(s *session.Session, from time.Time) {
	lifetime := l.config.SessionDuration
	if s.StaySignedIn {
		lifetime += l.config.StaySignedInOffset
	}
	s.MaxAge = lifetime.Std()
	s.Idle = l.config.IdleTimeout.Std()
	if lifetime == 0 {
		lifetime = l.config.MaxLifetime
		s.Idle = leastPositive(l.config.IdleTimeout, l.config.BrowserSessionLimit).Std()
	}
	s.Resume = 0
	if s.Idle > 0 && s.Actor == "" { // nobody can prove to be another, and resume
		s.Resume = l.config.IdleResume.Std()
	}
	if s.Actor != "" {
		lifetime = min(lifetime, l.config.ImpersonationLimit)
		s.MaxAge = min(s.MaxAge, lifetime.Std())
	}
	s.Expires = from.Add(lifetime.Std())
}

// leastPositive returns the lesser of the two; one that is 0 is no limit.
func leastPositive(a, b duration.Duration) duration.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// here returns the location that the request comes from. Where the policy binds
// nothing, an address that is not known or a locator that fails is logged, and the
// location has nothing but the address.
func (l *UserLogin) here(r *http.Request, policy binding.Policy) (binding.Location, error) {
	ip, err := l.clientIP(r)
	var location binding.Location
	if err == nil {
		location, err = l.locate(r.Context(), ip)
	}
	if err == nil {
		return location, nil
	}
	if policy.Binds() {
		return binding.Location{}, err
	}
	l.config.Logger.WarnContext(r.Context(), "loginstage: signing in from an unknown place", "error", err)
	return binding.Location{IP: ip}, nil
}

// locate returns the location of the address, in bounded time unless the locator is in
// memory.
func (l *UserLogin) locate(ctx context.Context, ip netip.Addr) (binding.Location, error) {
	if l.config.Locator == nil {
		return binding.Location{IP: ip}, nil
	}
	if _, inMemory := l.config.Locator.(interface{ InMemory() }); !inMemory {
		bounded, cancel := context.WithTimeout(ctx, l.config.StoreTimeout.Std())
		defer cancel()
		ctx = bounded
	}
	location, err := l.config.Locator.Locate(ctx, ip)
	if err != nil {
		return binding.Location{}, fmt.Errorf("loginstage: locating %s: %w", ip, err)
	}
	location.IP = ip
	return location, nil
}

// deniedFor returns why the user cannot be signed in, or nil.
func deniedFor(user User) *DeniedError {
	switch {
	case user.ID == "" || len(user.ID) > maxUser || !printable(user.ID):
		return &DeniedError{CauseNoUser, user.ID}
	case user.Inactive:
		return &DeniedError{CauseInactiveUser, user.ID}
	default:
		return nil
	}
}

// printable reports whether s is UTF-8 without control characters, which every
// store can keep and every log can show.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
