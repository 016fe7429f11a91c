package integration

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// crowd is how many sessions others have where plans are looked at, half of them
// ended and in the journal.
const crowd = 100_000

func TestRoundTrips(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		dsn := e.dsn(t)
		_, table := e.store(t, e.connect(t, dsn))
		db, trips := e.recorded(t, dsn)
		db.SetMaxOpenConns(1)
		store := e.over(t, db, table)
		s := newSession("ada")
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		_, err = store.Get(t.Context(), s.ID)
		require.NoError(t, err)
		require.NoError(t, store.Touch(t.Context(), s.ID, session.Seen{Time: now.Add(1), IP: s.IP}))

		ended := newSession("bob")
		_, err = store.Start(t.Context(), ended, session.Replace{})
		require.NoError(t, err)
		_, err = store.End(t.Context(), ended.ID, newEnding(session.CauseSignedOut))
		require.NoError(t, err)
		for _, id := range []session.ID{s.ID, ended.ID, newSession("ada").ID} {
			trips.take()
			_, _ = store.Get(t.Context(), id)
			asked := trips.take()
			require.Len(t, asked, 1, "Get is one round trip: %v", asked)
			require.Equal(t, "query", asked[0].what)
			require.True(t, strings.HasPrefix(asked[0].query, "SELECT "), "and writes nothing: %s", asked[0].query)
		}
		require.NoError(t, store.Touch(t.Context(), s.ID, session.Seen{Time: now.Add(2), IP: s.IP}))
		require.Len(t, trips.take(), 1, "Touch is one round trip")
		require.NoError(t, store.Touch(t.Context(), s.ID, session.Seen{Time: now, IP: s.IP}))
		require.Len(t, trips.take(), 2, "two if it comes late")
	})
}

// What is executed is explained: the statements of each method, as they are.
func TestStatementsUseAnIndex(t *testing.T) {
	eachDialect(t, func(t *testing.T, e engine) {
		dsn := e.dsn(t)
		plain := e.connect(t, dsn)
		store, table := e.store(t, plain)
		e.fill(t, plain, store, table, crowd)
		db, trips := e.recorded(t, dsn)
		store = e.over(t, db, table)

		first, second := newSession("ada"), newSession("ada")
		steps := []struct {
			name string
			do   func() error
		}{
			{"Start", func() error { _, err := store.Start(t.Context(), first, session.Replace{}); return err }},
			{"Get", func() error { _, err := store.Get(t.Context(), first.ID); return err }},
			{"Touch", func() error {
				return store.Touch(t.Context(), first.ID, session.Seen{Time: now.Add(1), Drift: session.Drift{Reported: []string{"a"}}})
			}},
			{"Start with Others", func() error {
				_, err := store.Start(t.Context(), second, session.Replace{Before: first.ID, Others: true, Max: 2, Ending: journaled("")})
				return err
			}},
			{"List", func() error { _, err := store.List(t.Context(), "ada"); return err }},
			{"EndUser", func() error {
				_, err := store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked))
				return err
			}},
			{"End", func() error {
				third := newSession("ada")
				if _, err := store.Start(t.Context(), third, session.Replace{}); err != nil {
					return err
				}
				_, err := store.End(t.Context(), third.ID, newEnding(session.CauseSignedOut))
				return err
			}},
			{"Sweep", func() error {
				swept, err := store.Sweep(t.Context(), now.Add(-time.Hour))
				assert.Equal(t, session.Swept{Forgotten: 1}, swept)
				return err
			}},
			{"Lease", func() error { _, err := store.Lease(t.Context(), time.Minute, 10); return err }},
			{"Delivered", func() error { return store.Delivered(t.Context(), first.ID) }},
			{"Release", func() error { return store.Release(t.Context(), 0, first.ID) }},
		}
		explained := 0
		for _, step := range steps {
			require.NoError(t, step.do(), step.name)
			for _, asked := range trips.take() {
				if asked.what != "query" && asked.what != "exec" || !strings.Contains(asked.query, " WHERE ") || strings.Contains(asked.query, "_schema") {
					continue
				}
				explained++
				for _, line := range e.explain(t, plain, asked) {
					assert.False(t, e.scans(line), "%s reads a whole table:\n%s\n%s", step.name, asked.query, line)
				}
			}
		}
		require.Greater(t, explained, 15)
	})
}

// fill makes n sessions of as many users on the server, each second one ended
// and in the journal, and one that is overdue.
func (e engine) fill(t testing.TB, db *sql.DB, store *sqlstore.Store, table string, n int) {
	t.Helper()
	model := newSession("crowd")
	model.LastSeen = now.Add(-model.Idle - 2*time.Hour)
	_, err := store.Start(t.Context(), model, session.Replace{})
	require.NoError(t, err)
	record, err := session.EncodeRecord(model)
	require.NoError(t, err)
	ending, err := session.EncodeEnding(journaled(session.CauseSignedOut))
	require.NoError(t, err)

	ctx := context.WithoutCancel(t.Context())
	exec := func(query string, args ...any) {
		t.Helper()
		_, err := db.ExecContext(ctx, query, args...)
		require.NoError(t, err, query)
	}
	const digits = "(SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4" +
		" UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
	numbers := fmt.Sprintf("(SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n AS n FROM"+
		" %[1]s a, %[1]s b, %[1]s c, %[1]s d, %[1]s e) numbers WHERE n < %[2]d", digits, n)
	// IDs as they are: 43 characters of a hash, so in no order, and two more.
	id := map[sqlstore.Dialect]string{
		sqlstore.PostgreSQL: "substr(md5(n::text) || md5((n + 1)::text), 1, 45)",
		sqlstore.MySQL:      "substr(concat(md5(n), md5(n + 1)), 1, 45)",
		sqlstore.SQLite:     "substr(printf('%010d', (n * 7368787) % 1000000007) || hex(printf('%018d', n)), 1, 45)",
	}[e.dialect]
	owner := map[sqlstore.Dialect]string{
		sqlstore.PostgreSQL: "convert_to('user ' || n, 'UTF8')",
		sqlstore.MySQL:      "concat('user ', n)",
		sqlstore.SQLite:     "CAST('user ' || n AS BLOB)",
	}[e.dialect]
	bytes := func(b []byte) string { return fmt.Sprintf("x'%x'", b) }
	if e.dialect == sqlstore.PostgreSQL {
		bytes = func(b []byte) string { return fmt.Sprintf(`'\x%x'::bytea`, b) }
	}
	exec(fmt.Sprintf("INSERT INTO %s (id, owner, ended, last_seen, expires, idle, sweep_at, ip, record, ending)"+
		" SELECT %s, %s, n %% 2, %d, %d, %d, %d + n * 1000, '203.0.113.7', %s, CASE WHEN n %% 2 = 1 THEN %s END FROM %s",
		e.quote(table), id, owner, now.UnixNano(), model.Expires.UnixNano(), int64(model.Idle), now.UnixNano(),
		bytes(record), bytes(ending), numbers))
	exec(fmt.Sprintf("INSERT INTO %s (session_id, owner, keep, leased_until) SELECT id, owner, sweep_at, 0 FROM %s WHERE ended = 1",
		e.quote(table+"_journal"), e.quote(table)))
	for _, name := range []string{table, table + "_journal"} {
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

// explain is the plan of a statement, a line for each table that it reads.
func (e engine) explain(t *testing.T, db *sql.DB, asked asked) []string {
	t.Helper()
	explain := "EXPLAIN "
	if e.dialect == sqlstore.SQLite {
		explain = "EXPLAIN QUERY PLAN "
	}
	rows, err := db.QueryContext(t.Context(), explain+asked.query, asked.args...)
	require.NoError(t, err, asked.query)
	defer func() { require.NoError(t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var lines []string
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		line := ""
		for i, value := range values {
			line += fmt.Sprintf("%s=%s ", columns[i], value.String)
		}
		lines = append(lines, line)
	}
	require.NoError(t, rows.Err())
	require.NotEmpty(t, lines)
	return lines
}

// scans reports whether a line of a plan reads a whole table, or sorts what is
// to be read in the order of an index. Lease reads the journal in its order, but
// only as much as its limit.
func (e engine) scans(line string) bool {
	switch e.dialect {
	case sqlstore.PostgreSQL:
		return strings.Contains(line, "Seq Scan")
	case sqlstore.MySQL:
		return strings.Contains(line, " type=ALL ") || strings.Contains(line, " type=index ") && !strings.Contains(line, " rows=10 ")
	default:
		return strings.Contains(line, "SCAN ") && !strings.HasSuffix(line, "=SCAN j ") || strings.Contains(line, "TEMP B-TREE")
	}
}
