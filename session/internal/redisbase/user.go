package redisbase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/mooring-go/mooring/session"
)

// EndUser ends the live records of the user that are of one of the kinds, but for the
// one to keep, in scripts that end 100 each, the oldest first. It ends records that a
// later release wrote, too: of a record that it does not understand it returns the ID,
// the user, the kind and Created.
//
// On a server that evicts keys there may be others, so EndUser then returns an error
// besides what it ended.
func (s *Store) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	const operation = "ending a user's sessions"
	text, err := encodeEnding(ending)
	if err != nil {
		return nil, s.failed(operation, err)
	}
	shard := session.Shard(user)
	args := s.endingArgs(ending, keep.String(), text)
	for _, tag := range tagsOf(kinds) {
		args = append(args, tag)
	}
	replicas := acknowledgement{needed: true}
	all, err := s.repeat(ctx, func() (string, []string, error) {
		return replicas.run(ctx, s, endUserScript, shard, []string{s.indexKey(user)}, args...)
	})
	sessions := make([]session.Session, len(all))
	for i, e := range all {
		sessions[i] = e.Session
	}
	return sessions, s.failed(operation, errors.Join(err, replicas.short, s.server.check(ctx, s.client)))
}

// tagsOf returns the tags of kinds, each once, in the order of an index.
func tagsOf(kinds []session.Kind) []string {
	tags := make([]string, len(kinds))
	for i, kind := range kinds {
		tags[i] = tagOf(kind)
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// perList is how many sessions one script of List lists at the most.
const perList = 250

// List returns the live records of the user that are of one of the kinds, the latest
// sign-in first. It takes one script, which writes nothing, for each 250 records. Where
// it takes several, it misses no record that was live throughout the call.
func (s *Store) List(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
	const operation = "listing a user's sessions"
	sessions, err := s.list(ctx, user, ranges(kinds))
	if err == nil {
		err = s.server.check(ctx, s.client)
	}
	if err != nil {
		return nil, s.failed(operation, err)
	}
	slices.SortStableFunc(sessions, func(a, b session.Session) int { return b.Created.Compare(a.Created) })
	return sessions, nil
}

// ranges returns pairs of where the members of an index begin and end that are of
// one of the kinds, or of any kind if none is named. They are in the order of the
// index, in which a session that goes on as another one comes before that.
func ranges(kinds []session.Kind) []string {
	if len(kinds) == 0 {
		return []string{"-", "+"}
	}
	var pairs []string
	for _, tag := range tagsOf(kinds) {
		pairs = append(pairs, "["+tag, "("+tag+"g") // a digit follows the tag
	}
	return pairs
}

func (s *Store) list(ctx context.Context, user string, ranges []string) ([]session.Session, error) {
	var sessions []session.Session
	for {
		args := []any{perList}
		for _, end := range ranges {
			args = append(args, end)
		}
		status, reply, err := s.run(ctx, listScript, session.Shard(user), []string{s.indexKey(user)}, args...)
		if err != nil {
			return nil, err
		}
		if len(reply) < 2 {
			return nil, errors.New("reply of a script cut short")
		}
		ids, values, err := pairs(reply[2:])
		if err != nil {
			return nil, err
		}
		for i, id := range ids {
			found, err := decodeLive(id, values[i])
			if err != nil {
				return nil, err
			}
			sessions = append(sessions, found)
		}
		if status != "more" {
			return sessions, nil
		}
		done, err := strconv.Atoi(reply[0])
		if err != nil || 2*done+1 >= len(ranges) {
			return nil, fmt.Errorf("reply of a script: range %q of %d", reply[0], len(ranges)/2)
		}
		ranges = ranges[2*done:]
		ranges[0] = "(" + reply[1]
	}
}
