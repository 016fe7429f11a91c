package site

import (
	"errors"
	"net/http"

	"github.com/mooring-go/mooring/loginstage"
)

// signInPage is what login.html shows.
type signInPage struct {
	page
	Next   string
	User   string // what was typed before
	Ending notice // why the last session ended; no text: nothing is known of one
	Error  string // what was wrong with the attempt before

	Waiting bool // the browser is signed in to accounts, and none of them is active
}

// showSignIn asks for a name and a password, and says why the last session
// ended.
func (a *app) showSignIn(w http.ResponseWriter, r *http.Request) {
	if _, ok := loginstage.Current(r.Context()); ok {
		http.Redirect(w, r, loginstage.Next(r), http.StatusSeeOther)
		return
	}
	p := signInPage{Next: loginstage.Next(r)}
	if ending, ok := a.login.LastEnding(r); ok {
		p.Ending = endingInWords(ending)
	}
	a.renderSignIn(w, r, http.StatusOK, p)
}

func (a *app) renderSignIn(w http.ResponseWriter, r *http.Request, status int, p signInPage) {
	p.page = a.newPage(r, "Sign in")
	if waiting, err := a.login.BrowserAccounts(r); err == nil {
		p.Waiting = len(waiting) > 0
	}
	a.render(w, status, "login.html", p)
}

// signIn checks the password, and hands the user to the login stage.
func (a *app) signIn(w http.ResponseWriter, r *http.Request) {
	p := signInPage{Next: loginstage.Next(r), User: r.PostFormValue("user")}
	account, err := a.accounts.check(p.User, r.PostFormValue("password"))
	if err != nil {
		p.Error = "The name or the password is wrong."
		a.renderSignIn(w, r, http.StatusUnprocessableEntity, p)
		return
	}
	s, challenge, err := a.login.SignIn(w, r, account.user())
	if _, denied := errors.AsType[*loginstage.DeniedError](err); denied {
		// Only who knows the password gets to read this.
		p.Error = "This account is not active. Ask an administrator of this site."
		a.renderSignIn(w, r, http.StatusForbidden, p)
		return
	}
	switch {
	case err != nil:
		a.unavailable(w, r, err)
	case challenge != nil:
		a.render(w, http.StatusOK, "stay.html", struct {
			page
			Challenge *loginstage.Challenge
			Next      string
		}{a.newPage(r, "Stay signed in?"), challenge, p.Next})
	default:
		a.tellOfNewDevice(r.Context(), s)
		http.Redirect(w, r, p.Next, http.StatusSeeOther)
	}
}

// answer is what the user says to the prompt.
func (a *app) answer(w http.ResponseWriter, r *http.Request) {
	p := signInPage{Next: loginstage.Next(r)}
	s, err := a.login.FinishSignIn(w, r, loginstage.Answer{StaySignedIn: r.PostFormValue("stay") == "yes"})
	_, moved := errors.AsType[*loginstage.MovedError](err)
	switch {
	case err == nil:
		a.tellOfNewDevice(r.Context(), s)
		http.Redirect(w, r, p.Next, http.StatusSeeOther)
	case errors.Is(err, loginstage.ErrNoChallenge):
		if _, ok := loginstage.Current(r.Context()); ok { // the button was pressed twice
			http.Redirect(w, r, p.Next, http.StatusSeeOther)
			return
		}
		p.Error = "That took too long, or was answered already. Please sign in again."
		a.renderSignIn(w, r, http.StatusConflict, p)
	case moved:
		p.Error = "Your connection changed on the way. Please sign in again."
		a.renderSignIn(w, r, http.StatusConflict, p)
	default:
		a.unavailable(w, r, err)
	}
}

// signOut ends all sessions of this browser: see browseraccounts.go for one of several.
func (a *app) signOut(w http.ResponseWriter, r *http.Request) {
	if err := a.login.Logout(w, r); err != nil {
		a.unavailable(w, r, err)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
