package sqlstore

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
)

// right are settings under which the contract holds.
var right = map[string]map[string]string{
	"postgresql": {"server_version_num": "150020", "version": "PostgreSQL 15.20", "bytea_output": "hex", "default_transaction_read_only": "off", "pg_is_in_recovery": "false"},
	"mysql": {
		"version": "10.11.19-MariaDB", "autocommit": "ON", "completion_type": "NO_CHAIN", "sql_select_limit": "18446744073709551615",
		"unique_checks": "ON", "tx_isolation": "REPEATABLE-READ", "tx_read_only": "OFF", "read_only": "OFF", "innodb_read_only": "OFF",
		"wsrep_on": "OFF", "wsrep_sync_wait": "0", "engine of mooring_session": "InnoDB",
	},
	"sqlite": {"version": "3.46.0", "file": "/tmp/a.db", "journal_mode": "wal", "read_uncommitted": "0"},
}

func TestSettings(t *testing.T) {
	for _, test := range []struct {
		dialect Dialect
		change  map[string]string
		want    []string // parts of what is wrong
	}{
		{PostgreSQL, nil, nil},
		{PostgreSQL, map[string]string{"pg_is_in_recovery": "true"}, []string{"standby"}},
		{PostgreSQL, map[string]string{"server_version_num": "90624"}, []string{"want PostgreSQL 10 or newer"}},
		{PostgreSQL, map[string]string{"version": "CockroachDB CCL v23"}, []string{"advisory locks do nothing"}},
		{PostgreSQL, map[string]string{"persistence of mooring_session": "u"}, []string{"mooring_session is not LOGGED"}},
		{PostgreSQL, map[string]string{"bytea_output": "escape", "pg_is_in_recovery": "true"}, []string{"bytea_output", "standby"}},
		{MySQL, nil, nil},
		{MySQL, map[string]string{"transaction_isolation": "READ-COMMITTED", "transaction_read_only": "OFF"}, nil},
		{MySQL, map[string]string{"transaction_isolation": "READ-UNCOMMITTED"}, []string{"what is read could be undone"}},
		{MySQL, map[string]string{"read_only": "ON"}, []string{"connect to the primary"}},
		{MySQL, map[string]string{"autocommit": "OFF", "completion_type": "CHAIN"}, []string{"autocommit", "completion_type"}},
		{MySQL, map[string]string{"version": "5.7.25-TiDB-v7.5.0"}, []string{"TiDB"}},
		{MySQL, map[string]string{"wsrep_on": "ON"}, []string{"wsrep_sync_wait"}},
		{MySQL, map[string]string{"wsrep_on": "ON", "wsrep_sync_wait": "7"}, nil},
		{MySQL, map[string]string{"group_replication_group_name": "a", "group_replication_single_primary_mode": "OFF"}, []string{"group_replication"}},
		{MySQL, map[string]string{"group_replication_group_name": "a", "group_replication_single_primary_mode": "ON"}, nil},
		{MySQL, map[string]string{"engine of mooring_session": "MyISAM"}, []string{"want InnoDB"}},
		{SQLite, nil, nil},
		{SQLite, map[string]string{"journal_mode": "delete"}, nil},
		{SQLite, map[string]string{"journal_mode": "memory", "file": ""}, nil},
		{SQLite, map[string]string{"journal_mode": "memory"}, []string{"journal_mode"}},
		{SQLite, map[string]string{"journal_mode": "off", "read_uncommitted": "1"}, []string{"read_uncommitted", "journal_mode"}},
	} {
		values := maps.Clone(right[test.dialect.String()])
		maps.Copy(values, test.change)
		wrong := dialects[test.dialect].settings.wrong(values)
		if assert.Len(t, wrong, len(test.want), "%s: %v", test.dialect, test.change) {
			for i, want := range test.want {
				assert.Contains(t, wrong[i], want, "%s: %v", test.dialect, test.change)
			}
		}
	}
}

func TestServersThatSkipLockedRows(t *testing.T) {
	for version, want := range map[string]bool{
		"8.0.36": true, "8.4.0": true, "5.7.44-log": false, "10.5.23-MariaDB": false, "10.6.1-MariaDB": true,
		"10.11.19-MariaDB-0+deb12u1": true, "11.4.2-MariaDB": true, "": false, "what": false,
	} {
		assert.Equal(t, want, mysqlSkipsLocked(version), version)
	}
}
