package store

import (
	"context"
	"fmt"
	"strings"

	"tierline/acd/report"
)

// RecordingQuery selects recordings of ended calls, newest first. Zero values
// select everything.
type RecordingQuery struct {
	From, Until report.Time // by the call's start, until exclusive
	Call        string
	Number      string // caller or called number, exact
	Agent       string // who talked
	Queue       string // the call's last
	Kind        string // message, conversation
	Before      RecordingPlace
	Limit       int
}

// RecordingPlace is a recording's place in the order of queries.
type RecordingPlace struct {
	Place
	N int
}

// Recording is a recording and what its call was.
type Recording struct {
	report.Note
	Place   RecordingPlace
	Started report.Time // the call
	From    string
	To      string
	Queue   string
	Node    string
}

// Recordings returns the recordings that a query selects.
func (s *Store) Recordings(ctx context.Context, q RecordingQuery) (found []Recording, err error) {
	where, values := []string{`notes.kind = 'recording'`}, []any{}
	add := func(given bool, cond string, v ...any) {
		if given {
			where, values = append(where, cond), append(values, v...)
		}
	}
	add(q.From != 0, `started >= ?`, moment(q.From))
	add(q.Until != 0, `started < ?`, moment(q.Until))
	add(q.Call != "", `calls.call = ?`, q.Call)
	add(q.Number != "", `(caller = ? OR called = ?)`, q.Number, q.Number)
	add(q.Agent != "", `notes.agent = ?`, q.Agent)
	add(q.Queue != "", `queue = ?`, q.Queue)
	add(q.Kind != "", `notes.name = ?`, q.Kind)
	add(q.Before.Index != 0, `(last_index, calls.call, n) < (?, ?, ?)`, q.Before.Index, q.Before.Call, q.Before.N)
	rows, err := s.query(ctx, `SELECT last_index, calls.call, n, started, caller, called, queue, node,
		after_ms, notes.kind, name, value, notes.agent, notes.length_ms, sha256, failed
		FROM notes JOIN calls ON calls.call = notes.call WHERE `+strings.Join(where, ` AND `)+`
		ORDER BY last_index DESC, calls.call DESC, n DESC LIMIT ?`, append(values, q.Limit)...)
	if err == nil {
		err = each(rows, func() error {
			var r Recording
			var started string
			bad := rows.Scan(&r.Place.Index, &r.Place.Call, &r.Place.N, &started, &r.From, &r.To, &r.Queue, &r.Node,
				&r.AfterMS, &r.Kind, &r.Name, &r.Value, &r.Agent, &r.LengthMS, &r.SHA256, &r.Failed)
			if bad == nil {
				bad = r.Started.UnmarshalText([]byte(started))
			}
			found = append(found, r)
			return bad
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read recordings: %w", err)
	}
	return found, nil
}
