package failover

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/internal/porttest"
)

// pgbouncer starts PgBouncer in the mode in front of the server at the address, with a
// further setting, and returns its address.
func pgbouncer(t *testing.T, mode, server, setting string) string {
	t.Helper()
	binary := program(t, "pgbouncer")
	as := unprivileged(t, "nobody")
	port := strconv.Itoa(porttest.Free(t))
	addr := net.JoinHostPort("127.0.0.1", port)
	host, serverPort, err := net.SplitHostPort(server)
	require.NoError(t, err)
	config := filepath.Join(directory(t, as), "pgbouncer.ini")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `[databases]
postgres = host=%s port=%s user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = %s
default_pool_size = 16
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
%s
`, host, serverPort, port, mode, setting), 0o644))
	if as != nil {
		require.NoError(t, os.Chown(config, int(as.Uid), int(as.Gid)))
	}
	run(t, as, binary, config)
	listening(t, addr)
	return addr
}
