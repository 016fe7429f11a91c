-- Schema 1 for SQLite 3.24 or newer. Instants and durations are nanoseconds,
-- instants since 1970. No column holds a token or anything one can be made from.

-- A row is a session that lives, or one that ended and whose ending is kept.
-- sweep_at is when Sweep has to look at the row: for an ending, when it may be
-- forgotten; for a session, no later than its deadline.
CREATE TABLE IF NOT EXISTS "mooring_session" (
	id        TEXT NOT NULL,     -- the session ID
	owner     BLOB NOT NULL,     -- the user's ID, UTF-8
	ended     INTEGER NOT NULL,  -- 0: it lives
	last_seen INTEGER NOT NULL,
	expires   INTEGER NOT NULL,
	idle      INTEGER NOT NULL,  -- 0: no such limit
	sweep_at  INTEGER NOT NULL,
	ip        TEXT NOT NULL,     -- where from it was last used; '': unknown
	record    BLOB NOT NULL,     -- the session, as JSON; last_seen and ip above are newer
	ending    BLOB,              -- its ending, as JSON
	PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS "mooring_session_owner" ON "mooring_session" (owner, ended);

CREATE INDEX IF NOT EXISTS "mooring_session_sweep" ON "mooring_session" (sweep_at);

-- A row is an ending that waits for delivery, in the order of seq.
CREATE TABLE IF NOT EXISTS "mooring_session_journal" (
	seq          INTEGER PRIMARY KEY AUTOINCREMENT,
	session_id   TEXT NOT NULL UNIQUE,
	owner        BLOB NOT NULL,
	keep         INTEGER NOT NULL,
	leased_until INTEGER NOT NULL
);

CREATE INDEX IF NOT EXISTS "mooring_session_journal_owner" ON "mooring_session_journal" (owner, seq);

-- The one row says which schema this is.
CREATE TABLE IF NOT EXISTS "mooring_session_schema" (
	one     INTEGER NOT NULL PRIMARY KEY,
	version INTEGER NOT NULL
);

INSERT OR IGNORE INTO "mooring_session_schema" (one, version) VALUES (1, 1);
