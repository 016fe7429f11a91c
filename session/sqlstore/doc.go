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
// Get is one prepared statement by the primary key, and Touch another one that
// changes a row in place. All else is a short transaction whose rows are those of
// one user; the steps of a user come one after the other, those of different
// users do not wait for each other.
// A transaction that the database undid because of another one is tried again.
// An error of a commit is returned: whether it was made is then unknown.
//
// Call Sweep now and then to forget what is over. It works in transactions of
// at most 500 rows.
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
// # Data source names
//
// PostgreSQL needs nothing special. Behind PgBouncer in transaction mode the Get
// and Touch statements need its max_prepared_statements above 0 (PgBouncer 1.21
// or newer). Transactions are READ COMMITTED whatever the default is.
//
// MySQL and MariaDB need nothing special; clientFoundRows, interpolateParams and
// sql_mode may be what the host wants. Transactions have the server's default
// isolation, of which READ COMMITTED and REPEATABLE READ are tested.
//
// SQLite needs a busy timeout and should have a write-ahead log, else writers
// fail where they could wait and readers wait for writers:
//
//	modernc.org/sqlite:        file:app.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)
//	github.com/mattn/go-sqlite3: file:app.db?_busy_timeout=5000&_journal_mode=WAL&_synchronous=NORMAL
//
// With synchronous(NORMAL) a power failure can undo the last few steps, endings
// among them; FULL keeps them all, for the time of a disk flush each. Every
// connection to ":memory:" has a database of its own, so it needs
// SetMaxOpenConns(1). What waits for a lock goes on for the busy timeout, though
// the context has ended and the caller knows, so that should be below what a
// request may take.
//
// The time that a step may take is the context's to say, with every driver; only
// where pgx was told to wait while the server cancels a query
// (BuildContextWatcherHandler) does Get wait for that too. But lib/pq does not let
// go of a server that hangs: each such step holds a connection until TCP gives up,
// and when all of the pool are held nothing works until then. Take pgx where there
// is a choice. A pool with SetMaxOpenConns and SetMaxIdleConns at the same number
// does not connect anew under load.
package sqlstore
