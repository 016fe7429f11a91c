package loginstage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
)

const (
	// noticeTime is how long the link in a notice works.
	noticeTime = 14 * 24 * time.Hour
	// maxNotices is how many notices of one user can be answered: the oldest over it can
	// no longer be.
	maxNotices = 32
)

// Notice returns the secret of a link for a notice of the sign-in of s, "this was not
// me", which [UserLogin.NotMe] takes, once, for two weeks. Put it into a message to the
// user, and nowhere else: who has it can end the session. The store keeps its hash.
func (l *UserLogin) Notice(ctx context.Context, s session.Session) (string, error) {
	l = l.in(ctx)
	token, _, err := l.sessions.Issue(ctx, session.Session{
		Kind: session.KindNotice, User: s.User, Stage: l.config.Name,
		Lineage: lineage(&s), Expires: l.sessions.Now(ctx).Add(noticeTime),
	}, session.Replace{Max: maxNotices})
	if err != nil {
		return "", fmt.Errorf("loginstage: making a notice: %w", err)
	}
	return token.Secret(), nil
}

// NotMe takes the secret of a link that [UserLogin.Notice] returned, once: it ends the
// session that the notice is of, whatever token that has by now, and forgets the user's
// remembered devices, since the one of that sign-in is among them. It returns the
// user's ID, for the host to do more: have the password changed, and call
// [UserLogin.CredentialsChanged].
//
// Programs that look at mail follow links by themselves. Have the link lead to a page
// with a form, and call NotMe when that is posted. A secret that is none, has been
// taken or is too old is [session.ErrNotFound] or [*session.EndedError].
func (l *UserLogin) NotMe(ctx context.Context, secret string) (user string, err error) {
	l = l.in(ctx)
	token, err := session.ParseToken(secret)
	if err != nil {
		return "", fmt.Errorf("loginstage: not me: %w: %w", session.ErrNotFound, err)
	}
	notice, err := l.sessions.Find(ctx, token, session.KindNotice)
	if err == nil && notice.Stage != l.config.Name {
		err = errOtherStage
	}
	if err != nil {
		return "", fmt.Errorf("loginstage: not me: %w", err)
	}
	user = strings.Clone(notice.User)
	ending := l.ending(nil, session.CauseRevoked, user)
	if _, err := l.endLineage(ctx, user, notice.Lineage, ending); err != nil {
		return "", fmt.Errorf("loginstage: not me: %w", err)
	}
	if _, err := l.sessions.EndUser(ctx, user, session.ID{}, ending, session.KindDevice); err != nil {
		return "", fmt.Errorf("loginstage: not me: %w", err)
	}
	// Last, so that one that fails before can be tried again.
	if _, err := l.sessions.End(ctx, notice.ID, ending); err != nil {
		return "", fmt.Errorf("loginstage: not me: %w", err)
	}
	l.events.wait()
	return user, nil
}

// endLineage ends the user's session of the lineage, and what it goes on as meanwhile. It
// returns how many it has ended.
func (l *UserLogin) endLineage(ctx context.Context, user string, of session.ID, ending session.Ending) (n int, err error) {
	for range maxRenewals {
		sessions, err := l.sessions.List(ctx, user, session.KindSession)
		if err != nil {
			return n, err
		}
		live := false
		for _, s := range sessions {
			if lineage(&s) != of {
				continue
			}
			live = true
			if _, err = l.sessions.End(ctx, s.ID, ending); err == nil {
				n++
			} else if !isEnded(err) {
				return n, err
			}
		}
		if !live || n > 0 {
			return n, nil
		}
	}
	return n, errors.New("the session is renewed all the time")
}
