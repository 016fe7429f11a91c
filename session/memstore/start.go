package memstore

import (
	"context"

	"github.com/mooring-go/mooring/session"
)

// overduePerStart is how many overdue entries a Start forgets at the most: more
// than the one that it adds.
const overduePerStart = 2

// Start makes s live and ends what replace says.
func (s *Store) Start(_ context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	if err := started.Validate(); err != nil {
		return nil, err
	}
	home, origin := s.lock(started.ID, replace.Before)
	defer s.unlock(home, origin)

	if home.entries.find(&started.ID) != nil {
		return nil, session.ErrExists
	}
	var victims []session.Victim
	if live := candidates(home, origin, started.User, replace); len(live) > 0 || !replace.Answers.IsZero() || !replace.Renews.IsZero() {
		var err error
		if victims, err = replace.Choose(started, live); err != nil {
			return nil, home.missing(replace, err)
		}
	}
	var ended []session.Ended
	for _, victim := range victims {
		sh := home
		if victim.ID == replace.Before {
			sh = origin
		}
		e, err := sh.live(victim.ID)
		if err != nil {
			continue // it was among the live ones just now
		}
		sh.end(e, record(replace.Because(victim.Cause)))
		ended = append(ended, e.ended())
	}
	home.forgetOverdue(started.Created, overduePerStart)
	home.add(newEntry(started), started.Deadline())
	return ended, nil
}

// candidates returns the live records that replace can be about: the one that the same
// client had before and, if replace names more than that, those of the user.
func candidates(home, origin *shard, user string, replace session.Replace) []session.Candidate {
	var live []session.Candidate
	if replace.Others || replace.Max > 0 || !replace.Answers.IsZero() || !replace.Renews.IsZero() {
		for e := home.users[user].first; e != nil; e = e.later {
			live = append(live, home.candidate(e))
		}
	}
	if !replace.Before.IsZero() {
		if e, err := origin.live(replace.Before); err == nil {
			live = append(live, origin.candidate(e)) // a second time, if it is the user's, which Choose allows
		}
	}
	return live
}

// missing returns why the session that a new one answers or renews is not live: its
// ending, if it has one, and err otherwise.
func (sh *shard) missing(replace session.Replace, err error) error {
	for _, id := range []session.ID{replace.Answers, replace.Renews} {
		if _, notLive := sh.live(id); !id.IsZero() && notLive != nil {
			return notLive
		}
	}
	return err
}

// lock locks the shards of a session and of the one that it came from, if any,
// in the one order that all calls keep. They can be the same.
func (s *Store) lock(id, before session.ID) (home, origin *shard) {
	i := index(id.Shard())
	j := i
	if !before.IsZero() {
		j = index(before.Shard())
	}
	s.shards[min(i, j)].lock()
	if i != j {
		s.shards[max(i, j)].lock()
	}
	return &s.shards[i], &s.shards[j]
}

func (s *Store) unlock(home, origin *shard) {
	home.unlock()
	if origin != home {
		origin.unlock()
	}
}
