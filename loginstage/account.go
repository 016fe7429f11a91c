package loginstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/mooring-go/mooring/session"
)

// errAccountTimeout is what is known of an account while the host does not answer.
var errAccountTimeout = errors.New("no answer within StoreTimeout")

// maxAccounts is of how many users, twice, a process remembers the answer.
const maxAccounts = 8192

// accounts asks the host which users' accounts are active, and remembers the answers
// for a while. nil: every account is. It is safe for concurrent use.
type accounts struct {
	every   time.Duration // how long an answer holds
	stale   time.Duration // and how much longer while the host fails
	timeout time.Duration // how long to wait for an answer
	*answers
}

// answers are what the host said, whatever the settings are by now.
type answers struct {
	account func(ctx context.Context, user string) (bool, error)

	mu            sync.Mutex
	known, before map[string]*account // the latest, and those that they have replaced
}

// An account is what is known of the account of a user.
type account struct {
	asked  time.Time // when the host was asked for what it has answered; the zero time: it has not
	active bool
	call   *accountCall // the one that is under way; nil: none
}

// An accountCall is one question to the host.
type accountCall struct {
	began time.Time
	done  chan struct{} // closed when what follows is set
	err   error
	ok    bool
}

func newAccounts(config Config) *accounts {
	if config.Account == nil {
		return nil
	}
	return (&accounts{answers: &answers{account: config.Account, known: map[string]*account{}}}).by(config)
}

// by returns accounts with the times of config, and with the answers so far.
func (a *accounts) by(config Config) *accounts {
	if a == nil {
		return nil
	}
	return &accounts{
		every: config.AccountEvery.Std(), stale: config.AccountStale.Std(), timeout: config.StoreTimeout.Std(),
		answers: a.answers,
	}
}

// ask returns what the host says now.
func (a *accounts) ask(ctx context.Context, user string) (bool, error) {
	if a == nil {
		return true, nil
	}
	return a.wait(a.start(ctx, user, time.Now()))
}

// active returns what the host has said lately or says now. Of many requests of a user
// one has the host asked.
func (a *accounts) active(ctx context.Context, user string) (bool, error) {
	now := time.Now()
	a.mu.Lock()
	of := a.of(user)
	age := now.Sub(of.asked)
	fresh := !of.asked.IsZero() && age < a.every
	fallback := !of.asked.IsZero() && age < a.every+a.stale
	active, call := of.active, of.call
	if !fresh && call == nil {
		call = a.start(ctx, user, now)
		of.call = call
	}
	a.mu.Unlock()
	if fresh {
		return active, nil
	}
	answer, err := a.wait(call)
	if err != nil && fallback {
		return active, nil
	}
	return answer, err
}

// of returns what is known of the user, with the lock held. Where there is no more
// room it forgets the users that nobody has asked about for longest.
func (a *answers) of(user string) *account {
	if of, known := a.known[user]; known {
		return of
	}
	of, known := a.before[user]
	if !known {
		of = &account{}
	}
	if len(a.known) >= maxAccounts {
		a.known, a.before = make(map[string]*account, maxAccounts), a.known
	}
	a.known[user] = of
	return of
}

// start asks the host on a goroutine of its own, so that one that does not heed its
// context keeps no request, and notes the answer. A client that hangs up does not end
// it: others may wait for the answer.
func (a *accounts) start(ctx context.Context, user string, now time.Time) *accountCall {
	call := &accountCall{began: now, done: make(chan struct{})}
	go func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.timeout)
		defer cancel()
		call.ok, call.err = a.call(bounded, user)
		a.mu.Lock()
		of := a.of(user)
		if call.err == nil && !of.asked.After(call.began) {
			of.asked, of.active = call.began, call.ok
		}
		if of.call == call {
			of.call = nil
		}
		a.mu.Unlock()
		close(call.done)
	}()
	return call
}

// call calls the host, and has an error for a panic: on this goroutine nobody else
// could.
func (a *answers) call(ctx context.Context, user string) (active bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			active, err = false, fmt.Errorf("it panicked: %v", p)
		}
	}()
	return a.account(ctx, user)
}

// wait returns the answer, or an error if there is none in time. Nobody waits for a
// call that has been late already.
func (a *accounts) wait(call *accountCall) (bool, error) {
	timer := time.NewTimer(time.Until(call.began.Add(a.timeout)))
	defer timer.Stop()
	err := errAccountTimeout
	select {
	case <-call.done:
		if call.err == nil {
			return call.ok, nil
		}
		err = call.err
	case <-timer.C:
	}
	return false, fmt.Errorf("loginstage: asking for the account: %w", err)
}

// checkAccount returns an error if the account of the user of s, or of who acts as the
// user, is not active, after it has ended what that ends: all that the user has, or the
// session of who acts.
func (l *UserLogin) checkAccount(r *http.Request, s *session.Session) error {
	active, err := l.accounts.active(r.Context(), s.User)
	if err != nil {
		return err
	}
	impersonated := active && s.Actor != ""
	if impersonated {
		active, err = l.accounts.active(r.Context(), s.Actor)
	}
	if err != nil || active {
		return err
	}
	ctx := context.WithoutCancel(r.Context())
	ending := l.ending(r, session.CauseAccountDisabled, "")
	ending.Time = l.sessions.Now(ctx)
	if !impersonated {
		if _, err := l.sessions.EndUser(ctx, s.User, session.ID{}, ending); err != nil {
			return fmt.Errorf("loginstage: ending the sessions of a disabled account: %w", err)
		}
		return &session.EndedError{Ended: session.Ended{Session: *s, Ending: ending}}
	}
	if _, err := l.sessions.End(ctx, s.ID, ending); err != nil {
		return err
	}
	return &session.EndedError{Ended: session.Ended{Session: *s, Ending: ending}}
}
