package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"strings"
)

// schemaVersion is the version of the schema that this package uses.
const schemaVersion = 4

var (
	// ErrSchema is returned where the tables are missing, which Migrate mends, where
	// they are of another version than this package uses, and where they are not the
	// store's.
	ErrSchema = errors.New("sqlstore: no usable schema")

	// ErrDialect is returned where the database speaks another dialect than
	// [Config.Dialect] says.
	ErrDialect = errors.New("sqlstore: wrong dialect")
)

//go:embed schema/*.sql
var schemas embed.FS

// Schema returns what Migrate executes, as SQL for hosts that run migrations of
// their own. Each statement ends with a semicolon at the end of a line. It does
// nothing where the schema is there already.
func Schema(config Config) (string, error) {
	if err := config.validate(); err != nil {
		return "", err
	}
	return newText(config).schema(), nil
}

// schema returns the whole schema. It has no parameters.
func (t text) schema() string {
	template, err := schemas.ReadFile(t.dialect.schema)
	if err != nil {
		return "" // it is embedded
	}
	return t.names.Replace(string(template))
}

// Migrate makes the tables and indexes that are missing. It can be repeated,
// and called by many processes at once. It changes nothing where the schema is
// of this package's version, and needs no rights to make tables there. Tables
// of another version, and tables of the same names that are not the store's,
// are [ErrSchema]. A schema or database that [Config.Table] names has to be there.
func (s *Store) Migrate(ctx context.Context) error {
	err := s.look(ctx)
	if errors.Is(err, errMissing) {
		if err = s.makeTables(ctx); err == nil {
			err = s.look(ctx)
		}
	}
	return s.failed(ctx, "migrate", err)
}

// makeTables executes the schema. Its last statement says that it is there.
func (s *Store) makeTables(ctx context.Context) error {
	statements := strings.Split(strings.TrimSuffix(strings.TrimSpace(s.text.schema()), ";"), ";\n")
	last := len(statements) - 1
	return s.step(ctx, s.text.dialect.migrating, func(tx *sql.Tx) error {
		for _, statement := range statements[:last] {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return s.notOurs(err)
			}
		}
		queries := []string{
			"SELECT " + allColumns + ", tenant FROM {session} WHERE 1 = 0",
			"SELECT seq, session_id, owner, held_until FROM {journal} WHERE 1 = 0",
			"SELECT owner, free_at FROM {queue} WHERE 1 = 0",
		}
		if s.text.dialect.notify == "" {
			queries = append(queries, "SELECT seq, session_id, owner, kind, detail, made FROM {change} WHERE 1 = 0")
		}
		for _, query := range queries {
			if _, err := tx.ExecContext(ctx, s.text.of(query)); err != nil {
				return s.notOurs(err)
			}
		}
		_, err := tx.ExecContext(ctx, statements[last])
		return err
	})
}

// notOurs returns err, or ErrSchema where it says that a table has other columns.
func (s *Store) notOurs(err error) error {
	if f := s.text.dialect.failures; f.is(err, f.foreign) {
		return fmt.Errorf("%w: a table of that name is not the store's: %w", ErrSchema, err)
	}
	return err
}

// errMissing is the ErrSchema that Migrate mends.
var errMissing = fmt.Errorf("%w: the tables are missing, Migrate makes them", ErrSchema)

// ready looks for the schema, until it has once found it good.
func (s *Store) ready(ctx context.Context) error {
	if s.checked.Load() {
		return nil
	}
	return s.look(ctx)
}

// look checks that the database has the schema and the settings that the store needs.
// It does so in a transaction, which a pooler in statement mode refuses.
func (s *Store) look(ctx context.Context) error {
	err := s.retry(ctx, func() error {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		err = s.check(ctx, conn)
		if errors.Is(err, ErrSettings) {
			discard(conn) // the next one may have others
		}
		if err == nil {
			s.checked.Store(true)
		}
		return err
	})
	if errors.Is(err, driver.ErrBadConn) && !isReplica(err) {
		return s.unbegun(ctx, err)
	}
	return err
}

// unbegun returns ErrSettings if a connection works and no transaction can be begun on
// it, because lib/pq does not pass on what the pooler says, and err otherwise.
func (s *Store) unbegun(ctx context.Context, err error) error {
	conn, connErr := s.db.Conn(ctx)
	if connErr != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if !speaks(ctx, conn, s.text.dialect) {
		return err
	}
	tx, beginErr := conn.BeginTx(ctx, s.options)
	if beginErr == nil {
		_ = tx.Rollback()
		return err
	}
	return fmt.Errorf("%w: %s: %w", ErrSettings, inStatementMode, err)
}

func (s *Store) check(ctx context.Context, conn *sql.Conn) error {
	tx, err := conn.BeginTx(ctx, s.options)
	if f := s.text.dialect.failures; f.is(err, f.standby) {
		return errReplica
	}
	if err != nil {
		return s.diagnose(ctx, conn, statementMode(err))
	}
	defer func() { _ = tx.Rollback() }()
	values, err := s.inspect(ctx, tx)
	if err != nil {
		_ = tx.Rollback() // it takes no more questions
		return s.diagnose(ctx, conn, statementMode(err))
	}
	if err := s.refused(values); err != nil {
		return err
	}
	version, err := s.version(ctx, tx)
	if err != nil {
		_ = tx.Rollback()
		return s.noVersion(ctx, conn, err)
	}
	if version != schemaVersion {
		return fmt.Errorf("%w: it has version %d, and this package uses %d: drop its tables, and Migrate makes them", ErrSchema, version, schemaVersion)
	}
	s.skipLocked.Store(s.text.dialect.skipLocked(values["version"]))
	return s.shared(ctx, values)
}

// version returns the version of the schema in the database. It fails if there is
// none.
func (s *Store) version(ctx context.Context, in executor) (version int, err error) {
	err = in.QueryRowContext(ctx, s.text.of("SELECT version FROM {schema} WHERE one = 1")).Scan(&version)
	return version, err
}

// noVersion tells why the version could not be read.
func (s *Store) noVersion(ctx context.Context, conn *sql.Conn, err error) error {
	f := s.text.dialect.failures
	switch {
	case f.is(err, f.missing):
		if s.text.home != "" {
			var there bool
			home := s.text.of("SELECT COUNT(*) > 0 FROM information_schema.schemata WHERE schema_name = {home}")
			if conn.QueryRowContext(ctx, home).Scan(&there) == nil && !there {
				return fmt.Errorf("sqlstore: the schema %q of Config.Table is not there, or not for this user to use, and Migrate does not make it: %w", s.text.home, err)
			}
		}
		return fmt.Errorf("%w: %w", errMissing, err)
	case errors.Is(err, sql.ErrNoRows):
		return errMissing
	default:
		return s.notOurs(err)
	}
}

// diagnose tells why the database could not be asked: [ErrDialect] if it answers
// in another dialect alone, and err itself otherwise.
func (s *Store) diagnose(ctx context.Context, conn *sql.Conn, err error) error {
	if errors.Is(err, ErrSettings) || speaks(ctx, conn, s.text.dialect) {
		return err
	}
	for other, d := range dialects {
		if d.text != s.text.dialect.text && speaks(ctx, conn, d) {
			return fmt.Errorf("%w: the database speaks %s, and Config.Dialect is %s", ErrDialect, other, s.text.dialect.text)
		}
	}
	return err
}

func speaks(ctx context.Context, conn *sql.Conn, d dialect) bool {
	var version any
	return conn.QueryRowContext(ctx, "SELECT "+d.version).Scan(&version) == nil
}
