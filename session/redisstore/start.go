package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mooring-go/mooring/session"
)

// Start makes s live and ends what replace says, in one script. A session whose
// ID is not of a token for its user is refused.
//
// A session to replace that is of another user, and so as a rule in another
// shard, is ended before, by a script of its own. If the new session can then
// not be started, it stays ended, and is returned along with the error.
func (s *Store) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	all, err := s.start(ctx, started, replace)
	return all, failed("starting a session", err)
}

func (s *Store) start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	shard := session.Shard(started.User)
	if started.ID.Shard() != shard {
		return nil, fmt.Errorf("ID %q is not of a token for user %q", started.ID, started.User) // EndUser would not find it
	}
	value, err := encode(started)
	if err != nil {
		return nil, err
	}
	endings, err := endingsOf(replace)
	if err != nil {
		return nil, err
	}
	var elsewhere []session.Ended
	if !replace.From.IsZero() && replace.From.Shard() != shard {
		if elsewhere, err = s.endFrom(ctx, started, replace, endings); err != nil {
			return elsewhere, err
		}
		replace.From, replace.FromPending = session.ID{}, false
	}

	args := append(s.endingArgs(replace.Ending),
		started.ID.String(), value, s.milliseconds(latest(started.Created, started.LastSeen), started.Deadline()),
		instant(started.Created), replace.From.String(), flag(replace.FromPending), flag(replace.Others), replace.Max)
	for _, cause := range causes {
		args = append(args, endings[cause])
	}
	_, values, err := s.run(ctx, startScript, shard,
		[]string{s.callKey(shard), s.indexKey(started.User), s.sessionKey(started.ID)}, args...)
	if err != nil {
		return elsewhere, err
	}
	here, err := decodeAll(values)
	return append(elsewhere, here...), err
}

// causes are those for which Start ends sessions, as its script takes them.
var causes = []session.Cause{
	session.CauseReplaced, session.CauseAnswered, session.CauseTerminated, session.CauseMaxSessions,
}

// endingsOf are the endings to record, encoded, by their causes.
func endingsOf(replace session.Replace) (map[session.Cause]string, error) {
	endings := map[session.Cause]string{}
	for _, cause := range causes {
		text, err := encodeEnding(replace.Because(cause))
		if err != nil {
			return nil, err
		}
		endings[cause] = text
	}
	return endings, nil
}

// endFrom ends the session that started came from, which is in another shard.
func (s *Store) endFrom(ctx context.Context, started session.Session, replace session.Replace, endings map[session.Cause]string) ([]session.Ended, error) {
	exists, err := s.client.Exists(ctx, s.sessionKey(started.ID)).Result()
	if err != nil {
		return nil, err
	}
	if exists > 0 {
		return nil, session.ErrExists
	}
	e, err := s.end(ctx, replace.From, replace.Ending,
		endings[session.CauseReplaced], endings[session.CauseAnswered], replace.FromPending)
	if err == nil {
		return []session.Ended{e}, nil
	}
	_, hasEnded := errors.AsType[*session.EndedError](err)
	if !replace.FromPending && (hasEnded || errors.Is(err, session.ErrNotFound)) {
		return nil, nil
	}
	return nil, err
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
