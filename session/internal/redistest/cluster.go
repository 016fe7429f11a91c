package redistest

import (
	"strconv"
	"strings"
	"testing"

	"github.com/mooring-go/mooring/session/internal/porttest"
)

// Node starts a server that can be a node of a Cluster, with further arguments.
func Node(t testing.TB, args ...string) *Server {
	t.Helper()
	bus := porttest.Free(t)
	s := Run(t, append([]string{"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus), "--appendonly", "no"}, args...)...)
	s.bus = bus
	return s
}

// Meet makes another node known to the node.
func (s *Server) Meet(t testing.TB, next *Server) {
	t.Helper()
	next.Do(t, "CLUSTER", "MEET", "127.0.0.1", s.Port, s.bus)
}

// Cluster starts a Cluster of three masters, with further arguments.
func Cluster(t testing.TB, args ...string) []*Server {
	t.Helper()
	const nodes, slots = 3, 16384
	var all []*Server
	for i := range nodes {
		s := Node(t, args...)
		s.Do(t, "CLUSTER", "ADDSLOTSRANGE", i*slots/nodes, (i+1)*slots/nodes-1)
		s.Do(t, "CLUSTER", "SET-CONFIG-EPOCH", i+1)
		all = append(all, s)
	}
	for _, s := range all[1:] {
		all[0].Meet(t, s)
	}
	for _, s := range all {
		Until(t, "the cluster", func() bool {
			info := s.Do(t, "CLUSTER", "INFO").(string)
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_size:3")
		})
	}
	return all
}
