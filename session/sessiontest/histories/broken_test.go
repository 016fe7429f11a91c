package histories_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/sessiontest/histories"
)

// broken is a store that goes wrong where a function is set.
type broken struct {
	session.Store
	start   func(session.Store, session.Session, session.Replace) ([]session.Ended, error)
	get     func(session.Store, session.ID) (session.Session, error)
	touch   func(session.Store, session.ID, session.Seen) error
	update  func(session.Store, session.ID, session.Update) (session.Session, error)
	end     func(session.Store, session.ID, session.Ending) (session.Session, error)
	endUser func(session.Store, string, session.ID, session.Ending, []session.Kind) ([]session.Session, error)
	list    func(session.Store, string, []session.Kind) ([]session.Session, error)
	sweep   func(session.Store, time.Time) (session.Swept, error)
}

func (b *broken) Start(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
	if b.start != nil {
		return b.start(b.Store, s, r)
	}
	return b.Store.Start(ctx, s, r)
}

func (b *broken) Get(ctx context.Context, id session.ID) (session.Session, error) {
	if b.get != nil {
		return b.get(b.Store, id)
	}
	return b.Store.Get(ctx, id)
}

func (b *broken) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	if b.touch != nil {
		return b.touch(b.Store, id, seen)
	}
	return b.Store.Touch(ctx, id, seen)
}

func (b *broken) Update(ctx context.Context, id session.ID, change session.Update) (session.Session, error) {
	if b.update != nil {
		return b.update(b.Store, id, change)
	}
	return b.Store.Update(ctx, id, change)
}

func (b *broken) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	if b.end != nil {
		return b.end(b.Store, id, ending)
	}
	return b.Store.End(ctx, id, ending)
}

func (b *broken) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	if b.endUser != nil {
		return b.endUser(b.Store, user, keep, ending, kinds)
	}
	return b.Store.EndUser(ctx, user, keep, ending, kinds...)
}

func (b *broken) List(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
	if b.list != nil {
		return b.list(b.Store, user, kinds)
	}
	return b.Store.List(ctx, user, kinds...)
}

func (b *broken) Sweep(ctx context.Context, now time.Time) (session.Swept, error) {
	if b.sweep != nil {
		return b.sweep(b.Store, now)
	}
	return b.Store.Sweep(ctx, now)
}

var ctx = context.Background()

// meanwhile lets the other callers of a history make steps, on a busy machine too.
func meanwhile() { time.Sleep(time.Millisecond) }

// reviving returns a store whose touch writes what it read, though the session has
// ended meanwhile.
func reviving(hasEnded func(err error) bool) *broken {
	var revived sync.Map
	return &broken{
		touch: func(store session.Store, id session.ID, seen session.Seen) error {
			s, err := store.Get(ctx, id)
			if told, ended := errors.AsType[*session.EndedError](err); ended && hasEnded(err) {
				s, err = told.Session, nil
			}
			if err != nil {
				return err
			}
			meanwhile()
			if err := store.Touch(ctx, id, seen); err != nil {
				s.Apply(seen, time.Now())
				revived.Store(id, s)
			}
			return nil
		},
		get: func(store session.Store, id session.ID) (session.Session, error) {
			if s, found := revived.Load(id); found {
				return s.(session.Session), nil
			}
			return store.Get(ctx, id)
		},
	}
}

// generous returns a store that tells who comes too late to end a session that it
// did.
func generous() *broken {
	return &broken{end: func(store session.Store, id session.ID, ending session.Ending) (session.Session, error) {
		s, err := store.End(ctx, id, ending)
		if told, ended := errors.AsType[*session.EndedError](err); ended {
			return told.Session, nil
		}
		return s, err
	}}
}

// sweeping returns a store whose clock is off by so much.
func sweeping(off time.Duration) *broken {
	return &broken{sweep: func(store session.Store, now time.Time) (session.Swept, error) {
		return store.Sweep(ctx, now.Add(off))
	}}
}

// Each goes wrong in single steps too.
var mutants = map[string]func() *broken{
	"a touch revives a session":       func() *broken { return reviving(func(error) bool { return true }) },
	"an ended session is ended again": generous,
	"EndUser ends the one to keep too": func() *broken {
		return &broken{endUser: func(store session.Store, user string, _ session.ID, ending session.Ending, kinds []session.Kind) ([]session.Session, error) {
			return store.EndUser(ctx, user, session.ID{}, ending, kinds...)
		}}
	},
	"Max is one more": func() *broken {
		return &broken{start: func(store session.Store, s session.Session, r session.Replace) ([]session.Ended, error) {
			if r.Max > 0 {
				r.Max++
			}
			return store.Start(ctx, s, r)
		}}
	},
	"Update takes any Version": func() *broken {
		return &broken{update: func(store session.Store, id session.ID, c session.Update) (session.Session, error) {
			if s, err := store.Get(ctx, id); err == nil {
				c.Version = s.Version
			}
			return store.Update(ctx, id, c)
		}}
	},
	"Deny is not looked at": func() *broken {
		return &broken{start: func(store session.Store, s session.Session, r session.Replace) ([]session.Ended, error) {
			r.Deny = false
			return store.Start(ctx, s, r)
		}}
	},
	"tenants are not told apart": func() *broken {
		return &broken{start: func(store session.Store, s session.Session, r session.Replace) ([]session.Ended, error) {
			r.PerTenant = false
			return store.Start(ctx, s, r)
		}}
	},
	"Answers is not looked at": func() *broken {
		return &broken{start: func(store session.Store, s session.Session, r session.Replace) ([]session.Ended, error) {
			r.Answers = session.ID{}
			return store.Start(ctx, s, r)
		}}
	},
	"Renews is not looked at": func() *broken {
		return &broken{start: func(store session.Store, s session.Session, r session.Replace) ([]session.Ended, error) {
			r.Renews = session.ID{}
			return store.Start(ctx, s, r)
		}}
	},
	"kinds are not told apart": func() *broken {
		return &broken{endUser: func(store session.Store, user string, keep session.ID, ending session.Ending, _ []session.Kind) ([]session.Session, error) {
			return store.EndUser(ctx, user, keep, ending)
		}}
	},
	"the drift is lost": func() *broken {
		return &broken{touch: func(store session.Store, id session.ID, seen session.Seen) error {
			seen.Drift = session.Drift{}
			return store.Touch(ctx, id, seen)
		}}
	},
	"times are kept to the microsecond": func() *broken {
		return &broken{end: func(store session.Store, id session.ID, ending session.Ending) (session.Session, error) {
			ending.Keep = ending.Keep.Truncate(time.Microsecond)
			return store.End(ctx, id, ending)
		}}
	},
	"Sweep forgets what is not due": func() *broken { return sweeping(time.Hour) },
	"Sweep leaves what is due":      func() *broken { return sweeping(-time.Hour) },
	"List is the oldest first": func() *broken {
		return &broken{list: func(store session.Store, user string, kinds []session.Kind) ([]session.Session, error) {
			sessions, err := store.List(ctx, user, kinds...)
			for i, j := 0, len(sessions)-1; i < j; i, j = i+1, j-1 {
				sessions[i], sessions[j] = sessions[j], sessions[i]
			}
			return sessions, err
		}}
	},
}

// Each goes wrong only where two steps meet.
var racing = map[string]func() *broken{
	"a touch in flight revives a session": func() *broken { return reviving(func(error) bool { return false }) },
	"one session is ended by two": func() *broken {
		return &broken{end: func(store session.Store, id session.ID, ending session.Ending) (session.Session, error) {
			s, err := store.Get(ctx, id)
			if err != nil {
				return s, err
			}
			meanwhile()
			_, _ = store.End(ctx, id, ending)
			return s, nil
		}}
	},
	"a renewal misses what ends the session": func() *broken {
		return &broken{start: func(store session.Store, s session.Session, r session.Replace) ([]session.Ended, error) {
			if r.Renews.IsZero() {
				return store.Start(ctx, s, r)
			}
			old, err := store.Get(ctx, r.Renews)
			if err != nil {
				return nil, err
			}
			if old.User != s.User || old.Kind != session.KindSession {
				return nil, session.ErrNotFound
			}
			meanwhile()
			if _, live := store.Get(ctx, r.Renews); live != nil {
				r.Renews = session.ID{}
			}
			return store.Start(ctx, s, r)
		}}
	},
	"an Update misses another": func() *broken {
		return &broken{update: func(store session.Store, id session.ID, c session.Update) (session.Session, error) {
			s, err := store.Get(ctx, id)
			if err != nil {
				return s, err
			}
			if err := s.Update(c); err != nil {
				return s, err
			}
			meanwhile()
			for {
				done, err := store.Update(ctx, id, c)
				if !errors.Is(err, session.ErrConflict) {
					return done, err
				}
				c.Version = done.Version
			}
		}}
	},
	"EndUser misses who signs in": func() *broken {
		return &broken{endUser: func(store session.Store, user string, keep session.ID, ending session.Ending, kinds []session.Kind) ([]session.Session, error) {
			var ended []session.Session
			live, err := store.List(ctx, user, kinds...)
			for _, s := range live {
				if s.ID == keep {
					continue
				}
				meanwhile()
				if s, err := store.End(ctx, s.ID, ending); err == nil {
					ended = append(ended, s)
				}
			}
			return ended, err
		}}
	},
}

func TestModelFindsMutants(t *testing.T) {
	// No files of failures that are wanted, no long search for short ones, and enough
	// histories that each is found.
	for name, value := range map[string]string{"rapid.nofailfile": "true", "rapid.shrinktime": "100ms", "rapid.checks": "50000"} {
		before := flag.Lookup(name).Value.String()
		require.NoError(t, flag.Set(name, value))
		t.Cleanup(func() { _ = flag.Set(name, before) })
	}
	for name, mutant := range mutants {
		t.Run(name, func(t *testing.T) {
			store := mutant()
			store.Store = memstore.New()
			found := failures(t, func(t *recorder) { histories.CheckModel(t, store) })
			require.Contains(t, found, "want")
		})
	}
}

func TestLinearizableFindsMutants(t *testing.T) {
	for name, mutant := range racing {
		t.Run(name, func(t *testing.T) {
			store := mutant()
			store.Store = memstore.New()
			var err error
			for begin := time.Now(); time.Since(begin) < time.Minute; { // what meets in a history is chance
				if _, err = histories.CheckLinearizable(t.Context(), store); err != nil {
					break
				}
			}
			require.ErrorIs(t, err, histories.ErrNotLinearizable)
			require.Regexp(t, `caller \d, .* to .*: `, err.Error())
		})
	}
}

func TestStoreThatFails(t *testing.T) {
	wrong := errors.New("the disk is full")
	store := &broken{Store: memstore.New(), list: func(session.Store, string, []session.Kind) ([]session.Session, error) { return nil, wrong }}
	_, err := histories.CheckLinearizable(t.Context(), store)
	require.ErrorIs(t, err, wrong)
	require.NotErrorIs(t, err, histories.ErrNotLinearizable)
}

// A recorder is a test that notes what it is told.
type recorder struct {
	testing.TB
	failed bool
	text   strings.Builder
}

// failures returns what the check reports, which must be a failure.
func failures(t *testing.T, check func(*recorder)) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() { // FailNow ends it
		defer close(done)
		check(r)
	}()
	<-done
	require.True(t, r.failed, "nothing was found")
	return r.text.String()
}

func (r *recorder) Log(args ...any)                   { fmt.Fprintln(&r.text, args...) }
func (r *recorder) Logf(format string, args ...any)   { fmt.Fprintf(&r.text, format+"\n", args...) }
func (r *recorder) Error(args ...any)                 { r.Log(args...); r.Fail() }
func (r *recorder) Errorf(format string, args ...any) { r.Logf(format, args...); r.Fail() }
func (r *recorder) Fatal(args ...any)                 { r.Log(args...); r.FailNow() }
func (r *recorder) Fatalf(format string, args ...any) { r.Logf(format, args...); r.FailNow() }
func (r *recorder) Fail()                             { r.failed = true }
func (r *recorder) FailNow()                          { r.Fail(); runtime.Goexit() }
func (r *recorder) Failed() bool                      { return r.failed }
