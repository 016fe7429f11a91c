-- Schema 1 for PostgreSQL 10 or newer. Instants and durations are nanoseconds,
-- instants since 1970. No column holds a token or anything one can be made from.

-- A row is a session that lives, or one that ended and whose ending is kept.
-- sweep_at is when Sweep has to look at the row: for an ending, when it may be
-- forgotten; for a session, no later than its deadline. Its own index aside,
-- nothing that a Touch changes is indexed, so most touches stay in their page.
CREATE TABLE IF NOT EXISTS "mooring_session" (
	last_seen bigint NOT NULL,
	expires   bigint NOT NULL,
	idle      bigint NOT NULL,            -- 0: no such limit
	sweep_at  bigint NOT NULL,
	ended     smallint NOT NULL,          -- 0: it lives
	id        text COLLATE "C" NOT NULL,  -- the session ID
	owner     bytea NOT NULL,             -- the user's ID, UTF-8
	ip        text NOT NULL,              -- where from it was last used; '': unknown
	record    bytea NOT NULL,             -- the session, as JSON; last_seen and ip above are newer
	ending    bytea,                      -- its ending, as JSON
	PRIMARY KEY (id)
) WITH (fillfactor = 85);

CREATE INDEX IF NOT EXISTS "mooring_session_owner" ON "mooring_session" (owner, ended);

CREATE INDEX IF NOT EXISTS "mooring_session_sweep" ON "mooring_session" (sweep_at);

-- A row is an ending that waits for delivery, in the order of seq.
CREATE TABLE IF NOT EXISTS "mooring_session_journal" (
	seq          bigint GENERATED ALWAYS AS IDENTITY,
	keep         bigint NOT NULL,
	leased_until bigint NOT NULL,
	session_id   text COLLATE "C" NOT NULL,
	owner        bytea NOT NULL,
	PRIMARY KEY (seq),
	UNIQUE (session_id)
);

CREATE INDEX IF NOT EXISTS "mooring_session_journal_lease" ON "mooring_session_journal" (leased_until);

-- The one row says which schema this is.
CREATE TABLE IF NOT EXISTS "mooring_session_schema" (
	one     smallint NOT NULL,
	version integer NOT NULL,
	PRIMARY KEY (one)
);

INSERT INTO "mooring_session_schema" (one, version) VALUES (1, 1) ON CONFLICT DO NOTHING;
