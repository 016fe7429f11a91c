package failover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/porttest"
	"github.com/mooring-go/mooring/session/redisstore"
)

// A redisServer is a Redis server of the test's own.
type redisServer struct {
	*process
	addr, port string
	client     *redis.Client // for the test itself
}

// startRedis starts a server with further arguments.
func startRedis(t *testing.T, args ...string) *redisServer {
	t.Helper()
	port := strconv.Itoa(porttest.Free(t))
	r := &redisServer{port: port, addr: net.JoinHostPort("127.0.0.1", port)}
	r.process = run(t, nil, program(t, "redis-server"),
		append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", directory(t, nil), "--save", "", "--repl-diskless-sync-delay", "0"}, args...)...)
	r.client = redis.NewClient(&redis.Options{Addr: r.addr, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = r.client.Close() })
	until(t, "Redis to answer", func() bool { return r.client.Ping(t.Context()).Err() == nil })
	return r
}

// info reports whether the server says the line of itself.
func (r *redisServer) info(t *testing.T, section, line string) bool {
	t.Helper()
	said, _ := r.client.Info(t.Context(), section).Result()
	return slices.Contains(strings.Split(said, "\r\n"), line)
}

// follows waits until the server follows another one.
func (r *redisServer) follows(t *testing.T) {
	t.Helper()
	until(t, "the replica to follow", func() bool { return r.info(t, "replication", "master_link_status:up") })
}

// cut keeps the server's replicas from what it writes from now on.
func (r *redisServer) cut(t *testing.T) {
	t.Helper()
	require.NoError(t, r.client.Do(t.Context(), "ACL", "SETUSER", "default", "-psync", "-sync").Err())
	require.NoError(t, r.client.Do(t.Context(), "CLIENT", "KILL", "TYPE", "replica").Err())
	until(t, "the replica to be gone", func() bool { return r.info(t, "replication", "connected_slaves:0") })
}

// downAfter is for how long a master is silent until Sentinel, or a Cluster, takes it to
// be down, in milliseconds.
func downAfter() int {
	if long() {
		return 30_000 // Sentinel's default
	}
	return 2000 // longer than a busy machine stands still
}

// A sentinel is a master and its replica, watched by three Sentinels, and the options of
// a client.
type sentinel struct {
	master, replica *redisServer
	options         redis.FailoverOptions
}

// underSentinel starts a master, with further arguments, its replica and three Sentinels.
func underSentinel(t *testing.T, args ...string) sentinel {
	t.Helper()
	s := sentinel{master: startRedis(t, args...)}
	s.replica = startRedis(t, append([]string{"--replicaof", "127.0.0.1 " + s.master.port}, args...)...)
	s.replica.follows(t)
	failoverTimeout := "sentinel failover-timeout sessions 2000"
	if long() {
		failoverTimeout = "" // 3 minutes by default
	}
	var watching []*redis.SentinelClient
	for range 3 {
		port := strconv.Itoa(porttest.Free(t))
		addr := net.JoinHostPort("127.0.0.1", port)
		dir := directory(t, nil)
		config := filepath.Join(dir, "sentinel.conf") // Sentinel writes to it
		require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `port %s
bind 127.0.0.1
dir %q
sentinel monitor sessions 127.0.0.1 %s 2
sentinel down-after-milliseconds sessions %d
%s
`, port, dir, s.master.port, downAfter(), failoverTimeout), 0o600))
		run(t, nil, program(t, "redis-server"), config, "--sentinel")
		client := redis.NewSentinelClient(&redis.Options{Addr: addr})
		t.Cleanup(func() { _ = client.Close() })
		watching = append(watching, client)
		s.options.SentinelAddrs = append(s.options.SentinelAddrs, addr)
	}
	for _, client := range watching {
		until(t, "the Sentinels to know the replica and each other", func() bool {
			replicas, err := client.Replicas(t.Context(), "sessions").Result()
			others, othersErr := client.Sentinels(t.Context(), "sessions").Result()
			return err == nil && othersErr == nil && len(others) == 2 && len(replicas) == 1 && replicas[0]["master-link-status"] == "ok"
		})
	}
	s.options.MasterName, s.options.ContextTimeoutEnabled = "sessions", true
	return s
}

// store returns a store of a process of its own.
func (s sentinel) store(t *testing.T) *redisstore.Store {
	t.Helper()
	return s.storeWith(t, redisstore.Config{})
}

func (s sentinel) storeWith(t *testing.T, config redisstore.Config) *redisstore.Store {
	t.Helper()
	options := s.options
	client := redis.NewFailoverClient(&options)
	t.Cleanup(func() { _ = client.Close() })
	store, err := redisstore.New(client, config)
	require.NoError(t, err)
	return store
}

// The master dies and Sentinel promotes the replica. What the replica had received is
// there.
func TestRedisSentinelFailsOver(t *testing.T) {
	t.Parallel()
	s := underSentinel(t)
	store := s.store(t)
	cache := listen(t, s.store(t))
	h := use(t, store)
	h.busy(t, 50)
	s.master.kill()
	killed := time.Now()
	until(t, "the failover", func() bool { return s.replica.info(t, "replication", "role:master") })
	t.Logf("promoted after %d ms", time.Since(killed).Milliseconds())
	h.recovers(t, "Sentinel")
	// What was answered a moment before the master died may not have been sent.
	undone := h.undone(t)
	t.Logf("%d of %d endings are undone", undone, len(h.confirmed()))
	require.LessOrEqual(t, undone, 4, "each of two clients had one step under way")
	cache.recovers(t, killed, store)
}

// What a replica had not received is undone when it takes over, endings among it.
func TestRedisReplicaIsBehind(t *testing.T) {
	t.Parallel()
	s := underSentinel(t)
	store := s.store(t)
	id := started(t, store, "ada")
	require.EqualValues(t, 1, s.master.client.Wait(t.Context(), 1, time.Minute).Val())
	s.master.cut(t)
	_, err := store.End(t.Context(), id, newEnding())
	require.NoError(t, err, "it is confirmed")
	require.False(t, lives(t, store, id))
	s.master.kill()
	until(t, "the store", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), session.DefaultStoreTimeout)
		defer cancel()
		_, err := store.List(ctx, "ada")
		return err == nil
	})
	require.True(t, lives(t, store, id), "it is undone")

	// Who knows that a session had ended ends it again.
	_, err = store.End(t.Context(), id, newEnding())
	require.NoError(t, err)
	require.False(t, lives(t, store, id))
}

// An ending that a replica has acknowledged is there after each failover, however much the
// master did that no replica had.
func TestRedisAcknowledgedEndings(t *testing.T) {
	t.Parallel()
	rounds := 3
	if long() {
		rounds = 10
	}
	for range rounds {
		s := underSentinel(t)
		store := s.storeWith(t, redisstore.Config{Replicas: 1, ReplicaTimeout: 200 * time.Millisecond})
		var mu sync.Mutex
		var confirmed, short []session.ID
		count := func(ids *[]session.ID) int {
			mu.Lock()
			defer mu.Unlock()
			return len(*ids)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for i := range 2 {
			running.Go(func() {
				for ctx.Err() == nil {
					time.Sleep(2 * time.Millisecond) // the Sentinels need the processor, too
					one := newSession(fmt.Sprint("user ", i))
					step, done := context.WithTimeout(ctx, session.DefaultStoreTimeout)
					_, err := store.Start(step, one, session.Replace{})
					if err == nil {
						_, err = store.End(step, one.ID, newEnding())
						mu.Lock()
						switch {
						case err == nil:
							confirmed = append(confirmed, one.ID)
						case errors.Is(err, redisstore.ErrReplicas):
							short = append(short, one.ID)
						}
						mu.Unlock()
					}
					done()
				}
			})
		}
		until(t, "endings that are confirmed", func() bool { return count(&confirmed) > 50 })
		s.master.cut(t)
		until(t, "endings that are not", func() bool { return count(&short) > 0 }) // soon, or Sentinel takes the replica for too old
		s.master.kill()
		until(t, "the store", func() bool {
			step, done := context.WithTimeout(t.Context(), session.DefaultStoreTimeout)
			defer done()
			_, err := store.List(step, "ada")
			return err == nil
		})
		stop()
		running.Wait()
		t.Logf("%d endings confirmed, %d not", len(confirmed), len(short))
		for _, id := range confirmed {
			require.False(t, lives(t, store, id), "it was confirmed")
		}
	}
}

// A master that must have a replica confirms no ending without one, for longer than its
// min-replicas-max-lag.
func TestRedisMasterWithoutReplicas(t *testing.T) {
	t.Parallel()
	master := startRedis(t, "--min-replicas-to-write", "1", "--min-replicas-max-lag", "1")
	startRedis(t, "--replicaof", "127.0.0.1 "+master.port).follows(t)
	store, err := redisstore.New(master.client, redisstore.Config{})
	require.NoError(t, err)
	// It counts while it says that it is there, every second: on a busy machine now and then.
	s := newSession("ada")
	until(t, "the replica to be counted", func() bool { _, err := store.Start(t.Context(), s, session.Replace{}); return err == nil })
	id := s.ID
	master.cut(t)
	cut := time.Now()
	until(t, "the master to refuse", func() bool {
		_, err := store.Start(t.Context(), newSession("bob"), session.Replace{})
		return err != nil
	})
	t.Logf("it refuses after %d ms", time.Since(cut).Milliseconds())
	_, err = store.End(t.Context(), id, newEnding())
	require.ErrorContains(t, err, "NOREPLICAS")
	require.True(t, lives(t, store, id), "reads go on")
}

// A master of a Cluster dies, and its replica takes over.
func TestRedisClusterFailsOver(t *testing.T) {
	t.Parallel()
	const nodes, slots = 3, 16384
	timeout := fmt.Sprint(downAfter() / 2)
	if long() {
		timeout = "15000" // the default
	}
	node := func() (*redisServer, string) {
		bus := strconv.Itoa(porttest.Free(t))
		return startRedis(t, "--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", timeout), bus
	}
	var masters []*redisServer
	var buses, addrs []string
	for i := range nodes {
		m, bus := node()
		require.NoError(t, m.client.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", i*slots/nodes, (i+1)*slots/nodes-1).Err())
		require.NoError(t, m.client.Do(t.Context(), "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err())
		masters, buses, addrs = append(masters, m), append(buses, bus), append(addrs, m.addr)
	}
	replica, _ := node()
	for _, other := range append(slices.Clone(masters[1:]), replica) {
		require.NoError(t, other.client.Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", masters[0].port, buses[0]).Err())
	}
	options := redis.ClusterOptions{Addrs: addrs, ContextTimeoutEnabled: true, ClusterStateReloadInterval: 2 * time.Second}
	store := func() (*redisstore.Store, *redis.ClusterClient) {
		o := options
		client := redis.NewClusterClient(&o)
		t.Cleanup(func() { _ = client.Close() })
		store, err := redisstore.New(client, redisstore.Config{})
		require.NoError(t, err)
		return store, client
	}
	for _, m := range masters {
		until(t, "the Cluster", func() bool {
			said, err := m.client.ClusterInfo(t.Context()).Result()
			return err == nil && strings.Contains(said, "cluster_state:ok") && strings.Contains(said, "cluster_known_nodes:4")
		})
	}
	direct, client := store()
	owner, err := client.MasterForKey(t.Context(), "any:{"+session.Shard(somebody)+"}")
	require.NoError(t, err)
	dying := masters[slices.IndexFunc(masters, func(m *redisServer) bool { return m.addr == owner.Options().Addr })]
	id, err := dying.client.Do(t.Context(), "CLUSTER", "MYID").Text()
	require.NoError(t, err)
	until(t, "the replica to know its master", func() bool {
		return replica.client.Do(t.Context(), "CLUSTER", "REPLICATE", id).Err() == nil
	})
	replica.follows(t)
	cached, _ := store()
	cache := listen(t, cached)
	h := use(t, direct)
	h.busy(t, 50)
	dying.kill()
	killed := time.Now()
	until(t, "the failover", func() bool { return replica.info(t, "replication", "role:master") })
	t.Logf("promoted after %d ms", time.Since(killed).Milliseconds())
	h.busy(t, 50)
	h.recovers(t, "Cluster")
	undone := h.undone(t)
	t.Logf("%d of %d endings are undone", undone, len(h.confirmed()))
	require.LessOrEqual(t, undone, 4, "each of two clients had one step under way")
	cache.recovers(t, killed, direct)
}
