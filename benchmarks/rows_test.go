package benchmarks

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"
)

// rows returns how many rows of the table of sessions were read, inserted, updated and
// deleted so far, as PostgreSQL counts them.
func rows(t *testing.T, db *sql.DB) (n [4]int64) {
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	_, err = conn.ExecContext(t.Context(), "SELECT pg_stat_force_next_flush()")
	require.NoError(t, err)
	require.NoError(t, conn.QueryRowContext(t.Context(),
		"SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0), n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables"+
			" WHERE relid = 'mooring_session'::regclass").Scan(&n[0], &n[1], &n[2], &n[3]))
	return n
}
