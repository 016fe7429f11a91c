package loginstage

import (
	"context"
	"fmt"

	"github.com/mooring-go/mooring/session"
)

// SetValue changes the host's value of the session s, as [Current] returned it, and
// returns the session as it is then. Where somebody has changed the session since, in
// whatever process, the error is [session.ErrConflict], and comes with the session as
// it is: read its value, change that, and try again. A session that has ended is
// [session.ErrNotFound] or [*session.EndedError], and a value that JSON cannot hold or
// that is longer than [session.MaxValue] is [session.ErrInvalid].
func (l *UserLogin) SetValue(ctx context.Context, s session.Session, value any) (session.Session, error) {
	l = l.in(ctx)
	text, err := session.EncodeValue(value)
	if err != nil {
		return session.Session{}, fmt.Errorf("loginstage: setting the value: %w", err)
	}
	changed, err := l.sessions.Update(ctx, s.ID, session.Update{Version: s.Version, Value: text})
	if err != nil {
		err = fmt.Errorf("loginstage: setting the value: %w", err)
	}
	return changed, err
}
