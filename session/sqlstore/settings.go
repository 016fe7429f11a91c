package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrSettings is returned where the database works, but its server, session or data
// source name has settings with which a session that ended could be taken for a live
// one, or a live one for ended. Its text names each setting, and what it should be.
var ErrSettings = errors.New("sqlstore: settings under which the store's contract does not hold")

// settings are how a dialect tells what matters to the store, and what of that is
// wrong.
type settings struct {
	queries []string // return names and values
	rules   []rule
	judge   func(values map[string]string) []string // what no rule can say
}

// A rule is what a setting has to be. A setting that the server does not have is
// right.
type rule struct {
	name string
	want []string
	why  string
}

// right reports whether the values have what the rule wants, or nothing.
func (r rule) right(values map[string]string) bool {
	value, known := values[r.name]
	return !known || slices.ContainsFunc(r.want, func(want string) bool { return strings.EqualFold(value, want) })
}

var (
	on         = []string{"ON"}
	off        = []string{"OFF"}
	isolations = []string{"READ-COMMITTED", "REPEATABLE-READ", "SERIALIZABLE"}
)

var postgresSettings = settings{
	queries: []string{"SELECT name, setting FROM pg_settings WHERE name IN ('bytea_output', 'default_transaction_read_only', 'server_version_num')" +
		" UNION ALL SELECT 'version', version()" +
		" UNION ALL SELECT 'pg_is_in_recovery', pg_is_in_recovery()::text" +
		" UNION ALL SELECT 'persistence of ' || relname, relpersistence::text FROM pg_class WHERE relpersistence <> 'p' AND oid IN" +
		" (to_regclass('{session}'), to_regclass('{journal}'), to_regclass('{queue}'))"},
	rules: []rule{
		{"bytea_output", []string{"hex"}, "the other form is not read by each driver"},
		{"default_transaction_read_only", off, "nothing could be ended"},
		{"pg_is_in_recovery", []string{"false"}, standby},
	},
	judge: func(values map[string]string) (wrong []string) {
		if n, err := strconv.Atoi(values["server_version_num"]); err != nil || n < 100000 {
			wrong = append(wrong, fmt.Sprintf("server_version_num is %.20q, want PostgreSQL 10 or newer", values["server_version_num"]))
		}
		if version := values["version"]; strings.Contains(version, "CockroachDB") {
			wrong = append(wrong, fmt.Sprintf("version is %.40q, want PostgreSQL: its advisory locks do nothing there", version))
		}
		for name := range values {
			if table, ok := strings.CutPrefix(name, "persistence of "); ok {
				wrong = append(wrong, fmt.Sprintf("the table %s is not LOGGED, want it so: after a crash its rows are gone", table))
			}
		}
		return wrong
	},
}

// standby and replica are why a server is refused that can only be read from.
const (
	standby = "a standby shows sessions that have ended as live: connect to the primary"
	replica = "nothing could be ended, and a replica shows sessions that have ended as live: connect to the primary"
)

var mysqlSettings = settings{
	queries: []string{
		"SHOW VARIABLES WHERE variable_name IN ('version', 'autocommit', 'completion_type', 'sql_select_limit', 'unique_checks'," +
			" 'tx_isolation', 'transaction_isolation', 'tx_read_only', 'transaction_read_only', 'read_only', 'innodb_read_only'," +
			" 'wsrep_on', 'wsrep_sync_wait', 'group_replication_group_name', 'group_replication_single_primary_mode')",
		"SELECT CONCAT('engine of ', table_name), engine FROM information_schema.tables WHERE table_schema = {home}" +
			" AND table_name IN ('{session name}', '{journal name}', '{queue name}', '{lock name}', '{change name}')",
	},
	rules: []rule{
		{"autocommit", on, "each read would be of what was there some time ago"},
		{"completion_type", []string{"NO_CHAIN"}, "each read after a transaction would be of what was there at its end"},
		{"sql_select_limit", []string{"18446744073709551615"}, "some of a user's sessions would not be found"},
		{"unique_checks", on, "an ending could be kept twice"},
		{"tx_isolation", isolations, "what is read could be undone"},
		{"transaction_isolation", isolations, "what is read could be undone"},
		{"tx_read_only", off, replica},
		{"transaction_read_only", off, replica},
		{"read_only", off, replica},
		{"innodb_read_only", off, replica},
	},
	judge: func(values map[string]string) (wrong []string) {
		if strings.Contains(values["version"], "TiDB") {
			wrong = append(wrong, fmt.Sprintf("version is %.40q, want MySQL or MariaDB: a transaction there does not see what was made while it waited for a lock", values["version"]))
		}
		if sync, err := strconv.Atoi(values["wsrep_sync_wait"]); values["wsrep_on"] == "ON" && (err != nil || sync&1 == 0) {
			wrong = append(wrong, fmt.Sprintf("wsrep_sync_wait is %.20q in a Galera cluster, want its bit 1: other nodes show sessions that have ended as live", values["wsrep_sync_wait"]))
		}
		if values["group_replication_group_name"] != "" && values["group_replication_single_primary_mode"] == "OFF" {
			wrong = append(wrong, `group_replication_single_primary_mode is "OFF", want ON: other members show sessions that have ended as live`)
		}
		for name, engine := range values {
			if table, ok := strings.CutPrefix(name, "engine of "); ok && engine != "InnoDB" {
				wrong = append(wrong, fmt.Sprintf("the engine of %s is %.20q, want InnoDB: others have no transactions", table, engine))
			}
		}
		return wrong
	},
}

var sqliteSettings = settings{
	queries: []string{"SELECT 'version', sqlite_version()" +
		" UNION ALL SELECT 'file', file FROM pragma_database_list WHERE name = 'main'" +
		" UNION ALL SELECT 'journal_mode', journal_mode FROM pragma_journal_mode" +
		" UNION ALL SELECT 'read_uncommitted', read_uncommitted FROM pragma_read_uncommitted"},
	rules: []rule{
		{"read_uncommitted", []string{"0"}, "what is read could be undone"},
	},
	judge: func(values map[string]string) (wrong []string) {
		switch mode := values["journal_mode"]; {
		case mode == "off", mode == "memory" && values["file"] != "":
			wrong = append(wrong, fmt.Sprintf("journal_mode is %q, want wal, or one with a journal in a file: a transaction that fails would be half made", mode))
		}
		return wrong
	},
}

// wrong returns each value that is not as it has to be.
func (s settings) wrong(values map[string]string) []string {
	var wrong []string
	for _, r := range s.rules {
		if !r.right(values) {
			wrong = append(wrong, fmt.Sprintf("%s is %.40q, want %s: %s", r.name, values[r.name], strings.Join(r.want, " or "), r.why))
		}
	}
	return append(wrong, s.judge(values)...)
}

// inspect returns the settings of the connection.
func (s *Store) inspect(ctx context.Context, in executor) (map[string]string, error) {
	values := make(map[string]string)
	for _, query := range s.text.dialect.settings.queries {
		_, err := collect(ctx, in, s.text.of(query), nil, func(rows *sql.Rows) (none struct{}, err error) {
			var name, value sql.NullString
			err = rows.Scan(&name, &value)
			values[name.String] = value.String
			return none, err
		})
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}

// refused returns [ErrSettings] with everything that is wrong, or nil. Of a replica it is
// a replicaError: another connection may lead to the primary.
func (s *Store) refused(values map[string]string) error {
	wrong := s.text.dialect.settings.wrong(values)
	if len(wrong) == 0 {
		return nil
	}
	text := strings.Join(wrong, "; ")
	for _, r := range s.text.dialect.settings.rules {
		if (r.why == standby || r.why == replica) && !r.right(values) {
			return &replicaError{text}
		}
	}
	return fmt.Errorf("%w: %s", ErrSettings, text)
}

const inStatementMode = "the pooler is in statement mode, want transaction or session"

// statementMode returns ErrSettings where the error shows a pooler that lends a
// connection for one statement at a time, and err otherwise.
func statementMode(err error) error {
	if strings.Contains(err.Error(), "statement pooling mode") {
		return fmt.Errorf("%w: %s: %w", ErrSettings, inStatementMode, err)
	}
	return err
}

// shared returns ErrSettings where another connection has another database, as in
// SQLite's memory. It is called while the first one is held.
func (s *Store) shared(ctx context.Context, values map[string]string) error {
	if file, known := values["file"]; !known || file != "" || s.db.Stats().MaxOpenConnections == 1 {
		return nil
	}
	_, err := s.version(ctx, s.db)
	if f := s.text.dialect.failures; f.is(err, f.missing) {
		return fmt.Errorf("%w: each connection has a database of its own, want SetMaxOpenConns(1)", ErrSettings)
	}
	return err
}

// mysqlSkipsLocked reports whether a server of that version takes SKIP LOCKED:
// MySQL 8.0 and MariaDB 10.6 do.
func mysqlSkipsLocked(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return false
	}
	if strings.Contains(version, "MariaDB") {
		return major > 10 || major == 10 && minor >= 6
	}
	return major >= 8
}
