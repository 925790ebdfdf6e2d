package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/routing"
)

// Query selects call records, newest first. Zero values select everything.
type Query struct {
	From, Until report.Time // by start, until exclusive
	Number      string      // caller or called number, exact
	Agent       string      // one who talked in the call
	Before      Place       // of the last record already seen
	Limit       int
}

// Place is a record's place in the order of queries.
type Place struct {
	Index uint64
	Call  string
}

// CDRs returns the records that a query selects.
func (s *Store) CDRs(ctx context.Context, q Query) ([]report.CDR, error) {
	var where []string
	var values []any
	add := func(cond string, v ...any) {
		where, values = append(where, cond), append(values, v...)
	}
	if q.From != 0 {
		add(`started >= ?`, moment(q.From))
	}
	if q.Until != 0 {
		add(`started < ?`, moment(q.Until))
	}
	if q.Number != "" {
		add(`(caller = ? OR called = ?)`, q.Number, q.Number)
	}
	if q.Agent != "" {
		add(`call IN (SELECT call FROM segments WHERE kind = 'talk' AND agent = ?)`, q.Agent)
	}
	if q.Before.Index != 0 {
		add(`(last_index, call) < (?, ?)`, q.Before.Index, q.Before.Call)
	}
	text := `SELECT ` + callColumns + ` FROM calls`
	if len(where) > 0 {
		text += ` WHERE ` + strings.Join(where, ` AND `)
	}
	return s.records(ctx, text+` ORDER BY last_index DESC, call DESC LIMIT ?`, append(values, q.Limit)...)
}

// moment is a time as the tables have it, none before there were any.
func moment(t report.Time) string { return max(t, 0).String() }

// CDR returns the record of one ended call, or ErrNotFound.
func (s *Store) CDR(ctx context.Context, call string) (report.CDR, error) {
	found, err := s.records(ctx, `SELECT `+callColumns+` FROM calls WHERE call = ?`, call)
	if err != nil {
		return report.CDR{}, err
	}
	if len(found) == 0 {
		return report.CDR{}, fmt.Errorf("call %s: %w", call, ErrNotFound)
	}
	return found[0], nil
}

// Events returns about limit events after an index, in order; the events of
// one entry come together or not at all.
func (s *Store) Events(ctx context.Context, after uint64, limit int) (found []report.Event, err error) {
	rows, err := s.query(ctx, `SELECT idx, seq, at, data FROM events WHERE idx > ? AND idx <=
		(SELECT max(idx) FROM (SELECT idx FROM events WHERE idx > ? ORDER BY idx, seq LIMIT ?) AS page) ORDER BY idx, seq`,
		after, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e report.Event
		var at, data string
		if err = rows.Scan(&e.Index, &e.Seq, &at, &data); err != nil {
			return nil, fmt.Errorf("read an event: %w", err)
		}
		if err = errors.Join(e.Wall.UnmarshalText([]byte(at)), json.Unmarshal([]byte(data), &e.Fact)); err != nil {
			return nil, fmt.Errorf("read event %d.%d: %w", e.Index, e.Seq, err)
		}
		found = append(found, e)
	}
	return found, rows.Err()
}

// Oldest returns the index of the oldest event kept, 0 if there is none.
func (s *Store) Oldest(ctx context.Context) (uint64, error) {
	var index sql.Null[uint64]
	if err := s.engine.fault(s.read.QueryRowContext(ctx, `SELECT min(idx) FROM events`).Scan(&index)); err != nil {
		return 0, fmt.Errorf("find the oldest event: %w", err)
	}
	return index.V, nil
}

// Cursor returns the index of the last story committed.
func (s *Store) Cursor(ctx context.Context) (index uint64, err error) {
	if err = s.engine.fault(s.read.QueryRowContext(ctx, cursorText).Scan(&index)); err != nil {
		return 0, fmt.Errorf("read the cursor: %w", err)
	}
	return index, nil
}

// wall returns when the story of an entry happened, 0 if it is no longer kept.
func (s *Store) wall(ctx context.Context, index uint64) (report.Time, error) {
	events, err := s.Events(ctx, index-min(index, 1), 1)
	if err != nil || len(events) == 0 || events[0].Index != index {
		return 0, err
	}
	return events[0].Wall, nil
}

func (s *Store) records(ctx context.Context, text string, values ...any) (found []report.CDR, err error) {
	rows, err := s.query(ctx, text, values...)
	if err != nil {
		return nil, fmt.Errorf("read call records: %w", err)
	}
	for rows.Next() {
		var c report.CDR
		if c, err = scanCall(rows); err != nil {
			break
		}
		found = append(found, c)
	}
	if err = errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("read call records: %w", err)
	}
	for i := range found {
		if found[i].Segments, err = s.segments(ctx, found[i].Call); err != nil {
			return nil, err
		}
		if found[i].Notes, err = s.notes(ctx, found[i].Call); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (s *Store) segments(ctx context.Context, call string) (found []report.Segment, err error) {
	rows, err := s.query(ctx, `SELECT `+segmentColumns+` FROM segments WHERE call = ? ORDER BY n`, call)
	if err != nil {
		return nil, fmt.Errorf("read the segments of call %s: %w", call, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var g report.Segment
		if g, err = scanSegment(rows); err != nil {
			return nil, fmt.Errorf("read a segment of call %s: %w", call, err)
		}
		found = append(found, g)
	}
	return found, rows.Err()
}

func scanCall(rows *sql.Rows) (report.CDR, error) {
	var c report.CDR
	var tier, started, ended, path string
	var quality sql.Null[string]
	err := rows.Scan(&c.Call, &c.Node, &c.Trunk, &c.From, &c.To, &c.Flow, &c.Generation, &c.SIPCallID, &c.Customer,
		&tier, &c.Language, &started, &ended, &c.DurationMS, &c.IVRMS, &c.WaitMS, &c.RingMS, &c.TalkMS,
		&c.Queue, &c.Agent, &c.Answered, &c.Abandoned, &c.Cause, &c.EndedBy, &c.SIP, &path, &quality,
		&c.FirstIndex, &c.LastIndex, &c.Direction, &c.Callback, &c.Origin)
	if err != nil {
		return c, fmt.Errorf("read a call: %w", err)
	}
	if c.Tier, err = routing.ParseTier(tier); err != nil {
		return c, fmt.Errorf("read call %s: %w", c.Call, err)
	}
	c.Quality, err = qualityOf(quality)
	err = errors.Join(err, c.Started.UnmarshalText([]byte(started)), c.Ended.UnmarshalText([]byte(ended)),
		json.Unmarshal([]byte(path), &c.Path))
	return c, err
}

func scanSegment(rows *sql.Rows) (report.Segment, error) {
	var g report.Segment
	var call, started, ended string
	var n int
	var quality sql.Null[string]
	err := rows.Scan(&call, &n, &g.Kind, &started, &ended, &g.DurationMS, &g.RingMS, &g.Queue, &g.Agent, &g.Offer,
		&g.Outcome, &g.EndedBy, &g.SIP, &g.Reason, &quality)
	if err != nil {
		return g, fmt.Errorf("read a segment: %w", err)
	}
	g.Quality, err = qualityOf(quality)
	return g, errors.Join(err, g.Started.UnmarshalText([]byte(started)), g.Ended.UnmarshalText([]byte(ended)))
}

func qualityOf(text sql.Null[string]) (*acd.Quality, error) {
	if !text.Valid {
		return nil, nil //nolint:nilnil // a leg without RTP figures is ordinary
	}
	q := &acd.Quality{}
	if err := json.Unmarshal([]byte(text.V), q); err != nil {
		return nil, fmt.Errorf("read RTP figures: %w", err)
	}
	return q, nil
}
