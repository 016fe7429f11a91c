package replay

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/mooring-go/mooring/binding"
)

// Config says what is replayed.
type Config struct {
	Candidates []Candidate // up to MaxPolicies
	Locator    binding.Locator
	Idle       time.Duration // a session that was not used for so long is over
	Keys       float64       // the share of sessions that have a device key, from 0 to 1
}

// Use is one use of a session.
type Use struct {
	Time    time.Time
	IP      netip.Addr
	Session []byte
	User    []byte // empty: not known
}

// Replay replays uses in the order of time. It keeps a state per session that is
// not over, and some bytes per user.
type Replay struct {
	config   Config
	policies []binding.Policy // of sessions with a device key
	keyless  []binding.Policy // of sessions without
	atlas    *atlas
	seed     maphash.Seed
	live     map[string]*list.Element // of *ride
	byUse    *list.List               // the one used last at the back
	users    map[uint64]set           // the policies that ended a session, by the hash of the user
	whys     whys
	result   Result
	jumps    jumps
}

// ride is a session that is followed.
type ride struct {
	key      string
	user     uint64 // its hash; 0: not known
	userName string
	last     time.Time
	at       binding.Location
	journey  Journey
	policies []binding.Policy
	ended    set // the policies that did
	asked    set
	told     set
	proved   set
	jumps    int
	fastest  *Jump // nil: it never jumped
}

// New returns an error where there are too many candidates, or a policy that is
// not valid.
func New(c Config) (*Replay, error) {
	if len(c.Candidates) > MaxPolicies {
		return nil, fmt.Errorf("%d policies: want up to %d at once", len(c.Candidates), MaxPolicies)
	}
	if !(c.Keys >= 0 && c.Keys <= 1) {
		return nil, fmt.Errorf("device keys in a share of %v of the sessions: want 0 to 1", c.Keys)
	}
	r := &Replay{
		config: c, atlas: newAtlas(c.Locator), seed: maphash.MakeSeed(),
		live: map[string]*list.Element{}, byUse: list.New(), users: map[uint64]set{},
	}
	for _, candidate := range c.Candidates {
		if err := candidate.Policy.Validate(); err != nil {
			return nil, err
		}
		r.policies, r.keyless = append(r.policies, candidate.Policy), append(r.keyless, candidate.Policy.WithoutKey())
		r.result.Tallies = append(r.result.Tallies, Tally{Candidate: candidate})
	}
	return r, nil
}

// Add replays one use. Its time should not be before that of the use before.
func (r *Replay) Add(ctx context.Context, u Use) error {
	r.expire(u.Time)
	r.result.span(u.Time)
	element, ok := r.live[string(u.Session)]
	if !ok {
		return r.begin(ctx, u)
	}
	s := element.Value.(*ride)
	if u.Time.Sub(s.last) > r.config.Idle { // one that lies behind others, because times were not in order
		r.end(element)
		return r.begin(ctx, u)
	}
	if u.Time.After(s.last) {
		r.byUse.MoveToBack(element)
	}
	if u.IP != s.at.IP {
		if err := r.move(ctx, s, u); err != nil {
			return err
		}
	}
	s.last = later(s.last, u.Time)
	return nil
}

// hasKey reports whether the session is one of the share that has a device key. It is
// so for a larger share too, and in every run.
func hasKey(session []byte, share float64) bool {
	sum := sha256.Sum256(session)
	return float64(binary.BigEndian.Uint32(sum[:4]))/(1<<32) < share
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (r *Replay) begin(ctx context.Context, u Use) error {
	at, err := r.atlas.locate(ctx, u.IP)
	if err != nil {
		return err
	}
	s := &ride{key: string(u.Session), last: u.Time, at: at, journey: Begin(at, len(r.policies)), policies: r.keyless}
	if hasKey(u.Session, r.config.Keys) {
		s.policies = r.policies
	}
	if len(u.User) > 0 {
		s.user, s.userName = maphash.Bytes(r.seed, u.User)|1, string(u.User)
		if _, known := r.users[s.user]; !known {
			r.users[s.user] = set{}
		}
	}
	r.live[s.key] = r.byUse.PushBack(s)
	r.result.Sessions++
	return nil
}

func (r *Replay) move(ctx context.Context, s *ride, u Use) error {
	to, err := r.atlas.locate(ctx, u.IP)
	if err != nil {
		return err
	}
	r.result.Moves++
	jumped := s.observe(to, u.Time)
	s.journey = s.journey.Move(s.policies, to, u.Time, CanProve, func(v Verdict) {
		tally := &r.result.Tallies[v.Policy]
		switch v.Action {
		case binding.End:
			s.ended.add(v.Policy)
			tally.Endings++
		case binding.StepUp:
			s.asked.add(v.Policy)
			tally.Confirmations++
		case binding.Prove:
			s.proved.add(v.Policy)
			tally.Proofs++
			return
		case binding.Report:
			s.told.add(v.Policy)
			tally.Reports++
			return
		default:
			return
		}
		r.whys.count(v)
		if jumped {
			s.fastest.by.add(v.Policy)
		}
	})
	s.at = to
	return nil
}

// expire counts the sessions that are over by now.
func (r *Replay) expire(now time.Time) {
	for first := r.byUse.Front(); first != nil; first = r.byUse.Front() {
		if now.Sub(first.Value.(*ride).last) <= r.config.Idle {
			return
		}
		r.end(first)
	}
}

// end counts a session and forgets it.
func (r *Replay) end(element *list.Element) {
	s := element.Value.(*ride)
	r.finish(s)
	r.byUse.Remove(element)
	delete(r.live, s.key)
}

func (r *Replay) finish(s *ride) {
	for i := range r.result.Tallies {
		t := &r.result.Tallies[i]
		t.SessionsEnded += s.ended.count(i)
		t.SessionsAsked += s.asked.count(i)
		t.SessionsTold += s.told.count(i)
		t.SessionsProved += s.proved.count(i)
	}
	if s.user != 0 {
		r.users[s.user] = r.users[s.user].with(s.ended)
	}
	if s.jumps > 0 {
		r.jumps.keep(s, r.config.Candidates)
	}
}

// Result ends the replay and returns the result.
func (r *Replay) Result() *Result {
	for e := r.byUse.Front(); e != nil; e = e.Next() {
		r.finish(e.Value.(*ride))
	}
	r.byUse.Init()
	clear(r.live)
	r.result.Users = len(r.users)
	for _, ended := range r.users {
		for i := range r.result.Tallies {
			r.result.Tallies[i].UsersEnded += ended.count(i)
		}
	}
	clear(r.users)
	for i := range r.result.Tallies {
		r.whys.tell(&r.result.Tallies[i], i, r.atlas.names)
	}
	r.result.Suspects = r.jumps.list()
	return &r.result
}
