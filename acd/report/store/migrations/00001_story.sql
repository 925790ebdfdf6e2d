-- +goose Up
CREATE TABLE cursor (
	id  INTEGER PRIMARY KEY CHECK (id = 1),
	idx INTEGER NOT NULL -- log index of the last story in these tables
);
INSERT INTO cursor (id, idx) VALUES (1, 0);

CREATE TABLE open_calls (
	call   TEXT PRIMARY KEY,
	record TEXT NOT NULL -- JSON, only for the program itself
) WITHOUT ROWID;

CREATE TABLE calls (
	call        TEXT PRIMARY KEY,
	node        TEXT NOT NULL,
	trunk       TEXT NOT NULL,
	caller      TEXT NOT NULL,
	called      TEXT NOT NULL,
	flow        TEXT NOT NULL,
	generation  INTEGER NOT NULL,
	sip_call_id TEXT NOT NULL,
	customer    TEXT NOT NULL,
	tier        TEXT NOT NULL,
	language    TEXT NOT NULL,
	started     TEXT NOT NULL,
	ended       TEXT NOT NULL,
	duration_ms INTEGER NOT NULL,
	ivr_ms      INTEGER NOT NULL,
	wait_ms     INTEGER NOT NULL,
	ring_ms     INTEGER NOT NULL,
	talk_ms     INTEGER NOT NULL,
	queue       TEXT NOT NULL,
	agent       TEXT NOT NULL,
	answered    INTEGER NOT NULL,
	abandoned   INTEGER NOT NULL,
	cause       TEXT NOT NULL,
	ended_by    TEXT NOT NULL,
	sip         INTEGER NOT NULL,
	path        TEXT NOT NULL,
	quality     TEXT,
	first_index INTEGER NOT NULL,
	last_index  INTEGER NOT NULL
);
CREATE INDEX calls_last ON calls (last_index, call);
CREATE INDEX calls_started ON calls (started);
CREATE INDEX calls_ended ON calls (ended);
CREATE INDEX calls_caller ON calls (caller, last_index);
CREATE INDEX calls_called ON calls (called, last_index);

CREATE TABLE segments (
	call        TEXT NOT NULL REFERENCES calls (call) ON DELETE CASCADE,
	n           INTEGER NOT NULL,
	kind        TEXT NOT NULL,
	started     TEXT NOT NULL,
	ended       TEXT NOT NULL,
	duration_ms INTEGER NOT NULL,
	ring_ms     INTEGER NOT NULL,
	queue       TEXT NOT NULL,
	agent       TEXT NOT NULL,
	offer       INTEGER NOT NULL,
	outcome     TEXT NOT NULL,
	ended_by    TEXT NOT NULL,
	sip         INTEGER NOT NULL,
	reason      TEXT NOT NULL,
	quality     TEXT,
	PRIMARY KEY (call, n)
) WITHOUT ROWID;

CREATE TABLE events (
	idx   INTEGER NOT NULL,
	seq   INTEGER NOT NULL,
	at    TEXT NOT NULL,
	kind  TEXT NOT NULL,
	call  TEXT NOT NULL,
	agent TEXT NOT NULL,
	data  TEXT NOT NULL, -- JSON
	PRIMARY KEY (idx, seq)
) WITHOUT ROWID;
CREATE INDEX events_at ON events (at);
CREATE INDEX events_call ON events (call, idx) WHERE call <> '';

-- +goose Down
DROP TABLE events;
DROP TABLE segments;
DROP TABLE calls;
DROP TABLE open_calls;
DROP TABLE cursor;
