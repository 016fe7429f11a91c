package redistest

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// A Pair is a master and its replica, with a link that can be cut.
type Pair struct {
	Master, Replica *Server
	Link            *Proxy
}

// RunPair starts a master and a replica that has what the master has.
func RunPair(t testing.TB) Pair {
	t.Helper()
	p := Pair{Master: Run(t, "--repl-diskless-sync-delay", "0")}
	p.Link = NewProxy(t, p.Master.Addr)
	host, port, err := net.SplitHostPort(p.Link.Addr)
	require.NoError(t, err)
	p.Replica = Run(t, "--replicaof", host+" "+port)
	Until(t, "the replica", func() bool { return p.Master.Do(t, "WAIT", 1, 100) == int64(1) })
	return p
}

// ReplicaTimeout is that of the store for [Host.WaitsForReplicas].
const ReplicaTimeout = 300 * time.Millisecond

// Patience is the ReplicaTimeout of a store whose steps are to be confirmed on a busy machine.
const Patience = 10 * time.Second

// WaitsForReplicas checks a store on the pair that waits for one replica: what it confirms the
// replica has, and while the link is cut it is short about each step that ends or restricts. On
// a busy machine it may be short about others, too.
func (h Host) WaitsForReplicas(t *testing.T, store session.Store, pair Pair, prefix string, short error) {
	ctx := t.Context()
	start := func(user string) session.Session {
		t.Helper()
		s := h.Session(user)
		_, err := store.Start(ctx, s, session.Replace{})
		require.NoError(t, err)
		return s
	}
	ending := h.Ending(session.CauseRevoked)
	mayBeShort := func(err error) {
		t.Helper()
		if !errors.Is(err, short) {
			require.NoError(t, err)
		}
	}
	for range 20 {
		var s session.Session
		Until(t, "an ending to be confirmed", func() bool {
			s = start("ada")
			_, err := store.End(ctx, s.ID, ending)
			mayBeShort(err)
			return err == nil
		})
		value, _ := pair.Replica.Do(t, "GET", prefix+":{"+s.ID.Shard()+"}:s:"+s.ID.String()).(string)
		require.NotEmpty(t, value)
		require.Equal(t, "E", value[:1], "the replica has it")
	}

	one, replaced := start("ada"), start("ada")
	start("bob")
	start("bob")
	for _, user := range []string{"eve", "zoe"} { // so that the server knows all scripts
		updated, touched := start(user), start(user)
		_, err := store.Update(ctx, updated.ID, session.Update{Require: []string{"terms"}})
		mayBeShort(err)
		mayBeShort(store.Touch(ctx, touched.ID, session.Seen{Time: touched.LastSeen.Add(1), Drift: session.Drift{Restricted: binding.NetworkASNChanged}}))
		_, err = store.EndUser(ctx, user, session.ID{}, ending)
		mayBeShort(err)
	}
	updated, touched := start("eve"), start("zoe")

	pair.Link.Lose(true)
	isShort := func(what string, step func() error) {
		t.Helper()
		began := time.Now()
		require.ErrorIs(t, step(), short, what)
		took := time.Since(began)
		require.Greater(t, took, ReplicaTimeout-50*time.Millisecond, what)
		require.Less(t, took, ReplicaTimeout+30*time.Second, what)
	}
	for _, what := range []string{"End", "End of what has ended"} {
		isShort(what, func() error {
			_, err := store.End(ctx, one.ID, ending)
			_, ended := errors.AsType[*session.EndedError](err)
			require.False(t, ended, "a caller would take it for done")
			return err
		})
		_, err := store.Get(ctx, one.ID)
		_, ended := errors.AsType[*session.EndedError](err)
		require.True(t, ended, "the master has it")
	}
	isShort("Start", func() error {
		ended, err := store.Start(ctx, h.Session("ada"), session.Replace{Others: true, Ending: ending})
		require.Len(t, ended, 1)
		require.Equal(t, replaced.ID, ended[0].Session.ID)
		return err
	})
	for _, n := range []int{2, 0} {
		isShort("EndUser", func() error {
			ended, err := store.EndUser(ctx, "bob", session.ID{}, ending)
			require.Len(t, ended, n)
			return err
		})
	}
	isShort("Update", func() error {
		changed, err := store.Update(ctx, updated.ID, session.Update{Require: []string{"terms"}})
		require.Equal(t, []string{"terms"}, changed.Required)
		return err
	})
	isShort("Touch with a drift", func() error {
		return store.Touch(ctx, touched.ID, session.Seen{Time: touched.LastSeen.Add(1), Drift: session.Drift{Restricted: binding.NetworkASNChanged}})
	})
	Until(t, "steps that end nothing, and do not wait", func() bool { // at the first try, unless the machine is busy
		began := time.Now()
		fresh := start("carol")
		require.NoError(t, store.Touch(ctx, fresh.ID, session.Seen{Time: fresh.LastSeen.Add(1)}))
		_, err := store.List(ctx, "carol")
		require.NoError(t, err)
		return time.Since(began) < ReplicaTimeout
	})

	pair.Link.Lose(false)
	Until(t, "the ending to be safe", func() bool {
		_, err := store.End(ctx, one.ID, ending)
		_, ended := errors.AsType[*session.EndedError](err)
		require.True(t, ended || errors.Is(err, short), "%v", err)
		return ended
	})
	Until(t, "the user's endings to be safe", func() bool {
		_, err := store.EndUser(ctx, "bob", session.ID{}, ending)
		mayBeShort(err)
		return err == nil
	})
}
