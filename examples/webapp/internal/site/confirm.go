package site

import (
	"errors"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// provedFor is for how long after a user was proved they may end sessions and forget
// devices without their password (OWASP ASVS 5.0, 7.5.2).
const provedFor = 15 * time.Minute

// confirmPage is what confirm.html shows.
type confirmPage struct {
	page
	Next  string
	Error string // what was wrong with the attempt before
}

// showConfirm asks a user who is signed in for the password.
func (a *app) showConfirm(w http.ResponseWriter, r *http.Request) {
	a.renderConfirm(w, r, http.StatusOK, "")
}

func (a *app) renderConfirm(w http.ResponseWriter, r *http.Request, status int, mistake string) {
	p := confirmPage{page: a.newPage(r, "Confirm that it is you"), Next: loginstage.Next(r), Error: mistake}
	a.render(w, status, "confirm.html", p)
}

// confirm checks the password of the user who is signed in, and has the session go on.
func (a *app) confirm(w http.ResponseWriter, r *http.Request) {
	current, _ := loginstage.Current(r.Context())
	account, err := a.accounts.check(current.User, r.PostFormValue("password"))
	if err != nil {
		a.renderConfirm(w, r, http.StatusUnprocessableEntity, "The password is wrong.")
		return
	}
	_, err = a.login.Reauthenticate(w, r, account.user())
	_, denied := errors.AsType[*loginstage.DeniedError](err)
	_, ended := errors.AsType[*session.EndedError](err)
	switch {
	case err == nil, ended, errors.Is(err, session.ErrNotFound): // who is not signed in any more is sent to sign in
		http.Redirect(w, r, loginstage.Next(r), http.StatusSeeOther)
	case denied:
		a.renderConfirm(w, r, http.StatusForbidden, "This account is not active. Ask an administrator of this site.")
	default:
		a.unavailable(w, r, err)
	}
}
