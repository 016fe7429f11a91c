package rueidisstore_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/rueidisstore"
)

// attempts makes every step and returns the errors, by operation.
func attempts(ctx context.Context, store *rueidisstore.Store, id session.ID) map[string]error {
	errs := map[string]error{}
	_, errs["getting a session"] = store.Get(ctx, id)
	errs["touching a session"] = store.Touch(ctx, id, session.Seen{Time: now.Add(time.Second)})
	_, errs["updating a session"] = store.Update(ctx, id, session.Update{})
	_, errs["starting a session"] = store.Start(ctx, newSession("ada"), session.Replace{Others: true})
	_, errs["ending a session"] = store.End(ctx, id, newEnding(session.CauseSignedOut))
	_, errs["ending a user's sessions"] = store.EndUser(ctx, "ada", session.ID{}, newEnding(session.CauseRevoked))
	_, errs["listing a user's sessions"] = store.List(ctx, "ada")
	_, errs["sweeping"] = store.Sweep(ctx, now)
	_, errs["leasing endings"] = store.Lease(ctx, time.Minute, 1)
	errs["forgetting delivered endings"] = store.Delivered(ctx, id)
	errs["releasing endings"] = store.Release(ctx, 0, id)
	_, errs["asking for the time"] = store.Now(ctx)
	return errs
}

func TestServerDownAndBack(t *testing.T) {
	t.Parallel()
	store, server := alone(t, "--appendonly", "yes", "--appendfsync", "always")
	s, gone := signedIn(t, store, "ada"), signedIn(t, store, "ada")
	_, err := store.End(t.Context(), gone.ID, newEnding(session.CauseSignedOut))
	require.NoError(t, err)

	server.Stop()
	began := time.Now()
	for operation, err := range attempts(t.Context(), store, s.ID) {
		require.ErrorContains(t, err, "rueidisstore: "+operation+": ")
		require.NotErrorIs(t, err, session.ErrNotFound, operation)
		_, ended := errors.AsType[*session.EndedError](err)
		require.False(t, ended, operation)
	}
	require.Less(t, time.Since(began), time.Minute, "without a deadline, commands are sent again a few times only")

	server.Start(t)
	recovers(t, store, newSession("bob"))
	got, err := store.Get(t.Context(), s.ID)
	require.NoError(t, err)
	require.Equal(t, s, got)
	_, err = store.Get(t.Context(), gone.ID)
	_, ended := errors.AsType[*session.EndedError](err)
	require.True(t, ended, "what ended stays ended: %v", err)
	_, err = store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut)) // its script has to be loaded again
	require.NoError(t, err)
}

// lossy is a connection that loses a reply, after the server has sent it, when lose is set.
type lossy struct {
	net.Conn
	lose *atomic.Bool
}

func (c lossy) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && c.lose.CompareAndSwap(true, false) {
		_ = c.Conn.Close()
		return 0, io.EOF
	}
	return n, err
}

func TestLostReplyIsNoSecondStep(t *testing.T) {
	var lose atomic.Bool
	client := dial(t, []*redistest.Server{redistest.Run(t)}, func(o *rueidis.ClientOption) {
		o.DialCtxFn = func(ctx context.Context, addr string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, "tcp", addr)
			return lossy{conn, &lose}, err
		}
	})
	store := open(t, client)
	signedIn(t, store, "eve") // so that the server is known to be fit
	losing := func(name string, do func()) {
		t.Helper()
		lose.Store(true)
		do()
		require.False(t, lose.Load(), "%s: no reply was lost", name)
	}
	journaled := newEnding(session.CauseRevoked)
	journaled.Journal = true
	for round := range 2 { // in the first one scripts may have to be loaded
		a, b, c := newSession("ada"), newSession("ada"), newSession("ada")
		losing("Start", func() {
			_, err := store.Start(t.Context(), a, session.Replace{})
			require.NoError(t, err)
		})
		_, err := store.Start(t.Context(), a, session.Replace{})
		require.ErrorIs(t, err, session.ErrExists, "another call")
		losing("Get", func() {
			_, err := store.Get(t.Context(), a.ID)
			require.NoError(t, err)
		})
		losing("Start of another", func() {
			replaced, err := store.Start(t.Context(), b, session.Replace{Others: true, Ending: newEnding("")})
			require.NoError(t, err)
			require.Len(t, replaced, 1)
			require.Equal(t, a, replaced[0].Session)
		})
		losing("Touch", func() {
			require.NoError(t, store.Touch(t.Context(), b.ID, session.Seen{Time: now.Add(1)}))
		})
		losing("End", func() {
			s, err := store.End(t.Context(), b.ID, newEnding(session.CauseSignedOut))
			require.NoError(t, err, "round %d", round)
			require.Equal(t, b.ID, s.ID)
		})
		_, err = store.Start(t.Context(), c, session.Replace{})
		require.NoError(t, err)
		losing("EndUser", func() {
			sessions, err := store.EndUser(t.Context(), "ada", session.ID{}, journaled)
			require.NoError(t, err)
			require.Equal(t, []session.Session{c}, sessions)
		})
		losing("Lease", func() {
			leased, err := store.Lease(t.Context(), time.Minute, 10)
			require.NoError(t, err)
			require.Len(t, leased, 1)
		})
		losing("Delivered", func() { require.NoError(t, store.Delivered(t.Context(), c.ID)) })
		left, err := store.Lease(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

// The store goes on with the replica by itself. What the replica had is there, and what
// ended stays ended.
func TestFailover(t *testing.T) {
	t.Parallel()
	store, master, replica, _ := watched(t)
	s, gone := signedIn(t, store, "ada"), signedIn(t, store, "ada")
	ending := newEnding(session.CauseSignedOut)
	ending.Journal = true
	_, err := store.End(t.Context(), gone.ID, ending)
	require.NoError(t, err)
	redistest.Until(t, "the replica to have it", func() bool {
		value, _ := replica.Do(t, "GET", keyOf(gone.ID)).(string)
		return strings.HasPrefix(value, "E")
	})

	master.Stop()
	redistest.Until(t, "the failover", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := store.End(ctx, session.NewToken("nobody").ID(), ending) // a step for a master alone
		return errors.Is(err, session.ErrNotFound)
	})
	require.Contains(t, replica.Info(t, "replication"), "role:master")
	got, err := store.Get(t.Context(), s.ID)
	require.NoError(t, err)
	require.Equal(t, s, got)
	_, err = store.Get(t.Context(), gone.ID)
	_, ended := errors.AsType[*session.EndedError](err)
	require.True(t, ended, "what ended stays ended: %v", err)
	leased, err := store.Lease(t.Context(), time.Minute, 10)
	require.NoError(t, err)
	require.Len(t, leased, 1)
	_, err = store.Start(t.Context(), newSession("ada"), session.Replace{Others: true, Ending: newEnding("")})
	require.NoError(t, err)
}

// A master that hangs is replaced, and requests go to the replica then.
func TestFailoverFromAMasterThatHangs(t *testing.T) {
	t.Parallel()
	store, master, replica, _ := watched(t)
	s := signedIn(t, store, "ada")
	redistest.Until(t, "the replica", func() bool { return replica.Do(t, "EXISTS", keyOf(s.ID)) == int64(1) })
	asked := asking(t, store, s.ID)
	time.Sleep(200 * time.Millisecond)
	master.Hang(t)
	defer master.Resume(t)
	redistest.Until(t, "the failover", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := store.List(ctx, "ada")
		return err == nil
	})
	require.Contains(t, replica.Info(t, "replication"), "role:master")
	require.Less(t, asked(), storeTimeout+slack)
}

// Steps that need a user's index are refused on a server that evicts keys, and on a replica.
func TestServersThatAreNotFit(t *testing.T) {
	t.Parallel()
	refused := func(store *rueidisstore.Store, why string) {
		t.Helper()
		_, err := store.List(t.Context(), "ada")
		require.ErrorIs(t, err, rueidisstore.ErrServer)
		require.ErrorContains(t, err, why)
		_, err = store.Start(t.Context(), newSession("ada"), session.Replace{})
		require.ErrorIs(t, err, rueidisstore.ErrServer)
	}
	store, server := alone(t, "--maxmemory-policy", "allkeys-lru")
	refused(store, "maxmemory-policy allkeys-lru: want noeviction")
	server.Do(t, "CONFIG", "SET", "maxmemory-policy", "noeviction")
	signedIn(t, store, "ada")

	replica := redistest.Run(t, "--replicaof", "127.0.0.1 "+server.Addr[len("127.0.0.1:"):])
	refused(open(t, dial(t, []*redistest.Server{replica})), "role slave: want the master")

	nodes := redistest.Cluster(t)
	nodes[2].Do(t, "CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
	refused(open(t, dial(t, nodes[:1])), "maxmemory-policy volatile-ttl: want noeviction")
}

// rights are the commands that package rueidisstore says a client's user needs.
var rights = []any{
	"del", "eval", "evalsha", "exists", "get", "getdel", "getrange", "hdel", "hget", "hset", "incrby", "info",
	"pexpire", "pttl", "set", "time", "zadd", "zcard", "zcount", "zlexcount", "zrange", "zrem",
}

// limited makes a user with the rights, and returns a client of that user.
func limited(t *testing.T, servers []*redistest.Server, more ...any) *rueidisstore.Client {
	t.Helper()
	rules := []any{"ACL", "SETUSER", "mooring", "reset", "on", ">secret", "~" + prefix + ":*"}
	for _, command := range rights {
		rules = append(rules, "+"+command.(string))
	}
	for _, server := range servers {
		server.Do(t, append(rules, more...)...)
	}
	return dial(t, servers, func(o *rueidis.ClientOption) { o.Username, o.Password = "mooring", "secret" })
}

func TestLeastRights(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]*rueidisstore.Client{
		"single":  limited(t, []*redistest.Server{redistest.Run(t)}),
		"cluster": limited(t, redistest.Cluster(t), "+asking", "+cluster|slots"),
	} {
		t.Run(name, func(t *testing.T) {
			store := open(t, client)
			s := signedIn(t, store, "ada")
			require.NoError(t, store.Touch(t.Context(), s.ID, session.Seen{Time: now.Add(1)}))
			ending := newEnding("")
			ending.Journal = true
			other := newSession("ada")
			_, err := store.Start(t.Context(), other, session.Replace{Others: true, Ending: ending})
			require.NoError(t, err)
			for operation, err := range attempts(t.Context(), store, other.ID) {
				require.NotContains(t, errorText(err), "NOPERM", operation)
			}
		})
	}
	other, err := rueidisstore.New(limited(t, []*redistest.Server{redistest.Run(t)}), rueidisstore.Config{Prefix: "other"})
	require.NoError(t, err)
	_, err = other.Start(t.Context(), newSession("ada"), session.Replace{})
	require.ErrorContains(t, err, "NOPERM", "keys of another prefix")
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
