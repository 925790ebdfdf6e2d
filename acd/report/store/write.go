package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
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

// marks returns as many placeholders as there are columns in the list.
func marks(columns string) string {
	n := strings.Count(columns, ",") + 1
	return strings.TrimSuffix(strings.Repeat("?,", n), ",")
}

// Commit writes a batch in one transaction, with its cursor and open calls.
// A batch that is there already changes nothing. With durable set, everything
// committed so far has reached the disk when Commit returns.
func (s *Store) Commit(ctx context.Context, b report.Batch, durable bool) (err error) {
	mode := `PRAGMA synchronous = NORMAL`
	if durable {
		mode = `PRAGMA synchronous = FULL`
	}
	if _, err = s.write.ExecContext(ctx, mode); err != nil {
		return fmt.Errorf("set the write mode: %w", err)
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a batch: %w", err)
	}
	defer func() {
		if err != nil {
			if undo := tx.Rollback(); !errors.Is(undo, sql.ErrTxDone) {
				err = errors.Join(err, undo)
			}
		}
	}()
	w := writer{ctx: ctx, s: s, tx: tx}
	w.batch(b)
	if w.err != nil {
		return fmt.Errorf("write a batch up to index %d: %w", b.Cursor, w.err)
	}
	if err = tx.Commit(); err != nil {
		return fmt.Errorf("commit a batch up to index %d: %w", b.Cursor, err)
	}
	return nil
}

// writer runs the statements of one transaction; after the first error the
// rest is skipped.
type writer struct {
	ctx context.Context //nolint:containedctx // lives only inside Commit
	s   *Store
	tx  *sql.Tx
	err error
}

func (w *writer) batch(b report.Batch) {
	w.numbers(b)
	event, keep, closed := w.stmt(w.s.event), w.stmt(w.s.keepOpen), w.stmt(w.s.closeOpen)
	for _, e := range b.Events {
		w.exec(event, e.Index, e.Seq, e.Wall.String(), string(e.Fact.Kind), e.Fact.Call, e.Fact.Agent, w.json(e.Fact))
	}
	call, segment, note := w.stmt(w.s.call), w.stmt(w.s.segment), w.stmt(w.s.note)
	for i := range b.Ended {
		c := &b.Ended[i]
		w.exec(call, w.callValues(c)...)
		for n := range c.Segments {
			w.exec(segment, w.segmentValues(c.Call, n, &c.Segments[n])...)
		}
		for n := range c.Notes {
			w.exec(note, noteValues(c.Call, n, &c.Notes[n])...)
		}
		w.exec(closed, c.Call)
	}
	for _, o := range b.Open {
		w.exec(keep, o.Call, string(o.Record))
	}
	w.exec(w.stmt(w.s.cursor), b.Cursor)
}

func (w *writer) stmt(s *sql.Stmt) *sql.Stmt { return w.tx.StmtContext(w.ctx, s) }

func (w *writer) exec(s *sql.Stmt, values ...any) {
	if w.err == nil {
		_, w.err = s.ExecContext(w.ctx, values...)
	}
}

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
		{`DELETE FROM calls WHERE call IN (SELECT call FROM calls WHERE ended < $1 ORDER BY ended LIMIT $2)`, before},
		{`DELETE FROM events WHERE (idx, seq) IN
			(SELECT idx, seq FROM events WHERE at < $1 ORDER BY at LIMIT $2)`, before},
		{pruneNumbers("queue_numbers", "began, queue, tier, skill"), slot},
		{pruneNumbers("queue_waits", "began, queue, tier, skill, outcome, seconds"), slot},
		{pruneNumbers("agent_times", "began, agent, queue, state, reason"), slot},
		{pruneNumbers("agent_offers", "began, agent, queue, outcome"), slot},
		{pruneNumbers("callback_numbers", "began, queue, tier, skill"), slot},
		{pruneNumbers("tallies", "began, kind, queue, agent, name, value"), slot},
	} {
		r, err := s.write.ExecContext(ctx, old.text, old.before.String(), limit)
		if err != nil {
			return gone, fmt.Errorf("remove records before %s: %w", old.before, err)
		}
		n, err := r.RowsAffected()
		if err != nil {
			return gone, fmt.Errorf("count removed records: %w", err)
		}
		gone += n
	}
	return gone, nil
}
