package histories

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mooring-go/mooring/session"
)

// RunModel checks that the store that open returns answers as the contract says
// in histories of single steps. The store must be without sessions, and nobody
// else may use it; all histories are made in it, one after the other, and each
// begins with a sweep that forgets everything. open can register what to do
// with it afterwards with t.Cleanup.
//
// The histories are of the users "ada" and "bob", and of the half hour before the
// real time. A store whose records expire by a clock of its own passes if it keeps
// them for an hour after their limit.
func RunModel(t *testing.T, open func(*testing.T) session.Store) {
	t.Helper()
	CheckModel(t, open(t))
}

// CheckModel is [RunModel] for a store that is open already. It reports to t
// the shortest history that it finds in which the store answers otherwise.
func CheckModel(t rapid.TB, store session.Store) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		h := &history{T: t, store: store, cast: newCast(lately(), 4, "ada", "bob")}
		h.begin()
		pick := choice(func(name string, n int) int { return rapid.IntRange(0, n-1).Draw(t, name) })
		unused := func(id session.ID) bool { _, known := h.model[id]; return !known }
		t.Repeat(map[string]func(*rapid.T){
			"Start":   func(*rapid.T) { h.step(h.cast.start(pick, unused)) },
			"Get":     func(*rapid.T) { h.step(h.cast.get(pick)) },
			"Touch":   func(*rapid.T) { h.step(h.cast.touch(pick)) },
			"Update":  func(*rapid.T) { h.step(h.cast.update(pick)) },
			"End":     func(*rapid.T) { h.step(h.cast.end(pick)) },
			"EndUser": func(*rapid.T) { h.step(h.cast.endUser(pick)) },
			"List":    func(*rapid.T) { h.step(h.cast.list(pick)) },
			"Sweep":   func(*rapid.T) { h.step(h.cast.sweep(pick)) },
		})
		for _, look := range h.cast.all() {
			h.step(look)
		}
	})
}

// A history is the steps made so far, and what the store should hold.
type history struct {
	*rapid.T
	store session.Store
	cast  *cast
	model model
}

// begin forgets what an earlier history left.
func (h *history) begin() {
	h.Helper()
	if _, err := h.store.Sweep(h.Context(), time.Now()); err != nil {
		h.Fatalf("histories: sweeping before the history: %v", err)
	}
}

// step makes the operation and checks the answer.
func (h *history) step(o operation) {
	h.Helper()
	got, err := o.call(h.Context(), h.store)
	if err != nil {
		h.Fatalf("%s: %v", o, err)
	}
	next, want := h.model.step(o)
	h.Logf("%s: %s", o, got)
	if !slices.ContainsFunc(want, got.equal) {
		h.Fatalf("%s:\n got %s\nwant %s\n got in full %+v\nwant in full %+v", o, got, want, detail(got), detail(want[0]))
	}
	h.model = next
}

// detail returns r with every field of what is in it.
func detail(r result) any {
	return struct {
		Sessions []session.Session
		Ended    []session.Ended
	}{r.sessions, r.ended}
}
