package sessiontest

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// breakage is what a broken store or carrier does wrong, and the rules that
// must find it.
type breakage[T any] struct {
	name  string
	rules []string
	apply func(*T)
}

// playBroken makes this test binary run the kit on broken implementations,
// which must fail.
const playBroken = "SESSIONTEST_PLAY_BROKEN"

func TestBroken(t *testing.T) {
	if os.Getenv(playBroken) == "" {
		t.Skip("fails on purpose; TestEveryRuleFindsWhatBreaksIt runs it")
	}
	for _, b := range brokenStores {
		t.Run(b.name, func(t *testing.T) {
			run(t, named(storeRules, b.rules), opening(func(*testing.T) session.Store {
				store := &brokenStore{Store: memstore.New()}
				b.apply(store)
				return store
			}))
		})
	}
	termPatience = 3 * time.Second
	for _, b := range brokenJournals {
		t.Run(b.name, func(t *testing.T) {
			run(t, named(journalRules, b.rules), leasing(func(*testing.T) session.Store {
				journal := &brokenJournal{Journal: NewJournal()}
				b.apply(journal)
				return journal
			}))
		})
	}
	watchPatience = time.Second
	for _, b := range brokenWatchers {
		t.Run(b.name, func(t *testing.T) {
			run(t, named(watchRules, b.rules), watching(func(*testing.T) session.Store {
				watcher := &brokenWatcher{Journal: NewJournal()}
				b.apply(watcher)
				return watcher
			}))
		})
	}
	for _, b := range brokenSnapshotters {
		t.Run(b.name, func(t *testing.T) {
			run(t, named(snapshotRules, b.rules), snapshotting(func(*testing.T) session.Store {
				store := &brokenSnapshotter{Store: memstore.New()}
				b.apply(store)
				return store
			}))
		})
	}
	for _, b := range brokenCarriers {
		t.Run(b.name, func(t *testing.T) {
			run(t, named(allCarrierRules(), b.rules), carrying(func(*testing.T) session.Carrier {
				carrier := &brokenCarrier{Carrier: session.Cookie{}}
				b.apply(carrier)
				return carrier
			}, NewBrowser))
		})
	}
}

func TestEveryRuleFindsWhatBreaksIt(t *testing.T) {
	var output string
	var unfound []string
	for began := time.Now(); time.Since(began) < time.Minute; { // what breaks a rule about races shows by chance
		text, err := broken(t, unfound)
		require.Error(t, err, "the kit found nothing wrong with broken stores and carriers")
		output += text
		unfound = slices.Concat(notFound(output, brokenStores), notFound(output, brokenJournals),
			notFound(output, brokenWatchers), notFound(output, brokenSnapshotters), notFound(output, brokenCarriers))
		if len(unfound) == 0 {
			break
		}
	}
	assert.Empty(t, unfound, "rules that did not find what is broken")
	assertProven(t, storeRules, brokenStores)
	assertProven(t, journalRules, brokenJournals)
	assertProven(t, watchRules, brokenWatchers)
	assertProven(t, snapshotRules, brokenSnapshotters)
	assertProven(t, allCarrierRules(), brokenCarriers)
	assert.Contains(t, output, "The rule: "+storeRules[0].text, "a failure explains the rule")
}

// broken runs TestBroken in a process of its own: all of it, or what was not found yet.
func broken(t *testing.T, unfound []string) (output string, err error) {
	pattern := "^TestBroken$"
	for i, name := range unfound {
		name, _, _ = strings.Cut(name, "/") // without the rule
		unfound[i] = regexp.QuoteMeta(strings.ReplaceAll(name, " ", "_"))
	}
	if len(unfound) > 0 {
		pattern += "/^(" + strings.Join(unfound, "|") + ")$"
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern)
	command.Env = append(os.Environ(), playBroken+"=1")
	text, err := command.CombinedOutput()
	return string(text), err
}

// notFound returns the rules, with what breaks them, that the output does not show to
// have failed.
func notFound[T any](output string, breakages []breakage[T]) []string {
	var unfound []string
	for _, b := range breakages {
		for _, rule := range b.rules {
			name := b.name + "/" + rule
			if !strings.Contains(output, "--- FAIL: TestBroken/"+strings.ReplaceAll(name, " ", "_")+" ") {
				unfound = append(unfound, name)
			}
		}
	}
	return unfound
}

// assertProven checks that there is something broken for each rule to find.
func assertProven[F, T any](t *testing.T, rules []rule[F], breakages []breakage[T]) {
	var proven []string
	for _, b := range breakages {
		proven = append(proven, b.rules...)
	}
	for _, r := range rules {
		assert.True(t, slices.Contains(proven, r.name), "nothing shows that the rule %q finds anything", r.name)
	}
	for _, name := range proven {
		assert.Len(t, named(rules, []string{name}), 1, "rules named %q", name)
	}
}

func named[F any](rules []rule[F], names []string) []rule[F] {
	return slices.DeleteFunc(slices.Clone(rules), func(r rule[F]) bool { return !slices.Contains(names, r.name) })
}

func allCarrierRules() []rule[*carrierFixture] { return slices.Concat(carrierRules, cookieRules) }

// yield lets others in between, where there should be no between, on a busy machine too.
func yield() { time.Sleep(time.Millisecond) }
