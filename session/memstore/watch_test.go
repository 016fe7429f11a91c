package memstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// A watcher that is stuck holds up no step of the store, and costs it a bounded number of
// changes. It is told that it missed some, and what comes after; another watcher is told
// everything.
func TestAWatcherThatIsStuck(t *testing.T) {
	const endings = 70_000 // more than wait for a watcher
	store := memstore.New()
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watch := func(tell func(session.Change)) {
		watching.Go(func() { assert.ErrorIs(t, store.Watch(ctx, time.Millisecond, tell), context.Canceled) })
	}
	defer watching.Wait()
	defer cancel()

	stuck, release := make(chan struct{}), make(chan struct{})
	slow := make(chan session.Change, 4*endings)
	watch(func(c session.Change) {
		slow <- c
		if c.Kind == session.ChangeEnded && c.User == "first" {
			close(stuck)
			<-release
		}
	})
	fast := make(chan session.Change, 4*endings)
	watch(func(c session.Change) {
		if c.Kind != session.ChangeHeard {
			fast <- c
		}
	})
	for _, told := range []chan session.Change{slow, fast} {
		require.Equal(t, session.ChangeConnected, (<-told).Kind)
	}
	end := func(user string) session.ID {
		s := newSession(user, 0)
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		_, err = store.End(t.Context(), s.ID, session.Ending{Cause: session.CauseRevoked, Time: noon})
		require.NoError(t, err)
		return s.ID
	}
	told := func(changes chan session.Change, what string, wanted func(session.Change) bool) {
		t.Helper()
		for {
			select {
			case c := <-changes:
				if wanted(c) {
					return
				}
			case <-time.After(time.Minute):
				require.Fail(t, "not told: "+what)
			}
		}
	}
	end("first")
	<-stuck
	told(fast, "the first ending", func(c session.Change) bool { return c.User == "first" })
	for n := range endings { // none of them waits
		end(fmt.Sprint("user ", n/100))
		if n%1000 != 999 {
			continue
		}
		for range 1000 {
			told(fast, "an ending", func(c session.Change) bool {
				require.Equal(t, session.ChangeEnded, c.Kind, "the other watcher missed something")
				return true
			})
		}
	}
	close(release)
	isKind := func(kind session.ChangeKind) func(session.Change) bool {
		return func(c session.Change) bool { return c.Kind == kind }
	}
	told(slow, "ChangeLost", isKind(session.ChangeLost))
	told(slow, "ChangeConnected", isKind(session.ChangeConnected))
	last := end("last")
	for _, changes := range []chan session.Change{slow, fast} {
		told(changes, "what came after", func(c session.Change) bool { return c.ID == last })
	}
}
