package nearcache

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/mooring-go/mooring/session"
)

// shards is how many shards there are: enough that the cores of a large machine seldom
// meet at a lock.
const shards = 256

// A shard keeps the sessions of the users that session.Shard places there.
type shard struct {
	mu      sync.RWMutex
	entries map[session.ID]*entry
	changes uint64   // how often something was dropped: what was being read is not kept
	_       [88]byte // keeps neighbours off this cache line
}

// An entry is a session as it was read.
type entry struct {
	session session.Session
	epoch   uint64
	read    time.Time // before it was asked for
	bytes   int64
	used    atomic.Bool // since an entry was last looked for that could go
}

// Session returns the session as it was read.
func (e *entry) Session() session.Session { return e.session }

// kept is how much is kept in all.
type kept struct{ sessions, bytes atomic.Int64 }

// shard returns the shard that session.Shard names.
func (s *Store) shard(name string) *shard {
	var bits uint32
	for i := range len(name) {
		bits = bits<<8 | uint32(name[i])
	}
	return &s.shards[bits*0x9E3779B1>>24] // Fibonacci hashing
}

// get returns what is kept of the session; nil: nothing.
func (sh *shard) get(id session.ID) *entry {
	sh.mu.RLock()
	e := sh.entries[id]
	sh.mu.RUnlock()
	if e != nil && !e.used.Load() {
		e.used.Store(true)
	}
	return e
}

// generation returns a number for keep, which changes when something is dropped.
func (sh *shard) generation() uint64 {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.changes
}

// keep keeps what was read since the generation, unless something was dropped since.
func (s *Store) keep(sh *shard, generation uint64, e *entry) {
	e.bytes = size(e.session)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.changes != generation {
		return
	}
	if before := sh.entries[e.session.ID]; before != nil {
		s.remove(sh, before)
	}
	for s.kept.sessions.Load() >= int64(s.config.MaxSessions) || s.kept.bytes.Load()+e.bytes > s.config.MaxBytes {
		if !s.evict(sh) {
			return
		}
	}
	sh.entries[e.session.ID] = e
	s.kept.sessions.Add(1)
	s.kept.bytes.Add(e.bytes)
}

// looked is how many entries are looked at for one that was not used lately.
const looked = 8

// evict removes an entry of the shard, if it has any: one that was not used lately, if
// there is such a one among the few that it looks at.
func (s *Store) evict(sh *shard) bool {
	var victim *entry
	n := 0
	for _, e := range sh.entries { // in no order
		victim = e
		if !e.used.Swap(false) {
			break
		}
		if n++; n == looked {
			break
		}
	}
	if victim == nil {
		return false
	}
	s.remove(sh, victim)
	return true
}

func (s *Store) remove(sh *shard, e *entry) {
	delete(sh.entries, e.session.ID)
	s.kept.sessions.Add(-1)
	s.kept.bytes.Add(-e.bytes)
}

// drop drops what is kept of a session, and what is being read of it.
func (s *Store) drop(id session.ID) {
	sh := s.shard(id.Shard())
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.changes++
	if e := sh.entries[id]; e != nil {
		s.remove(sh, e)
	}
}

// dropUser drops the sessions of all users of whom session.Shard says the same.
func (s *Store) dropUser(name string) {
	sh := s.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.changes++
	for id, e := range sh.entries {
		if id.Shard() == name {
			s.remove(sh, e)
		}
	}
}

func (s *Store) dropAll() {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		sh.changes++
		for _, e := range sh.entries {
			s.remove(sh, e)
		}
		sh.mu.Unlock()
	}
}
