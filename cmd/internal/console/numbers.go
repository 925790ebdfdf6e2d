package console

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/acd/report/interval"
	"tierline/cmd/internal/console/wire"
)

// maxIntervals bounds the size of an answer: a month of quarters of an hour.
const maxIntervals = 31 * 96

func (w *Console) numbers() {
	huma.Register(w.api, huma.Operation{
		OperationID: "queue-numbers", Method: http.MethodGet, Path: "/api/v1/stats/queues", Tags: []string{"numbers"},
		Summary:     "What happened at queues, by intervals, tiers and skills",
		Description: "Without an interval: one row for all the time. docs/reference/numbers.md defines each figure.",
		Errors:      []int{http.StatusUnprocessableEntity},
	}, w.queueNumbers)
	huma.Register(w.api, huma.Operation{
		OperationID: "agent-numbers", Method: http.MethodGet, Path: "/api/v1/stats/agents", Tags: []string{"numbers"},
		Summary:     "What agents did, by intervals",
		Description: "Times go up to this moment. docs/reference/numbers.md defines each figure.",
		Errors:      []int{http.StatusUnprocessableEntity},
	}, w.agentNumbers)
}

// Span is the part that both queries have.
type Span struct {
	From     time.Time `query:"from" doc:"Begin, rounded down to a quarter of an hour; its offset says where days begin. Default: midnight"` //nolint:lll // a tag can't be broken
	Until    time.Time `query:"until" doc:"End, rounded up. Default: now"`
	Interval string    `query:"interval" enum:"15m,30m,1h,1d" doc:"Default: one interval for all"`
}

// query makes a query of a Span.
func (w *Console) query(s *Span) (interval.Query, error) {
	now := w.c.Now().In(w.c.Zone)
	if s.From.IsZero() {
		s.From = midnight(now)
	}
	if s.Until.IsZero() {
		s.Until = now
	}
	_, offset := s.From.Zone()
	q := interval.Query{
		From: slotOf(s.From.UnixMilli()), Until: slotOf(s.Until.UnixMilli() + interval.Slot - 1),
		Offset: int64(offset) * 1000,
	}
	switch s.Interval {
	case "15m":
		q.Step = interval.Slot
	case "30m":
		q.Step = 2 * interval.Slot
	case "1h":
		q.Step = 4 * interval.Slot
	case "1d":
		q.Step = 96 * interval.Slot
	}
	problem := ""
	if q.From >= q.Until {
		problem = fmt.Sprintf("from %s is not before until %s", report.Time(q.From), report.Time(q.Until))
	} else if q.Step != 0 && (q.Until-q.From)/q.Step > maxIntervals {
		problem = fmt.Sprintf("more than %d intervals: ask for longer ones or less time", maxIntervals)
	}
	if problem != "" {
		return q, &wire.ProblemError{
			Title: http.StatusText(http.StatusUnprocessableEntity), Status: http.StatusUnprocessableEntity, Detail: problem,
		}
	}
	return q, nil
}

func midnight(now time.Time) time.Time {
	return time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
}

func slotOf(ms int64) int64 { return ms - ((ms%interval.Slot)+interval.Slot)%interval.Slot }

// ended returns where an interval ends.
func ended(q interval.Query, began int64) report.Time {
	if q.Step == 0 {
		return report.Time(q.Until)
	}
	whole := interval.Query{Step: q.Step, Offset: q.Offset, From: began - q.Step}.Interval(began)
	return report.Time(min(q.Until, whole+q.Step))
}

// upToNow reads numbers, with what is running.
func (w *Console) upToNow(
	ctx context.Context, q interval.Query,
	from func(context.Context, interval.Query) (interval.Numbers, []interval.Open, error),
) (interval.Numbers, error) {
	n, open, err := from(ctx, q)
	if err != nil {
		return n, err
	}
	var last int64
	w.c.Core.Read(func(s *acd.State) { last = s.Now() })
	running, err := interval.Running(open, w.clock.now(last), w.c.Now().UnixMilli())
	if err != nil {
		return n, fmt.Errorf("count what is running: %w", err)
	}
	n.Add(q.Select(running))
	return n, nil
}

type queueStats struct {
	Span
	By      []string `query:"by" enum:"tier,skill" doc:"Tell tiers, skills apart"`
	Queue   string   `query:"queue" maxLength:"64" doc:"Only this queue"`
	Variant string   `query:"variant" enum:"A,B,C,D,E" doc:"Of the service level. Default: the node's"`
	Within  int      `query:"within" minimum:"1" maximum:"120" doc:"T in seconds. Default: the node's"`
	Short   int      `query:"short" minimum:"1" maximum:"120" doc:"s in seconds. Default: the node's"`
}

// target is what was asked for, or the node's.
func (w *Console) target(in *queueStats) interval.Target {
	t := w.c.Target
	if in.Variant != "" {
		t.Variant = interval.Variant(in.Variant)
	}
	if in.Within != 0 {
		t.Within = in.Within
	}
	if in.Short != 0 {
		t.Short = in.Short
	}
	return t
}

func (w *Console) queueNumbers(ctx context.Context, in *queueStats) (*answer[wire.QueueReport], error) {
	q, err := w.query(&in.Span)
	if err != nil {
		return nil, err
	}
	q.Tier, q.Skill = slices.Contains(in.By, "tier"), slices.Contains(in.By, "skill")
	n, err := w.upToNow(ctx, q, w.c.Records.QueueNumbers)
	if err != nil {
		return nil, w.problem(err)
	}
	if in.Queue != "" {
		maps.DeleteFunc(n.Calls, func(k interval.Key, _ interval.Calls) bool { return k.Queue != in.Queue })
		maps.DeleteFunc(n.Waits, func(k interval.WaitKey, _ int64) bool { return k.Queue != in.Queue })
		maps.DeleteFunc(n.Callbacks, func(k interval.Key, _ interval.Callbacks) bool { return k.Queue != in.Queue })
		maps.DeleteFunc(n.Tallies, func(k interval.Tally, _ int64) bool { return k.Queue != in.Queue })
	}
	t := w.target(in)
	list, total := n.Queues()
	total.Slot = q.From
	out := &answer[wire.QueueReport]{Body: wire.QueueReport{
		From: report.Time(q.From), Until: report.Time(q.Until), ServiceLevel: wireTarget(t), Rows: []wire.QueueNumbers{},
		Total: wireQueue(total, report.Time(q.Until), t),
	}}
	for _, f := range list {
		out.Body.Rows = append(out.Body.Rows, wireQueue(f, ended(q, f.Slot), t))
	}
	out.Body.Surveys = wireSurveys(q, n.Scores(true, false))
	return out, nil
}

func wireTarget(t interval.Target) wire.ServiceLevel {
	return wire.ServiceLevel{Variant: string(t.Variant), WithinS: t.Within, ShortS: t.Short}
}

func wireQueue(q *interval.Queue, until report.Time, t interval.Target) wire.QueueNumbers {
	return wire.QueueNumbers{
		Began: report.Time(q.Slot), Ended: until, Queue: q.Queue, Tier: q.Tier, Skill: q.Skill,
		Offered: q.Offered, Answered: q.Answered(), Abandoned: q.Abandoned(), ShortAbandoned: q.AbandonedIn(t.Short),
		Left: q.Left(), Waiting: q.Waiting(), Refused: q.Refused,
		AnsweredIn: q.AnsweredIn(t.Within), AbandonedIn: q.AbandonedIn(t.Within), ServiceLevel: part(q.ServiceLevel(t)),
		AnsweredWaitMS: q.AnsweredWaitMS, AbandonedWaitMS: q.AbandonedWaitMS, LeftWaitMS: q.LeftWaitMS, MaxWaitMS: q.MaxMS,
		ASAMS: mean(q.SpeedOfAnswer()), Handled: q.Handled, TalkMS: q.TalkMS, WrapUpMS: q.WrapUpMS,
		AHTMS: mean(q.HandlingTime()), Callbacks: wireCallbackNumbers(&q.Callbacks),
	}
}

func wireCallbackNumbers(c *interval.Callbacks) *wire.CallbackNumbers {
	if *c == (interval.Callbacks{}) {
		return nil
	}
	return &wire.CallbackNumbers{
		Requested: c.Requested, Attempts: c.Attempts, Done: c.Done, Failed: c.Failed, Expired: c.Expired,
		Cancelled: c.Cancelled, CalledAgain: c.CalledAgain, Lost: c.Lost, Open: c.Open(),
		DoneAfterMS: mean(interval.Ratio{Of: c.DoneMS, All: c.Done}),
	}
}

func wireSurveys(q interval.Query, scores []*interval.Score) (out []wire.Survey) {
	for _, s := range scores {
		out = append(out, wire.Survey{
			Began: report.Time(s.Slot), Ended: ended(q, s.Slot), Queue: s.Queue, Agent: s.Agent, Question: s.Question,
			Answers: s.Answers, Count: s.Count(), Mean: part(s.Mean()),
		})
	}
	return out
}

// part is a ratio as a number, nil if there is nothing to divide by.
func part(r interval.Ratio) *float64 {
	if r.All == 0 {
		return nil
	}
	v := float64(r.Of) / float64(r.All)
	return &v
}

// mean is a ratio in whole ms.
func mean(r interval.Ratio) *int64 {
	if r.All == 0 {
		return nil
	}
	v := (r.Of + r.All/2) / r.All
	return &v
}

type agentStats struct {
	Span
	By    []string `query:"by" enum:"queue" doc:"Tell the queues of an agent's calls apart"`
	Agent string   `query:"agent" maxLength:"64" doc:"Only this agent"`
}

func (w *Console) agentNumbers(ctx context.Context, in *agentStats) (*answer[wire.AgentReport], error) {
	q, err := w.query(&in.Span)
	if err != nil {
		return nil, err
	}
	q.AgentQueues = len(in.By) > 0
	n, err := w.upToNow(ctx, q, w.c.Records.AgentNumbers)
	if err != nil {
		return nil, w.problem(err)
	}
	if in.Agent != "" {
		maps.DeleteFunc(n.Times, func(k interval.TimeKey, _ int64) bool { return k.Agent != in.Agent })
		maps.DeleteFunc(n.Offers, func(k interval.OfferKey, _ int64) bool { return k.Agent != in.Agent })
		maps.DeleteFunc(n.Tallies, func(k interval.Tally, _ int64) bool { return k.Agent != in.Agent })
	}
	list, total := n.Agents()
	total.Slot = q.From
	out := &answer[wire.AgentReport]{Body: wire.AgentReport{
		From: report.Time(q.From), Until: report.Time(q.Until), Rows: []wire.AgentNumbers{},
		Total: wireAgentNumbers(total, report.Time(q.Until)),
	}}
	for _, a := range list {
		out.Body.Rows = append(out.Body.Rows, wireAgentNumbers(a, ended(q, a.Slot)))
	}
	out.Body.Surveys = wireSurveys(q, n.Scores(q.AgentQueues, true))
	return out, nil
}

func wireAgentNumbers(a *interval.Agent, until report.Time) wire.AgentNumbers {
	in := func(s acd.AgentState) int64 { return a.StateMS[s.String()] }
	return wire.AgentNumbers{
		Began: report.Time(a.Slot), Ended: until, Agent: a.Agent, Queue: a.Queue,
		SignedInMS: a.SignedInMS(), ReadyMS: in(acd.AgentReady), ReservedMS: in(acd.AgentReserved),
		AlertingMS: in(acd.AgentAlerting), TalkingMS: in(acd.AgentTalking), WrapUpMS: in(acd.AgentWrapUp),
		NotReadyMS: in(acd.AgentNotReady), UnreachableMS: in(acd.AgentUnreachable), NotReady: a.NotReadyMS,
		Offers: a.Offers(), Answered: a.Outcomes[interval.Answered], Missed: a.Outcomes[acd.NoAnswer.String()],
		Rejected: a.Outcomes[acd.Rejected.String()], Outcomes: a.Outcomes,
		Occupancy: part(a.Occupancy()), AHTMS: mean(a.HandlingTime()),
	}
}

// today returns each queue's numbers since midnight, nil if they can't be
// read: the live view is more important.
func (w *Console) today(ctx context.Context) map[string]*interval.Queue {
	q, err := w.query(&Span{})
	if err == nil {
		var n interval.Numbers
		if n, err = w.upToNow(ctx, q, w.c.Records.QueueNumbers); err == nil {
			out := map[string]*interval.Queue{}
			list, _ := n.Queues()
			for _, f := range list {
				out[f.Queue] = f
			}
			return out
		}
	}
	w.c.Logger.Warn("today's numbers can't be read", "err", err)
	return nil
}

func wireToday(q *interval.Queue, t interval.Target) *wire.Today {
	if q == nil {
		q = &interval.Queue{}
	}
	return &wire.Today{
		Offered: q.Offered, Answered: q.Answered(), Abandoned: q.Abandoned(), ServiceLevel: part(q.ServiceLevel(t)),
		ASAMS: mean(q.SpeedOfAnswer()),
	}
}
