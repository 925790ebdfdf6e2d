package service

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"tierline/acd"
	"tierline/routing/document"
	"tierline/routing/rank"
)

type queuesDoc struct {
	Queues document.Entries[queueDoc] `doc:"queues,required,nonempty"`
}

type queueDoc struct {
	Title        titles                        `doc:"title"`
	Requirement  document.Value[string]        `doc:"requirement"`
	RingTime     document.Value[time.Duration] `doc:"ring_time,min=3s,max=3m"`
	WrapUp       document.Value[time.Duration] `doc:"wrap_up,max=2h"`
	MaxWait      document.Value[time.Duration] `doc:"max_wait,min=1s,max=24h"`
	MaxLength    document.Value[int]           `doc:"max_length,min=1,max=1000000"`
	ReofferAfter document.Value[time.Duration] `doc:"reoffer_after,max=1h"`
	Fit          document.Value[string]        `doc:"fit"`
	Hours        document.Value[string]        `doc:"hours,nonempty"`

	HeadStart document.Entries[document.Value[time.Duration]] `doc:"head_start,max=1h"`
	Steps     []stepDoc                                       `doc:"steps"`

	PreserveGeneralists document.Value[bool]          `doc:"preserve_generalists"`
	RingGroup           document.Value[int]           `doc:"ring_group,min=1,max=20"`
	MaxEstimate         document.Value[time.Duration] `doc:"max_estimate,min=1s,max=24h"`
	NoStaff             noStaffDoc                    `doc:"no_staff"`
	LastAgent           document.Value[time.Duration] `doc:"last_agent,min=1m,max=720h"`

	WrapUpManual document.Value[bool]          `doc:"wrap_up_manual"`
	WrapUpMax    document.Value[time.Duration] `doc:"wrap_up_max,min=10s,max=4h"`
	Dispositions []document.Value[string]      `doc:"dispositions"`

	Callback callbackDoc `doc:"callback"`
	Record   recordDoc   `doc:"record"`

	Extension    document.Value[string]        `doc:"extension,nonempty"`
	HoldReminder document.Value[time.Duration] `doc:"hold_reminder,min=5s,max=1h"`
	Greeting     greetingDoc                   `doc:"before_talk"`
}

// recordDoc says which conversations are recorded.
type recordDoc struct {
	From document.Value[string] `doc:"from,required"`
}

// RecordFrom is where the recording of a queue's calls begins.
type RecordFrom uint8

// Beginnings of recordings.
const (
	RecordNothing RecordFrom = iota
	RecordBridge             // when caller and agent hear each other
	RecordQueue              // when the caller begins to wait
	RecordAnswer             // when we answer the call
)

// recorded reports from where they are.
func (d recordDoc) recorded(p *document.Problems) RecordFrom {
	if !d.From.Given {
		return RecordNothing
	}
	words := map[string]RecordFrom{"bridge": RecordBridge, "queue": RecordQueue, "answer": RecordAnswer}
	from, ok := words[d.From.V]
	if !ok {
		hint := document.DidYouMean(d.From.V, []string{"bridge", "queue", "answer"})
		p.Errorf(d.From.Pos, "conversations are recorded from: bridge, queue or answer%s", hint)
	}
	return from
}

// callbackDoc says how customers are called back.
type callbackDoc struct {
	Attempts document.Value[int]           `doc:"attempts,min=1,max=20"`
	Spacing  document.Value[time.Duration] `doc:"spacing,min=10s,max=24h"`
	Expires  document.Value[time.Duration] `doc:"expires,min=1m,max=720h"`
	Max      document.Value[int]           `doc:"max,min=1,max=100000"`
}

// config leaves what isn't given to the core.
func (d callbackDoc) config() acd.CallbackConfig {
	return acd.CallbackConfig{
		Attempts: d.Attempts.V, Spacing: d.Spacing.V.Milliseconds(), Expires: d.Expires.V.Milliseconds(), Max: d.Max.V,
	}
}

// noStaffDoc says what becomes of calls while nobody is signed in who could
// ever take them.
type noStaffDoc struct {
	Join       document.Value[string]        `doc:"join"`
	LeaveAfter document.Value[time.Duration] `doc:"leave_after,min=1s,max=24h"`
}

// refuse reports whether such calls aren't let in.
func (d noStaffDoc) refuse(p *document.Problems) bool {
	switch d.Join.V {
	case "", "wait":
	case "refuse":
		return true
	default:
		hint := document.DidYouMean(d.Join.V, []string{"wait", "refuse"})
		p.Errorf(d.Join.Pos, "join is wait or refuse%s", hint)
	}
	return false
}

// queue is a queue whose requirement can be read.
type queue struct {
	name string
	at   document.Pos
	need *rank.Requirement // nil: it can't be read
}

func (c *compiler) queues() {
	var d queuesDoc
	p := c.read("queues.yaml", &d)
	if p == nil {
		return
	}
	defer c.add(p)
	for _, e := range d.Queues {
		checkName(p, e.Key, "a queue")
		q := e.Value
		if q.WrapUpMax.Given && q.WrapUp.V > q.WrapUpMax.V {
			p.Errorf(q.WrapUpMax.Pos, "wrap_up_max is shorter than wrap_up (%v)", q.WrapUp.V)
		}
		c.service.recorded[e.Key.V] = q.Record.recorded(p)
		c.service.reminders[e.Key.V] = q.HoldReminder.V
		c.extension(p, e.Key.V, q.Extension)
		c.greeting(p, e.Key.V, q.Greeting)
		need := c.requirement(p, q.Requirement)
		if reference(p, q.Hours, c.calendarNames(), "calendar") {
			c.service.hours[e.Key.V] = c.service.Calendars[q.Hours.V]
		}
		c.queueList = append(c.queueList, queue{e.Key.V, e.Key.Pos, need})
		c.service.Config.Queues = append(c.service.Config.Queues, acd.QueueConfig{
			Name: e.Key.V, Requirement: need.String(),
			RingTime:     q.RingTime.Or(15 * time.Second).Milliseconds(),
			WrapUp:       q.WrapUp.V.Milliseconds(),
			MaxWait:      q.MaxWait.V.Milliseconds(),
			MaxLength:    q.MaxLength.V,
			ReofferAfter: q.ReofferAfter.Or(30 * time.Second).Milliseconds(),
			Fit:          fit(p, q.Fit),
			HeadStart:    c.headStarts(p, q.HeadStart),
			Steps:        c.steps(p, need, q.Steps),

			PreserveGeneralists: q.PreserveGeneralists.V, RingGroup: q.RingGroup.V,
			MaxEstimate: q.MaxEstimate.V.Milliseconds(), LastAgent: q.LastAgent.V.Milliseconds(),
			NoStaffRefuse: q.NoStaff.refuse(p), NoStaffLeave: q.NoStaff.LeaveAfter.V.Milliseconds(),

			WrapUpManual: q.WrapUpManual.V, WrapUpMax: q.WrapUpMax.V.Milliseconds(),
			Dispositions: dispositions(p, q.Dispositions),

			Callback: q.Callback.config(),
		})
	}
	slices.SortFunc(c.service.Config.Queues, func(a, b acd.QueueConfig) int { return strings.Compare(a.Name, b.Name) })
}

func dispositions(p *document.Problems, codes []document.Value[string]) (out []string) {
	const most = 15
	if len(codes) > most {
		p.Errorf(codes[most].Pos, "more than %d dispositions: nobody chooses well from so many", most)
	}
	for _, code := range codes {
		checkName(p, code, "a disposition")
		if slices.Contains(out, code.V) {
			p.Errorf(code.Pos, "disposition %q is given twice", code.V)
		}
		out = append(out, code.V)
	}
	return out
}

type stepDoc struct {
	After       document.Value[time.Duration] `doc:"after,required,min=1s,max=1h"`
	Requirement document.Value[string]        `doc:"requirement"`
}

// steps reads how a requirement weakens with time. Each step must let in
// everybody whom the one before lets in.
func (c *compiler) steps(p *document.Problems, need *rank.Requirement, docs []stepDoc) (out []acd.Step) {
	const most = 10
	if len(docs) > most {
		p.Errorf(docs[most].After.Pos, "more than %d steps", most)
	}
	last := time.Duration(0)
	for _, d := range docs {
		if d.After.Given && d.After.V <= last {
			p.Errorf(d.After.Pos, "a step after %v must come later than the one before (%v)", d.After.V, last)
		}
		last = max(last, d.After.V)
		to := c.requirement(p, d.Requirement)
		if need != nil && to != nil {
			switch weaker, err := need.Implies(to); {
			case err != nil:
				p.Errorf(d.Requirement.Pos, "the requirement before this step can't be compared: %v", err)
			case !weaker:
				p.Errorf(d.Requirement.Pos, "a step may only weaken: not everybody with %q has %q", need, to)
			}
		}
		need = to
		out = append(out, acd.Step{After: d.After.V.Milliseconds(), Requirement: to.String()})
	}
	return out
}

func fit(p *document.Problems, v document.Value[string]) acd.Fit {
	switch v.V {
	case "", "none":
		return acd.FitNone
	case "most":
		return acd.FitMost
	case "least":
		return acd.FitLeast
	}
	p.Errorf(v.Pos, "fit is none, most or least%s", document.DidYouMean(v.V, []string{"none", "most", "least"}))
	return acd.FitNone
}

// requirement reads what a queue asks of agents; its skills must be declared.
// It returns nil after a mistake.
func (c *compiler) requirement(p *document.Problems, v document.Value[string]) *rank.Requirement {
	need, err := rank.Parse(v.V)
	if err != nil {
		at := v.Pos
		text := err.Error()
		if syntax, ok := errors.AsType[*rank.SyntaxError](err); ok {
			at = v.At(len([]rune(v.V[:min(syntax.Offset, len(v.V))])))
			text = syntax.What
		}
		p.Errorf(at, "requirement: %s", text)
		return nil
	}
	for _, m := range regexp.MustCompile(`([\pL\pN._-]+)\s*>=`).FindAllStringSubmatchIndex(v.V, -1) {
		at := v.At(len([]rune(v.V[:m[2]])))
		skill := document.Value[string]{Pos: at, V: v.V[m[2]:m[3]], Given: true}
		if !reference(p, skill, c.skillNames, "skill") {
			need = nil
		}
	}
	return need
}

// checkServed warns of queues that nobody can serve.
func (c *compiler) checkServed() {
	p := document.NewProblems("queues.yaml")
	for _, q := range c.queueList {
		able := slices.ContainsFunc(c.service.Config.Agents, func(a acd.AgentConfig) bool {
			_, ok := q.need.Able(a.Skills)
			return ok
		})
		if q.need != nil && !able && len(c.service.Config.Agents) > 0 {
			p.Warnf(q.at, "queue %q: no agent has the skills it asks for", q.name)
		}
	}
	c.add(p)
}
