package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"tierline/acd/report"
	"tierline/acd/report/interval"
)

// noteColumns are in the order of noteValues and what notes reads.
const noteColumns = `call, n, after_ms, kind, name, value, agent, length_ms, sha256, failed`

func noteValues(call string, n int, o *report.Note) []any {
	return []any{call, n, o.AfterMS, string(o.Kind), o.Name, o.Value, o.Agent, o.LengthMS, o.SHA256, o.Failed}
}

func (s *Store) notes(ctx context.Context, call string) (found []report.Note, err error) {
	rows, err := s.query(ctx, `SELECT after_ms, kind, name, value, agent, length_ms, sha256, failed
		FROM notes WHERE call = ? ORDER BY n`, call)
	if err == nil {
		err = each(rows, func() error {
			var o report.Note
			bad := rows.Scan(&o.AfterMS, &o.Kind, &o.Name, &o.Value, &o.Agent, &o.LengthMS, &o.SHA256, &o.Failed)
			found = append(found, o)
			return bad
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read the notes of call %s: %w", call, err)
	}
	return found, nil
}

// callbackSums are in the order of callbacks and callbackNumbers.
const callbackSums = `requested, attempts, done, failed, expired, cancelled, called_again, lost, done_ms`

func (w *writer) callbacks(b report.Batch) {
	sums := increase("callback_numbers", queueKey, callbackSums)
	tally := increase("tallies", `began, kind, queue, agent, name, value`, "times")
	for k, c := range b.Numbers.Callbacks {
		w.add(sums, began(k.Slot), k.Queue, k.Tier, k.Skill, c.Requested, c.Attempts, c.Done, c.Failed, c.Expired,
			c.Cancelled, c.CalledAgain, c.Lost, c.DoneMS)
	}
	for k, v := range b.Numbers.Tallies {
		w.add(tally, began(k.Slot), k.Kind, k.Queue, k.Agent, short(k.Name), short(k.Value), v)
	}
}

// short is a text that can be part of a key in every engine.
func short(s string) string {
	const most = 256
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

func callbackNumbers(q question, n interval.Numbers) error {
	return q.ask(`callback_numbers`, q.place(), total(callbackSums), func(rows *sql.Rows, slot *int64) error {
		var k interval.Key
		var c interval.Callbacks
		err := rows.Scan(slot, &k.Queue, &k.Tier, &k.Skill, &c.Requested, &c.Attempts, &c.Done, &c.Failed, &c.Expired,
			&c.Cancelled, &c.CalledAgain, &c.Lost, &c.DoneMS)
		k.Slot = *slot
		n.Callbacks[k] = c
		return err
	})
}

func tallies(q question, n interval.Numbers) error {
	return q.ask(`tallies`, `kind, queue, agent, name, value`, `sum(times)`, func(rows *sql.Rows, slot *int64) error {
		var k interval.Tally
		var times int64
		err := rows.Scan(slot, &k.Kind, &k.Queue, &k.Agent, &k.Name, &k.Value, &times)
		k.Slot = *slot
		n.Tallies[k] = times
		return err
	})
}
