package integration

import (
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

// many returns how many sessions others have where plans are looked at. A server
// reads smaller tables as a whole, and is right.
func many() int {
	if long() {
		return 100_000
	}
	return 20_000
}

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
	eachHeavy(t, func(t *testing.T, e engine) {
		dsn := e.dsn(t)
		plain := e.connect(t, dsn)
		store, table := e.store(t, plain)
		late := overdue("late")
		_, err := store.Start(t.Context(), late, session.Replace{})
		require.NoError(t, err)
		e.fill(t, plain, table, crowd{n: many(), until: now.Add(time.Hour)})
		db, trips := e.recorded(t, dsn)
		store = e.over(t, db, table)
		require.NoError(t, store.Migrate(t.Context()))
		trips.take()

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

// explain returns the plan of a statement, a line for each table that it reads.
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
// to be read in the order of an index. Lease reads the queue in its order, but only
// as much as its limit.
func (e engine) scans(line string) bool {
	switch e.dialect {
	case sqlstore.PostgreSQL:
		return strings.Contains(line, "Seq Scan")
	case sqlstore.MySQL:
		return strings.Contains(line, " type=ALL ") && !strings.Contains(line, " table=<derived") || strings.Contains(line, " type=index ") && !strings.Contains(line, " rows=10 ")
	default:
		return strings.Contains(line, "SCAN ") && !strings.HasSuffix(line, "=SCAN of_one ") || strings.Contains(line, "TEMP B-TREE")
	}
}
