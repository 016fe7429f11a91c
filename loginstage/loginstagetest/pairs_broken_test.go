package loginstagetest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// A brokenPair is a store that does some of its steps in another way.
type brokenPair struct {
	session.Store
	start   func(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error)
	touch   func(ctx context.Context, id session.ID, seen session.Seen) error
	end     func(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error)
	endUser func(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error)
}

func (b *brokenPair) Unwrap() session.Store { return b.Store }

func (b *brokenPair) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	if b.start != nil {
		return b.start(ctx, started, replace)
	}
	return b.Store.Start(ctx, started, replace)
}

func (b *brokenPair) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	if b.touch != nil {
		return b.touch(ctx, id, seen)
	}
	return b.Store.Touch(ctx, id, seen)
}

func (b *brokenPair) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	if b.end != nil {
		return b.end(ctx, id, ending)
	}
	return b.Store.End(ctx, id, ending)
}

func (b *brokenPair) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	if b.endUser != nil {
		return b.endUser(ctx, user, keep, ending, kinds...)
	}
	return b.Store.EndUser(ctx, user, keep, ending, kinds...)
}

// only returns the steps of the names.
func only(names ...string) []pairStep {
	return slices.DeleteFunc(slices.Clone(pairSteps), func(s pairStep) bool { return !slices.Contains(names, s.name) })
}

// Pairs finds what is broken, in a store or in a stage.
func TestPairsFindWhatIsBroken(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []pairStep
		apply func(b *brokenPair)
		finds string
	}{
		{"Start passes over Renews", only("reauthenticate", "revoke the user"), func(b *brokenPair) {
			b.start = func(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
				if !replace.Renews.IsZero() {
					ended, err := b.Store.End(ctx, replace.Renews, replace.Because(session.CauseRenewed))
					replace.Renews = session.ID{}
					more, startErr := b.Store.Start(ctx, started, replace)
					if err == nil {
						more = append(more, session.Ended{Session: ended, Ending: replace.Because(session.CauseRenewed)})
					}
					return more, startErr
				}
				return b.Store.Start(ctx, started, replace)
			}
		}, "the session survives that was ended"},
		{"Renews takes any Version", only("complete the terms", "be restricted"), func(b *brokenPair) {
			b.start = func(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
				if s, err := b.Store.Get(ctx, replace.Renews); err == nil {
					replace.Version = s.Version
				}
				return b.Store.Start(ctx, started, replace)
			}
		}, `"be restricted" was lost`},
		{"EndUser looks first", only("reauthenticate", "revoke the user"), func(b *brokenPair) {
			b.endUser = func(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) (ended []session.Session, err error) {
				all, err := b.Store.List(ctx, user, kinds...)
				awaitTurn(ctx)
				for _, s := range all {
					if s.ID == keep {
						continue
					}
					if s, err := b.Store.End(ctx, s.ID, ending); err == nil {
						ended = append(ended, s)
					}
				}
				return ended, err
			}
		}, "the session survives that was ended"},
		{"EndUser keeps none", only("change credentials and stay", "use it"), func(b *brokenPair) {
			b.endUser = func(ctx context.Context, user string, _ session.ID, ending session.Ending, kinds ...session.Kind) (ended []session.Session, err error) {
				return b.Store.EndUser(ctx, user, session.ID{}, ending, kinds...)
			}
		}, "the session is lost that was not ended"},
		{"Touch makes a new record", only("use it from next door", "revoke the session"), func(b *brokenPair) {
			b.touch = func(ctx context.Context, id session.ID, seen session.Seen) error {
				s, err := b.Store.Get(ctx, id)
				if err != nil {
					return err
				}
				awaitTurn(ctx)
				s.ID, s.Lineage = session.NewToken(s.User).ID(), id
				_, err = b.Store.Start(ctx, s, session.Replace{})
				return err
			}
		}, "the session survives that was ended"},
		{"a sign-in forgets the device", only("sign in elsewhere", "change credentials"), func(b *brokenPair) {
			b.end = func(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
				if ending.Cause == session.CauseNotCarried {
					return session.Session{}, session.ErrNotFound
				}
				return b.Store.End(ctx, id, ending)
			}
		}, "survives that was ended with its session"},
		{"a sign-out ends the token alone", append(only("reauthenticate"), pairStep{
			name: "sign out", ends: []part{own},
			do: func(ctx context.Context, d *deed) error {
				return d.world.browser.copied().send(ctx, func(http.ResponseWriter, *http.Request) error {
					_, err := d.world.store.End(ctx, d.world.parts[own].ID, session.Ending{Cause: session.CauseSignedOut})
					if isOver(err) {
						return nil
					}
					return err
				})
			},
		}), func(*brokenPair) {}, "the session survives that was ended"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pairs := Pairs{Switches: 1, steps: test.steps, Open: func(*testing.T) session.Store {
				b := &brokenPair{Store: memstore.New()}
				test.apply(b)
				return b
			}}
			var found []string
			for _, pair := range pairs.newMatrix(t).checkAll(t.Context()) {
				found = append(found, pair.failures...)
			}
			assert.Contains(t, strings.Join(found, "\n"), test.finds)
		})
	}
}

// An ending that two callers are told of is found.
func TestPairsFindEndingsToldTwice(t *testing.T) {
	b := &brokenPair{Store: memstore.New()}
	b.end = func(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
		s, err := b.Store.Get(ctx, id)
		if err == nil {
			awaitTurn(ctx)
			_, _ = b.Store.End(ctx, id, ending)
		}
		return s, err
	}
	m := Pairs{Switches: 1, steps: only("sign out"), Open: func(*testing.T) session.Store { return b }}.newMatrix(t)
	m.checkAll(t.Context())
	assert.NotEmpty(t, m.untold(t))
}

// Every order is tried that the number of switches allows, once.
func TestInterleave(t *testing.T) {
	for switches, want := range [][]string{
		{"AAA", "BB"},
		{"AAA", "AABB", "ABB", "BAAA", "BB"},
		{"AAA", "AABA", "AABB", "ABAA", "ABB", "BAAA", "BAB", "BB", "BAAB"},
	} {
		var taken []string
		eachOrder(switches, func() bool { return true }, func(order []int) []int {
			step := func(calls int) func(context.Context) {
				return func(ctx context.Context) {
					for range calls {
						awaitTurn(ctx)
					}
				}
			}
			got, err := interleave(t.Context(), [2]func(context.Context){step(3), step(2)}, order)
			assert.NoError(t, err)
			taken = append(taken, written(got))
			return got
		})
		assert.ElementsMatch(t, want, taken, "%d switches", switches)
	}
}
