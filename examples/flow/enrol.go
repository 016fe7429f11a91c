package main

import (
	"context"
	"encoding/base32"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// enrolMFA is what a session requires whose user has to have a second factor, and has
// none yet: see [loginstage.User.Required].
const enrolMFA = "enrol-mfa"

// enrolFresh is how long after the password a second factor may be enrolled. A stranger
// who finds a session that was left open cannot enrol one (OWASP ASVS 5.0, 7.5.1).
const enrolFresh = 10 * time.Minute

// offerEnrolment gives a user without a second factor the secret of one. It counts once
// a code of it has come back.
func (a *api) offerEnrolment(w http.ResponseWriter, r *http.Request) {
	s, _ := loginstage.Current(r.Context())
	secret, ok := a.accounts.offerCodes(s.User)
	if !ok {
		problem(w, http.StatusConflict, "there is a second factor already", nil)
		return
	}
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	reply(w, http.StatusOK, map[string]string{
		"component": enrolMFA, "secret": text,
		"uri": "otpauth://totp/Mooring:" + url.PathEscape(s.User) + "?" + url.Values{"secret": {text}, "issuer": {"Mooring"}}.Encode(),
	})
}

// enrol takes the first code. What was signed in without a second factor ends, but for
// this session: that goes on with both factors proved, and with nothing that it requires,
// to the page that was wanted.
func (a *api) enrol(w http.ResponseWriter, r *http.Request) {
	s, _ := loginstage.Current(r.Context())
	body, ok := readJSON(w, r)
	if !ok {
		return
	}
	var answer struct{ Code string }
	if err := json.Unmarshal(body, &answer); err != nil || !a.accounts.enrolCodes(s.User, answer.Code, time.Now()) {
		problem(w, http.StatusUnprocessableEntity, "the code is wrong, or there is a second factor already", nil)
		return
	}
	if err := a.enrolled(w, r, s); err != nil {
		slog.ErrorContext(r.Context(), "a session does not go on after an enrolment", "user", s.User, "error", err)
		problem(w, http.StatusServiceUnavailable, "the second factor is enrolled: sign in with it", nil)
		return
	}
	reply(w, http.StatusOK, map[string]string{"component": "done", "next": loginstage.Next(r)})
}

// enrolled has the session go on with the second factor, and ends the user's others. A
// client that does not wait for the answer stops none of it.
func (a *api) enrolled(w http.ResponseWriter, r *http.Request, s session.Session) error {
	r = r.WithContext(context.WithoutCancel(r.Context()))
	if _, err := a.login.CredentialsChanged(r.Context(), s.User, "one-time password", s.ID, s.User); err != nil {
		return err
	}
	user := loginstage.User{ID: s.User, Method: "password+totp", AMR: []string{"pwd", "otp"}, ACR: loginstage.ACRAAL2}
	if _, err := a.login.Reauthenticate(w, r, user); err != nil {
		return err
	}
	err := a.login.Complete(w, r, enrolMFA)
	if errors.Is(err, loginstage.ErrNotRequired) { // the user enrols without having to
		return nil
	}
	return err
}
