package loginstage

import (
	"context"
	"fmt"

	"github.com/mooring-go/mooring/session"
)

// CredentialsChanged ends what a change of the user's password or of another
// credential ends (OWASP ASVS 5.0, 7.4.3): all sessions but the one that keep names,
// pending ones, and remembered devices, in one step and with the cause
// credentials_changed. It returns how many it ended, also with an error: those stay
// ended, and calling it again ends the rest. The zero ID keeps none.
//
// what names the credential for the event, such as "password" or "passkey removed";
// actor is whose doing it is: a user ID or a name of the host's. Once all has ended,
// one event tells of the change, beside those of what ended. Call it after the change
// is made, so that nobody signs in with the old credential in between, and have the
// session that stays go on by [UserLogin.Reauthenticate].
func (l *UserLogin) CredentialsChanged(ctx context.Context, user, what string, keep session.ID, actor string) (int, error) {
	l = l.in(ctx)
	n, err := l.sessions.EndUser(ctx, user, keep, l.ending(nil, session.CauseCredentialsChanged, actor),
		session.KindSession, session.KindPending, session.KindDevice) // notices stay: a thief who changed the password must not end them
	if err == nil {
		l.events.emit(ctx, l.credentialsEvent(ctx, user, what, keep, actor))
	}
	l.events.wait()
	if err != nil {
		return n, fmt.Errorf("loginstage: ending sessions after a change of credentials: %w", err)
	}
	return n, nil
}
