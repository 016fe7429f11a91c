package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// DefaultTable is the table of a [Config] that names none.
const DefaultTable = "mooring_session"

// Config says how a [Store] speaks to its database.
type Config struct {
	// Dialect is what the database speaks. There is no default.
	Dialect Dialect

	// Table is the name of the table of sessions, and the beginning of the names
	// of the others; empty: DefaultTable. It is quoted wherever it is used, so
	// reserved words will do and case counts. It has up to 40 ASCII letters,
	// digits and underscores and does not begin with a digit; a schema (in MySQL
	// a database) of the same form may stand before it with a dot, not so in
	// SQLite.
	Table string

	// Listen opens the connection by which [Store.Watch] hears of changes, in
	// PostgreSQL alone: see [Listener]. nil: Watch returns session.ErrNotWatched
	// there, and all else works.
	Listen func(ctx context.Context) (Listener, error)
}

// maxTable leaves room for what is appended within the 63 bytes of a name in
// PostgreSQL.
const maxTable = 40

var tableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,39}$`)

// validate returns every mistake in c, and sets what was left out.
func (c *Config) validate() error {
	var mistakes []error
	if _, known := dialects[c.Dialect]; !known {
		mistakes = append(mistakes, fmt.Errorf("sqlstore: Dialect: %w", c.Dialect.unknown()))
	}
	if c.Table == "" {
		c.Table = DefaultTable
	}
	parts := strings.Split(c.Table, ".")
	if len(parts) > 2 || len(parts) == 2 && c.Dialect == SQLite {
		mistakes = append(mistakes, fmt.Errorf("sqlstore: Table: %.60q has too many parts, want table or schema.table, in SQLite table alone", c.Table))
	}
	for _, part := range parts {
		if !tableName.MatchString(part) {
			mistakes = append(mistakes, fmt.Errorf("sqlstore: Table: %.60q is no name, want 1 to %d ASCII letters, digits and underscores, no digit first", part, maxTable))
		}
	}
	if c.Listen != nil && c.Dialect != PostgreSQL {
		mistakes = append(mistakes, fmt.Errorf("sqlstore: Listen: want nil with the dialect %s: only PostgreSQL has LISTEN", c.Dialect))
	}
	return errors.Join(mistakes...)
}

// New returns a store in db, which the caller opened with a driver of its own
// and closes in the end. It reports every mistake in config at once, and does
// not use the database yet.
func New(db *sql.DB, config Config) (*Store, error) {
	err := config.validate()
	if db == nil {
		err = errors.Join(errors.New("sqlstore: the database is nil"), err)
	}
	if err != nil {
		return nil, err
	}
	return newStore(db, config), nil
}
