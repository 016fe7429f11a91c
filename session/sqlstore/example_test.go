package sqlstore_test

import (
	"database/sql"
	"fmt"
	"strings"

	"github.com/mooring-go/mooring/session/sqlstore"
)

// Hosts that run migrations of their own take the schema as SQL.
func ExampleSchema() {
	schema, err := sqlstore.Schema(sqlstore.Config{Dialect: sqlstore.PostgreSQL, Table: "auth.session"})
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(schema) {
		if strings.HasPrefix(line, "CREATE") {
			fmt.Print(line)
		}
	}
	// Output:
	// CREATE TABLE IF NOT EXISTS "auth"."session" (
	// CREATE INDEX IF NOT EXISTS "session_owner" ON "auth"."session" (owner, ended, created);
	// CREATE INDEX IF NOT EXISTS "session_tenant" ON "auth"."session" (owner, tenant, ended, created) WHERE tenant <> '';
	// CREATE INDEX IF NOT EXISTS "session_sweep" ON "auth"."session" (sweep_at);
	// CREATE TABLE IF NOT EXISTS "auth"."session_journal" (
	// CREATE INDEX IF NOT EXISTS "session_journal_owner" ON "auth"."session_journal" (owner, seq);
	// CREATE TABLE IF NOT EXISTS "auth"."session_queue" (
	// CREATE INDEX IF NOT EXISTS "session_queue_free" ON "auth"."session_queue" (free_at);
	// CREATE TABLE IF NOT EXISTS "auth"."session_schema" (
}

// New reports every mistake at once, before the database is used.
func ExampleNew() {
	var db *sql.DB // sql.Open("pgx", …)
	_, err := sqlstore.New(db, sqlstore.Config{Table: `x"; DROP TABLE y; --`})
	fmt.Println(err)
	// Output:
	// sqlstore: the database is nil
	// sqlstore: Dialect: no dialect, want PostgreSQL, MySQL or SQLite
	// sqlstore: Table: "x\"; DROP TABLE y; --" is no name, want 1 to 40 ASCII letters, digits and underscores, no digit first
}
