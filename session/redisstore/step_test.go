package redisstore_test

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
)

// counter is a hook that notes the names of the commands that were sent.
type counter struct {
	mu    sync.Mutex
	names []string
}

func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.add(cmd)
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.add(cmds...)
		return next(ctx, cmds)
	}
}

func (c *counter) add(cmds ...redis.Cmder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cmd := range cmds {
		c.names = append(c.names, cmd.Name())
	}
}

// taken returns the names noted since the last call.
func (c *counter) taken() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := c.names
	c.names = nil
	return names
}

func TestRoundTrips(t *testing.T) {
	client := shared(t)
	store, _ := open(t, client)
	s := newSession("ada")
	load := func() { // so that no script must be sent whole
		other := newSession("ada")
		_, _ = store.Start(t.Context(), other, session.Replace{})
		_ = store.Touch(t.Context(), other.ID, session.Seen{Time: now.Add(1)})
		_, _ = store.End(t.Context(), other.ID, newEnding(session.CauseSignedOut))
		_, _ = store.List(t.Context(), "ada")
		_, _ = store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked))
	}
	load()
	count := &counter{}
	client.AddHook(count)
	for _, step := range []struct {
		name string
		do   func() error
		want []string
	}{
		{"Start", func() error {
			_, err := store.Start(t.Context(), s, session.Replace{Others: true, Max: 2})
			return err
		}, []string{"evalsha"}},
		{"Get", func() error { _, err := store.Get(t.Context(), s.ID); return err }, []string{"get"}},
		{"Touch of what is known", func() error {
			return store.Touch(t.Context(), s.ID, session.Seen{Time: s.LastSeen})
		}, []string{"get"}},
		{"Touch of what was before", func() error {
			return store.Touch(t.Context(), s.ID, session.Seen{Time: s.LastSeen.Add(-1)})
		}, []string{"get", "time"}},
		{"Touch", func() error {
			return store.Touch(t.Context(), s.ID, session.Seen{Time: now.Add(1)})
		}, []string{"get", "evalsha"}},
		{"List", func() error { _, err := store.List(t.Context(), "ada"); return err }, []string{"evalsha"}},
		{"End", func() error {
			_, err := store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
			return err
		}, []string{"evalsha"}},
		{"EndUser", func() error {
			_, err := store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked))
			return err
		}, []string{"evalsha"}},
	} {
		require.NoError(t, step.do(), step.name)
		require.Equal(t, step.want, count.taken(), step.name)
	}
}

// commands returns how many commands the server has run, in scripts too.
func commands(t *testing.T, client *redis.Client) int {
	t.Helper()
	info, err := client.Info(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	total := 0
	for line := range strings.Lines(info) {
		name, rest, found := strings.Cut(line, ":calls=")
		if !found || strings.HasPrefix(name, "cmdstat_client") {
			continue
		}
		calls, _, _ := strings.Cut(rest, ",")
		n, err := strconv.Atoi(calls)
		require.NoError(t, err)
		total += n
	}
	return total
}

func TestCostGrowsWithTheUserOnly(t *testing.T) {
	client := dial(t, redistest.Run(t).Addr, func(o *redis.Options) { o.PoolSize = 1 })
	store, _ := open(t, client)
	cost := func() int {
		for range 3 {
			_, err := store.Start(t.Context(), newSession("ada"), session.Replace{})
			require.NoError(t, err)
		}
		before := commands(t, client)
		ended, err := store.Start(t.Context(), newSession("ada"), session.Replace{Others: true})
		require.NoError(t, err)
		require.Len(t, ended, 3)
		_, err = store.List(t.Context(), "ada")
		require.NoError(t, err)
		_, err = store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked))
		require.NoError(t, err)
		return commands(t, client) - before
	}
	cost() // loads the scripts
	few := cost()
	for i := range 2000 {
		_, err := store.Start(t.Context(), newSession("user "+strconv.Itoa(i)), session.Replace{})
		require.NoError(t, err)
	}
	require.InDelta(t, few, cost(), 4, "a key lasts long enough already, or must be made to")
	require.Less(t, few, 70)
}

// lossy is a connection that loses a reply, after the server has sent it, when
// lose is set.
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
	client := shared(t, func(o *redis.Options) {
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return lossy{conn, &lose}, err
		}
	})
	store, _ := open(t, client)
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
		losing("Start of another", func() {
			replaced, err := store.Start(t.Context(), b, session.Replace{Others: true, Ending: newEnding("")})
			require.NoError(t, err)
			require.Len(t, replaced, 1)
			require.Equal(t, a, replaced[0].Session)
			require.Equal(t, session.CauseTerminated, replaced[0].Ending.Cause)
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
		leased, err := store.Lease(t.Context(), time.Minute, 10)
		require.NoError(t, err)
		require.Len(t, leased, 1)
		losing("Delivered", func() { require.NoError(t, store.Delivered(t.Context(), c.ID)) })
	}
}

func TestKeysExpire(t *testing.T) {
	client := shared(t)
	store, prefix := open(t, client)
	lasts := func(kind string, from, to time.Duration) {
		t.Helper()
		found := 0
		for _, key := range keys(t.Context(), client, prefix) {
			if strings.Contains(key, "}:"+kind) {
				ttl := client.PTTL(t.Context(), key).Val()
				require.Greater(t, ttl, from, key)
				require.LessOrEqual(t, ttl, to, key)
				found++
			}
		}
		require.NotZero(t, found, kind)
	}
	const grace, minute, hour = time.Hour, time.Minute, time.Hour
	s := newSession("ada")
	s.Created, s.LastSeen, s.Idle, s.Expires = now.Add(-90*minute), now.Add(-90*minute), hour, now.Add(30*minute)
	_, err := store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	lasts("s:", grace+hour-minute, grace+hour)
	lasts("u:", grace+hour-minute, grace+hour+minute)
	require.NoError(t, store.Touch(t.Context(), s.ID, session.Seen{Time: now})) // the absolute limit is nearer
	lasts("s:", grace+30*minute-minute, grace+30*minute)
	lasts("u:", grace+30*minute-minute, grace+hour+minute)
	ending := newEnding(session.CauseSignedOut)
	ending.Keep, ending.Journal = now.Add(3*hour), true
	_, err = store.End(t.Context(), s.ID, ending)
	require.NoError(t, err)
	lasts("s:", grace+3*hour-minute, grace+3*hour)
	const day = 24 * hour // for as long it is known that they were not delivered
	lasts("j", day+grace+3*hour-minute, day+grace+3*hour+minute)
	lasts("w", day+grace+3*hour-minute, day+grace+3*hour+minute)
	lasts("d", day+grace+3*hour-minute, day+grace+3*hour+minute)
	lasts("c:", 0, minute)
	_, err = store.Lease(t.Context(), minute, 1)
	require.NoError(t, err)
	lasts("l", day+grace+3*hour-minute, day+grace+3*hour+minute)
	for _, key := range keys(t.Context(), client, prefix) {
		require.Positive(t, client.PTTL(t.Context(), key).Val(), key)
	}
}

func TestIndexesForgetWhatExpired(t *testing.T) {
	client := shared(t)
	store, prefix := open(t, client)
	base := prefix + ":{" + session.Shard("ada") + "}:"
	old := newSession("ada")
	old.Created, old.LastSeen, old.Expires = now.Add(-time.Hour), now.Add(-time.Hour), now.Add(-time.Minute)
	_, err := store.Start(t.Context(), old, session.Replace{})
	require.NoError(t, err)
	s := newSession("ada")
	_, err = store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	require.EqualValues(t, 2, client.ZCard(t.Context(), base+"u:ada").Val(), "it is still there")
	require.NoError(t, client.Del(t.Context(), base+"s:"+old.ID.String()).Err())
	_, err = store.Start(t.Context(), newSession(sameShard("ada")), session.Replace{})
	require.NoError(t, err)
	for _, key := range []string{"u:ada", "d"} {
		members, err := client.ZRange(t.Context(), base+key, 0, -1).Result()
		require.NoError(t, err)
		require.NotContains(t, strings.Join(members, " "), old.ID.String(), key)
		require.Contains(t, strings.Join(members, " "), s.ID.String(), key)
	}
}
