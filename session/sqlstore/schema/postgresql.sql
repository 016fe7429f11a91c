-- Schema 4 for PostgreSQL 10 or newer. Instants and durations are nanoseconds,
-- instants since 1970. No column holds a token or anything one can be made from.

-- A row is a session that lives, or one that ended and whose ending is kept.
-- sweep_at is when Sweep has to look at the row: for an ending, when it may be
-- forgotten; for a session, no later than its deadline. Its own index aside,
-- nothing that a Touch changes is indexed, so most touches stay in their page.
-- Beside the record are what a session is listed, judged and ended by: that works
-- even if a process cannot read the record.
CREATE TABLE IF NOT EXISTS {session} (
	created     bigint NOT NULL,
	last_seen   bigint NOT NULL,
	expires     bigint NOT NULL,
	idle        bigint NOT NULL,            -- 0: no such limit
	tell_expiry bigint NOT NULL,            -- 0: Sweep forgets it without an ending
	sweep_at    bigint NOT NULL,
	ended       smallint NOT NULL,          -- 0: it lives
	id          text COLLATE "C" NOT NULL,  -- the session ID
	owner       bytea NOT NULL,             -- the user's ID, UTF-8
	kind        text COLLATE "C" NOT NULL,  -- '', 'pending', 'device' and others
	tenant      text COLLATE "C" NOT NULL,  -- for whom the user acts; '': nobody
	ip          text NOT NULL,              -- where from it was last used; '': unknown
	record      bytea NOT NULL,             -- the session, as JSON; last_seen and ip above are newer
	ending      bytea,                      -- its ending, as JSON
	PRIMARY KEY (id)
) WITH (fillfactor = 85);

CREATE INDEX IF NOT EXISTS {session_owner} ON {session} (owner, ended, created);

-- Sessions without a tenant are not in it, and take no time for it.
CREATE INDEX IF NOT EXISTS {session_tenant} ON {session} (owner, tenant, ended, created) WHERE tenant <> '';

CREATE INDEX IF NOT EXISTS {session_sweep} ON {session} (sweep_at);

-- A row is an ending that waits for delivery, in the order of seq. Its owner is
-- empty where the ending is past its time and was not delivered.
CREATE TABLE IF NOT EXISTS {journal} (
	seq        bigint GENERATED ALWAYS AS IDENTITY,
	held_until bigint NOT NULL,
	session_id text COLLATE "C" NOT NULL,
	owner      bytea NOT NULL,
	PRIMARY KEY (seq),
	UNIQUE (session_id)
);

CREATE INDEX IF NOT EXISTS {journal_owner} ON {journal} (owner, seq);

-- A row is a user for whom endings wait. free_at is when the first of them may be
-- delivered.
CREATE TABLE IF NOT EXISTS {queue} (
	free_at bigint NOT NULL,
	owner   bytea NOT NULL,
	PRIMARY KEY (owner)
);

CREATE INDEX IF NOT EXISTS {queue_free} ON {queue} (free_at);

-- The one row says which schema this is.
CREATE TABLE IF NOT EXISTS {schema} (
	one     smallint NOT NULL,
	version integer NOT NULL,
	PRIMARY KEY (one)
);

INSERT INTO {schema} (one, version) VALUES (1, 4) ON CONFLICT DO NOTHING;
