package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strings"
)

// schemaVersion is the version of the schema that this package uses.
const schemaVersion = 1

var (
	// ErrSchema is returned where the tables are missing, cannot be read, or are
	// of another version than this package uses.
	ErrSchema = errors.New("sqlstore: no usable schema")

	// ErrDialect is returned where the database speaks another dialect than
	// [Config.Dialect] says.
	ErrDialect = errors.New("sqlstore: wrong dialect")
)

//go:embed schema/*.sql
var schemas embed.FS

// Schema is what Migrate executes, as SQL for hosts that run migrations of
// their own. Each statement ends with a semicolon at the end of a line. It does
// nothing where the schema is there already.
func Schema(config Config) (string, error) {
	if err := config.validate(); err != nil {
		return "", err
	}
	return newText(config).schema(), nil
}

// schema is the whole schema. It has no parameters.
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
// are [ErrSchema].
func (s *Store) Migrate(ctx context.Context) error {
	version, err := s.version(ctx)
	if err != nil {
		if err = s.diagnose(ctx, err); errors.Is(err, ErrSchema) {
			version, err = schemaVersion, s.makeTables(ctx)
		}
	}
	if err == nil {
		err = wrongVersion(version)
	}
	return failed(ctx, "migrate", err)
}

// makeTables executes the schema. Its last statement says that it is there.
func (s *Store) makeTables(ctx context.Context) error {
	statements := strings.Split(strings.TrimSuffix(strings.TrimSpace(s.text.schema()), ";"), ";\n")
	last := len(statements) - 1
	return s.step(ctx, s.text.dialect.migrating, func(tx *sql.Tx) error {
		for _, statement := range statements[:last] {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		for _, query := range []string{
			"SELECT id, owner, ended, last_seen, expires, idle, sweep_at, ip, record, ending FROM {session} WHERE 1 = 0",
			"SELECT seq, session_id, owner, keep, leased_until FROM {journal} WHERE 1 = 0",
		} {
			if _, err := tx.ExecContext(ctx, s.text.of(query)); err != nil {
				return fmt.Errorf("%w: a table of that name is not the store's: %w", ErrSchema, err)
			}
		}
		_, err := tx.ExecContext(ctx, statements[last])
		return err
	})
}

// ready checks, until it was once found good, that the database has the schema.
func (s *Store) ready(ctx context.Context) error {
	if s.checked.Load() {
		return nil
	}
	version, err := s.version(ctx)
	if err != nil {
		return s.diagnose(ctx, err)
	}
	if err := wrongVersion(version); err != nil {
		return err
	}
	s.checked.Store(true)
	return nil
}

// version is the version of the schema in the database. It fails if there is
// none, and if the database speaks another dialect.
func (s *Store) version(ctx context.Context) (int, error) {
	var version int
	var server any
	query := s.text.of("SELECT version, " + s.text.dialect.version + " FROM {schema} WHERE one = 1")
	err := s.db.QueryRowContext(ctx, query).Scan(&version, &server)
	return version, err
}

func wrongVersion(version int) error {
	if version == schemaVersion {
		return nil
	}
	return fmt.Errorf("%w: it has version %d, and this package uses %d", ErrSchema, version, schemaVersion)
}

// diagnose tells why the version could not be read: [ErrSchema] if the database
// answers in its dialect, [ErrDialect] if it does in another one, and err itself
// if it does not answer.
func (s *Store) diagnose(ctx context.Context, err error) error {
	if s.speaks(ctx, s.text.dialect) {
		return fmt.Errorf("%w: cannot read its version, Migrate makes it: %w", ErrSchema, err)
	}
	for other, d := range dialects {
		if s.speaks(ctx, d) {
			return fmt.Errorf("%w: the database speaks %s, and Config.Dialect is %s", ErrDialect, other, s.text.dialect.text)
		}
	}
	return err
}

func (s *Store) speaks(ctx context.Context, d dialect) bool {
	var version any
	return s.db.QueryRowContext(ctx, "SELECT "+d.version).Scan(&version) == nil
}
