-- +goose Up
CREATE TABLE queue_numbers (
	began             TEXT NOT NULL, -- of a quarter of an hour
	queue             TEXT NOT NULL,
	tier              TEXT NOT NULL,
	skill             TEXT NOT NULL,
	offered           INTEGER NOT NULL,
	refused           INTEGER NOT NULL,
	handled           INTEGER NOT NULL,
	answered_wait_ms  INTEGER NOT NULL,
	abandoned_wait_ms INTEGER NOT NULL,
	left_wait_ms      INTEGER NOT NULL,
	max_wait_ms       INTEGER NOT NULL,
	talk_ms           INTEGER NOT NULL,
	wrap_up_ms        INTEGER NOT NULL,
	PRIMARY KEY (began, queue, tier, skill)
) WITHOUT ROWID;

CREATE TABLE queue_waits (
	began   TEXT NOT NULL,
	queue   TEXT NOT NULL,
	tier    TEXT NOT NULL,
	skill   TEXT NOT NULL,
	outcome TEXT NOT NULL,
	seconds INTEGER NOT NULL, -- rounded up; 121: longer than two minutes
	calls   INTEGER NOT NULL,
	PRIMARY KEY (began, queue, tier, skill, outcome, seconds)
) WITHOUT ROWID;

CREATE TABLE agent_times (
	began   TEXT NOT NULL,
	agent   TEXT NOT NULL,
	queue   TEXT NOT NULL,
	state   TEXT NOT NULL,
	reason  TEXT NOT NULL,
	time_ms INTEGER NOT NULL,
	PRIMARY KEY (began, agent, queue, state, reason)
) WITHOUT ROWID;

CREATE TABLE agent_offers (
	began   TEXT NOT NULL,
	agent   TEXT NOT NULL,
	queue   TEXT NOT NULL,
	outcome TEXT NOT NULL,
	offers  INTEGER NOT NULL,
	PRIMARY KEY (began, agent, queue, outcome)
) WITHOUT ROWID;

CREATE TABLE open_numbers (
	kind   TEXT NOT NULL,
	id     TEXT NOT NULL,
	record TEXT NOT NULL, -- JSON, only for the program itself
	PRIMARY KEY (kind, id)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE open_numbers;
DROP TABLE agent_offers;
DROP TABLE agent_times;
DROP TABLE queue_waits;
DROP TABLE queue_numbers;
