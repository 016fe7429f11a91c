package sessiontest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// brokenWatcher is a store that tells something else than it should.
type brokenWatcher struct {
	*Journal
	edit    func() func(session.Change) []session.Change // for each Watch: what is told in place of a change
	watches atomic.Int64                                 // how many there were
}

func (b *brokenWatcher) Watch(ctx context.Context, every time.Duration, tell func(session.Change)) error {
	edit := b.edit()
	watcher, _ := session.StoreAs[session.Watcher](b.Journal)
	return watcher.Watch(ctx, every, func(c session.Change) {
		for _, told := range edit(c) {
			tell(told)
		}
	})
}

// without has changes untold that which chooses.
func without(which func(session.Change) bool) func() func(session.Change) []session.Change {
	return func() func(session.Change) []session.Change {
		return func(c session.Change) []session.Change {
			if which(c) {
				return nil
			}
			return []session.Change{c}
		}
	}
}

// losing has a watch lose its server at the first ending, of which it does not tell, where
// which says so.
func losing(which func() bool) func() func(session.Change) []session.Change {
	return func() func(session.Change) []session.Change {
		loses := which()
		return func(c session.Change) []session.Change {
			if !loses || c.Kind != session.ChangeEnded {
				return []session.Change{c}
			}
			loses = false
			return []session.Change{{Kind: session.ChangeLost}, {Kind: session.ChangeConnected, Heard: time.Now()}}
		}
	}
}

// A watch that a busy machine has lost, and that says so, breaks no rule.
func TestAWatchThatIsLost(t *testing.T) {
	var watches atomic.Int64
	run(t, named(watchRules, []string{"each way to end a session is told", "all of many endings are told"}), watching(func(*testing.T) session.Store {
		return &brokenWatcher{Journal: NewJournal(), edit: losing(func() bool { return watches.Add(1)%2 == 1 })}
	}))
	require.EqualValues(t, 4, watches.Load(), "each rule was checked again")
}

var brokenWatchers = []breakage[brokenWatcher]{
	{"what a sign-in ends is not told", []string{"each way to end a session is told"}, func(b *brokenWatcher) {
		b.edit = without(func(c session.Change) bool { return c.Cause == session.CauseReplaced })
	}},
	{"the cause is not told", []string{"each way to end a session is told"}, func(b *brokenWatcher) {
		b.edit = func() func(session.Change) []session.Change {
			return func(c session.Change) []session.Change {
				c.Cause = ""
				return []session.Change{c}
			}
		}
	}},
	{"a session that lives is told to have ended", []string{"what ended nothing is not told as an ending"}, func(b *brokenWatcher) {
		b.edit = func() func(session.Change) []session.Change {
			return func(c session.Change) []session.Change {
				return []session.Change{{Kind: session.ChangeEnded, ID: session.NewToken("ada").ID(), User: "ada"}, c}
			}
		}
	}},
	{"an expiry is not told", []string{"an expiry that Sweep tells is told"}, func(b *brokenWatcher) {
		b.edit = without(func(c session.Change) bool { return c.Cause == session.CauseExpired })
	}},
	{"what was updated is not told", []string{"a drift is told", "an update is told"}, func(b *brokenWatcher) {
		b.edit = without(func(c session.Change) bool { return c.Kind == session.ChangeUpdated && c.Restricted == "" })
	}},
	{"some of many are not told", []string{"all of many endings are told"}, func(b *brokenWatcher) {
		var n atomic.Int64
		b.edit = without(func(c session.Change) bool { return c.Kind == session.ChangeEnded && n.Add(1)%100 == 0 })
	}},
	{"endings are told after they are said to be", []string{
		"each way to end a session is told", "endings of many at the same time are all told before they are said to be",
	}, func(b *brokenWatcher) {
		b.edit = func() func(session.Change) []session.Change {
			var held []session.Change
			return func(c session.Change) []session.Change {
				if c.Kind == session.ChangeEnded {
					held = append(held, c)
					return nil
				}
				told := append([]session.Change{c}, held...)
				held = nil
				return told
			}
		}
	}},
	{"only the latest watch is told", []string{"each watcher is told, from when it is connected on"}, func(b *brokenWatcher) {
		b.edit = func() func(session.Change) []session.Change {
			mine := b.watches.Add(1)
			return func(c session.Change) []session.Change {
				if c.Kind == session.ChangeEnded && b.watches.Load() != mine {
					return nil
				}
				return []session.Change{c}
			}
		}
	}},
	{"it is lost time and again", []string{"each way to end a session is told"}, func(b *brokenWatcher) {
		b.edit = losing(func() bool { return true })
	}},
	{"it does not show that it hears", []string{"a watch shows that it hears"}, func(b *brokenWatcher) {
		b.edit = without(func(c session.Change) bool { return c.Kind == session.ChangeHeard })
	}},
	{"it hears what is to come", []string{"a watch shows that it hears"}, func(b *brokenWatcher) {
		b.edit = func() func(session.Change) []session.Change {
			return func(c session.Change) []session.Change {
				c.Heard = c.Heard.Add(time.Minute)
				return []session.Change{c}
			}
		}
	}},
}
