-- Schema 4 for SQLite 3.24 or newer. Instants and durations are nanoseconds,
-- instants since 1970. No column holds a token or anything one can be made from.

-- A row is a session that lives, or one that ended and whose ending is kept.
-- sweep_at is when Sweep has to look at the row: for an ending, when it may be
-- forgotten; for a session, no later than its deadline. Beside the record are what
-- a session is listed, judged and ended by: that works even if a process cannot
-- read the record.
CREATE TABLE IF NOT EXISTS {session} (
	id          TEXT NOT NULL,     -- the session ID
	owner       BLOB NOT NULL,     -- the user's ID, UTF-8
	kind        TEXT NOT NULL,     -- '', 'pending', 'device' and others
	tenant      TEXT NOT NULL,     -- for whom the user acts; '': nobody
	ended       INTEGER NOT NULL,  -- 0: it lives
	created     INTEGER NOT NULL,
	last_seen   INTEGER NOT NULL,
	expires     INTEGER NOT NULL,
	idle        INTEGER NOT NULL,  -- 0: no such limit
	tell_expiry INTEGER NOT NULL,  -- 0: Sweep forgets it without an ending
	sweep_at    INTEGER NOT NULL,
	ip          TEXT NOT NULL,     -- where from it was last used; '': unknown
	record      BLOB NOT NULL,     -- the session, as JSON; last_seen and ip above are newer
	ending      BLOB,              -- its ending, as JSON
	PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS {session_owner} ON {session} (owner, ended, created);

-- Sessions without a tenant are not in it, and take no time for it.
CREATE INDEX IF NOT EXISTS {session_tenant} ON {session} (owner, tenant, ended, created) WHERE tenant <> '';

CREATE INDEX IF NOT EXISTS {session_sweep} ON {session} (sweep_at);

-- A row is an ending that waits for delivery, in the order of seq. Its owner is
-- empty where the ending is past its time and was not delivered.
CREATE TABLE IF NOT EXISTS {journal} (
	seq        INTEGER PRIMARY KEY AUTOINCREMENT,
	session_id TEXT NOT NULL UNIQUE,
	owner      BLOB NOT NULL,
	held_until INTEGER NOT NULL
);

CREATE INDEX IF NOT EXISTS {journal_owner} ON {journal} (owner, seq);

-- A row is a user for whom endings wait. free_at is when the first of them may be
-- delivered.
CREATE TABLE IF NOT EXISTS {queue} (
	owner   BLOB NOT NULL PRIMARY KEY,
	free_at INTEGER NOT NULL
);

CREATE INDEX IF NOT EXISTS {queue_free} ON {queue} (free_at);

-- A row is a change that Watch tells of, in the order of seq. Sweep forgets it after
-- some minutes.
CREATE TABLE IF NOT EXISTS {change} (
	seq        INTEGER PRIMARY KEY AUTOINCREMENT,
	session_id TEXT NOT NULL,
	owner      BLOB NOT NULL,
	kind       TEXT NOT NULL,    -- 'ended', 'updated'
	detail     TEXT NOT NULL,    -- its cause, or why the session is restricted
	made       INTEGER NOT NULL
);

CREATE INDEX IF NOT EXISTS {change_made} ON {change} (made);

-- The one row says which schema this is.
CREATE TABLE IF NOT EXISTS {schema} (
	one     INTEGER NOT NULL PRIMARY KEY,
	version INTEGER NOT NULL
);

INSERT OR IGNORE INTO {schema} (one, version) VALUES (1, 4);
