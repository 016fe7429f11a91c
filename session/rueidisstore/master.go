package rueidisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/redis/rueidis"

	"github.com/mooring-go/mooring/session/internal/redisbase"
)

// Info asks the masters at the same time.
func (l link) Info(ctx context.Context) []redisbase.Reply {
	masters, err := l.slots(ctx)
	if err != nil {
		return []redisbase.Reply{{Err: err}}
	}
	answers := make(chan redisbase.Reply, len(masters))
	for _, m := range masters {
		go func() {
			answers <- within(ctx, func() redisbase.Reply {
				return reply(m.node.Do(ctx, m.node.B().Info().Build()))
			}, failed)
		}()
	}
	replies := make([]redisbase.Reply, len(masters))
	for i := range replies {
		replies[i] = <-answers
	}
	return replies
}

// Masters returns the masters that have the keys.
func (l link) Masters(ctx context.Context, keys []string) ([]redisbase.Master, error) {
	masters, err := l.slots(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]redisbase.Master, len(masters))
	for i, m := range masters {
		all[i] = redisbase.Master{Addr: m.addr, Listen: m.listen}
	}
	for _, key := range keys {
		slot := int64(0) // outside a Cluster there is one master, which has all
		if l.cluster {
			get := l.redis.B().Get().Key(key).Build()
			slot = int64(get.Slot())
		}
		at := -1
		for i, m := range masters {
			if m.has(slot) {
				at = i
			}
		}
		if at < 0 {
			return nil, fmt.Errorf("no master has the slot %d", slot)
		}
		all[at].Keys = append(all[at].Keys, key)
	}
	var used []redisbase.Master
	for _, m := range all {
		if len(m.Keys) > 0 {
			used = append(used, m)
		}
	}
	return used, nil
}

// A master is a server that has slots.
type master struct {
	addr    string
	node    rueidis.Client
	cluster bool
	slots   [][2]int64 // each the first and the last
}

func (m master) has(slot int64) bool {
	for _, s := range m.slots {
		if s[0] <= slot && slot <= s[1] {
			return true
		}
	}
	return false
}

// slots returns the masters. In a Cluster, it asks the nodes in turn which they are.
func (l link) slots(ctx context.Context) ([]master, error) {
	nodes := l.redis.Nodes()
	if !l.cluster {
		for addr, node := range nodes {
			return []master{{addr: addr, node: node, slots: [][2]int64{{0, 0}}}}, nil
		}
	}
	type answer struct {
		masters []master
		err     error
	}
	answers := make(chan answer, len(nodes))
	for addr, node := range nodes {
		go func() {
			said := within(ctx, func() redisbase.Reply {
				return reply(node.Do(ctx, node.B().ClusterSlots().Build()))
			}, failed)
			masters, err := mastersIn(said, addr, nodes)
			answers <- answer{masters, err}
		}()
	}
	failure := errors.New("no node of the Cluster is known")
	for range nodes {
		first := <-answers
		if failure = first.err; failure == nil {
			return first.masters, nil
		}
	}
	return nil, failure
}

// mastersIn returns the masters that CLUSTER SLOTS of the node at asked names.
func mastersIn(said redisbase.Reply, asked string, nodes map[string]rueidis.Client) ([]master, error) {
	ranges, ok := said.Value.([]any)
	if said.Err != nil || !ok {
		return nil, cmp.Or(said.Err, fmt.Errorf("reply of type %T to CLUSTER SLOTS", said.Value))
	}
	at := map[string]int{}
	var all []master
	for _, one := range ranges {
		first, last, addr, ok := slotRange(one, asked)
		if !ok {
			return nil, errors.New("reply to CLUSTER SLOTS of an unknown form")
		}
		i, known := at[addr]
		if !known {
			node := nodes[addr]
			if node == nil {
				return nil, fmt.Errorf("the client does not know the master %s yet", addr)
			}
			i = len(all)
			at[addr], all = i, append(all, master{addr: addr, node: node, cluster: true})
		}
		all[i].slots = append(all[i].slots, [2]int64{first, last})
	}
	if len(all) == 0 {
		return nil, errors.New("no master has slots")
	}
	return all, nil
}

// slotRange reads an entry of CLUSTER SLOTS: the first slot, the last one, the master, and
// its replicas. A master without a host has that of the node that was asked.
func slotRange(entry any, asked string) (first, last int64, addr string, ok bool) {
	parts, _ := entry.([]any)
	if len(parts) < 3 {
		return 0, 0, "", false
	}
	first, isFirst := parts[0].(int64)
	last, isLast := parts[1].(int64)
	node, _ := parts[2].([]any)
	if len(node) < 2 || !isFirst || !isLast {
		return 0, 0, "", false
	}
	host, _ := node[0].(string)
	port, isPort := node[1].(int64)
	if host == "" {
		host, _, _ = net.SplitHostPort(asked)
	}
	return first, last, net.JoinHostPort(host, strconv.FormatInt(port, 10)), isPort
}
