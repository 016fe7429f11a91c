package loginstagetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// Pairs checks a store beneath a stage: whatever two steps of the stage meet, no session
// survives that was ended, none is lost that was not, what was changed in a session is
// still there, and each ending is told once. The steps are all those that change
// something: sign-ins, re-authentication, required actions, revocations, changed
// credentials, disabled accounts, what a guard does, device keys, accounts of one
// browser, Sweep. Each pair has users of its own.
//
// sessiontest.RunStore checks the steps of the store; Pairs, that the stage makes of them
// what it promises.
type Pairs struct {
	// Open returns a store without sessions that nobody else uses. It is called once.
	Open func(*testing.T) session.Store

	// Switches is how often one step is interrupted by the other, between two of its
	// calls of the store: each order of the calls of two steps is tried in which that
	// happens so often or less. 0: one step after the other, in both orders. Below 0: no
	// order is tried.
	Switches int

	// Races is how often every two steps are begun at the same time besides. 0: never.
	Races int

	// Parallel is how many pairs are looked at at a time. 0: one.
	Parallel int

	// Sample is how many pairs are looked at, chosen at random. 0: all.
	Sample int

	steps []pairStep // nil: all
}

// Run runs the checks, each pair of steps as a subtest.
func (p Pairs) Run(t *testing.T) {
	m := p.newMatrix(t)
	for _, pair := range m.checkAll(t.Context()) {
		t.Run(pair.a.name+" and "+pair.b.name, func(t *testing.T) {
			for _, failure := range pair.failures {
				t.Error(failure)
			}
		})
	}
	t.Run("each ending is told once", func(t *testing.T) {
		for _, failure := range m.untold(t) {
			t.Error(failure)
		}
	})
	t.Logf("%d runs of the pairs of %d steps", m.runs.Load(), len(m.steps))
}

// A pair is two steps, and what does not hold where they meet.
type pair struct {
	a, b     pairStep
	failures []string
}

// checkAll checks all pairs, or as many as Sample says.
func (m *matrix) checkAll(ctx context.Context) []pair {
	var pairs []pair
	for i, a := range m.steps {
		for _, b := range m.steps[i:] {
			pairs = append(pairs, pair{a: a, b: b})
		}
	}
	if m.Sample > 0 && m.Sample < len(pairs) {
		rand.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] }) //nolint:gosec // it need not be secret
		pairs = pairs[:m.Sample]
	}
	var next atomic.Int64
	var running sync.WaitGroup
	for range max(1, m.Parallel) {
		running.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(pairs)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				pairs[i].failures = m.check(ctx, pairs[i].a, pairs[i].b)
			}
		})
	}
	running.Wait()
	return pairs
}

// A matrix is what all pairs share.
type matrix struct {
	Pairs
	store   *pairStore
	journal session.Journal // nil: endings are told at once
	events  eventsByUser
	stages  pairStages
	runs    atomic.Int64
	worlds  atomic.Int64
}

// pairStages are one stage as several processes have configured it, which share a store.
type pairStages struct {
	plain    *loginstage.UserLogin
	asks     *loginstage.UserLogin // whether to stay signed in
	alone    *loginstage.UserLogin // TerminateOtherSessions
	one      *loginstage.UserLogin // MaxSessions 1
	ends     *loginstage.UserLogin // where a binding does not hold
	steps    *loginstage.UserLogin // up, there
	reports  *loginstage.UserLogin
	proves   *loginstage.UserLogin
	disabled *loginstage.UserLogin // all accounts are
	keys     http.Handler          // of proves
}

func (p Pairs) newMatrix(t *testing.T) *matrix {
	m := &matrix{Pairs: p, store: &pairStore{Store: p.Open(t), ended: map[session.ID][]session.Ended{}}}
	if m.steps == nil {
		m.steps = pairSteps
	}
	m.journal, _ = session.StoreAs[session.Journal](m.store)
	secrets := devicekey.RandomSecrets()
	stage := func(change func(*loginstage.Config)) *loginstage.UserLogin {
		config := loginstage.Config{
			Store: m.store, Locator: bindingtest.Places(), GeoIPBinding: binding.GeoIPCountry, Origin: origin.String(),
			RememberDevice: duration.MustParse("days=30"), DeviceKey: loginstage.DeviceKeyOffer, DeviceSecrets: secrets,
			DurableEvents: m.journal != nil, Events: &m.events, Logger: slog.New(slog.DiscardHandler),
			StoreTimeout: duration.MustParse("minutes=1"), // a step may wait for its turn while the machine is busy
		}
		change(&config)
		login, err := loginstage.New(config)
		require.NoError(t, err)
		return login
	}
	does := func(action binding.Action) *loginstage.UserLogin {
		return stage(func(c *loginstage.Config) {
			c.Decide = func(context.Context, session.Session, binding.Decision) binding.Action { return action }
		})
	}
	m.stages = pairStages{
		plain: stage(func(*loginstage.Config) {}),
		asks:  stage(func(c *loginstage.Config) { c.StaySignedInOffset = duration.MustParse("days=30") }),
		alone: stage(func(c *loginstage.Config) { c.TerminateOtherSessions = true }),
		one:   stage(func(c *loginstage.Config) { c.MaxSessions = 1 }),
		ends:  does(binding.End), steps: does(binding.StepUp), reports: does(binding.Report), proves: does(binding.Prove),
		disabled: stage(func(c *loginstage.Config) {
			c.Account = func(context.Context, string) (bool, error) { return false, nil }
		}),
	}
	m.stages.keys = m.stages.proves.DeviceKeys()
	return m
}

// maxFailures is after how many failures of a pair no more runs of it are made.
const maxFailures = 2

// check makes all runs of two steps, and returns what did not hold.
func (m *matrix) check(ctx context.Context, a, b pairStep) []string {
	var failures []string
	fails := func(when, how string, err error) {
		if err != nil {
			failures = append(failures, fmt.Sprintf("%s: %s: %v", when, how, err))
		}
	}
	more := func() bool { return len(failures) < maxFailures && ctx.Err() == nil }
	eachOrder(m.Switches, more, func(order []int) []int {
		var taken []int
		how, err := m.run(ctx, a, b, func(steps [2]func(context.Context)) (err error) {
			taken, err = interleave(ctx, steps, order)
			return err
		})
		fails("in the order "+written(taken), how, err)
		return taken
	})
	for i := 0; i < m.Races && more(); i++ {
		how, err := m.run(ctx, a, b, func(steps [2]func(context.Context)) error {
			var running sync.WaitGroup
			start := make(chan struct{})
			for _, step := range steps {
				running.Go(func() {
					<-start
					step(ctx)
				})
			}
			close(start)
			running.Wait()
			return nil
		})
		fails("at the same time", how, err)
	}
	return failures
}

// written returns an order as text: AAB are two calls of the first step, then one of the
// second.
func written(order []int) string {
	var text strings.Builder
	for _, who := range order {
		text.WriteByte("AB"[who])
	}
	return text.String()
}

// run runs two steps once, as meet has them meet, and returns how it came out, and what
// did not hold.
func (m *matrix) run(ctx context.Context, a, b pairStep, meet func([2]func(context.Context)) error) (how string, err error) {
	m.runs.Add(1)
	w, err := m.newWorld(ctx, a, b)
	if err != nil {
		return "the sign-ins before", err
	}
	var did [2]*deed
	var steps [2]func(context.Context)
	for i, step := range []pairStep{a, b} {
		did[i] = &deed{step: step, world: w, number: i}
		steps[i] = func(ctx context.Context) { did[i].err = step.do(ctx, did[i]) }
	}
	if err := meet(steps); err != nil {
		return "", err
	}
	return fmt.Sprintf("A %s, B %s", outcome(did[0].err), outcome(did[1].err)), w.judge(ctx, did)
}

func outcome(err error) string {
	if err == nil {
		return "succeeded"
	}
	return fmt.Sprintf("failed (%v)", err)
}

// eventsByUser is a sink that keeps events by user.
type eventsByUser struct {
	mu  sync.Mutex
	all map[string][]loginstage.Event
}

// Emit records e.
func (s *eventsByUser) Emit(_ context.Context, e loginstage.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[string][]loginstage.Event)
	}
	s.all[e.User] = append(s.all[e.User], e)
	return nil
}

// untold returns which endings were not told once.
func (m *matrix) untold(t *testing.T) []string {
	flushing, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, login := range m.stages.all() {
		require.NoError(t, login.Flush(flushing))
	}
	told, changes := make(map[session.ID]int), make(map[string]int)
	if m.journal != nil {
		for {
			leased, err := m.journal.Lease(t.Context(), time.Minute, 1000)
			require.NoError(t, err)
			if len(leased) == 0 {
				break
			}
			for _, e := range leased {
				told[e.Session.ID]++
				require.NoError(t, m.journal.Delivered(t.Context(), e.Session.ID))
			}
		}
	} else {
		for _, events := range m.events.all {
			for _, e := range events {
				switch e.Action {
				case loginstage.ActionLogout, loginstage.ActionRenew, loginstage.ActionDeviceForgotten:
					told[e.Session]++
				case loginstage.ActionCredentials:
					changes[e.User]++
				}
			}
		}
	}
	var failures []string
	for id, ended := range m.store.ended {
		e, want := ended[0], 1
		if m.journal == nil && !toldAtOnce(e) {
			want = 0
		}
		if e.Session.Kind == session.KindCredentials && m.journal == nil {
			changes[e.Session.User]-- // its event names another session
		}
		if len(ended) != 1 {
			failures = append(failures, fmt.Sprintf("%s of %s ended %d times", id, e.Session.User, len(ended)))
		}
		if told[id] != want {
			failures = append(failures, fmt.Sprintf("the ending of %s of %s (%s, %s) was told %d times, want %d", id, e.Session.User, e.Session.Kind, e.Ending.Cause, told[id], want))
		}
	}
	for user, more := range changes {
		if more != 0 {
			failures = append(failures, fmt.Sprintf("%+d events of changed credentials of %s", more, user))
		}
	}
	return failures
}

// toldAtOnce reports whether there is an event of an ending.
func toldAtOnce(e session.Ended) bool {
	switch e.Session.Kind {
	case session.KindSession:
		return true
	case session.KindDevice:
		return e.Ending.Cause != session.CauseReplaced && e.Ending.Cause != session.CauseNotCarried
	default:
		return false
	}
}

func (s pairStages) all() []*loginstage.UserLogin {
	return []*loginstage.UserLogin{s.plain, s.asks, s.alone, s.one, s.ends, s.steps, s.reports, s.proves, s.disabled}
}

// isOver reports whether err says that what a step was about has ended, or that
// nobody is signed in.
func isOver(err error) bool {
	if _, ended := errors.AsType[*session.EndedError](err); ended {
		return true
	}
	if denied, ok := errors.AsType[*loginstage.AccessError](err); ok {
		return denied.Denial == loginstage.DenialSignIn || denied.Denial == loginstage.DenialBroken
	}
	return errors.Is(err, session.ErrNotFound) || errors.Is(err, loginstage.ErrNoChallenge)
}
