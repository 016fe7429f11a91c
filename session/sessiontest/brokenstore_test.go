package sessiontest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mooring-go/mooring/session"
)

// brokenStore is a store with some of its methods replaced. What it needs to
// remember for that is guarded by mu.
type brokenStore struct {
	session.Store
	onStart   func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error)
	onGet     func(ctx context.Context, id session.ID) (session.Session, error)
	onTouch   func(ctx context.Context, id session.ID, seen session.Seen) error
	onUpdate  func(ctx context.Context, id session.ID, change session.Update) (session.Session, error)
	onEnd     func(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error)
	onEndUser func(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error)
	onList    func(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error)
	onSweep   func(ctx context.Context, now time.Time) (session.Swept, error)

	mu      sync.Mutex
	started []session.Session // ever
	overlay map[session.ID]session.Session
	told    map[session.ID]error
}

func (b *brokenStore) Start(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
	b.mu.Lock()
	b.started = append(b.started, s)
	b.mu.Unlock()
	if b.onStart != nil {
		return b.onStart(ctx, s, r)
	}
	return b.Store.Start(ctx, s, r)
}

func (b *brokenStore) Get(ctx context.Context, id session.ID) (session.Session, error) {
	if b.onGet != nil {
		return b.onGet(ctx, id)
	}
	if s, ok := b.over(id); ok {
		return s, nil
	}
	return b.Store.Get(ctx, id)
}

func (b *brokenStore) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	if b.onTouch != nil {
		return b.onTouch(ctx, id, seen)
	}
	return b.Store.Touch(ctx, id, seen)
}

func (b *brokenStore) Update(ctx context.Context, id session.ID, change session.Update) (session.Session, error) {
	if b.onUpdate != nil {
		return b.onUpdate(ctx, id, change)
	}
	return b.Store.Update(ctx, id, change)
}

func (b *brokenStore) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	b.mu.Lock()
	delete(b.overlay, id)
	b.mu.Unlock()
	if b.onEnd != nil {
		return b.onEnd(ctx, id, ending)
	}
	return b.Store.End(ctx, id, ending)
}

func (b *brokenStore) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	if b.onEndUser != nil {
		return b.onEndUser(ctx, user, keep, ending, kinds...)
	}
	return b.Store.EndUser(ctx, user, keep, ending, kinds...)
}

func (b *brokenStore) List(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
	if b.onList != nil {
		return b.onList(ctx, user, kinds...)
	}
	return b.Store.List(ctx, user, kinds...)
}

func (b *brokenStore) Sweep(ctx context.Context, now time.Time) (session.Swept, error) {
	if b.onSweep != nil {
		return b.onSweep(ctx, now)
	}
	return b.Store.Sweep(ctx, now)
}

// over returns what a broken Touch wrote beside the store.
func (b *brokenStore) over(id session.ID) (session.Session, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.overlay[id]
	return s, ok
}

func (b *brokenStore) setOver(s session.Session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.overlay == nil {
		b.overlay = make(map[session.ID]session.Session)
	}
	b.overlay[s.ID] = s
}

// ever returns the sessions that were ever started and that which is true of.
func (b *brokenStore) ever(which func(session.Session) bool) []session.Session {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.started), func(s session.Session) bool { return !which(s) })
}

// storing changes what is stored of a new session.
func storing(change func(*session.Session)) func(*brokenStore) {
	return func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			change(&s)
			return b.Store.Start(ctx, s, r)
		}
	}
}

// replacing changes what a Start replaces.
func replacing(change func(b *brokenStore, s session.Session, r *session.Replace)) func(*brokenStore) {
	return func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			change(b, s, &r)
			return b.Store.Start(ctx, s, r)
		}
	}
}

// alsoEnding ends more sessions with a Start than it should.
func alsoEnding(which func(s session.Session, r session.Replace, other session.Session) bool) func(*brokenStore) {
	return func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			for _, other := range b.ever(func(other session.Session) bool { return other.ID != s.ID && which(s, r, other) }) {
				_, _ = b.Store.End(ctx, other.ID, r.Because(session.CauseTerminated))
			}
			return b.Store.Start(ctx, s, r)
		}
	}
}

// inSteps does in several steps what Start does in one, with what end chooses
// of the user's sessions.
func inSteps(end func(others []session.Session, r session.Replace) []session.Session) func(*brokenStore) {
	return func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			others, err := b.Store.List(ctx, s.User, s.Kind)
			if err != nil {
				return nil, err
			}
			yield()
			ended, err := b.Store.Start(ctx, s, session.Replace{Answers: r.Answers, Renews: r.Renews, Before: r.Before, Ending: r.Ending})
			if err != nil {
				return nil, err
			}
			cause := session.CauseMaxSessions
			if r.Others {
				cause = session.CauseTerminated
			}
			for _, other := range end(others, r) {
				if old, err := b.Store.End(ctx, other.ID, r.Because(cause)); err == nil {
					ended = append(ended, session.Ended{Session: old, Ending: r.Because(cause)})
				}
			}
			return ended, nil
		}
	}
}

// updating changes what an Update changes.
func updating(change func(c *session.Update)) func(*brokenStore) {
	return func(b *brokenStore) {
		b.onUpdate = func(ctx context.Context, id session.ID, c session.Update) (session.Session, error) {
			change(&c)
			return b.Store.Update(ctx, id, c)
		}
	}
}

// reread is an Update that goes by the Version that it reads.
func reread(b *brokenStore) {
	b.onUpdate = func(ctx context.Context, id session.ID, c session.Update) (session.Session, error) {
		for {
			s, err := b.Store.Get(ctx, id)
			if err != nil {
				return s, err
			}
			c.Version = s.Version
			if s, err = b.Store.Update(ctx, id, c); !errors.Is(err, session.ErrConflict) {
				return s, err
			}
		}
	}
}

var brokenStores = []breakage[brokenStore]{
	{"Update does nothing", []string{
		"Update changes what the host keeps", "a Value is kept to the byte, up to its limit", "a session that ends has its last Value",
	}, func(b *brokenStore) {
		b.onUpdate = func(ctx context.Context, id session.ID, c session.Update) (session.Session, error) {
			s, err := b.Store.Get(ctx, id)
			if err == nil {
				err = s.Update(c)
			}
			return s, err
		}
	}},
	{"Update takes any Version", []string{"of two changes that go by one Version one is made"}, reread},
	{"Update reads and then writes", []string{"of parallel Updates none is lost", "an Update in flight revives nothing"}, func(b *brokenStore) {
		b.onUpdate = func(ctx context.Context, id session.ID, c session.Update) (session.Session, error) {
			s, over := b.over(id)
			if !over {
				var err error
				if s, err = b.Store.Get(ctx, id); err != nil {
					return s, err
				}
			}
			yield()
			if err := s.Update(c); err != nil {
				return s, err
			}
			yield()
			b.setOver(s)
			return s, nil
		}
	}},
	{"a conflict comes with nothing", []string{"of two changes that go by one Version one is made"}, func(b *brokenStore) {
		b.onUpdate = func(ctx context.Context, id session.ID, c session.Update) (session.Session, error) {
			s, err := b.Store.Update(ctx, id, c)
			if err != nil {
				s = session.Session{}
			}
			return s, err
		}
	}},
	{"Update refuses nothing", []string{"Update refuses what no session holds"}, updating(func(c *session.Update) {
		c.Require = nil
		if !json.Valid(c.Value) || len(c.Value) > session.MaxValue {
			c.Value = nil
		}
	})},
	{"Update says nothing of an ending", []string{"Update does not revive an ended session"}, func(b *brokenStore) {
		b.onUpdate = func(ctx context.Context, id session.ID, c session.Update) (session.Session, error) {
			s, err := b.Store.Update(ctx, id, c)
			if _, ended := errors.AsType[*session.EndedError](err); ended {
				err = session.ErrNotFound
			}
			return s, err
		}
	}},
	{"slices are the caller's", []string{"what a caller does to its slices changes no session"}, func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			b.setOver(s)
			return b.Store.Start(ctx, s, r)
		}
	}},
	{"Renews takes any Version", []string{"Renews wants the Version that was read", "Renews wants the drift that was read", "a renewal loses no Update", "a renewal loses no drift"}, func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			for {
				yield()
				ended, err := b.Store.Start(ctx, s, r)
				if !errors.Is(err, session.ErrConflict) {
					return ended, err
				}
				now, err := b.Store.Get(ctx, r.Renews)
				if err != nil {
					return nil, err
				}
				r.Version = now.Version
			}
		}
	}},
	{"Deny is passed over", []string{
		"Deny starts nothing over Max", "Deny leaves the session before", "of parallel sign-ins with Deny as many succeed as fit",
	}, replacing(func(_ *brokenStore, _ session.Session, r *session.Replace) { r.Deny = false })},
	{"Deny counts what ends anyway", []string{"Deny counts what ends anyway as ended"}, func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			if live, err := b.Store.List(ctx, s.User, s.Kind); err != nil || r.Deny && len(live) >= r.Max {
				return nil, &session.LimitError{Surplus: []session.ID{s.ID}}
			}
			return b.Store.Start(ctx, s, r)
		}
	}},
	{"tenants are not told apart", []string{"PerTenant counts the sessions of one tenant"},
		replacing(func(_ *brokenStore, _ session.Session, r *session.Replace) { r.PerTenant = false })},
	{"Start does nothing", []string{"Start makes the session live"}, func(b *brokenStore) {
		b.onStart = func(context.Context, session.Session, session.Replace) ([]session.Ended, error) { return nil, nil }
	}},
	{"times are cut to microseconds", []string{"every field is kept"},
		storing(func(s *session.Session) { s.Created = s.Created.Truncate(time.Microsecond) })},
	{"user agents are cut", []string{"long fields are kept whole"},
		storing(func(s *session.Session) { s.UserAgent = s.UserAgent[:min(len(s.UserAgent), 512)] })},
	{"times are local", []string{"every field is kept"},
		func(b *brokenStore) {
			b.onGet = func(ctx context.Context, id session.ID) (session.Session, error) {
				s, err := b.Store.Get(ctx, id)
				s.Expires = s.Expires.In(time.FixedZone("", 3600))
				return s, err
			}
		}},
	{"the drift is not stored", []string{"every field is kept"},
		storing(func(s *session.Session) { s.Drift = session.Drift{} })},
	{"an absent name is the user", []string{"absent fields stay absent"},
		storing(func(s *session.Session) {
			if s.Name == "" {
				s.Name = s.User
			}
		})},
	{"empty facts are none", []string{"each part of a location is kept or absent by itself"},
		storing(func(s *session.Session) {
			if s.Anchor.Geo != nil && reflect.ValueOf(*s.Anchor.Geo).IsZero() {
				s.Anchor.Geo = nil
			}
		})},
	{"addresses are unmapped", []string{"addresses are kept as they are"},
		storing(func(s *session.Session) { s.IP = s.IP.Unmap() })},
	{"what cannot be kept is kept otherwise", []string{"what cannot be kept is refused"},
		storing(func(s *session.Session) {
			if s.Expires.Year() > 2261 {
				s.Expires = s.Created.Add(time.Hour)
			}
		})},
	{"what cannot be kept is another error", []string{"what cannot be kept is refused"}, func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			ended, err := b.Store.Start(ctx, s, r)
			if errors.Is(err, session.ErrInvalid) {
				err = errors.New("invalid")
			}
			return ended, err
		}
	}},
	{"an ID in use is no error", []string{
		"an ID that is live is ErrExists", "an ID whose ending is kept is ErrExists", "of parallel Starts of one ID exactly one succeeds",
	}, func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			ended, err := b.Store.Start(ctx, s, r)
			if errors.Is(err, session.ErrExists) {
				err = nil
			}
			return ended, err
		}
	}},
	{"a Start that fails has ended others", []string{"an ID that is live is ErrExists", "an ID whose ending is kept is ErrExists"},
		alsoEnding(func(s session.Session, r session.Replace, other session.Session) bool {
			return r.Others && other.User == s.User
		})},
	{"a Start that fails has made the session live", []string{"a Start that fails does nothing"}, func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			ended, err := b.Store.Start(ctx, s, r)
			if err != nil {
				_, _ = b.Store.Start(ctx, s, session.Replace{})
			}
			return ended, err
		}
	}},
	{"Others always", []string{"no Replace ends nothing", "Max that is not reached ends nothing"},
		replacing(func(_ *brokenStore, _ session.Session, r *session.Replace) { r.Others = true })},
	{"Before is passed over", []string{
		"Before ends a live session as replaced", "Before of another user's pending session ends it",
		"each session that is replaced ends once", "sessions that replace each other's end once",
	}, replacing(func(_ *brokenStore, _ session.Session, r *session.Replace) { r.Before = session.ID{} })},
	{"Before of another user is passed over", []string{"Before ends a session of another user"},
		replacing(func(b *brokenStore, s session.Session, r *session.Replace) {
			if before, err := b.Store.Get(context.Background(), r.Before); err == nil && before.User != s.User {
				r.Before = session.ID{}
			}
		})},
	{"Before must be live", []string{"Before that ended or never was ends nothing"}, func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			if _, err := b.Store.Get(ctx, r.Before); err != nil && !r.Before.IsZero() {
				return nil, err
			}
			return b.Store.Start(ctx, s, r)
		}
	}},
	{"Before of any kind ends", []string{"Before of another kind ends nothing"},
		alsoEnding(func(_ session.Session, r session.Replace, other session.Session) bool { return other.ID == r.Before })},
	{"Before of any user's device ends", []string{"Before of another user's device ends nothing"},
		alsoEnding(func(s session.Session, r session.Replace, other session.Session) bool {
			return other.ID == r.Before && other.User != s.User
		})},
	{"Answers is passed over", []string{
		"Answers ends a pending session as answered", "Answers wants a pending session of the user", "what was forgotten is unknown",
	}, replacing(func(_ *brokenStore, _ session.Session, r *session.Replace) { r.Answers = session.ID{} })},
	{"Answers takes any user's", []string{"Answers wants a pending session of the user"}, takesAny(session.KindPending,
		func(r *session.Replace) *session.ID { return &r.Answers })},
	{"Answers is looked at before", []string{
		"a pending session is answered exactly once", "an answer beside End has one outcome", "no answer outlives EndUser",
	}, lookedAtBefore(func(r *session.Replace) *session.ID { return &r.Answers })},
	{"Renews is looked at before", []string{
		"a session is renewed exactly once", "a renewal beside End has one outcome", "no renewal outlives EndUser",
		"a renewal beside Others leaves one session", "a renewal beside Max leaves Max", "no renewal slips past an EndUser of many",
	}, lookedAtBefore(func(r *session.Replace) *session.ID { return &r.Renews })},
	{"Renews is passed over", []string{"Renews ends a session as renewed", "Renews wants a signed-in session of the user"},
		replacing(func(_ *brokenStore, _ session.Session, r *session.Replace) { r.Renews = session.ID{} })},
	{"Renews takes any user's", []string{"Renews wants a signed-in session of the user"}, takesAny(session.KindSession,
		func(r *session.Replace) *session.ID { return &r.Renews })},
	{"Others misses one", []string{"Others ends all other sessions of the user"},
		inSteps(func(others []session.Session, r session.Replace) []session.Session {
			if !r.Others {
				return nil
			}
			return others[:max(0, len(others)-1)]
		})},
	{"Others is a step of its own", []string{"of parallel sign-ins with Others exactly one stays"},
		inSteps(func(others []session.Session, r session.Replace) []session.Session {
			if !r.Others {
				return nil
			}
			return others
		})},
	{"Others ends every kind", []string{"Others spares what is not signed in"},
		alsoEnding(func(s session.Session, r session.Replace, other session.Session) bool {
			return r.Others && other.User == s.User && other.Kind != session.KindSession
		})},
	{"Others folds case", []string{"Others spares other users"},
		alsoEnding(func(s session.Session, r session.Replace, other session.Session) bool {
			return r.Others && strings.EqualFold(other.User, s.User)
		})},
	{"one is returned twice", []string{"each session that is replaced ends once"}, func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			ended, err := b.Store.Start(ctx, s, r)
			return append(ended, ended[:min(1, len(ended))]...), err
		}
	}},
	{"Max ends the newest", []string{"Max ends the oldest sign-ins"},
		inSteps(func(others []session.Session, r session.Replace) []session.Session {
			return others[:max(0, min(len(others)+1-r.Max, len(others)))]
		})},
	{"Max is a step of its own", []string{"of parallel sign-ins with Max as many stay"},
		inSteps(func(others []session.Session, r session.Replace) []session.Session {
			return others[min(max(0, r.Max-1), len(others)):]
		})},
	{"Max is one too many", []string{"Max 1 leaves the new session alone", "Max ends the oldest sign-ins"},
		replacing(func(_ *brokenStore, _ session.Session, r *session.Replace) {
			if r.Max > 0 {
				r.Max++
			}
		})},
	{"Max is one too few", []string{"Max that is not reached ends nothing"},
		replacing(func(_ *brokenStore, _ session.Session, r *session.Replace) {
			if r.Max > 1 {
				r.Max--
			}
		})},
	{"Max counts every kind", []string{"Max counts the new one's kind"},
		replacing(func(b *brokenStore, s session.Session, r *session.Replace) {
			list, _ := b.Store.List(context.Background(), s.User)
			for _, other := range list {
				if other.Kind != s.Kind && r.Max > 1 {
					r.Max--
				}
			}
		})},
	{"Max is of sessions alone", []string{"Max counts the new one's kind"},
		replacing(func(_ *brokenStore, s session.Session, r *session.Replace) {
			if s.Kind != session.KindSession {
				r.Max = 0
			}
		})},
	{"Max is of all users", []string{"Max does not count other users"},
		alsoEnding(func(s session.Session, r session.Replace, other session.Session) bool {
			return r.Max > 0 && other.User != s.User
		})},
	{"Max counts the session that is replaced", []string{"Max does not count the session that is replaced"},
		replacing(func(_ *brokenStore, _ session.Session, r *session.Replace) {
			if !r.Before.IsZero() && r.Max > 1 {
				r.Max--
			}
		})},
	{"Max ends overdue sessions", []string{"Max does not count overdue sessions"},
		alsoEnding(func(s session.Session, r session.Replace, other session.Session) bool {
			return r.Max > 0 && other.Overdue(s.Created) != ""
		})},
	{"Max counts overdue sessions", []string{"Max does not count overdue sessions"},
		inSteps(func(others []session.Session, r session.Replace) []session.Session {
			return others[min(max(0, r.Max-1), len(others)):]
		})},
	{"Replace loses the actor", []string{"the ending that Replace gives is recorded"},
		replacing(func(_ *brokenStore, _ session.Session, r *session.Replace) { r.Ending.Actor = "" })},

	{"Touch of the unknown succeeds", []string{"an unknown ID is ErrNotFound", "what was forgotten is unknown"}, func(b *brokenStore) {
		b.onTouch = func(ctx context.Context, id session.ID, seen session.Seen) error {
			if err := b.Store.Touch(ctx, id, seen); !errors.Is(err, session.ErrNotFound) {
				return err
			}
			return nil
		}
	}},
	{"End returns what was started", []string{"End ends a live session and returns it"}, func(b *brokenStore) {
		b.onEnd = func(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
			s, err := b.Store.End(ctx, id, ending)
			for _, old := range b.ever(func(s session.Session) bool { return s.ID == id }) {
				s = old
			}
			return s, err
		}
	}},
	{"the detail is encoded again", []string{"every field of an ending is kept"}, func(b *brokenStore) {
		b.onEnd = func(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
			var compact bytes.Buffer
			if json.Compact(&compact, ending.Detail) == nil {
				ending.Detail = compact.Bytes()
			}
			return b.Store.End(ctx, id, ending)
		}
	}},
	{"the last ending counts", []string{"the first ending counts"}, func(b *brokenStore) {
		b.onEnd = func(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
			s, err := b.Store.End(ctx, id, ending)
			if told, ok := errors.AsType[*session.EndedError](err); ok {
				told.Ending = ending
			}
			return s, err
		}
	}},
	{"Get returns what it keeps", []string{"what is returned is a copy"}, func(b *brokenStore) {
		b.told = make(map[session.ID]error)
		b.onGet = func(ctx context.Context, id session.ID) (session.Session, error) {
			if b.told[id] != nil {
				return session.Session{}, b.told[id]
			}
			s, err := b.Store.Get(ctx, id)
			b.told[id] = err
			return s, err
		}
	}},
	{"End is two steps", []string{"of parallel Ends exactly one ends the session"}, func(b *brokenStore) {
		b.onEnd = func(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
			s, err := b.Store.Get(ctx, id)
			if err != nil {
				return s, err
			}
			yield()
			_, _ = b.Store.End(ctx, id, ending)
			return s, nil
		}
	}},

	{"Touch does nothing", []string{
		"Touch records time and address", "a touch moves the idle limit", "an End or Touch whose context is done is whole or none",
	}, func(b *brokenStore) {
		b.onTouch = func(context.Context, session.ID, session.Seen) error { return nil }
	}},
	{"Touch passes over an unknown address", []string{"Touch records an unknown address"}, func(b *brokenStore) {
		b.onTouch = func(ctx context.Context, id session.ID, seen session.Seen) error {
			if s, err := b.Store.Get(ctx, id); err == nil && !seen.IP.IsValid() {
				seen.IP = s.IP
			}
			return b.Store.Touch(ctx, id, seen)
		}
	}},
	{"the last touch wins", []string{"of two touches the later time wins"}, func(b *brokenStore) {
		b.onTouch = func(ctx context.Context, id session.ID, seen session.Seen) error {
			s, err := b.Get(ctx, id)
			if err == nil {
				s.LastSeen, s.IP = seen.Time, seen.IP
				b.setOver(s)
			}
			return err
		}
	}},
	{"Touch believes the caller's clock", []string{"Touch ahead of the clock counts as now"}, func(b *brokenStore) {
		b.onTouch = func(ctx context.Context, id session.ID, seen session.Seen) error {
			s, err := b.Get(ctx, id)
			s.Apply(seen, seen.Time)
			b.setOver(s)
			return err
		}
	}},
	{"Touch ahead of the clock is passed over", []string{"Touch ahead of the clock counts as now"}, func(b *brokenStore) {
		b.onTouch = func(ctx context.Context, id session.ID, seen session.Seen) error {
			if seen.Time.After(time.Now()) {
				return nil
			}
			return b.Store.Touch(ctx, id, seen)
		}
	}},
	{"a LastSeen stays whatever it is", []string{"Touch replaces a LastSeen that is ahead of the clock"}, func(b *brokenStore) {
		b.onTouch = func(ctx context.Context, id session.ID, seen session.Seen) error {
			if s, err := b.Store.Get(ctx, id); err == nil && s.LastSeen.After(seen.Time) {
				return nil
			}
			return b.Store.Touch(ctx, id, seen)
		}
	}},
	{"an earlier touch loses its drift", []string{"Touch adds to the drift"}, func(b *brokenStore) {
		b.onTouch = func(ctx context.Context, id session.ID, seen session.Seen) error {
			if s, err := b.Store.Get(ctx, id); err == nil && seen.Time.Before(s.LastSeen) {
				return nil
			}
			return b.Store.Touch(ctx, id, seen)
		}
	}},
	{"the first restriction stays whatever it is", []string{"a broken binding outranks an idle limit"}, func(b *brokenStore) {
		b.onTouch = func(ctx context.Context, id session.ID, seen session.Seen) error {
			if s, err := b.Store.Get(ctx, id); err == nil && s.Drift.Restricted != "" {
				seen.Drift.Restricted = ""
			}
			return b.Store.Touch(ctx, id, seen)
		}
	}},
	{"a later touch teaches another second anchor", []string{"Touch adds to the drift", "of parallel touches one teaches the second anchor"},
		func(b *brokenStore) {
			b.onTouch = func(ctx context.Context, id session.ID, seen session.Seen) error {
				if err := b.Store.Touch(ctx, id, seen); err != nil || !seen.Drift.Second.IP.IsValid() {
					return err
				}
				yield()
				s, err := b.Get(ctx, id)
				s.Drift.Second = seen.Drift.Second
				b.setOver(s)
				return err
			}
		}},
	{"a later touch binds another device key", []string{"the first device key stays", "of parallel touches one binds the device key"},
		func(b *brokenStore) {
			b.onTouch = func(ctx context.Context, id session.ID, seen session.Seen) error {
				if err := b.Store.Touch(ctx, id, seen); err != nil || seen.Drift.Key.IsZero() {
					return err
				}
				yield()
				s, err := b.Get(ctx, id)
				s.Drift.Key = seen.Drift.Key
				b.setOver(s)
				return err
			}
		}},
	{"a renewal takes the key along", []string{"a renewal keeps what it is given"}, func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			if old, err := b.Store.Get(ctx, r.Renews); err == nil && s.Drift.Key.IsZero() {
				s.Drift.Key = old.Drift.Key
			}
			return b.Store.Start(ctx, s, r)
		}
	}},
	{"the lineage is not stored", []string{"every field is kept", "a renewal keeps what it is given"},
		storing(func(s *session.Session) { s.Lineage = session.ID{} })},
	{"Touch revives", []string{"Touch does not revive an ended session"}, func(b *brokenStore) {
		b.onTouch = func(ctx context.Context, id session.ID, seen session.Seen) error {
			err := b.Store.Touch(ctx, id, seen)
			if told, ok := errors.AsType[*session.EndedError](err); ok {
				b.setOver(told.Session)
				return nil
			}
			return err
		}
	}},
	{"Touch reads and then writes", []string{"a touch in flight revives nothing", "of parallel touches none is lost"}, func(b *brokenStore) {
		b.onTouch = func(ctx context.Context, id session.ID, seen session.Seen) error {
			if _, err := b.Store.Get(ctx, id); err != nil {
				return err
			}
			s, err := b.Get(ctx, id)
			if err != nil {
				return err
			}
			yield()
			s.Apply(seen, time.Now())
			b.setOver(s)
			return nil
		}
	}},

	{"EndUser misses pending sessions", []string{"EndUser ends all sessions of the user"}, func(b *brokenStore) {
		b.onEndUser = func(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
			list, err := b.Store.List(ctx, user, kinds...)
			var ended []session.Session
			for _, s := range list {
				if _, err := b.Store.End(ctx, s.ID, ending); err == nil && s.ID != keep && s.Kind != session.KindPending {
					ended = append(ended, s)
				}
			}
			return ended, err
		}
	}},
	{"EndUser keeps nothing", []string{"EndUser keeps the session that it is told to"}, func(b *brokenStore) {
		b.onEndUser = func(ctx context.Context, user string, _ session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
			return b.Store.EndUser(ctx, user, session.ID{}, ending, kinds...)
		}
	}},
	{"EndUser ends one page", []string{"EndUser ends any number"}, func(b *brokenStore) {
		b.onEndUser = func(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
			list, err := b.Store.List(ctx, user, kinds...)
			if err != nil || len(list) <= 256 {
				return b.Store.EndUser(ctx, user, keep, ending, kinds...)
			}
			var ended []session.Session
			for _, s := range list[:256] {
				if s.ID == keep {
					continue
				}
				if old, err := b.Store.End(ctx, s.ID, ending); err == nil {
					ended = append(ended, old)
				}
			}
			return ended, nil
		}
	}},
	{"Others ends one page", []string{"a sign-in with Others ends any number"},
		inSteps(func(others []session.Session, _ session.Replace) []session.Session {
			return others[:min(len(others), 256)]
		})},
	{"an EndUser that is cut short returns what it was to end", []string{"what an EndUser ended that is cut short stays ended"}, func(b *brokenStore) {
		short := true
		b.onEndUser = func(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
			if short {
				short = false
				list, _ := b.Store.List(ctx, user, kinds...)
				return list, context.DeadlineExceeded
			}
			return b.Store.EndUser(ctx, user, keep, ending, kinds...)
		}
	}},
	{"List has one page", []string{"EndUser ends any number"}, func(b *brokenStore) {
		b.onList = func(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
			list, err := b.Store.List(ctx, user, kinds...)
			return list[:min(len(list), 256)], err
		}
	}},
	{"EndUser of nobody fails", []string{"a user without sessions has none"}, func(b *brokenStore) {
		b.onEndUser = func(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
			ended, err := b.Store.EndUser(ctx, user, keep, ending, kinds...)
			if len(ended) == 0 {
				err = session.ErrNotFound
			}
			return ended, err
		}
	}},
	{"EndUser returns what it read before", []string{"no session slips past EndUser"}, func(b *brokenStore) {
		b.onEndUser = func(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
			list, err := b.Store.List(ctx, user, kinds...)
			if err != nil {
				return nil, err
			}
			yield()
			_, err = b.Store.EndUser(ctx, user, keep, ending, kinds...)
			return list, err
		}
	}},
	{"kinds are passed over", []string{"List and EndUser take the kinds that are named"}, func(b *brokenStore) {
		b.onEndUser = func(ctx context.Context, user string, keep session.ID, ending session.Ending, _ ...session.Kind) ([]session.Session, error) {
			return b.Store.EndUser(ctx, user, keep, ending)
		}
	}},
	{"a kind that is not known is not listed", []string{"List and EndUser take the kinds that are named"}, func(b *brokenStore) {
		b.onList = func(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
			list, err := b.Store.List(ctx, user, kinds...)
			return slices.DeleteFunc(list, func(s session.Session) bool { return s.Kind == laterKind }), err
		}
	}},
	{"a kind that is named is not kept", []string{"EndUser keeps a record though its kind is named"}, func(b *brokenStore) {
		b.onEndUser = func(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
			if len(kinds) > 0 {
				keep = session.ID{}
			}
			return b.Store.EndUser(ctx, user, keep, ending, kinds...)
		}
	}},
	{"List has the earliest first", []string{"List has the latest sign-in first"}, func(b *brokenStore) {
		b.onList = func(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
			list, err := b.Store.List(ctx, user, kinds...)
			slices.Reverse(list)
			return list, err
		}
	}},
	{"List has all that ever were", []string{
		"List has live sessions only", "what was forgotten is unknown", "an ended session is never listed",
	}, func(b *brokenStore) {
		b.onList = func(_ context.Context, user string, _ ...session.Kind) ([]session.Session, error) {
			return b.ever(func(s session.Session) bool { return s.User == user }), nil
		}
	}},
	{"users are folded", []string{"users are told apart by every byte"}, similarUsers(strings.EqualFold)},
	{"users are trimmed", []string{"users are told apart by every byte"}, similarUsers(func(a, b string) bool {
		return strings.TrimSpace(a) == strings.TrimSpace(b)
	})},
	{"users are cut short", []string{"users are told apart by every byte"}, similarUsers(func(a, b string) bool {
		return a[:min(254, len(a))] == b[:min(254, len(b))]
	})},

	{"Sweep is early", []string{"Sweep forgets at the absolute limit", "Sweep forgets at the idle limit", "Sweep forgets an ending at its Keep"},
		sweepingAt(1)},
	{"Sweep is late", []string{"Sweep forgets at the absolute limit", "Sweep forgets at the idle limit", "Sweep forgets an ending at its Keep"},
		sweepingAt(-1)},
	{"Resume is not stored", []string{"every field is kept", "Sweep forgets at the end of Resume"},
		storing(func(s *session.Session) { s.Resume = 0 })},
	{"Sweep forgets at the idle limit whatever Resume is", []string{"Sweep forgets at the end of Resume"}, func(b *brokenStore) {
		b.onSweep = func(ctx context.Context, now time.Time) (session.Swept, error) {
			for _, s := range b.ever(func(s session.Session) bool { return !s.IdleAt().After(now) }) {
				_, _ = b.Store.End(ctx, s.ID, session.Ending{Keep: s.Created})
			}
			return b.Store.Sweep(ctx, now)
		}
	}},
	{"Sweep believes the caller's clock", []string{"Sweep ahead of the clock forgets nothing that is not due"}, func(b *brokenStore) {
		b.onSweep = func(ctx context.Context, now time.Time) (session.Swept, error) {
			for _, s := range b.ever(func(s session.Session) bool { return !s.Deadline().After(now) }) {
				if now.After(time.Now()) {
					_, _ = b.Store.End(ctx, s.ID, session.Ending{Keep: s.Created})
				}
			}
			return b.Store.Sweep(ctx, now)
		}
	}},
	{"Sweep counts to a hundred", []string{"Sweep counts what it forgot"}, func(b *brokenStore) {
		b.onSweep = func(ctx context.Context, now time.Time) (session.Swept, error) {
			swept, err := b.Store.Sweep(ctx, now)
			swept.Forgotten = min(swept.Forgotten, 100)
			return swept, err
		}
	}},

	{"a cancelled Start is half made", []string{"a Start whose context is done is whole or none"}, func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			if ctx.Err() != nil {
				r = session.Replace{}
			}
			ended, err := b.Store.Start(ctx, s, r)
			return ended, errors.Join(err, ctx.Err())
		}
	}},
	{"a cancelled EndUser is half made", []string{"an EndUser whose context is done is whole or none"}, func(b *brokenStore) {
		b.onEndUser = func(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
			if list, err := b.Store.List(ctx, user, kinds...); err == nil && ctx.Err() != nil {
				keep = list[0].ID
			}
			ended, err := b.Store.EndUser(ctx, user, keep, ending, kinds...)
			return ended, errors.Join(err, ctx.Err())
		}
	}},
	{"a cancelled End is said to be made", []string{"an End or Touch whose context is done is whole or none"}, func(b *brokenStore) {
		b.onEnd = func(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
			if ctx.Err() != nil {
				return b.Store.Get(context.WithoutCancel(ctx), id)
			}
			return b.Store.End(ctx, id, ending)
		}
	}},
	{"a cancelled Get finds nothing", []string{"a store that does not answer is no verdict"}, func(b *brokenStore) {
		b.onGet = func(ctx context.Context, id session.ID) (session.Session, error) {
			if ctx.Err() != nil {
				return session.Session{}, session.ErrNotFound
			}
			return b.Store.Get(ctx, id)
		}
	}},
}

// similarUsers takes users for each other that are similar.
func similarUsers(similar func(a, b string) bool) func(*brokenStore) {
	return func(b *brokenStore) {
		b.onList = func(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
			var all []session.Session
			for _, s := range b.ever(func(s session.Session) bool { return similar(s.User, user) }) {
				if live, err := b.Store.Get(ctx, s.ID); err == nil {
					all = append(all, live)
				}
			}
			return all, nil
		}
	}
}

// lookedAtBefore looks at what the ID in the Replace names before the step, and not in it.
func lookedAtBefore(id func(*session.Replace) *session.ID) func(*brokenStore) {
	return func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			named := *id(&r)
			if named.IsZero() {
				return b.Store.Start(ctx, s, r)
			}
			if _, err := b.Store.Get(ctx, named); err != nil {
				return nil, err
			}
			yield()
			*id(&r) = session.ID{}
			ended, err := b.Store.Start(ctx, s, r)
			_, _ = b.Store.End(ctx, named, r.Because(session.CauseRenewed))
			return ended, err
		}
	}
}

// takesAny replaces the record of the kind that the ID in the Replace names, of any user.
func takesAny(kind session.Kind, id func(*session.Replace) *session.ID) func(*brokenStore) {
	return func(b *brokenStore) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			if named, err := b.Store.Get(ctx, *id(&r)); err == nil && named.Kind == kind && named.User != s.User {
				*id(&r) = session.ID{}
			}
			return b.Store.Start(ctx, s, r)
		}
	}
}

// sweepingAt sweeps as if it were later than it is.
func sweepingAt(later time.Duration) func(*brokenStore) {
	return func(b *brokenStore) {
		b.onSweep = func(ctx context.Context, now time.Time) (session.Swept, error) {
			return b.Store.Sweep(ctx, now.Add(later))
		}
	}
}
