package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"tierline/acd/report"
	"tierline/acd/report/interval"
)

// The columns in the order of callValues and segmentValues, and of what
// scanCall and scanSegment read.
const (
	callColumns = `call, node, trunk, caller, called, flow, generation, sip_call_id, customer, tier, language,
		started, ended, duration_ms, ivr_ms, wait_ms, ring_ms, talk_ms, queue, agent, answered, abandoned,
		cause, ended_by, sip, path, quality, first_index, last_index, direction, callback, origin`
	segmentColumns = `call, n, kind, started, ended, duration_ms, ring_ms, queue, agent, offer, outcome,
		ended_by, sip, reason, quality`
)

// The statements that write. What is there already stays: there is one record
// of a call, whoever writes.
const (
	cursorText = `SELECT idx FROM cursor`
	moveCursor = `UPDATE cursor SET idx = ?`
	closeCall  = `DELETE FROM open_calls WHERE call = ?`
	keepCall   = `INSERT INTO open_calls (call, record) VALUES (?, ?)
		ON CONFLICT (call) DO UPDATE SET record = excluded.record`
	addEvent = `INSERT INTO events (idx, seq, at, kind, call, agent, data) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`
)

// insert is the statement that adds a row, unless it is there.
func insert(table, columns string) string {
	return `INSERT INTO ` + table + ` (` + columns + `) VALUES (` + marks(columns) + `) ON CONFLICT DO NOTHING`
}

// marks returns as many placeholders as there are columns in the list.
func marks(columns string) string {
	n := strings.Count(columns, ",") + 1
	return strings.TrimSuffix(strings.Repeat("?,", n), ",")
}

// Commit writes a batch in one transaction, with its cursor and open calls.
// A batch that is there already changes nothing; one that doesn't begin where
// the records end is report.ErrTaken. With durable set, everything committed so
// far has reached the disk when Commit returns.
func (s *Store) Commit(ctx context.Context, b report.Batch, durable bool) error {
	err := s.engine.commit(ctx, durable, func(at uint64) ([]step, error) {
		switch at {
		case b.After:
			w := writer{words: s.engine.words()}
			w.batch(b)
			return w.steps, w.err
		case b.Cursor:
			return nil, nil
		}
		return nil, fmt.Errorf("%w: the records end at index %d, the batch begins after %d", report.ErrTaken, at, b.After)
	})
	if err != nil {
		return fmt.Errorf("write a batch up to index %d: %w", b.Cursor, s.engine.fault(err))
	}
	return nil
}

// writer makes the statements of one transaction.
type writer struct {
	words words
	steps []step
	err   error
}

func (w *writer) batch(b report.Batch) {
	w.numbers(b)
	for _, e := range b.Events {
		w.add(addEvent, e.Index, e.Seq, e.Wall.String(), string(e.Fact.Kind), e.Fact.Call, e.Fact.Agent, w.json(e.Fact))
	}
	call, segment, note := insert("calls", callColumns), insert("segments", segmentColumns), insert("notes", noteColumns)
	for i := range b.Ended {
		c := &b.Ended[i]
		w.add(call, w.callValues(c)...)
		for n := range c.Segments {
			w.add(segment, w.segmentValues(c.Call, n, &c.Segments[n])...)
		}
		for n := range c.Notes {
			w.add(note, noteValues(c.Call, n, &c.Notes[n])...)
		}
		w.add(closeCall, c.Call)
	}
	for _, o := range b.Open {
		w.add(keepCall, o.Call, string(o.Record))
	}
	w.add(moveCursor, b.Cursor)
}

func (w *writer) add(text string, values ...any) { w.steps = append(w.steps, step{text, values}) }

func (w *writer) json(v any) string {
	b, err := json.Marshal(v)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("encode %T: %w", v, err)
	}
	return string(b)
}

// optional returns JSON, or NULL for what is absent.
func optional[T any](w *writer, v *T) any {
	if v == nil {
		return nil
	}
	return w.json(v)
}

func (w *writer) callValues(c *report.CDR) []any {
	return []any{
		c.Call, c.Node, c.Trunk, c.From, c.To, c.Flow, c.Generation, c.SIPCallID, c.Customer, c.Tier.String(), c.Language,
		c.Started.String(), c.Ended.String(), c.DurationMS, c.IVRMS, c.WaitMS, c.RingMS, c.TalkMS,
		c.Queue, c.Agent, c.Answered, c.Abandoned,
		c.Cause, c.EndedBy, c.SIP, w.json(c.Path), optional(w, c.Quality), c.FirstIndex, c.LastIndex,
		string(c.Direction), c.Callback, c.Origin,
	}
}

func (w *writer) segmentValues(call string, n int, g *report.Segment) []any {
	return []any{
		call, n, string(g.Kind), g.Started.String(), g.Ended.String(), g.DurationMS, g.RingMS, g.Queue, g.Agent,
		g.Offer, g.Outcome, g.EndedBy, g.SIP, g.Reason, optional(w, g.Quality),
	}
}

// Prune removes calls that ended, events that happened and numbers of
// intervals that ended before a time, at most limit of each, so that a long
// clean-up never holds up the cursor. It returns how many rows went; less than
// limit means that it is done.
func (s *Store) Prune(ctx context.Context, before report.Time, limit int) (int64, error) {
	slot := before - interval.Slot
	var gone int64
	for _, old := range []struct {
		text   string
		before report.Time
	}{
		{`DELETE FROM calls WHERE call IN (SELECT call FROM calls WHERE ended < ? ORDER BY ended LIMIT ?)`, before},
		{`DELETE FROM events WHERE (idx, seq) IN
			(SELECT idx, seq FROM events WHERE at < ? ORDER BY at LIMIT ?)`, before},
		{pruneNumbers("queue_numbers", "began, queue, tier, skill"), slot},
		{pruneNumbers("queue_waits", "began, queue, tier, skill, outcome, seconds"), slot},
		{pruneNumbers("agent_times", "began, agent, queue, state, reason"), slot},
		{pruneNumbers("agent_offers", "began, agent, queue, outcome"), slot},
		{pruneNumbers("callback_numbers", "began, queue, tier, skill"), slot},
		{pruneNumbers("tallies", "began, kind, queue, agent, name, value"), slot},
	} {
		n, err := s.engine.exec(ctx, old.text, old.before.String(), limit)
		if err != nil {
			return gone, fmt.Errorf("remove records before %s: %w", old.before, s.engine.fault(err))
		}
		gone += n
	}
	return gone, nil
}
