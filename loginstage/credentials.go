package loginstage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mooring-go/mooring/session"
)

const (
	// changeTime is how long a change of credentials waits for the step that ends the
	// sessions, which comes right after it: one that is older was given up.
	changeTime = time.Hour
	// maxChanges is how many changes of one user can wait.
	maxChanges = 32
)

// A credentialsChange is the value of a session.KindCredentials, whose Lineage is the
// session that stays.
type credentialsChange struct {
	What  string `json:"what"`
	Actor string `json:"actor,omitempty"`
}

// CredentialsChanged ends what a change of the user's password or of another
// credential ends (OWASP ASVS 5.0, 7.4.3): all sessions but the one that keep names,
// pending ones, and remembered devices, in one step and with the cause
// credentials_changed. It returns how many it ended, also with an error: those stay
// ended, and calling it again ends the rest. The zero ID keeps none. A session that goes
// on under another token than keep by then ends too: nobody knows who has that.
//
// what names the credential for the event, such as "password" or "passkey removed";
// actor is whose doing it is: a user ID or a name of the host's. Once all has ended,
// one event tells of the change, beside those of what ended. The step that ends the last
// session has it in it: where [Config.DurableEvents] is on, Deliver tells of it, with
// one ID however often, also after a crash. Call it after the change
// is made, so that nobody signs in with the old credential in between, and have the
// session that stays go on by [UserLogin.Reauthenticate].
//
// Where the store takes no new record, as one that is full, the sessions end all the
// same, and the change is told at once.
func (l *UserLogin) CredentialsChanged(ctx context.Context, user, what string, keep session.ID, actor string) (int, error) {
	l = l.in(ctx)
	n, err := l.changeCredentials(ctx, user, what, keep, clip(actor, maxActor))
	l.events.wait()
	if err != nil {
		return n, fmt.Errorf("loginstage: ending sessions after a change of credentials: %w", err)
	}
	return n, nil
}

func (l *UserLogin) changeCredentials(ctx context.Context, user, what string, keep session.ID, actor string) (int, error) {
	value, err := session.EncodeValue(credentialsChange{What: clip(what, maxName), Actor: actor})
	if err != nil {
		return 0, err
	}
	change := session.Session{
		Kind: session.KindCredentials, User: user, Stage: l.config.Name, Value: value,
		Lineage: keep, Expires: l.sessions.Now(ctx).Add(changeTime),
	}
	_, noted, noteErr := l.sessions.Issue(ctx, change, session.Replace{Max: maxChanges})
	ending := l.ending(nil, session.CauseCredentialsChanged, actor)
	ending.Time = l.sessions.Now(ctx)
	// Notices stay: a thief who changed the password must not end them.
	n, err := l.sessions.EndUser(ctx, user, keep, ending,
		session.KindSession, session.KindPending, session.KindDevice, session.KindCredentials)
	switch {
	case err != nil && noteErr == nil: // the caller tries again, which tells of the change
		withdrawn := l.ending(nil, session.CauseNotCarried, actor)
		if _, endErr := l.sessions.End(context.WithoutCancel(ctx), noted.ID, withdrawn); endErr != nil && !isEnded(endErr) {
			err = errors.Join(err, endErr)
		}
	case err == nil && noteErr != nil:
		l.config.Logger.WarnContext(ctx, "loginstage: a change of credentials is told at once, and lost if the process ends", "error", noteErr)
		change.ID = session.NewToken(user).ID()
		if event, ok := l.credentialsEvent(session.Ended{Session: change, Ending: ending}); ok {
			l.events.emit(ctx, event)
		}
	}
	return n, err
}

// credentialsEvent returns the event of a change of credentials, which is false for one
// that was given up: it has not ended all that it had to.
func (l *UserLogin) credentialsEvent(ended session.Ended) (Event, bool) {
	s, cause := ended.Session, ended.Ending.Cause
	if cause != session.CauseCredentialsChanged && cause != session.CauseAccountDisabled {
		return Event{}, false
	}
	event := l.event(ActionCredentials, session.CauseCredentialsChanged, eventID(ActionCredentials, s.ID))
	event.about(s)
	change, _ := session.ValueOf[credentialsChange](s) // of one that cannot be read nothing is known
	event.Time, event.Session, event.Actor = ended.Ending.Time, s.Lineage, change.Actor
	event.Context.Credential = change.What
	return event, true
}
