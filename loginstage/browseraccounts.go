package loginstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/mooring-go/mooring/session"
)

// MaxBrowserAccounts is how many accounts one browser can be signed in to at once.
const MaxBrowserAccounts = 8

// ErrTooManyAccounts is returned by [UserLogin.AddAccount] in a browser that is signed
// in to MaxBrowserAccounts.
var ErrTooManyAccounts = errors.New("loginstage: the browser has as many accounts as it can")

// A BrowserAccount is one that a browser is signed in to.
type BrowserAccount struct {
	Session session.Session
	Active  bool // the guard admits it; others wait
}

// Of several accounts in one browser the carrier has the token of the active one. Each
// other has a cookie of the stage, as safe as those are, and its session is like any.

// BrowserAccounts returns the accounts that the browser is signed in to, the active one
// first. One whose session has ended is left out.
func (l *UserLogin) BrowserAccounts(r *http.Request) ([]BrowserAccount, error) {
	l = l.in(r.Context())
	var accounts []BrowserAccount
	s, err := l.load(r)
	if err == nil {
		accounts = append(accounts, BrowserAccount{Session: s, Active: true})
	} else if !isEnded(err) {
		return nil, fmt.Errorf("loginstage: the browser's accounts: %w", err)
	}
	waiting, err := l.waiting(r)
	if err != nil {
		return nil, fmt.Errorf("loginstage: the browser's accounts: %w", err)
	}
	for _, account := range waiting {
		if account.live {
			accounts = append(accounts, BrowserAccount{Session: account.session})
		}
	}
	return accounts, nil
}

// AddAccount has the active account wait, so that the sign-in that comes next, by Begin
// or in any other way, adds one and ends none. The browser is then signed in to nothing
// until that sign-in, or [UserLogin.SwitchAccount]. Nobody who is not signed in is no
// error. A sign-in of a user who waits already ends the session that waits.
//
// It is [ErrTooManyAccounts] where there is no more room. Like Begin it is called before
// the response begins, and is [ErrResponseBegun] otherwise. It needs browsers: other
// clients keep several tokens themselves.
func (l *UserLogin) AddAccount(w http.ResponseWriter, r *http.Request) error {
	l = l.in(r.Context())
	if err := begun(w); err != nil {
		return err
	}
	s, err := l.load(r)
	if isEnded(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("loginstage: adding an account: %w", err)
	}
	waiting, err := l.waiting(r)
	if err != nil {
		return fmt.Errorf("loginstage: adding an account: %w", err)
	}
	for slot := range MaxBrowserAccounts - 1 {
		if slices.ContainsFunc(waiting, func(a waitingAccount) bool { return a.slot == slot && a.live }) {
			continue
		}
		if err := l.park(w, r, slot, s); err != nil {
			return fmt.Errorf("loginstage: adding an account: %w", err)
		}
		if err := l.sessions.Clear(w, r); err != nil {
			return fmt.Errorf("loginstage: adding an account: %w", err)
		}
		l.forgetProofs(w, r)
		carried(w, r)
		return nil
	}
	return ErrTooManyAccounts
}

// SwitchAccount makes the waiting account of the session ID the active one, and has the
// one that was active wait. An ID that is not one of this browser's waiting accounts is
// [session.ErrNotFound], of whatever browser it is, and nothing changes; so an ID can come
// straight from a form. Like Begin it is called before the response begins, and is
// [ErrResponseBegun] otherwise.
func (l *UserLogin) SwitchAccount(w http.ResponseWriter, r *http.Request, id session.ID) error {
	l = l.in(r.Context())
	if err := begun(w); err != nil {
		return err
	}
	active, activeErr := l.load(r)
	if activeErr != nil && !isEnded(activeErr) {
		return fmt.Errorf("loginstage: switching accounts: %w", activeErr)
	}
	waiting, err := l.waiting(r)
	if err != nil {
		return fmt.Errorf("loginstage: switching accounts: %w", err)
	}
	for _, account := range waiting {
		is, err := l.isOrWas(r.Context(), account.session, id)
		if err != nil {
			return fmt.Errorf("loginstage: switching accounts: %w", err)
		}
		if !account.live || !is {
			continue
		}
		if activeErr == nil {
			err = l.park(w, r, account.slot, active)
		} else {
			l.slotCookie(account.slot).Set(w, "", -1)
		}
		if err == nil {
			err = l.config.Carrier.Write(w, r, account.token, l.left(r, account.session))
		}
		if err != nil {
			return fmt.Errorf("loginstage: switching accounts: %w", err)
		}
		l.forgetProofs(w, r)
		carried(w, r)
		return nil
	}
	return fmt.Errorf("loginstage: switching accounts: %w", session.ErrNotFound)
}

// SignOutAccount ends the session of one of the browser's accounts, as
// [UserLogin.Logout] does all of them. An ID that is none of them is
// [session.ErrNotFound].
func (l *UserLogin) SignOutAccount(w http.ResponseWriter, r *http.Request, id session.ID) error {
	l = l.in(r.Context())
	if err := begun(w); err != nil {
		return err
	}
	waiting, err := l.waiting(r)
	if err != nil {
		return fmt.Errorf("loginstage: signing an account out: %w", err)
	}
	for _, account := range waiting {
		is, err := l.isOrWas(r.Context(), account.session, id)
		if err != nil {
			return fmt.Errorf("loginstage: signing an account out: %w", err)
		}
		if account.live && is {
			return l.signOutWaiting(w, r, []waitingAccount{account})
		}
	}
	s, err := l.load(r)
	if err == nil {
		var is bool
		if is, err = l.isOrWas(r.Context(), s, id); err == nil && !is {
			err = session.ErrNotFound
		}
	}
	if err != nil {
		return fmt.Errorf("loginstage: signing an account out: %w", err)
	}
	return l.logoutActive(w, r)
}

// isOrWas reports whether the ID is of s, or of a session that goes on as s.
func (l *UserLogin) isOrWas(ctx context.Context, s session.Session, id session.ID) (bool, error) {
	if s.ID == id || s.Lineage.IsZero() {
		return s.ID == id, nil
	}
	_, err := l.sessions.Get(ctx, id, session.KindSession)
	if err == nil || isEnded(err) {
		ended, ok := errors.AsType[*session.EndedError](err)
		return ok && isRenewed(err) && ended.Session.User == s.User && lineage(&ended.Session) == lineage(&s), nil
	}
	return false, err
}

// signOutWaiting ends the sessions that wait, and takes their tokens.
func (l *UserLogin) signOutWaiting(w http.ResponseWriter, r *http.Request, waiting []waitingAccount) error {
	for _, account := range waiting {
		ending := l.ending(r, session.CauseSignedOut, actorOf(account.session))
		if err := l.endWaiting(r, account, ending); err != nil {
			return fmt.Errorf("loginstage: signing an account out: %w", err)
		}
		l.slotCookie(account.slot).Set(w, "", -1)
		carried(w, r)
	}
	return nil
}

// endWaiting ends the session of an account that waits, or what it goes on as. One that
// has ended is no error.
func (l *UserLogin) endWaiting(r *http.Request, account waitingAccount, ending session.Ending) error {
	if account.session.ID.IsZero() {
		return nil
	}
	err := l.endFound(context.WithoutCancel(r.Context()), account.session, account.ended, ending)
	if isEnded(err) {
		return nil
	}
	return err
}

// replaceWaiting ends what waits of the user who has signed in, so that the browser has
// one account of each user.
func (l *UserLogin) replaceWaiting(w http.ResponseWriter, r *http.Request, user string) {
	waiting, err := l.waiting(r)
	for _, account := range waiting {
		if account.session.User != user {
			continue
		}
		if endErr := l.endWaiting(r, account, l.ending(r, session.CauseReplaced, user)); endErr != nil {
			err = endErr
			continue
		}
		l.slotCookie(account.slot).Set(w, "", -1)
	}
	if err != nil {
		l.config.Logger.ErrorContext(r.Context(), "loginstage: the account that waited is not signed out", "error", err)
	}
}

// A waitingAccount is what a slot's cookie has.
type waitingAccount struct {
	slot    int
	token   session.Token
	session session.Session // one that this stage admits, live or ended; the zero Session: none
	ended   error           // how it has ended
	live    bool
}

// waiting returns what the slots have.
func (l *UserLogin) waiting(r *http.Request) ([]waitingAccount, error) {
	var waiting []waitingAccount
	if len(r.Header["Cookie"]) == 0 {
		return nil, nil
	}
	for slot := range MaxBrowserAccounts - 1 {
		cookie := l.slotCookie(slot)
		if _, there := cookie.Value(r); !there {
			continue
		}
		token, err := cookie.Read(r)
		if err != nil {
			return nil, err
		}
		account := waitingAccount{slot: slot, token: token}
		s, err := l.sessions.Find(r.Context(), token, session.KindSession)
		if err != nil && !isEnded(err) {
			return nil, err
		}
		if s := found(s, err); l.admits(s.Stage) {
			account.session, account.ended, account.live = s, err, err == nil
		}
		waiting = append(waiting, account)
	}
	return waiting, nil
}

// park puts the token of the active session s, which r has brought, into a slot.
func (l *UserLogin) park(w http.ResponseWriter, r *http.Request, slot int, s session.Session) error {
	token, err := l.config.Carrier.Read(r)
	if err != nil {
		return err
	}
	return l.slotCookie(slot).Write(w, r, token, l.left(r, s))
}

// left returns how much longer a carrier keeps the token of s; 0: until the browser
// closes.
func (l *UserLogin) left(r *http.Request, s session.Session) time.Duration {
	if s.MaxAge == 0 {
		return 0
	}
	return max(time.Second, s.Expires.Sub(l.sessions.Now(r.Context())))
}

func (l *UserLogin) slotCookie(slot int) session.Cookie {
	return l.stageCookie("_account_" + strconv.Itoa(slot))
}
