package loginstage

import "net/http"

// Confirm is [UserLogin.Reauthenticate], for a host that needs to know only whether the
// session goes on: it lifts the restriction of the session (step up).
func (l *UserLogin) Confirm(w http.ResponseWriter, r *http.Request, user User) error {
	l = l.in(r.Context())
	_, err := l.Reauthenticate(w, r, user)
	return err
}
