package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
)

// Dialect is which SQL a database speaks. The zero value is none. Its text is
// "postgresql", "mysql" or "sqlite".
type Dialect uint8

// The dialects.
const (
	PostgreSQL Dialect = iota + 1
	MySQL              // MariaDB too
	SQLite
)

// A dialect is what the store must know of a Dialect.
type dialect struct {
	text   string
	schema string // the file with its schema
	quote  string

	// parameter is the nth parameter of a statement, of the type int, text or
	// bytes. PostgreSQL is told the type: where nothing is prepared, it would
	// have to guess.
	parameter func(n int, of string) string

	// prepares: package sql prepares what is executed often. Not in PostgreSQL:
	// behind a pooler that lends connections by the transaction, a statement that
	// was prepared is not there, or is another client's of the same name.
	prepares bool

	// version is an expression that no other dialect knows.
	version string

	// now is the server's time in nanoseconds since 1970, the same for all of a
	// statement. "": the process's clock is the database's.
	now             string
	least, greatest string // functions of two numbers

	// begin is the first statement of each transaction. SQLite locks the
	// database for writing at the first statement that writes, and fails at once
	// where that comes after one that read.
	begin string

	// replica is true where the server follows another one and shows what that had some
	// time ago. "": there is no such server. noTable stands where a query has no table, and
	// oneRow is a table of one row, with its condition.
	replica, noTable string
	oneRow           [2]string

	// migrating is the first statement of the transaction that makes the tables.
	migrating string

	// lock makes transactions with the same number come one after the other. It fails, or
	// returns true, on a replica.
	// SQLite runs one at a time anyway.
	lock      string
	lockRange int64 // above 0: how many numbers there are
	lockTells bool  // lock returns a row

	// notify tells those who listen to a channel of a text, once the transaction is
	// committed, if the lock of that number shows that anybody does. "": changes are
	// kept in a table.
	notify string

	isolation  sql.IsolationLevel
	forUpdate  string
	skipLocked func(version string) bool // whether FOR UPDATE takes SKIP LOCKED
	onConflict string                    // makes an INSERT pass over what is there
	orLock     string                    // has an INSERT of an owner lock the row that is there

	failures failures
	settings settings
}

var dialects = map[Dialect]dialect{
	PostgreSQL: {
		text: "postgresql", schema: "schema/postgresql.sql", quote: `"`,
		parameter: func(n int, of string) string {
			return "$" + strconv.Itoa(n) + map[string]string{"int": "::bigint", "text": "::text", "bytes": "::bytea"}[of]
		},
		version:    "current_setting('server_version_num')",
		now:        "((extract(epoch FROM statement_timestamp()) * 1000000)::bigint * 1000)",
		least:      "LEAST",
		greatest:   "GREATEST",
		replica:    "pg_is_in_recovery()",
		oneRow:     [2]string{"(SELECT) AS here", ""},
		migrating:  "SELECT pg_advisory_xact_lock(7094697340112711)",
		lock:       "SELECT pg_is_in_recovery() FROM pg_advisory_xact_lock({int})",
		lockTells:  true,
		notify:     "SELECT pg_notify({text}, {text}) WHERE NOT pg_try_advisory_xact_lock({int})",
		isolation:  sql.LevelReadCommitted, // a lock must be followed by a fresh look
		forUpdate:  " FOR UPDATE",
		skipLocked: func(string) bool { return true },
		onConflict: " ON CONFLICT DO NOTHING",
		orLock:     " ON CONFLICT (owner) DO UPDATE SET owner = EXCLUDED.owner",
		failures:   postgresFailures,
		settings:   postgresSettings,
	},
	MySQL: {
		text: "mysql", schema: "schema/mysql.sql", quote: "`",
		parameter: func(int, string) string { return "?" },
		prepares:  true,
		version:   "@@version",
		now:       "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) * 1000)",
		least:     "LEAST",
		greatest:  "GREATEST",
		// As text: one release has numbers where another has words, and more than two.
		replica:    "(CONCAT(@@read_only) NOT IN ('0', 'OFF') OR CONCAT(@@innodb_read_only) NOT IN ('0', 'OFF'))",
		noTable:    " FROM DUAL",
		oneRow:     [2]string{"{schema}", " WHERE one = 1"}, // which it reads before it plans
		lock:       "INSERT INTO {lock} (n) VALUES ({int}) ON DUPLICATE KEY UPDATE n = n",
		lockRange:  4096,
		forUpdate:  " FOR UPDATE",
		skipLocked: mysqlSkipsLocked,
		orLock:     " ON DUPLICATE KEY UPDATE free_at = free_at",
		failures:   mysqlFailures,
		settings:   mysqlSettings,
	},
	SQLite: {
		text: "sqlite", schema: "schema/sqlite.sql", quote: `"`,
		parameter:  func(int, string) string { return "?" },
		prepares:   true,
		version:    "sqlite_version()",
		least:      "min",
		greatest:   "max",
		begin:      "UPDATE {schema} SET version = version WHERE 0",
		skipLocked: func(string) bool { return false },
		onConflict: " ON CONFLICT DO NOTHING",
		orLock:     " ON CONFLICT DO NOTHING",
		failures:   sqliteFailures,
		settings:   sqliteSettings,
	},
}

// String returns the dialect's text.
func (d Dialect) String() string {
	if known, ok := dialects[d]; ok {
		return known.text
	}
	return fmt.Sprintf("Dialect(%d)", uint8(d))
}

// MarshalText returns the dialect's text. The zero value is an error.
func (d Dialect) MarshalText() ([]byte, error) {
	known, ok := dialects[d]
	if !ok {
		return nil, fmt.Errorf("sqlstore: %w", d.unknown())
	}
	return []byte(known.text), nil
}

// UnmarshalText reads what MarshalText writes, and leaves d as it was on error.
func (d *Dialect) UnmarshalText(text []byte) error {
	for dialect, known := range dialects {
		if string(text) == known.text {
			*d = dialect
			return nil
		}
	}
	return fmt.Errorf("sqlstore: unknown dialect %.40q, want postgresql, mysql or sqlite", text)
}

func (d Dialect) unknown() error {
	if d == 0 {
		return errors.New("no dialect, want PostgreSQL, MySQL or SQLite")
	}
	return fmt.Errorf("unknown dialect %d, want PostgreSQL, MySQL or SQLite", uint8(d))
}
