package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"tierline/acd/report"
	"tierline/acd/report/interval"
)

// The sums of queue_numbers in the order of callsOf and addresses.
const (
	queueKey  = `began, queue, tier, skill`
	sumsOfAll = `offered, refused, handled, answered_wait_ms, abandoned_wait_ms, left_wait_ms, talk_ms, wrap_up_ms`
)

// queueSums adds to a row, or makes it.
func (w words) queueSums() string {
	return upsert("queue_numbers", queueKey, `max_wait_ms, `+sumsOfAll,
		`max_wait_ms = `+w.greatest+`(queue_numbers.max_wait_ms, excluded.max_wait_ms), `+plus("queue_numbers", sumsOfAll))
}

// increase is the statement that adds to the numbers of a row, or makes it.
func increase(table, key, columns string) string {
	return upsert(table, key, columns, plus(table, columns))
}

func upsert(table, key, columns, set string) string {
	columns = key + `, ` + columns
	return `INSERT INTO ` + table + ` (` + columns + `) VALUES (` + marks(columns) + `)
		ON CONFLICT (` + key + `) DO UPDATE SET ` + set
}

// plus adds a new row's columns to those of the row there is.
func plus(table, columns string) string {
	var set []string
	for column := range strings.SplitSeq(columns, ", ") {
		set = append(set, column+` = `+table+`.`+column+` + excluded.`+column)
	}
	return strings.Join(set, `, `)
}

// total adds up columns.
func total(columns string) string { return `sum(` + strings.ReplaceAll(columns, `, `, `), sum(`) + `)` }

// The keys of tables of numbers.
const (
	waitKey  = queueKey + `, outcome, seconds`
	timeKey  = `began, agent, queue, state, reason`
	offerKey = `began, agent, queue, outcome`
)

// numbers adds a batch's numbers. They are differences, unlike everything else
// in a batch.
func (w *writer) numbers(b report.Batch) {
	n := &b.Numbers
	sums, waits := w.words.queueSums(), increase("queue_waits", waitKey, "calls")
	for k, c := range n.Calls {
		w.add(sums, began(k.Slot), k.Queue, k.Tier, k.Skill, c.MaxMS, c.Offered, c.Refused, c.Handled,
			c.AnsweredWaitMS, c.AbandonedWaitMS, c.LeftWaitMS, c.TalkMS, c.WrapUpMS)
	}
	for k, v := range n.Waits {
		w.add(waits, began(k.Slot), k.Queue, k.Tier, k.Skill, k.Outcome, k.Seconds, v)
	}
	times, offers := increase("agent_times", timeKey, "time_ms"), increase("agent_offers", offerKey, "offers")
	for k, ms := range n.Times {
		w.add(times, began(k.Slot), k.Agent, k.Queue, k.State, k.Reason, ms)
	}
	for k, v := range n.Offers {
		w.add(offers, began(k.Slot), k.Agent, k.Queue, k.Outcome, v)
	}
	w.callbacks(b)
	for _, o := range n.Open {
		if len(o.Record) == 0 {
			w.add(`DELETE FROM open_numbers WHERE kind = ? AND id = ?`, o.Kind, o.ID)
		} else {
			w.add(`INSERT INTO open_numbers (kind, id, record) VALUES (?, ?, ?)
				ON CONFLICT (kind, id) DO UPDATE SET record = excluded.record`, o.Kind, o.ID, string(o.Record))
		}
	}
}

func began(slot int64) string { return moment(report.Time(slot)) }

// pruneNumbers is the statement that removes old rows of a table of numbers.
func pruneNumbers(table, key string) string {
	return `DELETE FROM ` + table + ` WHERE (` + key + `) IN
		(SELECT ` + key + ` FROM ` + table + ` WHERE began < ? ORDER BY began LIMIT ?)`
}

// openNumbers returns what goes on.
func openNumbers(q question) (open []interval.Open, err error) {
	rows, err := q.rows(`SELECT kind, id, record FROM open_numbers ORDER BY kind, id`)
	if err != nil {
		return nil, fmt.Errorf("read unfinished numbers: %w", err)
	}
	err = each(rows, func() error {
		var o interval.Open
		bad := rows.Scan(&o.Kind, &o.ID, &o.Record)
		open = append(open, o)
		return bad
	})
	if err != nil {
		return nil, fmt.Errorf("read unfinished numbers: %w", err)
	}
	return open, nil
}

// QueueNumbers returns the sums of queues that a query asks for, and what goes
// on beside them.
func (s *Store) QueueNumbers(ctx context.Context, q interval.Query) (interval.Numbers, []interval.Open, error) {
	return s.numbers(ctx, q, queueCalls, queueWaits, callbackNumbers, tallies)
}

// AgentNumbers is the same for agents.
func (s *Store) AgentNumbers(ctx context.Context, q interval.Query) (interval.Numbers, []interval.Open, error) {
	return s.numbers(ctx, q, agentTimes, agentOffers, tallies)
}

// numbers runs queries that see the same moment.
func (s *Store) numbers(
	ctx context.Context, query interval.Query, queries ...func(question, interval.Numbers) error,
) (n interval.Numbers, open []interval.Open, err error) {
	n = interval.NewNumbers()
	w := s.engine.words()
	defer func() { err = s.engine.fault(err) }()
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: w.moment})
	if err != nil {
		return n, nil, fmt.Errorf("read numbers: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	q := question{ctx, tx, w, query}
	for _, ask := range queries {
		if err = ask(q, n); err != nil {
			return n, nil, fmt.Errorf("read numbers: %w", err)
		}
	}
	open, err = openNumbers(q)
	return n, open, err
}

// question is one query.
type question struct {
	ctx  context.Context //nolint:containedctx // lives no longer than the query
	from interface {     // a connection or a transaction
		QueryContext(ctx context.Context, text string, values ...any) (*sql.Rows, error)
	}
	words words
	interval.Query
}

func (q question) rows(text string, values ...any) (*sql.Rows, error) {
	for i := range values {
		values[i] = q.words.value(values[i])
	}
	return q.from.QueryContext(q.ctx, q.words.text(text), values...)
}

// ask adds up columns of a table by interval and key, and scans each row.
func (q question) ask(table, key, sums string, scan func(rows *sql.Rows, slot *int64) error) error {
	at := `CAST(? AS BIGINT)` // one interval
	values := []any{q.From, began(q.From), began(q.Until)}
	if q.Step != 0 {
		at = q.words.greatest + `(?, (local - (local % ?)) - ?)`
		values = []any{q.From, q.Step, q.Offset, q.Offset, began(q.From), began(q.Until)}
		table = `(SELECT *, ` + q.words.seconds + ` * 1000 + ? AS local FROM ` + table + `) AS slots`
	}
	rows, err := q.rows(`SELECT `+at+` AS slot, `+key+`, `+sums+` FROM `+table+`
		WHERE began >= ? AND began < ? GROUP BY `+groups(1+strings.Count(key, ",")+1), values...)
	if err != nil {
		return err
	}
	var slot int64
	return each(rows, func() error { return scan(rows, &slot) })
}

// groups returns 1, 2, …, n.
func groups(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprint(i+1))
	}
	return strings.Join(list, ", ")
}

// place returns the key's columns, blank where the query adds them up.
func (q question) place() string {
	tier, skill := `''`, `''`
	if q.Tier {
		tier = `tier`
	}
	if q.Skill {
		skill = `skill`
	}
	return `queue, ` + tier + `, ` + skill
}

func queueCalls(q question, n interval.Numbers) error {
	sums := `max(max_wait_ms), ` + total(sumsOfAll)
	return q.ask(`queue_numbers`, q.place(), sums, func(rows *sql.Rows, slot *int64) error {
		var k interval.Key
		var c interval.Calls
		err := rows.Scan(slot, &k.Queue, &k.Tier, &k.Skill, &c.MaxMS, &c.Offered, &c.Refused, &c.Handled,
			&c.AnsweredWaitMS, &c.AbandonedWaitMS, &c.LeftWaitMS, &c.TalkMS, &c.WrapUpMS)
		k.Slot = *slot
		n.Calls[k] = c
		return err
	})
}

func queueWaits(q question, n interval.Numbers) error {
	key := q.place() + `, outcome, seconds`
	return q.ask(`queue_waits`, key, `sum(calls)`, func(rows *sql.Rows, slot *int64) error {
		var k interval.WaitKey
		var calls int64
		err := rows.Scan(slot, &k.Queue, &k.Tier, &k.Skill, &k.Outcome, &k.Seconds, &calls)
		k.Slot = *slot
		n.Waits[k] = calls
		return err
	})
}

// agent returns the key's columns for agents.
func (q question) agent() string {
	if q.AgentQueues {
		return `agent, queue`
	}
	return `agent, ''`
}

func agentTimes(q question, n interval.Numbers) error {
	key := q.agent() + `, state, reason`
	return q.ask(`agent_times`, key, `sum(time_ms)`, func(rows *sql.Rows, slot *int64) error {
		var k interval.TimeKey
		var ms int64
		err := rows.Scan(slot, &k.Agent, &k.Queue, &k.State, &k.Reason, &ms)
		k.Slot = *slot
		n.Times[k] = ms
		return err
	})
}

func agentOffers(q question, n interval.Numbers) error {
	return q.ask(`agent_offers`, q.agent()+`, outcome`, `sum(offers)`, func(rows *sql.Rows, slot *int64) error {
		var k interval.OfferKey
		var offers int64
		err := rows.Scan(slot, &k.Agent, &k.Queue, &k.Outcome, &offers)
		k.Slot = *slot
		n.Offers[k] = offers
		return err
	})
}
