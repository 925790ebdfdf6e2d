package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// recordsLane has three nodes that write call records to one PostgreSQL.
const recordsLane = "records"

// soon is how long records may take on a machine that is busy: a turn to write
// ends five seconds after its node.
const soon = time.Minute

// shared is what the steps know of the records.
type shared struct {
	nodes []*bed.Node
	calls int       // that were made
	dead  *bed.Node // nil: all live
}

func recordSteps() []step {
	s := &shared{}
	return []step{
		{"three nodes write to one PostgreSQL, one at a time, and each tells the same", s.together},
		{"kill -9 of the node that writes, which has calls: another writes, and each call has one record", s.killed},
		{"the server is away: calls go on, a node starts, and no record is missing when it is back", s.away},
	}
}

// startStored starts the server and the lab's node as the first of three.
func (l *lab) startStored(ctx context.Context) error {
	l.postgres = &bed.Postgres{IP: l.at(24)}
	err := l.postgres.Prepare(ctx)
	if err == nil {
		err = l.postgres.Start(ctx)
	}
	if err != nil {
		return err
	}
	l.node.More += fmt.Sprintf("report: {database: {url: %q}}\n", l.postgres.URL())
	l.others = []*bed.Node{l.another(31), l.another(33)}
	return l.startAll(ctx, []*bed.Node{l.node, l.others[0], l.others[1]})
}

func (s *shared) together(ctx context.Context, l *lab) error {
	s.nodes = append([]*bed.Node{l.node}, l.others...)
	for _, n := range s.nodes {
		if err := s.call(ctx, l, n, 2, time.Second, nil); err != nil {
			return err
		}
	}
	return s.complete(ctx, l)
}

// call lets callers come to a node and hang up after a while, and does something
// meanwhile.
func (s *shared) call(
	ctx context.Context, l *lab, at *bed.Node, callers int, stay time.Duration, meanwhile func() error,
) error {
	var numbers []string
	for i := range callers {
		numbers = append(numbers, fmt.Sprintf("1390139%04d", i))
	}
	if err := at.Ready(ctx); err != nil {
		return err
	}
	s.calls += callers
	return l.with(at, func() error {
		caller, err := l.call(ctx, numbers, callers, stay)
		if err != nil {
			return err
		}
		if meanwhile != nil {
			if err = meanwhile(); err != nil {
				return errors.Join(err, caller.kill())
			}
		}
		return caller.wait(soon)
	})
}

// writer is the node whose turn it is.
func (s *shared) writer(ctx context.Context, l *lab) (n *bed.Node, err error) {
	err = bed.Eventually(soon, func() error {
		name, failed := l.postgres.Ask(ctx, "SELECT writer FROM cursor WHERE writes_until > clock_timestamp()")
		if failed != nil {
			return failed
		}
		for _, n = range s.nodes {
			if n.Name == name && n != s.dead {
				return nil
			}
		}
		return fmt.Errorf("%q writes the records", name)
	})
	return n, err
}

// complete waits until each call that was made has its record, one, and checks
// that all nodes tell so.
func (s *shared) complete(ctx context.Context, l *lab) error {
	w, err := s.writer(ctx, l)
	if err != nil {
		return err
	}
	err = bed.Eventually(soon, func() error {
		got, failed := l.postgres.Ask(ctx, `SELECT (SELECT count(*) FROM events WHERE kind = 'call.arrived'),
			(SELECT count(*) FROM events WHERE kind = 'call.ended'), count(*), count(DISTINCT sip_call_id) FROM calls`)
		if want := strings.Repeat(fmt.Sprintf("|%d", s.calls), 4)[1:]; failed == nil && got != want {
			failed = fmt.Errorf("arrivals, ends, records, Call-IDs: %s, want %s", got, want)
		}
		return failed
	})
	if err != nil {
		return err
	}
	for _, n := range s.nodes {
		if n == s.dead {
			continue
		}
		if err = l.with(n, func() error { return s.tells(ctx, l, n == w) }); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}

// tells checks what a node tells of the records, and its log of what is stored.
func (s *shared) tells(ctx context.Context, l *lab, writes bool) error {
	all, err := l.records(ctx)
	if err == nil && len(all) != s.calls {
		err = fmt.Errorf("%d records, want %d", len(all), s.calls)
	}
	if err != nil {
		return err
	}
	return bed.Eventually(soon, func() error {
		turn, err := l.node.Metric(ctx, "tierline_records_writer")
		failing, bad := l.node.Metric(ctx, "tierline_records_failing")
		waiting, worse := l.node.Metric(ctx, "tierline_cluster_stories_unacknowledged")
		if err = errors.Join(err, bad, worse); err == nil && ((turn == 1) != writes || failing != 0 || waiting != 0) {
			err = fmt.Errorf("writes %v (want %v), failing %v, %v entries wait", turn, writes, failing, waiting)
		}
		return err
	})
}

func (s *shared) killed(ctx context.Context, l *lab) error {
	w, err := s.writer(ctx, l)
	if err != nil {
		return err
	}
	err = s.call(ctx, l, w, 8, 8*time.Second, func() error {
		arrived := bed.Eventually(soon, func() error {
			got, failed := l.postgres.Ask(ctx, "SELECT count(*) FROM events WHERE kind = 'call.arrived'")
			if failed == nil && got != strconv.Itoa(s.calls) {
				failed = fmt.Errorf("%s of %d calls have arrived", got, s.calls)
			}
			return failed
		})
		s.dead = w
		return errors.Join(arrived, w.Kill())
	})
	if err != nil {
		return err
	}
	return s.complete(ctx, l)
}

// away is without the server for as long as it takes a dead node to start and
// callers to come and go.
func (s *shared) away(ctx context.Context, l *lab) error {
	if err := l.postgres.Stop(); err != nil {
		return err
	}
	if s.dead != nil {
		if err := s.dead.Start(ctx); err != nil {
			return fmt.Errorf("start without the server: %w", err)
		}
		s.dead = nil
	}
	for _, n := range s.nodes {
		if err := s.call(ctx, l, n, 2, time.Second, nil); err != nil {
			return fmt.Errorf("calls without the server: %w", err)
		}
	}
	if _, err := l.records(ctx); err == nil || !strings.Contains(err.Error(), "503") {
		return fmt.Errorf("asked for records that are away: %w", err)
	}
	if err := l.postgres.Start(ctx); err != nil {
		return err
	}
	return s.complete(ctx, l)
}
