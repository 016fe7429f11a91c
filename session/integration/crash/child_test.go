package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/session"
)

// placeVariable has the place of the store, in a process that is to be killed.
const placeVariable = "MOORING_CRASH_PLACE"

func TestMain(m *testing.M) {
	// Both clients write of each lost connection to the standard error.
	redis.SetLogger(quiet{})
	_ = mysql.SetLogger(quiet{})
	if text := os.Getenv(placeVariable); text != "" {
		var p place
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			panic(err)
		}
		work(p)
		return
	}
	os.Exit(m.Run())
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}
func (quiet) Print(...any)                           {}

// A note is what the process says of a step: that it is about to make it, or
// that the store has confirmed it.
type note struct {
	Step  step
	User  string
	IDs   []session.ID // the sessions that it is about
	Error string       // in notes of a failure
}

type step string

const (
	starting   step = "starting"
	started    step = "started"
	ended      step = "ended"
	delivering step = "delivering"
	delivered  step = "delivered"
	failed     step = "failed"
)

// The users are few, so that steps meet. Of the first ones nobody has more than
// one session.
var (
	single = []string{"ada", "bob"}
	users  = append(slices.Clone(single), "cyd", "dan")
)

// A worker is the process that is to be killed.
type worker struct {
	store   opened
	patient bool
	mu      sync.Mutex
	pipe    *json.Encoder
	live    []session.ID // those that it started and did not end, or not knowingly
}

// work signs in and out until the process is killed. Each note is written in
// one piece, after what it confirms and before what comes next.
func work(p place) {
	store, err := engines[p.Engine].open(context.Background(), p)
	w := &worker{store: store, patient: p.Patient, pipe: json.NewEncoder(os.NewFile(3, "notes"))}
	if err != nil {
		w.fails(err)
		return
	}
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for w.stepOf(users[rand.IntN(len(users))]) {
			}
		})
	}
	running.Go(func() {
		for w.deliver() {
		}
	})
	running.Wait()
}

func (w *worker) say(n note) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pipe.Encode(n) != nil {
		os.Exit(1) // nobody listens
	}
}

// fails says that a step failed, and reports whether to go on.
func (w *worker) fails(err error) bool {
	w.say(note{Step: failed, Error: err.Error()})
	if w.patient {
		time.Sleep(time.Millisecond)
	}
	return w.patient
}

func journaled(cause session.Cause) session.Ending {
	now := time.Now().UTC()
	return session.Ending{Cause: cause, Time: now, Keep: now.Add(24 * time.Hour), Journal: true}
}

func newSession(user string) session.Session {
	now := time.Now().UTC()
	return session.Session{ID: session.NewToken(user).ID(), User: user, Created: now, LastSeen: now, Expires: now.Add(24 * time.Hour)}
}

// bound returns how long a step may take: a connection that was cut may never tell, and
// where none is cut no step is to fail by a busy machine.
func (w *worker) bound() (context.Context, context.CancelFunc) {
	if w.patient {
		return context.WithTimeout(context.Background(), 10*time.Second)
	}
	return context.WithTimeout(context.Background(), time.Minute)
}

// stepOf makes a random step of the user, and reports whether the store is well.
func (w *worker) stepOf(user string) bool {
	ctx, cancel := w.bound()
	defer cancel()
	switch n := rand.IntN(10); {
	case n < 6:
		s := newSession(user)
		replace := session.Replace{Max: 3, Ending: journaled("")}
		if slices.Contains(single, user) {
			replace.Others = true
		} else if n < 3 {
			if n == 0 {
				replace.Renews = w.some(user)
			} else {
				replace.Before = w.some(user)
			}
		}
		w.say(note{Step: starting, User: user, IDs: []session.ID{s.ID}})
		replaced, err := w.store.Start(ctx, s, replace)
		if over(err) {
			return true // what it was to renew has ended
		}
		if err != nil {
			return w.fails(err)
		}
		w.say(note{Step: started, User: user, IDs: []session.ID{s.ID}})
		for _, e := range replaced {
			w.say(note{Step: ended, User: user, IDs: []session.ID{e.Session.ID}})
		}
		w.mu.Lock()
		w.live = append(w.live, s.ID)
		w.live = w.live[max(0, len(w.live)-12):]
		w.mu.Unlock()
	case n < 9:
		id := w.some(user)
		s, err := w.store.End(ctx, id, journaled(session.CauseSignedOut))
		if over(err) || id.IsZero() {
			return true
		}
		if err != nil {
			return w.fails(err)
		}
		w.say(note{Step: ended, User: user, IDs: []session.ID{s.ID}})
	default:
		all, err := w.store.EndUser(ctx, user, w.some(user), journaled(session.CauseRevoked))
		if err != nil {
			return w.fails(err)
		}
		for _, s := range all {
			w.say(note{Step: ended, User: user, IDs: []session.ID{s.ID}})
		}
	}
	return true
}

// over reports whether err says that a session is not live.
func over(err error) bool {
	_, ended := errors.AsType[*session.EndedError](err)
	return ended || errors.Is(err, session.ErrNotFound)
}

// some returns one of the sessions started lately, of the user if there is one.
func (w *worker) some(user string) session.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, i := range rand.Perm(len(w.live)) {
		if w.live[i].Shard() == session.Shard(user) {
			return w.live[i]
		}
	}
	return session.ID{}
}

// leaseTerm is how long an ending is not delivered by others when a process that
// was to deliver it has been killed.
const leaseTerm = 200 * time.Millisecond

// deliver forgets a few endings, as one that delivers them does.
func (w *worker) deliver() bool {
	ctx, cancel := w.bound()
	defer cancel()
	leased, err := w.store.Lease(ctx, leaseTerm, 3)
	if err != nil {
		return w.fails(fmt.Errorf("lease: %w", err))
	}
	var ids []session.ID
	for _, e := range leased {
		ids = append(ids, e.Session.ID)
	}
	if len(ids) == 0 {
		return true
	}
	w.say(note{Step: delivering, IDs: ids})
	if err := w.store.Delivered(ctx, ids...); err != nil {
		return w.fails(fmt.Errorf("delivered: %w", err))
	}
	w.say(note{Step: delivered, IDs: ids})
	return true
}
