package integration

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// withOptions returns the DSN with options of the session or the driver.
func withOptions(dsn, options string) string {
	if strings.Contains(dsn, "?") {
		return dsn + "&" + options
	}
	return dsn + "?" + options
}

// Under these the store would give wrong answers, so it gives none. Each names all
// that is wrong, and goes as soon as the settings are right.
func TestSettingsThatBreakTheContract(t *testing.T) {
	cases := map[string][]struct {
		options string
		want    []string
	}{
		"mysql": {
			{"autocommit=0", []string{`autocommit is "OFF", want ON`}},
			{"completion_type=1", []string{`completion_type is "CHAIN", want NO_CHAIN`}},
			{"sql_select_limit=10", []string{`sql_select_limit is "10"`}},
			{"unique_checks=0", []string{`unique_checks is "OFF", want ON`}},
			{"tx_isolation='READ-UNCOMMITTED'", []string{`tx_isolation is "READ-UNCOMMITTED"`}},
			{"tx_read_only=1", []string{`tx_read_only is "ON"`, "connect to the primary"}},
			{"autocommit=0&completion_type=1&sql_select_limit=10", []string{"autocommit", "completion_type", "sql_select_limit"}},
		},
		"pgx": {
			{"default_transaction_read_only=on", []string{`default_transaction_read_only is "on", want OFF`}},
			{"bytea_output=escape", []string{`bytea_output is "escape", want hex`}},
			{"bytea_output=escape&default_transaction_read_only=on", []string{"bytea_output", "default_transaction_read_only"}},
		},
		"sqlite": {
			{"_pragma=journal_mode(OFF)", []string{`journal_mode is "off"`}},
			{"_pragma=journal_mode(MEMORY)", []string{`journal_mode is "memory"`}},
			{"_pragma=journal_mode(OFF)&_pragma=read_uncommitted(1)", []string{"journal_mode", `read_uncommitted is "1", want 0`}},
		},
	}
	eachDialect(t, func(t *testing.T, e engine) {
		// A write-ahead log is a property of the file, which a connection keeps.
		dsn := strings.Replace(e.dsn(t), "journal_mode(WAL)", "journal_mode(DELETE)", 1)
		db := e.connect(t, dsn)
		_, table := e.store(t, db)
		for _, c := range cases[e.driver] {
			options := c.options
			if e.driver == "mysql" && strings.HasPrefix(options, "tx_") {
				e.option = true // not every server knows it
			}
			broken := e.connect(t, withOptions(dsn, options))
			store := e.over(t, broken, table)
			id := newSession("ada").ID
			for step, do := range steps(store, id) {
				err := do(t.Context())
				require.ErrorIs(t, err, sqlstore.ErrSettings, "%s: %s", options, step)
				isFailure(t, err, step, id)
				require.NotErrorIs(t, err, sqlstore.ErrSchema)
				for _, want := range c.want {
					require.ErrorContains(t, err, want, options)
				}
			}
			require.NoError(t, broken.Close())
		}
	})
}

// Tables that are emptied by a crash, or without transactions, are none.
func TestTablesThatBreakTheContract(t *testing.T) {
	changes := map[sqlstore.Dialect]struct{ change, want string }{
		sqlstore.PostgreSQL: {"SET UNLOGGED", "is not LOGGED"},
		sqlstore.MySQL:      {"ENGINE = MyISAM", `is "MyISAM", want InnoDB`},
	}
	eachDialect(t, func(t *testing.T, e engine) {
		c, known := changes[e.dialect]
		if !known {
			return
		}
		db := e.open(t)
		_, table := e.store(t, db)
		_, err := db.ExecContext(t.Context(), "ALTER TABLE "+e.quote(table+"_journal")+" "+c.change)
		require.NoError(t, err)
		_, err = e.over(t, db, table).List(t.Context(), "ada")
		require.ErrorIs(t, err, sqlstore.ErrSettings)
		require.ErrorContains(t, err, c.want)
		require.ErrorContains(t, err, table+"_journal")
	})
}

// Each connection to SQLite's memory has a database of its own, unless they share
// it: what one starts, another one has never heard of.
func TestDatabaseInMemory(t *testing.T) {
	for _, e := range engines {
		if e.dialect != sqlstore.SQLite {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			open := func(dsn string, connections int) *sql.DB {
				db, err := sql.Open(e.driver, dsn)
				require.NoError(t, err)
				t.Cleanup(func() { _ = db.Close() })
				db.SetMaxOpenConns(connections)
				return db
			}
			many := e.over(t, open(":memory:", 0), "mooring")
			err := many.Migrate(t.Context())
			require.ErrorIs(t, err, sqlstore.ErrSettings)
			require.ErrorContains(t, err, "want SetMaxOpenConns(1)")

			for _, db := range []*sql.DB{open(":memory:", 1), open("file:shared"+strings.ReplaceAll(e.name, " ", "")+"?mode=memory&cache=shared", 4)} {
				store := e.over(t, db, "mooring")
				require.NoError(t, store.Migrate(t.Context()))
				s := newSession("ada")
				_, err := store.Start(t.Context(), s, session.Replace{})
				require.NoError(t, err)
				got, err := store.Get(t.Context(), s.ID)
				require.NoError(t, err)
				require.Equal(t, s, got)
			}
		})
	}
}

// What the error says is what is missing: a right is not a schema, and a schema
// that Migrate does not make is none that it makes.
func TestDiagnoses(t *testing.T) {
	eachDialect(t, func(t *testing.T, e engine) {
		if e.dialect == sqlstore.SQLite {
			return // it has neither rights nor schemas
		}
		db := e.open(t)
		_, err := e.over(t, db, "nobody_made_this.session").List(t.Context(), "ada")
		require.ErrorContains(t, err, `the schema "nobody_made_this"`)
		require.NotErrorIs(t, err, sqlstore.ErrSchema)
		require.NotErrorIs(t, err, sqlstore.ErrDialect)

		store, table := e.store(t, db)
		require.NoError(t, store.Migrate(t.Context()))
		poor := e.over(t, e.as(t, db), table)
		for step, do := range steps(poor, newSession("ada").ID) {
			err := do(t.Context())
			require.ErrorIs(t, err, sqlstore.ErrRights, step)
			require.NotErrorIs(t, err, sqlstore.ErrSchema, step)
			require.ErrorContains(t, err, table, "%s names the table", step)
		}
	})
}

// as returns the database by a new user, who has the rights and no others.
func (e engine) as(t *testing.T, db *sql.DB, grants ...string) *sql.DB {
	t.Helper()
	name, password := "mooring_"+strings.ToLower(rand.Text()[:12]), "only-for-tests"
	exec := func(query string) {
		t.Helper()
		_, err := db.ExecContext(t.Context(), query)
		require.NoError(t, err, query)
	}
	dsn := e.dsn(t)
	if e.dialect == sqlstore.MySQL {
		who := "'" + name + "'@'%'"
		exec("CREATE USER " + who + " IDENTIFIED BY '" + password + "'")
		t.Cleanup(func() { _, _ = db.Exec("DROP USER " + who) })
		var database string
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&database))
		exec("GRANT CREATE TEMPORARY TABLES ON " + e.quote(database) + ".* TO " + who) // else it cannot connect to it
		for _, grant := range grants {
			exec(grant + " TO " + who)
		}
		at := strings.Index(dsn, "@")
		return e.connect(t, name+":"+password+dsn[at:])
	}
	exec("CREATE ROLE " + name + " LOGIN PASSWORD '" + password + "'")
	t.Cleanup(func() {
		_, _ = db.Exec("DROP OWNED BY " + name)
		_, _ = db.Exec("DROP ROLE " + name)
	})
	for _, grant := range grants {
		exec(grant + " TO " + name)
	}
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.User = url.UserPassword(name, password)
	return e.connect(t, u.String())
}

// The rights are those that the package documentation lists.
func TestLeastRights(t *testing.T) {
	rights := []struct {
		table string
		right string
	}{
		{"", "SELECT, INSERT, UPDATE, DELETE"},
		{"_journal", "SELECT, INSERT, UPDATE, DELETE"},
		{"_queue", "SELECT, INSERT, UPDATE, DELETE"},
		{"_lock", "SELECT, INSERT, UPDATE"},   // MySQL alone has it
		{"_change", "SELECT, INSERT, DELETE"}, // and this
		{"_schema", "SELECT"},
	}
	eachDialect(t, func(t *testing.T, e engine) {
		if e.dialect == sqlstore.SQLite {
			return
		}
		db := e.open(t)
		_, table := e.store(t, db)
		var grants []string
		for _, r := range rights {
			if (r.table == "_lock" || r.table == "_change") && e.dialect != sqlstore.MySQL {
				continue
			}
			grants = append(grants, "GRANT "+r.right+" ON "+e.quote(table+r.table))
		}
		store := e.over(t, e.as(t, db, grants...), table)
		told := overdue("cyd")
		told.TellExpiry = 1
		for _, s := range []session.Session{newSession("bob"), overdue("bob"), told} {
			_, err := store.Start(t.Context(), s, session.Replace{})
			require.NoError(t, err)
		}
		s := newSession("ada")
		for step, do := range steps(store, s.ID) {
			require.NoError(t, unlessOver(do(t.Context())), step)
		}
		drift := session.Seen{Time: now.Add(1), Drift: session.Drift{Reported: []string{"a"}}}
		for _, do := range []func() error{
			func() error { _, err := store.Start(t.Context(), s, session.Replace{}); return err },
			func() error { return store.Touch(t.Context(), s.ID, drift) },
			func() error { _, err := store.End(t.Context(), s.ID, journaled(session.CauseSignedOut)); return err },
			func() error { _, err := store.Lease(t.Context(), 0, 10); return err },
			func() error { return store.Release(t.Context(), 0, s.ID) },
			func() error { return store.Delivered(t.Context(), s.ID) },
			func() error { _, err := store.Sweep(t.Context(), now); return err },
			func() error { return store.Migrate(t.Context()) },
		} {
			require.NoError(t, do())
		}
	})
}

// A restored dump knows nothing of what was ended since. What the package
// documentation says to execute then signs everybody out.
func TestRestoredDump(t *testing.T) {
	eachDialect(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store, table := e.store(t, db)
		s := newSession("ada")
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		journal{t, store}.ended("bob")
		empty := "TRUNCATE "
		if e.dialect == sqlstore.SQLite {
			empty = "DELETE FROM "
		}
		for _, name := range []string{table, table + "_journal", table + "_queue"} {
			_, err := db.ExecContext(t.Context(), empty+e.quote(name))
			require.NoError(t, err)
		}
		_, err = store.Get(t.Context(), s.ID)
		require.Equal(t, session.ErrNotFound, err)
		leased, err := store.Lease(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, leased)
		journal{t, store}.ended("ada")
	})
}
