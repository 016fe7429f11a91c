package integration

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// A crowd is a number of sessions that the server makes by itself.
type crowd struct {
	n      int
	tenant string
	user   string    // whose they are; "": each of a user of its own
	ended  string    // an expression of n, 1 for those that have ended and are in the journal; "": each second one
	until  time.Time // the deadline of those that live; the endings are kept until a minute before
}

// fill makes the crowd. Their records are of another session.
func (e engine) fill(t testing.TB, db *sql.DB, table string, c crowd) {
	t.Helper()
	model := newSession("crowd")
	record, err := session.EncodeRecord(model)
	require.NoError(t, err)
	ending, err := session.EncodeEnding(journaled(session.CauseSignedOut))
	require.NoError(t, err)

	ctx := context.WithoutCancel(t.Context())
	exec := func(query string) {
		t.Helper()
		_, err := db.ExecContext(ctx, query)
		require.NoError(t, err, query)
	}
	numbers := numbersBelow(c.n)
	// IDs as they are: a hash, so in no order, and two characters more.
	id := map[sqlstore.Dialect]string{
		sqlstore.PostgreSQL: "substr(md5(n::text) || md5((n + 1)::text), 1, 42) || 'Aaa'",
		sqlstore.MySQL:      "concat(substr(concat(md5(n), md5(n + 1)), 1, 42), 'Aaa')",
		sqlstore.SQLite:     "substr(printf('%010d', (n * 7368787) % 1000000007) || hex(printf('%018d', n)), 1, 42) || 'Aaa'",
	}[e.dialect]
	user := "n"
	if c.user != "" {
		user = "''"
	}
	owner := fmt.Sprintf(map[sqlstore.Dialect]string{
		sqlstore.PostgreSQL: "convert_to('%s' || %s, 'UTF8')",
		sqlstore.MySQL:      "concat('%s', %s)",
		sqlstore.SQLite:     "CAST('%s' || %s AS BLOB)",
	}[e.dialect], c.user, user)
	bytes := func(b []byte) string { return fmt.Sprintf("x'%x'", b) }
	if e.dialect == sqlstore.PostgreSQL {
		bytes = func(b []byte) string { return fmt.Sprintf(`'\x%x'::bytea`, b) }
	}
	ended := c.ended
	if ended == "" {
		ended = "n % 2"
	}
	until := c.until.UnixNano()
	exec(fmt.Sprintf("INSERT INTO %s (id, owner, kind, tenant, ended, created, last_seen, expires, idle, tell_expiry, sweep_at, ip, record, ending)"+
		" SELECT %s, %s, '', '"+c.tenant+"', %s, %d + n * 1000, %d, %d, %d, 0, %d + n * 1000, '203.0.113.7', %s, CASE WHEN %[4]s = 1 THEN %[12]s END FROM %[11]s",
		e.quote(table), id, owner, ended, now.Add(-time.Hour).UnixNano(), until-int64(model.Idle), model.Expires.UnixNano(), int64(model.Idle),
		until-int64(time.Minute), bytes(record), numbers, bytes(ending)))
	exec(fmt.Sprintf("INSERT INTO %s (session_id, owner, held_until) SELECT id, owner, 0 FROM %s WHERE ended = 1 ORDER BY created",
		e.quote(table+"_journal"), e.quote(table)))
	exec(fmt.Sprintf("INSERT INTO %s (owner, free_at) SELECT DISTINCT owner, 0 FROM %s", e.quote(table+"_queue"), e.quote(table+"_journal")))
	for _, name := range []string{table, table + "_journal", table + "_queue"} {
		switch e.dialect {
		case sqlstore.PostgreSQL:
			exec("VACUUM ANALYZE " + e.quote(name))
		case sqlstore.MySQL:
			exec("ANALYZE TABLE " + e.quote(name))
		case sqlstore.SQLite:
			exec("ANALYZE " + e.quote(name))
		}
	}
}

// numbersBelow returns a subquery of the numbers n from 0 to limit - 1. It joins no
// more digits than the limit has: all rows are made before those beyond it are left out.
func numbersBelow(limit int) string {
	const digits = "(SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4" +
		" UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
	sum, join, factor := "d1.n", digits+" d1", 10
	for ; factor < limit; factor *= 10 {
		digit := fmt.Sprintf("d%d", factor)
		sum += fmt.Sprintf(" + %d * %s.n", factor, digit)
		join += ", " + digits + " " + digit
	}
	return fmt.Sprintf("(SELECT %s AS n FROM %s) numbers WHERE n < %d", sum, join, limit)
}
