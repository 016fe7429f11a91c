package sessiontest

import (
	"slices"
	"testing"

	"github.com/mooring-go/mooring/session"
)

// RunStore checks that the stores that open returns keep the contract of
// [session.Store], of [session.Journal] if they are journals, of
// [session.Watcher] if they are watchers, and of [session.Snapshotter]. Each call of open is for one subtest, and
// must return a store without sessions that nobody else uses; open can register what
// to do with it afterwards with t.Cleanup.
//
// Times are near the real time. Limits that are to be in force are at least half an
// hour ahead of it; those that a sweep is to find were reached up to half an hour
// ago, so a store whose records expire by a clock of its own passes if it keeps them
// for an hour after their limit. Races are repeated for a fraction of a second each, and users
// who have many sessions have 500, or as many as [ManySessions] says. Run it with
// -race for stores in memory.
func RunStore(t *testing.T, open func(*testing.T) session.Store) {
	run(t, storeRules, opening(open))
	t.Run("Journal", func(t *testing.T) {
		if _, ok := session.StoreAs[session.Journal](open(t)); !ok {
			t.Skip("the store is not a session.Journal")
		}
		run(t, journalRules, leasing(open))
	})
	t.Run("Watcher", func(t *testing.T) {
		if !watchable(t, open(t)) {
			t.Skip("the store is not a session.Watcher, or is not set up to be one")
		}
		run(t, watchRules, watching(open))
	})
	t.Run("Snapshotter", func(t *testing.T) {
		if _, ok := open(t).(session.Snapshotter); !ok {
			t.Skip("the store is not a session.Snapshotter")
		}
		run(t, snapshotRules, snapshotting(open))
	})
}

func snapshotting(open func(*testing.T) session.Store) func(*testing.T) *snapshotFixture {
	return func(t *testing.T) *snapshotFixture {
		f := newStoreFixture(t, open(t))
		return &snapshotFixture{f, f.Store.(session.Snapshotter).Snapshots(f.Store)}
	}
}

func leasing(open func(*testing.T) session.Store) func(*testing.T) *journalFixture {
	return func(t *testing.T) *journalFixture {
		f := newStoreFixture(t, open(t))
		journal, _ := session.StoreAs[session.Journal](f.Store)
		return &journalFixture{f, journal}
	}
}

func opening(open func(*testing.T) session.Store) func(*testing.T) *storeFixture {
	return func(t *testing.T) *storeFixture { return newStoreFixture(t, open(t)) }
}

// storeRules are all rules of the contract.
var storeRules = slices.Concat(startRules, replaceRules, kindRules, endRules, touchRules, updateRules, limitRules, userRules, manyRules, sweepRules, stepRules, raceRules, continuationRules)
