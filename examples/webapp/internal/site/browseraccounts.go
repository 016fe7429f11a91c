package site

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// accountsPage is what accounts.html shows.
type accountsPage struct {
	page
	Accounts []accountRow
	Done     string // what the user has just done
	Error    string // why it was not done
}

// accountRow is an account that this browser is signed in to, for display.
type accountRow struct {
	ID     string // of its session
	Name   string
	Active bool
}

// showAccounts lists the accounts that the browser is signed in to. It is for browsers
// in which none is active too.
func (a *app) showAccounts(w http.ResponseWriter, r *http.Request) {
	a.renderAccounts(w, r, http.StatusOK, "")
}

func (a *app) renderAccounts(w http.ResponseWriter, r *http.Request, status int, mistake string) {
	accounts, err := a.login.BrowserAccounts(r)
	if err != nil {
		a.unavailable(w, r, err)
		return
	}
	if len(accounts) == 0 {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	p := accountsPage{page: a.newPage(r, "Accounts in this browser"), Done: done(r), Error: mistake}
	for _, account := range accounts {
		p.Accounts = append(p.Accounts, accountRow{ID: account.Session.ID.String(), Name: account.Session.Name, Active: account.Active})
	}
	a.render(w, status, "accounts.html", p)
}

// addAccount has the active account wait, and asks for another.
func (a *app) addAccount(w http.ResponseWriter, r *http.Request) {
	err := a.login.AddAccount(w, r)
	switch {
	case err == nil:
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	case errors.Is(err, loginstage.ErrTooManyAccounts):
		a.renderAccounts(w, r, http.StatusConflict, fmt.Sprintf("This browser is signed in to %d accounts, and that is as many as it can. Sign one out first.", loginstage.MaxBrowserAccounts))
	default:
		a.unavailable(w, r, err)
	}
}

// switchAccount makes another account the active one. The ID comes from a form;
// SwitchAccount sees to it that this browser is signed in to it.
func (a *app) switchAccount(w http.ResponseWriter, r *http.Request) {
	id, err := session.ParseID(r.PostFormValue("account"))
	if err == nil {
		err = a.login.SwitchAccount(w, r, id)
	}
	a.answerAccount(w, r, err, "/")
}

// signOutAccount ends the session of one account of this browser.
func (a *app) signOutAccount(w http.ResponseWriter, r *http.Request) {
	id, err := session.ParseID(r.PostFormValue("account"))
	if err == nil {
		err = a.login.SignOutAccount(w, r, id)
	}
	a.answerAccount(w, r, err, "/accounts?done=signed-out")
}

// answerAccount answers what was done, or not, to one of the browser's accounts.
func (a *app) answerAccount(w http.ResponseWriter, r *http.Request, err error, next string) {
	_, ended := errors.AsType[*session.EndedError](err)
	switch {
	case err == nil:
		http.Redirect(w, r, next, http.StatusSeeOther)
	case ended, errors.Is(err, session.ErrNotFound), errors.Is(err, session.ErrBadID):
		http.Redirect(w, r, "/accounts?done=no-account", http.StatusSeeOther)
	default:
		a.unavailable(w, r, err)
	}
}
