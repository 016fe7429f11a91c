package crash

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// rounds returns how often a process is killed.
func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("MOORING_CRASH_ROUNDS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, "MOORING_CRASH_ROUNDS")
	require.Positive(t, n, "MOORING_CRASH_ROUNDS")
	return n
}

// mostNotes is how many notes a process makes before it is killed, at the most.
const mostNotes = 250

// crash starts a process that works in the store, calls kill in the midst of
// its steps after a random number of notes, and returns how it ended.
func (l *ledger) crash(t *testing.T, p place, kill func(*os.Process)) error {
	t.Helper()
	told, err := json.Marshal(p)
	require.NoError(t, err)
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _ = reader.Close() }()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), placeVariable+"="+string(told))
	child.ExtraFiles = []*os.File{writer}
	child.Stderr = os.Stderr
	require.NoError(t, child.Start())
	require.NoError(t, writer.Close())

	last := 1 + rand.IntN(mostNotes)
	notes := json.NewDecoder(reader)
	var failure error
	for n := 0; ; n++ {
		var one note
		if notes.Decode(&one) != nil {
			break // the end, or a note cut off by the kill
		}
		err := l.enter(one)
		if errors.Is(err, errFailed) && (p.Patient || n > last) {
			l.failed++ // by what was done to it
		} else if err != nil && failure == nil {
			failure = err
			_ = child.Process.Kill()
		}
		if n == last {
			kill(child.Process)
		}
	}
	err = child.Wait()
	require.NoError(t, failure)
	return err
}

func TestProcessKilled(t *testing.T) {
	for name := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, name)
			l := newLedger()
			for round := range rounds(t) {
				err := l.crash(t, p, func(child *os.Process) { _ = child.Signal(syscall.SIGKILL) })
				require.ErrorContains(t, err, "signal: killed")
				l.check(t, p, round)
			}
			l.verifyOld(t, p)
			l.log(t, rounds(t))
		})
	}
}

// check compares the store with the ledger after a crash, and delivers half of
// the endings that wait for it.
func (l *ledger) check(t *testing.T, p place, round int) {
	t.Helper()
	store, err := engines[p.Engine].open(t.Context(), p)
	require.NoError(t, err)
	defer func() { _ = store.close() }()
	f, err := l.settle(t.Context(), store)
	require.NoError(t, err, "round %d", round)
	half := f.leased[:len(f.leased)/2]
	require.NoError(t, store.Delivered(t.Context(), half...))
	require.NoError(t, store.Release(t.Context(), 0, f.leased...))
	l.close(f, half)
}

// log says what was counted.
func (l *ledger) log(t *testing.T, rounds int) {
	t.Helper()
	t.Logf("%d rounds: %d sign-ins begun, %d confirmed, %d of the rest not made; %d endings confirmed, %d found; %d deliveries confirmed",
		rounds, len(l.said[starting]), len(l.said[started]), l.lost, len(l.said[ended]), l.endings, len(l.said[delivered]))
}

// verifyOld checks that nothing that was found ended lives in the end.
func (l *ledger) verifyOld(t *testing.T, p place) {
	t.Helper()
	store, err := engines[p.Engine].open(t.Context(), p)
	require.NoError(t, err)
	defer func() { _ = store.close() }()
	for id := range l.said[started] {
		if !l.open[id] {
			_, err := store.Get(t.Context(), id)
			require.True(t, hasEnded(err), "%s had ended: %v", id, err)
		}
	}
}

// What verify is to find, done to a store and its ledger.
func TestVerifyFinds(t *testing.T) {
	for name, test := range map[string]struct {
		change func(l *ledger, live, over session.ID)
		want   string
	}{
		"an ending that was lost":  {func(l *ledger, live, _ session.ID) { l.said[ended][live] = true }, "is live, and its ending was confirmed"},
		"another's session":        {func(l *ledger, live, _ session.ID) { l.owner[live] = "bob" }, `want "bob"`},
		"a delivery that was lost": {func(l *ledger, _, over session.ID) { l.said[delivered][over] = true }, "and its delivery was confirmed"},
		"an entry out of nowhere":  {func(l *ledger, _, over session.ID) { delete(l.said[starting], over) }, "and nobody was to start it"},
		"a session out of nowhere": {func(l *ledger, live, _ session.ID) { delete(l.open, live) }, "is listed, and is not live"},
		"a sign-in that was lost": {func(l *ledger, _, _ session.ID) {
			id := session.NewToken("ada").ID()
			_ = l.enter(note{Step: starting, User: "ada", IDs: []session.ID{id}})
			_ = l.enter(note{Step: started, User: "ada", IDs: []session.ID{id}})
		}, "is gone, and it was confirmed"},
	} {
		t.Run(name, func(t *testing.T) {
			store, l, live, over := verified(t)
			test.change(l, live, over)
			_, err := l.verify(t.Context(), store)
			require.ErrorContains(t, err, test.want)
		})
	}
	t.Run("an entry that was lost", func(t *testing.T) {
		store, l, _, over := verified(t)
		require.NoError(t, store.Delivered(t.Context(), over))
		_, err := l.verify(t.Context(), store)
		require.ErrorContains(t, err, "is not in the journal")
	})
	t.Run("two sessions of one who has one", func(t *testing.T) {
		store, l, _, _ := verified(t)
		s := newSession("ada")
		require.NoError(t, l.enter(note{Step: starting, User: "ada", IDs: []session.ID{s.ID}}))
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		_, err = l.verify(t.Context(), store)
		require.ErrorContains(t, err, "2 sessions of ada are live")
	})
	t.Run("an ending given to two", func(t *testing.T) {
		_, l, _, over := verified(t)
		require.ErrorContains(t, l.enter(note{Step: ended, User: "ada", IDs: []session.ID{over}}), "was ended twice")
	})
	t.Run("a store that failed", func(t *testing.T) {
		require.ErrorContains(t, newLedger().enter(note{Step: failed, Error: "no room"}), "no room")
	})
}

// verified returns a store with a session that is live and one that ended, both of
// "ada", and the ledger that agrees with it.
func verified(t *testing.T) (store opened, l *ledger, live, over session.ID) {
	t.Helper()
	store, err := engines["SQLite"].open(t.Context(), newPlace(t, "SQLite"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.close() })
	l = newLedger()
	for _, id := range []*session.ID{&over, &live} {
		s := newSession("ada")
		*id = s.ID
		require.NoError(t, l.enter(note{Step: starting, User: "ada", IDs: []session.ID{s.ID}}))
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		require.NoError(t, l.enter(note{Step: started, User: "ada", IDs: []session.ID{s.ID}}))
		if id == &over {
			_, err := store.End(t.Context(), s.ID, journaled(session.CauseSignedOut))
			require.NoError(t, err)
			require.NoError(t, l.enter(note{Step: ended, User: "ada", IDs: []session.ID{s.ID}}))
		}
	}
	_, err = l.verify(t.Context(), store)
	require.NoError(t, err)
	return store, l, live, over
}
