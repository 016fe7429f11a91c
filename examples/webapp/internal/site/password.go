package site

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// newPassword is what a session requires whose user has to change the password first.
const newPassword = "new-password"

// passwordPage is what password.html shows.
type passwordPage struct {
	page
	Required bool   // nothing else can be done before
	Min      int    // characters
	Error    string // what was wrong with the attempt before
}

// showPassword asks for the password, and for another one.
func (a *app) showPassword(w http.ResponseWriter, r *http.Request) {
	a.renderPassword(w, r, http.StatusOK, "")
}

func (a *app) renderPassword(w http.ResponseWriter, r *http.Request, status int, mistake string) {
	p := passwordPage{page: a.newPage(r, "Change your password"), Min: minPassword, Error: mistake}
	if current, ok := loginstage.Current(r.Context()); ok {
		p.Required = slices.Contains(current.Required, newPassword)
	}
	a.render(w, status, "password.html", p)
}

// changePassword changes the password of a user who has proved again, by the password,
// who they are (OWASP ASVS 5.0, 6.2.3 and 7.5.1). All that was signed in by the old one
// ends, but for this session (7.4.3), which gets a new token (7.2.4).
func (a *app) changePassword(w http.ResponseWriter, r *http.Request) {
	current, _ := loginstage.Current(r.Context())
	account, err := a.accounts.check(current.User, r.PostFormValue("password"))
	if err != nil {
		a.renderPassword(w, r, http.StatusUnprocessableEntity, "Your password is wrong.")
		return
	}
	account, err = a.accounts.change(account, r.PostFormValue("new"))
	switch {
	case errors.Is(err, errPassword):
		a.renderPassword(w, r, http.StatusUnprocessableEntity, "You cannot have that password: "+err.Error()+".")
		return
	case errors.Is(err, errWrong):
		a.renderPassword(w, r, http.StatusConflict, "Your password was changed meanwhile.")
		return
	case err != nil:
		a.unavailable(w, r, err)
		return
	}
	a.tellOfNewPassword(account)
	// A browser that does not wait for the answer stops none of it.
	ctx := context.WithoutCancel(r.Context())
	if _, err := a.login.CredentialsChanged(ctx, current.User, "password", current.ID, current.User); err != nil {
		a.logger.ErrorContext(ctx, "sessions go on after a change of the password", "user", current.User, "error", err)
		a.renderPassword(w, r, http.StatusServiceUnavailable, "Your password was changed, but you may still be signed in elsewhere: end your other sessions.")
		return
	}
	s, err := a.login.Reauthenticate(w, r.WithContext(ctx), account.user())
	if err == nil && slices.Contains(s.Required, newPassword) {
		err = a.login.Complete(w, r.WithContext(ctx), newPassword)
	}
	_, ended := errors.AsType[*session.EndedError](err)
	switch {
	case err == nil, ended, errors.Is(err, session.ErrNotFound): // who is not signed in any more is sent to sign in
		http.Redirect(w, r, "/?done=password", http.StatusSeeOther)
	default:
		a.unavailable(w, r, err)
	}
}
