package integration

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// Each of many processes has a pool of its own.
func TestMigrateByManyProcessesAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		dsn := e.dsn(t)
		table := e.table(t, e.connect(t, dsn))
		var running sync.WaitGroup
		for range 16 {
			store := e.over(t, e.connect(t, dsn), table)
			running.Go(func() {
				assert.NoError(t, store.Migrate(t.Context()))
				s := newSession("ada")
				_, err := store.Start(t.Context(), s, session.Replace{})
				assert.NoError(t, err)
				assert.NoError(t, store.Migrate(t.Context()), "once more")
				_, err = store.Get(t.Context(), s.ID)
				assert.NoError(t, err)
			})
		}
		running.Wait()
	})
}

func TestSchemaAppliedByTheHost(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		table := e.table(t, db)
		schema, err := sqlstore.Schema(sqlstore.Config{Dialect: e.dialect, Table: table})
		require.NoError(t, err)
		for range 2 { // it can be repeated
			for statement := range strings.SplitSeq(strings.TrimSpace(schema), ";\n") {
				_, err := db.ExecContext(t.Context(), statement)
				require.NoError(t, err, statement)
			}
		}
		store := e.over(t, db, table)
		_, err = store.Start(t.Context(), newSession("ada"), session.Replace{Others: true, Ending: journaled("")})
		require.NoError(t, err)
		require.NoError(t, store.Migrate(t.Context()))
	})
}

func TestSchemaMissingOrOfAnotherVersion(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store := e.over(t, db, e.table(t, db))
		s := newSession("ada")
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.ErrorIs(t, err, sqlstore.ErrSchema)
		require.ErrorContains(t, err, "sqlstore: start: ")
		require.ErrorContains(t, err, "Migrate makes them")
		_, err = store.Get(t.Context(), s.ID)
		require.ErrorIs(t, err, sqlstore.ErrSchema)
		require.NotErrorIs(t, err, session.ErrNotFound)

		require.NoError(t, store.Migrate(t.Context()))
		_, err = store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err, "it works as soon as the schema is there")

		_, table := e.store(t, db)
		_, err = db.ExecContext(t.Context(), "UPDATE "+e.quote(table+"_schema")+" SET version = 99")
		require.NoError(t, err)
		newer := e.over(t, db, table)
		_, err = newer.List(t.Context(), "ada")
		require.ErrorIs(t, err, sqlstore.ErrSchema)
		require.ErrorContains(t, err, "it has version 99, and this package uses 4")
		require.ErrorIs(t, newer.Migrate(t.Context()), sqlstore.ErrSchema)
	})
}

func TestTablesThatAreNotTheStores(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		table := e.table(t, db)
		_, err := db.ExecContext(t.Context(), "CREATE TABLE "+e.quote(table)+" (owner INTEGER, ended INTEGER, sweep_at INTEGER)")
		require.NoError(t, err)
		_, err = db.ExecContext(t.Context(), "INSERT INTO "+e.quote(table)+" VALUES (1, 2, 3)")
		require.NoError(t, err)
		store := e.over(t, db, table)
		require.ErrorIs(t, store.Migrate(t.Context()), sqlstore.ErrSchema)
		_, err = store.List(t.Context(), "ada")
		require.ErrorIs(t, err, sqlstore.ErrSchema)
		_, err = store.Sweep(t.Context(), now)
		require.ErrorIs(t, err, sqlstore.ErrSchema)
		var rows int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+e.quote(table)).Scan(&rows))
		require.Equal(t, 1, rows, "nothing is lost")
	})
}

func TestWrongDialect(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t)
		_, table := e.store(t, db)
		for _, dialect := range []sqlstore.Dialect{sqlstore.PostgreSQL, sqlstore.MySQL, sqlstore.SQLite} {
			if dialect == e.dialect {
				continue
			}
			store, err := sqlstore.New(db, sqlstore.Config{Dialect: dialect, Table: table})
			require.NoError(t, err)
			want := "the database speaks " + e.dialect.String() + ", and Config.Dialect is " + dialect.String()
			err = store.Migrate(t.Context())
			require.ErrorIs(t, err, sqlstore.ErrDialect)
			require.ErrorContains(t, err, want)
			_, err = store.Get(t.Context(), newSession("ada").ID)
			require.ErrorIs(t, err, sqlstore.ErrDialect)
			require.ErrorContains(t, err, want)
		}
	})
}
