-- +goose Up
CREATE TABLE cursor (
	id           INTEGER PRIMARY KEY CHECK (id = 1),
	idx          BIGINT NOT NULL, -- log index of the last story in these tables
	centre       TEXT NOT NULL,   -- whose log
	writer       TEXT NOT NULL,   -- node that writes
	writes_until TIMESTAMPTZ NOT NULL
);
INSERT INTO cursor (id, idx, centre, writer, writes_until) VALUES (1, 0, '', '', 'epoch');

CREATE TABLE open_calls (
	call   TEXT COLLATE "C" PRIMARY KEY,
	record TEXT NOT NULL -- JSON, only for the program itself
);

CREATE TABLE calls (
	call        TEXT COLLATE "C" PRIMARY KEY,
	direction   TEXT NOT NULL,
	node        TEXT NOT NULL,
	trunk       TEXT NOT NULL,
	caller      TEXT NOT NULL,
	called      TEXT NOT NULL,
	flow        TEXT NOT NULL,
	generation  BIGINT NOT NULL,
	sip_call_id TEXT NOT NULL,
	customer    TEXT NOT NULL,
	tier        TEXT NOT NULL,
	language    TEXT NOT NULL,
	started     TIMESTAMPTZ NOT NULL,
	ended       TIMESTAMPTZ NOT NULL,
	duration_ms BIGINT NOT NULL,
	ivr_ms      BIGINT NOT NULL,
	wait_ms     BIGINT NOT NULL,
	ring_ms     BIGINT NOT NULL,
	talk_ms     BIGINT NOT NULL,
	queue       TEXT NOT NULL,
	agent       TEXT NOT NULL,
	answered    BOOLEAN NOT NULL,
	abandoned   BOOLEAN NOT NULL,
	cause       TEXT NOT NULL,
	ended_by    TEXT NOT NULL,
	sip         INTEGER NOT NULL,
	callback    TEXT NOT NULL,
	origin      TEXT NOT NULL,
	path        JSON NOT NULL,
	quality     JSON,
	first_index BIGINT NOT NULL,
	last_index  BIGINT NOT NULL
);
CREATE INDEX calls_last ON calls (last_index, call);
CREATE INDEX calls_started ON calls (started);
CREATE INDEX calls_ended ON calls (ended);
-- A caller says how long his number is: a tree takes only so much.
CREATE INDEX calls_caller ON calls USING hash (caller);
CREATE INDEX calls_called ON calls USING hash (called);

CREATE TABLE segments (
	call        TEXT COLLATE "C" NOT NULL REFERENCES calls (call) ON DELETE CASCADE,
	n           INTEGER NOT NULL,
	kind        TEXT NOT NULL,
	started     TIMESTAMPTZ NOT NULL,
	ended       TIMESTAMPTZ NOT NULL,
	duration_ms BIGINT NOT NULL,
	ring_ms     BIGINT NOT NULL,
	queue       TEXT NOT NULL,
	agent       TEXT NOT NULL,
	offer       BIGINT NOT NULL,
	outcome     TEXT NOT NULL,
	ended_by    TEXT NOT NULL,
	sip         INTEGER NOT NULL,
	reason      TEXT NOT NULL,
	quality     JSON,
	PRIMARY KEY (call, n)
);

CREATE TABLE notes (
	call      TEXT COLLATE "C" NOT NULL REFERENCES calls (call) ON DELETE CASCADE,
	n         INTEGER NOT NULL,
	after_ms  BIGINT NOT NULL,
	kind      TEXT NOT NULL,
	name      TEXT NOT NULL,
	value     TEXT NOT NULL,
	agent     TEXT NOT NULL,
	length_ms BIGINT NOT NULL,
	sha256    TEXT NOT NULL,
	failed    TEXT NOT NULL,
	PRIMARY KEY (call, n)
);

CREATE TABLE events (
	idx   BIGINT NOT NULL,
	seq   INTEGER NOT NULL,
	at    TIMESTAMPTZ NOT NULL,
	kind  TEXT NOT NULL,
	call  TEXT COLLATE "C" NOT NULL,
	agent TEXT NOT NULL,
	data  JSON NOT NULL,
	PRIMARY KEY (idx, seq)
);
CREATE INDEX events_at ON events (at);
CREATE INDEX events_call ON events (call, idx) WHERE call <> '';

CREATE TABLE queue_numbers (
	began             TIMESTAMPTZ NOT NULL, -- of a quarter of an hour
	queue             TEXT NOT NULL,
	tier              TEXT NOT NULL,
	skill             TEXT NOT NULL,
	offered           BIGINT NOT NULL,
	refused           BIGINT NOT NULL,
	handled           BIGINT NOT NULL,
	answered_wait_ms  BIGINT NOT NULL,
	abandoned_wait_ms BIGINT NOT NULL,
	left_wait_ms      BIGINT NOT NULL,
	max_wait_ms       BIGINT NOT NULL,
	talk_ms           BIGINT NOT NULL,
	wrap_up_ms        BIGINT NOT NULL,
	PRIMARY KEY (began, queue, tier, skill)
);

CREATE TABLE queue_waits (
	began   TIMESTAMPTZ NOT NULL,
	queue   TEXT NOT NULL,
	tier    TEXT NOT NULL,
	skill   TEXT NOT NULL,
	outcome TEXT NOT NULL,
	seconds BIGINT NOT NULL, -- rounded up; 121: longer than two minutes
	calls   BIGINT NOT NULL,
	PRIMARY KEY (began, queue, tier, skill, outcome, seconds)
);

CREATE TABLE agent_times (
	began   TIMESTAMPTZ NOT NULL,
	agent   TEXT NOT NULL,
	queue   TEXT NOT NULL,
	state   TEXT NOT NULL,
	reason  TEXT NOT NULL,
	time_ms BIGINT NOT NULL,
	PRIMARY KEY (began, agent, queue, state, reason)
);

CREATE TABLE agent_offers (
	began   TIMESTAMPTZ NOT NULL,
	agent   TEXT NOT NULL,
	queue   TEXT NOT NULL,
	outcome TEXT NOT NULL,
	offers  BIGINT NOT NULL,
	PRIMARY KEY (began, agent, queue, outcome)
);

CREATE TABLE callback_numbers (
	began        TIMESTAMPTZ NOT NULL, -- of the quarter of an hour in which they were asked for
	queue        TEXT NOT NULL,
	tier         TEXT NOT NULL,
	skill        TEXT NOT NULL,
	requested    BIGINT NOT NULL,
	attempts     BIGINT NOT NULL,
	done         BIGINT NOT NULL,
	failed       BIGINT NOT NULL,
	expired      BIGINT NOT NULL,
	cancelled    BIGINT NOT NULL,
	called_again BIGINT NOT NULL,
	lost         BIGINT NOT NULL,
	done_ms      BIGINT NOT NULL,
	PRIMARY KEY (began, queue, tier, skill)
);

CREATE TABLE tallies (
	began TIMESTAMPTZ NOT NULL,
	kind  TEXT NOT NULL,
	queue TEXT NOT NULL,
	agent TEXT NOT NULL,
	name  TEXT NOT NULL,
	value TEXT NOT NULL,
	times BIGINT NOT NULL,
	PRIMARY KEY (began, kind, queue, agent, name, value)
);

CREATE TABLE open_numbers (
	kind   TEXT NOT NULL,
	id     TEXT NOT NULL,
	record TEXT NOT NULL, -- JSON, only for the program itself
	PRIMARY KEY (kind, id)
);

-- +goose Down
DROP TABLE open_numbers;
DROP TABLE tallies;
DROP TABLE callback_numbers;
DROP TABLE agent_offers;
DROP TABLE agent_times;
DROP TABLE queue_waits;
DROP TABLE queue_numbers;
DROP TABLE events;
DROP TABLE notes;
DROP TABLE segments;
DROP TABLE calls;
DROP TABLE open_calls;
DROP TABLE cursor;
