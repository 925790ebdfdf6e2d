-- +goose Up
ALTER TABLE calls ADD COLUMN direction TEXT NOT NULL DEFAULT 'in';
ALTER TABLE calls ADD COLUMN callback TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN origin TEXT NOT NULL DEFAULT '';

CREATE TABLE notes (
	call      TEXT NOT NULL REFERENCES calls (call) ON DELETE CASCADE,
	n         INTEGER NOT NULL,
	after_ms  INTEGER NOT NULL,
	kind      TEXT NOT NULL,
	name      TEXT NOT NULL,
	value     TEXT NOT NULL,
	agent     TEXT NOT NULL,
	length_ms INTEGER NOT NULL,
	PRIMARY KEY (call, n)
) WITHOUT ROWID;

CREATE TABLE callback_numbers (
	began        TEXT NOT NULL, -- of the quarter of an hour in which they were asked for
	queue        TEXT NOT NULL,
	tier         TEXT NOT NULL,
	skill        TEXT NOT NULL,
	requested    INTEGER NOT NULL,
	attempts     INTEGER NOT NULL,
	done         INTEGER NOT NULL,
	failed       INTEGER NOT NULL,
	expired      INTEGER NOT NULL,
	cancelled    INTEGER NOT NULL,
	called_again INTEGER NOT NULL,
	lost         INTEGER NOT NULL,
	done_ms      INTEGER NOT NULL,
	PRIMARY KEY (began, queue, tier, skill)
) WITHOUT ROWID;

CREATE TABLE tallies (
	began TEXT NOT NULL,
	kind  TEXT NOT NULL,
	queue TEXT NOT NULL,
	agent TEXT NOT NULL,
	name  TEXT NOT NULL,
	value TEXT NOT NULL,
	times INTEGER NOT NULL,
	PRIMARY KEY (began, kind, queue, agent, name, value)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE tallies;
DROP TABLE callback_numbers;
DROP TABLE notes;
ALTER TABLE calls DROP COLUMN origin;
ALTER TABLE calls DROP COLUMN callback;
ALTER TABLE calls DROP COLUMN direction;
