package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
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
	text     string
	schema   string // the file with its schema
	quote    string
	numbered bool // $1 instead of ?

	// version is an expression that no other dialect knows.
	version string

	// begin is the first statement of each transaction. SQLite locks the
	// database for writing at the first statement that writes, and fails at once
	// where that comes after one that read.
	begin string

	// migrating is the first statement of the transaction that makes the tables.
	migrating string

	// lock makes transactions with the same number come one after the other.
	// SQLite runs one at a time anyway.
	lock      string
	lockRange int64 // above 0: how many numbers there are

	isolation  sql.IsolationLevel
	forUpdate  string
	onConflict string // makes an INSERT pass over what is there

	// conflict reports an error by which the transaction was undone and after
	// which it may succeed when it is tried again.
	conflict func(error) bool
}

var dialects = map[Dialect]dialect{
	PostgreSQL: {
		text: "postgresql", schema: "schema/postgresql.sql", quote: `"`, numbered: true,
		version:    "current_setting('server_version_num')",
		migrating:  "SELECT pg_advisory_xact_lock(7094697340112711)",
		lock:       "SELECT pg_advisory_xact_lock(?)",
		isolation:  sql.LevelReadCommitted, // a lock must be followed by a fresh look
		forUpdate:  " FOR UPDATE",
		onConflict: " ON CONFLICT DO NOTHING",
		conflict: func(err error) bool {
			coded, ok := errors.AsType[sqlState](err)
			return ok && (coded.SQLState() == "40001" || coded.SQLState() == "40P01")
		},
	},
	MySQL: {
		text: "mysql", schema: "schema/mysql.sql", quote: "`",
		version:   "@@version",
		lock:      "INSERT INTO {lock} (n) VALUES (?) ON DUPLICATE KEY UPDATE n = n",
		lockRange: 4096,
		forUpdate: " FOR UPDATE",
		// ER_LOCK_DEADLOCK, and ER_CHECKREAD of MariaDB's innodb_snapshot_isolation.
		// The number has no method, and the driver is not imported here.
		conflict: textHas("Error 1213", "Error 1020"),
	},
	SQLite: {
		text: "sqlite", schema: "schema/sqlite.sql", quote: `"`,
		version:    "sqlite_version()",
		begin:      "UPDATE {schema} SET version = version WHERE 0",
		onConflict: " ON CONFLICT DO NOTHING",
		conflict:   textHas("database is locked", "database table is locked", "SQLITE_BUSY"),
	},
}

// sqlState is an error of a PostgreSQL driver: pgx and lib/pq both have it.
type sqlState interface {
	error
	SQLState() string
}

// textHas recognises the errors of drivers that tell by their text alone.
func textHas(parts ...string) func(error) bool {
	return func(err error) bool {
		for _, part := range parts {
			if strings.Contains(err.Error(), part) {
				return true
			}
		}
		return false
	}
}

// String is the dialect's text.
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
