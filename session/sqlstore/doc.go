// Package sqlstore keeps sessions in PostgreSQL, MySQL, MariaDB or SQLite, so
// that they outlive the process and are shared by many. It imports no driver:
// the host opens the *sql.DB with the one it uses, and says which [Dialect] the
// database speaks.
//
//	db, err := sql.Open("pgx", "postgres://app@db.internal/app")
//	store, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.PostgreSQL})
//	err = store.Migrate(ctx) // or apply what sqlstore.Schema returns
//
// # What it does to the database
//
// Get is one round trip, by the primary key, and Touch another one that changes
// one row. All else is a short transaction whose rows are those of one user; the
// steps of a user come one after the other, those of different users do not wait
// for each other. Where more than 100 sessions of a user are to end, they end in
// several transactions of up to 1600. A transaction that the database undid because
// of another one is tried again. So is one whose connection was lost before it was
// committed, and every read: on other connections, as many as the pool has. An error
// of a commit is returned: whether it was made is then unknown.
//
// Limits are judged by the server's clock, which a [session.Manager] keeps time by.
// SQLite has none: processes on one file have to agree on the time, as they do on
// one machine.
//
// Call Sweep now and then to forget what is over. It works in transactions of
// at most 512 rows. Deliver what is in the journal, or Lease has to be asked for
// it, as package loginstage does: until then it fills the table.
//
// Of the records that it reads the store keeps up to 8192 in memory, of up to 4 kB
// each, to understand them once. That is some 20 MB with records of 1 kB, which is
// what they mostly have. It never answers from there: each Get reads the row.
//
// # Changes
//
// [Store.Watch] tells of the changes that any process makes. In PostgreSQL a step sends
// NOTIFY in its transaction, if a Watch anywhere listens by [Config.Listen]: PostgreSQL
// commits transactions that notify one after the other. While nobody listens a step that
// ends something takes a statement more. In MySQL, MariaDB and SQLite each step keeps
// what it changed in a table of some minutes, from which Watch reads as often as it is
// told to; Sweep forgets what is older. A transaction that is undone tells nothing. In
// MySQL one that takes more than a minute to commit is not told.
//
// # Settings
//
// When the schema is first looked for, the settings of the server, the session and
// the data source name are looked at, too. Under some of them a session that ended
// would look live, or the other way round: all of those that are found are returned
// together, as [ErrSettings], by each method, until a connection has others.
//
// PostgreSQL 10 or newer: the primary (not pg_is_in_recovery), with
// default_transaction_read_only off, bytea_output hex and tables that are not
// UNLOGGED. Transactions are READ COMMITTED whatever the default is. CockroachDB is
// refused, as its advisory locks do nothing.
//
// MySQL 5.7 or newer, MariaDB 10.3 or newer: autocommit ON, completion_type
// NO_CHAIN, no sql_select_limit, unique_checks ON, any isolation but READ
// UNCOMMITTED, neither read_only nor tx_read_only, and InnoDB. In a Galera cluster
// wsrep_sync_wait has bit 1; in group replication there is a single primary. TiDB is
// refused. clientFoundRows, interpolateParams and sql_mode may be what the host
// wants.
//
// SQLite 3.24 or newer: a journal_mode that keeps its journal in a file, and
// read_uncommitted off. Each connection to ":memory:" has a database of its own, so
// it needs SetMaxOpenConns(1). A busy timeout is needed and a write-ahead log useful,
// else writers fail where they could wait and readers wait for writers:
//
//	modernc.org/sqlite:        file:app.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)
//	github.com/mattn/go-sqlite3: file:app.db?_busy_timeout=5000&_journal_mode=WAL&_synchronous=NORMAL
//
// What waits for a lock goes on for the busy timeout, though the context has ended
// and the caller knows, so that should be below what a request may take.
//
// What is confirmed is on disk where the database says so. A crash of the machine
// can undo the last few steps, endings among them, with synchronous(NORMAL) in
// SQLite, synchronous_commit=off or fsync=off in PostgreSQL, and
// innodb_flush_log_at_trx_commit other than 1 in MySQL. That is the host's choice,
// and not refused.
//
// # Pools
//
// Who waits for the turn of a user waits in the process, without a connection: one
// user's thousand sign-ins take one connection of each process. A pool of 8 to 32
// connections serves a process; set SetMaxOpenConns and SetMaxIdleConns to the same
// number, so that it does not keep connecting under load, and keep the sum over all
// processes below what the server allows (max_connections), with a few to spare for
// others. Without a limit, a burst of sign-ins of many users takes all of them.
//
// The time that a step may take is the context's to say, with every driver; only
// where pgx was told to wait while the server cancels a query
// (BuildContextWatcherHandler) does Get wait for that too. But lib/pq does not let
// go of a server that hangs: each such step holds a connection until TCP gives up,
// and when all of the pool are held nothing works until then. Take pgx where there
// is a choice.
//
// # PgBouncer
//
// In session mode everything works. In transaction mode, with PgBouncer of any
// version:
//
//	pgx:    default_query_exec_mode=exec, cache_describe or simple_protocol
//	lib/pq: binary_parameters=yes
//
// In its default mode pgx prepares statements, which needs PgBouncer 1.21 or newer
// with max_prepared_statements above 0; lib/pq without binary_parameters does not
// work. Statement mode has no transactions and is refused with [ErrSettings].
//
// Behind a pooler a statement that lib/pq prepared can be another client's of the
// same name, so the store has package sql prepare none in PostgreSQL. pgx prepares
// by itself, under names made of the text. With lib/pq the server parses each Get
// again, which takes about three times as long as with pgx.
//
// # Rights
//
// The user that Migrate runs as makes tables and indexes. All else needs, on the
// tables by their default names,
//
//	GRANT SELECT, INSERT, UPDATE, DELETE ON mooring_session, mooring_session_journal, mooring_session_queue TO app;
//	GRANT SELECT ON mooring_session_schema TO app;
//
// and in MySQL, where each table takes a GRANT of its own,
//
//	GRANT SELECT, INSERT, UPDATE ON mooring_session_lock TO app;
//
// A right that is missing is [ErrRights].
//
// # Restored dumps, standbys and failover
//
// A dump knows nothing of what happened since: sessions that were revoked in the
// meantime live again when it is restored. So does a point-in-time recovery. Sign
// everybody out before the application starts again; in SQLite with DELETE FROM:
//
//	TRUNCATE mooring_session;
//	TRUNCATE mooring_session_journal;
//	TRUNCATE mooring_session_queue;
//
// Standbys and replicas lag behind, and show sessions that have ended as live. Each answer
// says whether it is of one (pg_is_in_recovery, read_only, innodb_read_only), which costs no
// round trip: such a connection is closed, and the step made on another one. Where all
// lead to replicas the error is [ErrSettings]. In MySQL and MariaDB a replica has to have
// read_only on, and the store's user neither SUPER nor READ ONLY ADMIN.
//
// With asynchronous replication a failover loses what was confirmed last, endings among
// them: have the standby be synchronous where that matters, or sign everybody out as above.
// docs/failover.md has the settings, and how long each kind of failover takes.
//
// # What stays compatible
//
// Records and endings have the form that package session keeps, so processes of one
// release and the next work on one schema at the same time. A release that needs
// another schema raises its version, and the changelog says how to go on: until then
// its processes refuse the tables with [ErrSchema] and change nothing. Columns and
// their meaning are for the store alone; read sessions through it, not by SQL.
package sqlstore
