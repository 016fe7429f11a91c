package redisstore_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/redisstore"
)

// clusterRights are the further commands that package redisstore says are needed in a
// Cluster.
var clusterRights = []string{"asking", "cluster|slots", "command"}

// A move is the move of one slot from a node of a Cluster to another.
type move struct {
	*testing.T
	slot     int
	from, to *redis.Client
	toID     string
}

// newMove begins to move the slot of a key.
func newMove(t *testing.T, client *redis.ClusterClient, key string) move {
	t.Helper()
	m := move{T: t, slot: int(client.ClusterKeySlot(t.Context(), key).Val())}
	from, err := client.MasterForKey(t.Context(), key)
	require.NoError(t, err)
	m.from = from
	nodes := make(chan *redis.Client, 3)
	require.NoError(t, client.ForEachMaster(t.Context(), func(_ context.Context, node *redis.Client) error {
		nodes <- node
		return nil
	}))
	for range 3 {
		if node := <-nodes; node.Options().Addr != from.Options().Addr {
			m.to = node
		}
	}
	id := func(node *redis.Client) string {
		id, err := node.Do(t.Context(), "CLUSTER", "MYID").Text()
		require.NoError(t, err)
		return id
	}
	m.toID = id(m.to)
	m.set(m.to, "IMPORTING", id(m.from))
	m.set(m.from, "MIGRATING", m.toID)
	return m
}

func (m move) set(node *redis.Client, state, id string) {
	m.Helper()
	require.NoError(m, node.Do(m.Context(), "CLUSTER", "SETSLOT", m.slot, state, id).Err())
}

// keys returns those of the slot that are still where they were.
func (m move) keys() []string {
	m.Helper()
	keys, err := m.from.ClusterGetKeysInSlot(m.Context(), m.slot, 1000).Result()
	require.NoError(m, err)
	return keys
}

// one moves a key.
func (m move) one(key string) {
	m.Helper()
	host, port, _ := strings.Cut(m.to.Options().Addr, ":")
	require.NoError(m, m.from.Migrate(m.Context(), host, port, key, 0, 5*time.Second).Err())
}

func (m move) finish() {
	m.Helper()
	m.set(m.to, "NODE", m.toID)
	m.set(m.from, "NODE", m.toID)
}

// While a slot moves, each step says that it failed, with nothing done, or gives the
// answer that it would have given. When it has moved nothing is lost.
func TestWhileASlotMoves(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	require.NoError(t, admin.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error {
		rules := []any{"ACL", "SETUSER", "mooring", "reset", "on", ">secret", "~*"}
		for _, command := range append(slices.Clone(clusterRights), rights...) {
			rules = append(rules, "+"+command)
		}
		return node.Do(ctx, rules...).Err()
	}))
	options := *admin.Options()
	options.Username, options.Password, options.MaxRedirects = "mooring", "secret", 2
	options.MinRetryBackoff, options.MaxRetryBackoff = time.Millisecond, time.Millisecond
	client := redis.NewClusterClient(&options)
	t.Cleanup(func() { _ = client.Close() })

	prefix := "moves"
	store, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
	require.NoError(t, err)
	var all []session.Session
	for i := range 4 {
		s := newSession("ada")
		s.Created = now.Add(-time.Duration(i))
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		all = append(all, s)
	}
	waiting := []session.ID{ends(t, store, "ada"), ends(t, store, "ada")}
	m := newMove(t, admin, prefix+":{"+session.Shard("ada")+"}:")
	failures, answers := 0, 0
	count := func(err error) bool {
		if err != nil {
			failures++
			require.Regexp(t, "redisstore: .*(TRYAGAIN|ASK|non local key)", err)
			return false
		}
		answers++
		return true
	}
	keys := m.keys()
	require.Greater(t, len(keys), 8)
	rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	// The index first, so that what it lists is not where it is.
	slices.SortStableFunc(keys, func(a, b string) int {
		return cmp.Compare(strings.Index(b, "}:u:"), strings.Index(a, "}:u:"))
	})
	for i := 0; i <= len(keys); i++ {
		list, err := store.List(t.Context(), "ada")
		if count(err) {
			require.Equal(t, all, list, "%d of %d keys have moved", i, len(keys))
		}
		for j, s := range all {
			got, err := store.Get(t.Context(), s.ID)
			require.NoError(t, err, "one key is here or there")
			require.Equal(t, s, got)
			seen := session.Seen{Time: now.Add(time.Duration(i + 1))}
			if count(store.Touch(t.Context(), s.ID, seen)) {
				all[j].Apply(seen, time.Now())
			}
		}
		ended, err := store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked), session.KindDevice)
		count(err)
		require.Empty(t, ended)
		_, err = store.End(t.Context(), session.NewToken("ada").ID(), newEnding(session.CauseSignedOut))
		require.Error(t, err)
		leased, err := store.Lease(t.Context(), time.Minute, 1)
		if count(err) && len(leased) > 0 {
			require.Equal(t, waiting[0], leased[0].Session.ID)
			require.NoError(t, store.Release(t.Context(), 0, waiting[0]))
		}
		_, err = store.Sweep(t.Context(), now)
		count(err)
		device := newSession("ada")
		device.Kind = session.KindDevice
		if _, err = store.Start(t.Context(), device, session.Replace{Others: true, Ending: newEnding("")}); count(err) {
			all = nil
		}
		if i < len(keys) {
			m.one(keys[i])
		}
	}
	t.Logf("%d keys: %d steps failed, %d did not", len(keys), failures, answers)
	require.NotZero(t, failures)
	m.finish()

	redistest.Until(t, "the clients to see it", func() bool {
		list, err := store.List(t.Context(), "ada")
		return err == nil && len(list) == len(all)
	})
	leased := leases(t, store, time.Minute, 10)
	require.Equal(t, waiting, leased)
	ended, err := store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked))
	require.NoError(t, err)
	require.ElementsMatch(t, all, ended)
}

// When a master dies, its users are back as soon as the Cluster has another one.
func TestAMasterOfAClusterDies(t *testing.T) {
	t.Parallel()
	client, nodes := clusterOf(t, "--cluster-node-timeout", "3000")
	master, err := client.MasterForKey(t.Context(), "any:{"+session.Shard("ada")+"}")
	require.NoError(t, err)
	var dying *redistest.Server
	for _, node := range nodes {
		if node.Addr == master.Options().Addr {
			dying = node
		}
	}
	id, err := dial(t, dying.Addr).Do(t.Context(), "CLUSTER", "MYID").Text()
	require.NoError(t, err)
	replica := redistest.Node(t, "--cluster-node-timeout", "3000", "--repl-diskless-sync-delay", "0")
	nodes[0].Meet(t, replica)
	joined := dial(t, replica.Addr)
	redistest.Until(t, "the replica to know its master", func() bool {
		return joined.Do(t.Context(), "CLUSTER", "REPLICATE", id).Err() == nil
	})
	redistest.Until(t, "the replica to follow", func() bool {
		return strings.Contains(joined.Info(t.Context(), "replication").Val(), "master_link_status:up")
	})
	store, _ := open(t, client)
	_, s := signedIn(t, store)
	redistest.Until(t, "the replica to have it", func() bool { return joined.DBSize(t.Context()).Val() > 2 })

	dying.Stop()
	redistest.Until(t, "the failover", func() bool {
		return strings.Contains(joined.Info(t.Context(), "replication").Val(), "role:master")
	})
	begin := time.Now()
	redistest.Until(t, "the client to see it", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got, err := store.Get(ctx, s.ID)
		return err == nil && got.ID == s.ID
	})
	require.Less(t, time.Since(begin), redisstore.MaxClusterStateReload+2*time.Second)
	_, err = store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked))
	require.NoError(t, err)
}

// The keys of users spread over the nodes of a Cluster, and the shards over its slots.
func TestUsersSpreadOverACluster(t *testing.T) {
	t.Parallel()
	client := cluster(t)
	store, prefix := open(t, client)
	const users = 900
	for i := range users {
		_, err := store.Start(t.Context(), newSession(fmt.Sprint("user ", i)), session.Replace{})
		require.NoError(t, err)
	}
	perNode := map[string]int{}
	sessions := regexp.MustCompile(`\}:s:`)
	for _, key := range keys(t.Context(), client, prefix) {
		if sessions.MatchString(key) {
			master, err := client.MasterForKey(t.Context(), key)
			require.NoError(t, err)
			perNode[master.Options().Addr]++
		}
	}
	require.Len(t, perNode, 3)
	for _, n := range perNode {
		require.InDelta(t, users/3, n, users/12, "%v", perNode)
	}

	// As many nodes as there may ever be each have about as many shards.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var slots []*redis.IntCmd
	node, err := client.MasterForKey(t.Context(), "any")
	require.NoError(t, err)
	_, err = node.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for _, a := range alphabet {
			for _, b := range alphabet {
				slots = append(slots, p.ClusterKeySlot(t.Context(), fmt.Sprintf("mooring:{%c%c}:", a, b)))
			}
		}
		return nil
	})
	require.NoError(t, err)
	for nodes, most := range map[int]float64{3: 1.1, 10: 1.25, 30: 1.5, 100: 2} {
		has := make([]int, nodes)
		for _, slot := range slots {
			has[int(slot.Val())*nodes/16384]++
		}
		fullest := float64(slices.Max(has)) * float64(nodes) / float64(len(slots))
		t.Logf("of %d nodes the fullest has %.2f times its share", nodes, fullest)
		require.Less(t, fullest, most)
	}
}
