-- Schema 4 for MySQL 5.7 or newer, MariaDB 10.3 or newer. Instants and durations
-- are nanoseconds, instants since 1970. No column holds a token or anything one
-- can be made from. What is compared is binary: no collation makes two users one.

-- A row is a session that lives, or one that ended and whose ending is kept.
-- sweep_at is when Sweep has to look at the row: for an ending, when it may be
-- forgotten; for a session, no later than its deadline. Beside the record are what
-- a session is listed, judged and ended by: that works even if a process cannot
-- read the record.
CREATE TABLE IF NOT EXISTS {session} (
	id          BINARY(45) NOT NULL,      -- the session ID
	owner       VARBINARY(512) NOT NULL,  -- the user's ID, UTF-8
	kind        VARBINARY(64) NOT NULL,   -- '', 'pending', 'device' and others
	tenant      VARBINARY(255) NOT NULL,  -- for whom the user acts; '': nobody
	ended       TINYINT NOT NULL,         -- 0: it lives
	created     BIGINT NOT NULL,
	last_seen   BIGINT NOT NULL,
	expires     BIGINT NOT NULL,
	idle        BIGINT NOT NULL,          -- 0: no such limit
	tell_expiry BIGINT NOT NULL,          -- 0: Sweep forgets it without an ending
	sweep_at    BIGINT NOT NULL,
	ip          VARBINARY(255) NOT NULL,  -- where from it was last used; '': unknown
	record      MEDIUMBLOB NOT NULL,      -- the session, as JSON; last_seen and ip above are newer
	ending      MEDIUMBLOB,               -- its ending, as JSON
	PRIMARY KEY (id),
	KEY session_owner (owner, ended, created),
	KEY session_tenant (owner, tenant, ended, created),
	KEY session_sweep (sweep_at)
) ENGINE = InnoDB;

-- A row is an ending that waits for delivery, in the order of seq. Its owner is
-- empty where the ending is past its time and was not delivered.
CREATE TABLE IF NOT EXISTS {journal} (
	seq        BIGINT NOT NULL AUTO_INCREMENT,
	session_id BINARY(45) NOT NULL,
	owner      VARBINARY(512) NOT NULL,
	held_until BIGINT NOT NULL,
	PRIMARY KEY (seq),
	UNIQUE KEY journal_session (session_id),
	KEY journal_owner (owner, seq)
) ENGINE = InnoDB;

-- A row is a user for whom endings wait. free_at is when the first of them may be
-- delivered.
CREATE TABLE IF NOT EXISTS {queue} (
	owner   VARBINARY(512) NOT NULL,
	free_at BIGINT NOT NULL,
	PRIMARY KEY (owner),
	KEY queue_free (free_at)
) ENGINE = InnoDB;

-- A row is what the steps of one in 4096 users lock, so that they come one after
-- the other. Rows are made when they are first locked.
CREATE TABLE IF NOT EXISTS {lock} (
	n SMALLINT NOT NULL,
	PRIMARY KEY (n)
) ENGINE = InnoDB;

-- A row is a change that Watch tells of, in the order of seq. Sweep forgets it after
-- some minutes.
CREATE TABLE IF NOT EXISTS {change} (
	seq        BIGINT NOT NULL AUTO_INCREMENT,
	session_id BINARY(45) NOT NULL,
	owner      VARBINARY(512) NOT NULL,
	kind       VARBINARY(16) NOT NULL,  -- 'ended', 'updated'
	detail     VARBINARY(255) NOT NULL, -- its cause, or why the session is restricted
	made       BIGINT NOT NULL,
	PRIMARY KEY (seq),
	KEY change_made (made)
) ENGINE = InnoDB;

-- The one row says which schema this is.
CREATE TABLE IF NOT EXISTS {schema} (
	one     TINYINT NOT NULL,
	version INT NOT NULL,
	PRIMARY KEY (one)
) ENGINE = InnoDB;

INSERT IGNORE INTO {schema} (one, version) VALUES (1, 4);
