package redisstore

import (
	"context"
	"slices"

	"github.com/mooring-go/mooring/session"
)

// EndUser ends the live sessions of the user, but for the one to keep, in one
// script. Records among them that are not understood make it fail with
// [session.ErrRecord].
func (s *Store) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending) ([]session.Session, error) {
	const operation = "ending a user's sessions"
	text, err := encodeEnding(ending)
	if err != nil {
		return nil, failed(operation, err)
	}
	shard := session.Shard(user)
	_, values, err := s.run(ctx, endUserScript, shard,
		[]string{s.callKey(shard), s.indexKey(user)},
		append(s.endingArgs(ending), keep.String(), text)...)
	if err != nil {
		return nil, failed(operation, err)
	}
	var sessions []session.Session
	all, err := decodeAll(values)
	for _, e := range all {
		sessions = append(sessions, e.Session)
	}
	return sessions, failed(operation, err)
}

// List returns the live sessions of the user, the latest sign-in first. It is
// one script, which writes nothing.
func (s *Store) List(ctx context.Context, user string) ([]session.Session, error) {
	const operation = "listing a user's sessions"
	_, values, err := s.run(ctx, listScript, session.Shard(user), []string{s.indexKey(user)})
	if err != nil {
		return nil, failed(operation, err)
	}
	var sessions []session.Session
	for _, value := range values {
		found, err := decodeLive(value)
		if err != nil {
			return nil, failed(operation, err)
		}
		sessions = append(sessions, found)
	}
	slices.SortStableFunc(sessions, func(a, b session.Session) int { return b.Created.Compare(a.Created) })
	return sessions, nil
}
