package redisstore_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/redisstore"
)

// missing skips the test, or fails it where servers are required.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("MOORING_REQUIRE_SERVERS") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// dial returns a client of the server at addr, closed when the test is over.
func dial(t testing.TB, addr string, change ...func(*redis.Options)) *redis.Client {
	options := &redis.Options{Addr: addr, ContextTimeoutEnabled: true}
	for _, change := range change {
		change(options)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// shared returns a client of the server that the environment names.
func shared(t testing.TB, change ...func(*redis.Options)) *redis.Client {
	t.Helper()
	addr := cmp.Or(os.Getenv("MOORING_REDIS_ADDR"), "127.0.0.1:6379")
	client := dial(t, addr, change...)
	if err := client.Ping(t.Context()).Err(); err != nil {
		missing(t, fmt.Sprintf("a Redis server at %s (MOORING_REDIS_ADDR): %v", addr, err))
	}
	return client
}

// open returns a store on the client with keys of its own, removed when the test is
// over.
func open(t testing.TB, client redis.UniversalClient) (*redisstore.Store, string) {
	t.Helper()
	prefix := "test-" + rand.Text()
	store, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		for _, key := range keys(ctx, client, prefix) {
			_ = client.Del(ctx, key).Err()
		}
	})
	return store, prefix
}

// keys returns all keys that begin with prefix.
func keys(ctx context.Context, client redis.UniversalClient, prefix string) []string {
	nodes := make(chan *redis.Client, 16)
	if cluster, ok := client.(*redis.ClusterClient); ok {
		_ = cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error { nodes <- node; return nil })
	} else {
		nodes <- client.(*redis.Client)
	}
	close(nodes)
	var found []string
	for node := range nodes {
		for scan := node.Scan(ctx, 0, prefix+":*", 1000).Iterator(); scan.Next(ctx); {
			found = append(found, scan.Val())
		}
	}
	return found
}

// process is a redis-server of the test's own.
type process struct {
	addr    string
	port    int
	args    []string
	command *exec.Cmd
}

// run starts a redis-server with further arguments, stopped when the test is over.
func run(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{port: freePort(t)}
	p.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port))
	p.args = append([]string{"--port", strconv.Itoa(p.port), "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", ""}, args...)
	p.start(t)
	t.Cleanup(func() { p.stop() })
	return p
}

func (p *process) start(t testing.TB) {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		missing(t, "the binary redis-server")
	}
	p.command = exec.Command(binary, p.args...)
	require.NoError(t, p.command.Start())
	client := dial(t, p.addr)
	until(t, "the server to answer", func() bool { return client.Ping(t.Context()).Err() == nil })
}

func (p *process) stop() {
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
}

// freePort returns a port that nobody listens on, and none of those from which
// connections are made: a client that dials such a one can meet itself.
func freePort(t testing.TB) int {
	t.Helper()
	for {
		port := 10_000 + mathrand.IntN(20_000)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			require.NoError(t, listener.Close())
			return port
		}
	}
}

// until waits for what another process does.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	require.Eventually(t, done, 30*time.Second, 20*time.Millisecond, "waiting for %s", what)
}

// cluster returns a client of a Redis Cluster of three masters.
func cluster(t testing.TB) *redis.ClusterClient {
	t.Helper()
	client, _ := clusterOf(t)
	return client
}

// clusterOf starts a Redis Cluster of three masters, with further arguments.
func clusterOf(t testing.TB, args ...string) (*redis.ClusterClient, []*process) {
	t.Helper()
	const nodes, slots = 3, 16384
	var addrs []string
	var processes []*process
	for i := range nodes {
		p := run(t, append([]string{"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(freePort(t)), "--appendonly", "no"}, args...)...)
		client := dial(t, p.addr)
		first, last := i*slots/nodes, (i+1)*slots/nodes-1
		require.NoError(t, client.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", first, last).Err())
		require.NoError(t, client.Do(t.Context(), "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err())
		addrs, processes = append(addrs, p.addr), append(processes, p)
	}
	for _, p := range processes[1:] {
		meet(t, processes[0], p)
	}
	for _, p := range processes {
		client := dial(t, p.addr)
		until(t, "the cluster", func() bool {
			info, err := client.ClusterInfo(t.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_size:3")
		})
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: addrs, ContextTimeoutEnabled: true, ClusterStateReloadInterval: time.Second,
	})
	t.Cleanup(func() { _ = client.Close() })
	return client, processes
}

// meet makes a node of a Cluster known to another one.
func meet(t testing.TB, known, next *process) {
	t.Helper()
	bus := known.args[slices.Index(known.args, "--cluster-port")+1]
	require.NoError(t, dial(t, next.addr).Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", known.port, bus).Err())
}

// now is some seconds ago, so that it is past by the server's clock, by which the
// keys expire.
var now = time.Now().UTC().Truncate(time.Second).Add(123_456_789 - 10*time.Second)

func newSession(user string) session.Session {
	return session.Session{
		ID: session.NewToken(user).ID(), User: user, Name: user, Method: "password", Stage: "login",
		Created: now, LastSeen: now, Expires: now.Add(2 * time.Hour),
	}
}

func newEnding(cause session.Cause) session.Ending {
	return session.Ending{Cause: cause, Time: now, Keep: now.Add(time.Hour)}
}
