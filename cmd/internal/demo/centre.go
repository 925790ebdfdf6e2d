package demo

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tierline/acd"
	"tierline/cmd/internal/console/wire"
	"tierline/routing"
)

// centre is what the demo knows of the switch: the newest answers of its API
// and the last lines of its story.
type centre struct {
	began time.Time

	mu     sync.Mutex // guards all below
	agents []wire.Agent
	queues []wire.Queue
	calls  []wire.Call
	names  map[string]string  // of agents
	people map[string]*caller // calls of the story that have not ended
	events []string
	told   int // events told since the beginning
	totals totals
	fault  string
}

// caller is a call of the story.
type caller struct {
	label    string // tier and masked number
	queued   bool
	answered bool
}

func newCentre(now time.Time, staff []account) *centre {
	c := &centre{began: now, people: map[string]*caller{}, names: map[string]string{}}
	for _, a := range staff {
		c.names[a.ID] = a.Name
	}
	return c
}

// keepEvents is how many lines are kept for the view.
const keepEvents = 200

// see takes the API's answers, or why there are none.
func (c *centre) see(agents []wire.Agent, queues []wire.Queue, calls []wire.Call, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.fault = err.Error()
		return
	}
	c.agents, c.queues, c.calls, c.fault = agents, queues, calls, ""
}

// tell takes one fact of the story.
func (c *centre) tell(f acd.Fact, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	line := c.line(f)
	if line == "" {
		return
	}
	c.told++
	c.events = append(c.events, clock(now.Sub(c.began))+"  "+line)
	if len(c.events) > keepEvents {
		c.events = slices.Delete(c.events, 0, len(c.events)-keepEvents)
	}
}

// line says what happened, "" for what isn't worth a line.
func (c *centre) line(f acd.Fact) string {
	switch f.Kind { //nolint:exhaustive // the view tells a few facts of many
	case acd.FactAgentState:
		if f.State == acd.AgentNotReady.String() {
			return fmt.Sprintf("%s goes not ready: %s", c.name(f.Agent), plain(f.Reason))
		}
	case acd.FactCallArrived:
		c.totals.Calls++
		c.people[f.Call] = &caller{label: label(f)}
		return fmt.Sprintf("%s calls %s", label(f), f.To)
	case acd.FactCallQueued:
		p := c.person(f)
		p.queued, p.label = true, label2(p.label, f)
		return fmt.Sprintf("%s waits in %s", p.label, f.Queue)
	case acd.FactCallRinging:
		return fmt.Sprintf("%s rings for %s", c.name(f.Agent), c.person(f).label)
	case acd.FactOfferFailed:
		return fmt.Sprintf("%s did not take %s: %s", c.name(f.Agent), c.person(f).label, plain(f.Cause))
	case acd.FactCallConnected:
		c.person(f).answered = true
		return fmt.Sprintf("%s talks to %s (waited %.1f s)", c.person(f).label, c.name(f.Agent), float64(f.WaitMS)/1000)
	case acd.FactCallEnded:
		return c.ended(f)
	}
	return ""
}

func (c *centre) ended(f acd.Fact) string {
	p := c.person(f)
	delete(c.people, f.Call)
	who := "the " + f.By + " hung up"
	if f.By == "" {
		who = plain(f.Cause)
	}
	switch {
	case p.answered:
		c.totals.Answered++
		return fmt.Sprintf("%s: end, %s", p.label, who)
	case f.Abandoned:
		c.totals.Abandoned++
		return p.label + " gave up waiting"
	case !p.queued:
		c.totals.SelfService++
		return fmt.Sprintf("%s: end in the menu, %s", p.label, who)
	default:
		c.totals.Failed++
		return fmt.Sprintf("%s left without an agent: %s", p.label, plain(f.Cause))
	}
}

// person returns the call's caller; the story may have begun before we
// listened.
func (c *centre) person(f acd.Fact) *caller {
	p := c.people[f.Call]
	if p == nil {
		p = &caller{label: label(f)}
		c.people[f.Call] = p
	}
	return p
}

func label(f acd.Fact) string {
	if f.From == "" {
		return label2("call-back", f) // we call him
	}
	return label2(routing.Mask(f.From), f)
}

// label2 puts the tier before a number, once it is known.
func label2(number string, f acd.Fact) string {
	if f.Tier == nil || strings.HasPrefix(number, f.Tier.String()) {
		return number
	}
	return f.Tier.String() + " " + number
}

func plain(cause string) string { return strings.ReplaceAll(cause, "_", " ") }

func (c *centre) name(agent string) string {
	if n := c.names[agent]; n != "" {
		return agent + " " + n
	}
	return agent
}

// since returns the event lines after the n-th, and how many there are now.
func (c *centre) since(n int) ([]string, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := min(c.told-n, len(c.events))
	return slices.Clone(c.events[len(c.events)-fresh:]), c.told
}

// board puts together what the view shows.
func (c *centre) board(now time.Time) board {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := board{Running: now.Sub(c.began), Totals: c.totals, Events: slices.Clone(c.events), Problem: c.fault}
	for _, q := range c.queues {
		b.Queues = append(b.Queues, queueRow{
			Name: q.Name, Waiting: q.ByTier, Longest: time.Duration(q.LongestMS) * time.Millisecond, Ready: q.Agents.Ready,
		})
	}
	for _, a := range c.agents {
		b.Agents = append(b.Agents, agentRow{
			ID: a.ID, Name: a.Name, State: a.State, Reason: a.Reason, For: time.Duration(a.ForMS) * time.Millisecond,
		})
	}
	for _, call := range c.calls {
		switch call.Phase {
		case "menu", "after":
			b.Menu++
		case "talking":
			b.Talking++
		}
	}
	return b
}
