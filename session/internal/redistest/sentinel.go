package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/internal/porttest"
)

// MasterSet is by what name a Sentinel knows the master of [Watched].
const MasterSet = "mooring"

// Watched starts a master, a replica of it and a Sentinel that watches them.
func Watched(t testing.TB) (master, replica, sentinel *Server) {
	t.Helper()
	master = Run(t)
	replica = Run(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(master.Port))
	sentinel = &Server{Port: porttest.Free(t)}
	sentinel.Addr = fmt.Sprint("127.0.0.1:", sentinel.Port)
	config := filepath.Join(t.TempDir(), "sentinel.conf") // Sentinel writes to it
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
port %d
bind 127.0.0.1
dir %q
sentinel monitor %s 127.0.0.1 %d 1
sentinel down-after-milliseconds %[3]s 3000
sentinel failover-timeout %[3]s 5000
`, sentinel.Port, t.TempDir(), MasterSet, master.Port), 0o600))
	sentinel.args = []string{config, "--sentinel"}
	sentinel.Start(t)
	t.Cleanup(sentinel.Stop)
	Until(t, "the Sentinel to find the replica", func() bool {
		replicas, err := Do(sentinel.Addr, "SENTINEL", "REPLICAS", MasterSet)
		return err == nil && strings.Contains(fmt.Sprint(replicas), "master-link-status ok")
	})
	return master, replica, sentinel
}

// Failover has a Sentinel make the replica the master, once it takes that to be well.
func (s *Server) Failover(t testing.TB) {
	t.Helper()
	Until(t, "the Sentinel to begin", func() bool {
		_, err := Do(s.Addr, "SENTINEL", "FAILOVER", MasterSet)
		return err == nil
	})
}
