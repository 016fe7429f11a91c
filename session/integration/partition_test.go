package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sessiontest"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// partitions is a prime, because MariaDB and MySQL spread over a power of two unevenly.
const partitions = 7

// partition returns the statements of docs/capacity.md, which spread the sessions over
// partitions by the hash of their ID.
func (e engine) partition(table string) []string {
	if e.dialect == sqlstore.MySQL {
		return []string{fmt.Sprintf("ALTER TABLE %s PARTITION BY KEY (id) PARTITIONS %d", e.quote(table), partitions)}
	}
	whole, before := e.quote(table), e.quote(table+"_whole")
	statements := []string{
		"ALTER TABLE " + whole + " RENAME TO " + before,
		"CREATE TABLE " + whole + " (LIKE " + before + " INCLUDING ALL) PARTITION BY HASH (id)",
	}
	for i := range partitions {
		statements = append(statements, fmt.Sprintf("CREATE TABLE %s PARTITION OF %s FOR VALUES WITH (MODULUS %d, REMAINDER %d) WITH (fillfactor = 85)",
			e.quote(fmt.Sprint(table, "_", i)), whole, partitions, i))
	}
	return append(statements, "INSERT INTO "+whole+" SELECT * FROM "+before, "DROP TABLE "+before)
}

// perPartition returns how many rows each partition of the table has.
func (e engine) perPartition(table string) string {
	if e.dialect == sqlstore.MySQL {
		var counts []string
		for i := range partitions {
			counts = append(counts, fmt.Sprintf("SELECT COUNT(*) FROM %s PARTITION (p%d)", e.quote(table), i))
		}
		return strings.Join(counts, " UNION ALL ")
	}
	return "SELECT COUNT(*) FROM " + e.quote(table) + " GROUP BY tableoid"
}

// A table of sessions that is partitioned by the hash of the ID is used as it is: sessions
// are spread over all partitions, and Get looks into one.
func TestPartitions(t *testing.T) {
	eachDialect(t, func(t *testing.T, e engine) {
		if e.dialect == sqlstore.SQLite {
			t.Skip("it has no partitions")
		}
		t.Parallel()
		db := e.open(t)
		store, table := e.store(t, db)
		kept := newSession("ada")
		_, err := store.Start(t.Context(), kept, session.Replace{})
		require.NoError(t, err)
		for _, statement := range e.partition(table) {
			_, err := db.ExecContext(t.Context(), statement)
			require.NoError(t, err, statement)
		}
		require.NoError(t, store.Migrate(t.Context()))
		got, err := store.Get(t.Context(), kept.ID)
		require.NoError(t, err)
		require.Equal(t, kept, got)

		const users = 700
		for i := range users {
			_, err := store.Start(t.Context(), newSession(fmt.Sprint("user ", i)), session.Replace{Others: true, Ending: newEnding("")})
			require.NoError(t, err)
		}
		rows, err := db.QueryContext(t.Context(), e.perPartition(table))
		require.NoError(t, err)
		var counts []int
		for rows.Next() {
			var n int
			require.NoError(t, rows.Scan(&n))
			counts = append(counts, n)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		require.Len(t, counts, partitions)
		for _, n := range counts {
			assert.InDelta(t, users/partitions, n, users/partitions/2, "%v", counts)
		}

		recorded, trips := e.recorded(t, e.dsn(t))
		again := e.over(t, recorded, table)
		_, err = again.Get(t.Context(), kept.ID)
		require.NoError(t, err)
		asked := trips.take()
		if e.dialect == sqlstore.PostgreSQL { // others do not explain it alike
			scans := strings.Count(strings.Join(e.explain(t, db, asked[len(asked)-1]), ""), "Index Scan ")
			require.Equal(t, 1, scans, "Get looks into one partition")
		}
		ended, err := again.EndUser(t.Context(), "user 1", session.ID{}, newEnding(session.CauseRevoked))
		require.NoError(t, err)
		require.Len(t, ended, 1)
		if !long() {
			return
		}
		sessiontest.RunStore(t, func(t *testing.T) session.Store {
			store, table := e.store(t, db)
			for _, statement := range e.partition(table) {
				_, err := db.ExecContext(t.Context(), statement)
				require.NoError(t, err, statement)
			}
			return store
		})
	})
}
