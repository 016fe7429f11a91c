package site

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/mooring-go/mooring/session"
)

// tellOfNewDevice sends the user a mail about a sign-in on a device that was not
// remembered, with a link that says "this was not me". The sign-in does not depend on it.
func (a *app) tellOfNewDevice(ctx context.Context, s session.Session) {
	if s.KnownDevice || a.mail == nil {
		return
	}
	secret, err := a.login.Notice(ctx, s)
	if err != nil {
		a.logger.ErrorContext(ctx, "no notice of a sign-in", "user", s.User, "error", err)
		return
	}
	a.mail.send(s.User, "A sign-in on a new device", fmt.Sprintf(
		"%s signed in to your account from %s.\nIf that was you, there is nothing to do. If it was not:\n%s/not-me?secret=%s",
		sentence(deviceName(s.UserAgent)), whereabouts(s.Anchor, s.IP), a.origin, url.QueryEscape(secret)))
}

// tellOfNewPassword sends the user a mail about a change of the password (OWASP ASVS 5.0,
// 6.3.7).
func (a *app) tellOfNewPassword(account account) {
	if a.mail != nil {
		a.mail.send(account.ID, "Your password was changed", "If that was not you, ask an administrator of this site at once.")
	}
}

// notMePage is what notme.html shows.
type notMePage struct {
	page
	Secret string
	Ended  bool
	Error  string
}

// showNotMe asks before it does anything: programs that look at mail follow links by
// themselves.
func (a *app) showNotMe(w http.ResponseWriter, r *http.Request) {
	a.render(w, http.StatusOK, "notme.html", notMePage{page: a.newPage(r, "This was not me"), Secret: r.FormValue("secret")})
}

// notMe ends the session that the mail was about. Who signed in knew the password, so
// that the next sign-in has to change it. A real application has the user recover the
// account in a way that does not begin with that password.
func (a *app) notMe(w http.ResponseWriter, r *http.Request) {
	p := notMePage{page: a.newPage(r, "This was not me")}
	user, err := a.login.NotMe(r.Context(), r.PostFormValue("secret"))
	_, ended := errors.AsType[*session.EndedError](err)
	switch {
	case err == nil:
		a.accounts.expose(user)
		p.Ended = true
		a.render(w, http.StatusOK, "notme.html", p)
	case ended, errors.Is(err, session.ErrNotFound):
		p.Error = "This link was used already, or is too old."
		a.render(w, http.StatusGone, "notme.html", p)
	default:
		a.unavailable(w, r, err)
	}
}
