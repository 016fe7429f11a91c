package redisbase

import (
	"context"
	"errors"

	"github.com/mooring-go/mooring/session"
)

// Update makes the change in a live session and returns it as it is then. It is one
// GET and one script, which writes only if the session has not changed meanwhile;
// otherwise both are repeated.
func (s *Store) Update(ctx context.Context, id session.ID, change session.Update) (session.Session, error) {
	for {
		changed, again, err := s.update(ctx, id, change)
		if err != nil || !again {
			return changed, s.failed("updating a session", err)
		}
	}
}

// update reports whether to try again, since the session changed meanwhile.
func (s *Store) update(ctx context.Context, id session.ID, change session.Update) (changed session.Session, again bool, err error) {
	before, changed, err := s.get(ctx, id)
	if err != nil {
		return session.Session{}, false, err
	}
	err = changed.Update(change)
	if errors.Is(err, session.ErrConflict) {
		return changed, false, err
	}
	if err != nil {
		return session.Session{}, false, err
	}
	after, err := encode(changed)
	if err != nil {
		return session.Session{}, false, err
	}
	replicas := acknowledgement{needed: true}
	status, _, err := replicas.run(ctx, s, updateScript, id.Shard(), []string{s.sessionKey(id)}, before, after, updated(changed))
	if err != nil {
		return session.Session{}, false, err
	}
	if status == "changed" {
		return changed, true, nil
	}
	return changed, false, replicas.short
}
