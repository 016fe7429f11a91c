package integration

import (
	"cmp"
	"database/sql"
	"os"
	"testing"
)

// address returns where a server is: what the environment says, or where servers of
// the kind usually are.
func address(variable, usual string) string { return cmp.Or(os.Getenv(variable), usual) }

// missing skips the test, or fails it where servers are required.
func missing(t testing.TB, what string, err error) {
	t.Helper()
	if os.Getenv("MOORING_REQUIRE_SERVERS") == "1" {
		t.Fatalf("missing: %s: %v", what, err)
	}
	t.Skipf("missing: %s: %v", what, err)
}

// long reports whether the tests are to take their time: more users, more sessions,
// each driver. Their assertions are the same.
func long() bool { return os.Getenv("MOORING_LONG") == "1" }

func postgresDSN() string {
	return address("MOORING_POSTGRES_DSN", "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable")
}

func mysqlDSN() string { return address("MOORING_MYSQL_DSN", "root@tcp(127.0.0.1:3306)/test") }

func redisAddr() string { return address("MOORING_REDIS_ADDR", "127.0.0.1:6379") }

// reachable ends the test if the database does not answer.
func reachable(t testing.TB, db *sql.DB, what string) {
	t.Helper()
	if err := db.PingContext(t.Context()); err != nil {
		missing(t, what, err)
	}
}
