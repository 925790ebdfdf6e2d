package sim

import (
	"errors"
	"fmt"
	"math"
	"time"

	"tierline/acd"
	"tierline/routing"
	"tierline/routing/rank"
)

// Centre is what is simulated.
type Centre struct {
	Groups   []Group
	Classes  []Class
	AHT      time.Duration // mean of exponential conversations
	Patience time.Duration // mean of exponential patience; 0 = endless
	Policy   rank.Policy

	HeadStart [routing.TierCount]time.Duration // by tier number; of the policy deadline
	Objective [routing.TierCount]time.Duration // by tier number; of the policy ratio
}

// Group is agents with the same skills.
type Group struct {
	Name   string
	Count  int
	Skills []routing.SkillLevel // sorted by name
}

// Class is calls with the same requirement: one queue.
type Class struct {
	Name        string
	Rate        float64 // calls per second
	Requirement string
	Mix         Mix
}

// Mix is the share of each tier, by tier number. The sum is 1.
type Mix [routing.TierCount]float64

// Limits of a run.
const (
	MaxAgents  = 100_000
	MaxClasses = 1000
	MaxCalls   = 1_000_000_000
)

// second is a second in units of log time. The core counts whole units, which
// are milliseconds in a switch, and doesn't know how long one is. Here it is a
// microsecond: rounding each drawn time to it moves no mean that anybody could
// measure.
const second = 1_000_000

// lookBack is how far back the core looks for its estimates: what a switch does.
const lookBack = 15 * 60 * second

// Check says what is wrong with a centre.
func (c *Centre) Check() error {
	faults := []error{c.checkTimes()}
	for _, g := range c.Groups {
		if len(c.Groups) > 1 && (g.Count < 1 || g.Count > MaxAgents) {
			faults = append(faults, fmt.Errorf("group %q: %d agents", g.Name, g.Count))
		}
	}
	if n := c.Agents(); n < 1 || n > MaxAgents {
		faults = append(faults, fmt.Errorf("%d agents: there must be 1 to %d", n, MaxAgents))
	}
	if n := len(c.Classes); n < 1 || n > MaxClasses {
		faults = append(faults, fmt.Errorf("%d classes of calls: there must be 1 to %d", n, MaxClasses))
	}
	for i := range c.Classes {
		faults = append(faults, c.Classes[i].check(c.Groups))
	}
	return errors.Join(faults...)
}

func (c *Centre) checkTimes() error {
	const longest = 10_000 * time.Hour
	if c.AHT < time.Millisecond || c.AHT > longest {
		return fmt.Errorf("conversation of %s: must be 1ms to %s", c.AHT, longest)
	}
	if c.Patience != 0 && (c.Patience < time.Millisecond || c.Patience > longest) {
		return fmt.Errorf("patience of %s: must be 0, which is endless, or 1ms to %s", c.Patience, longest)
	}
	for t, h := range c.HeadStart {
		if h < 0 || h > longest {
			return fmt.Errorf("head start of %s: %s: must be 0 to %s", routing.Tier(t), h, longest)
		}
		if o := c.Objective[t]; c.Policy == rank.PolicyRatio && (o < time.Millisecond || o > longest) {
			return fmt.Errorf("objective of %s: %s: must be 1ms to %s", routing.Tier(t), o, longest)
		}
	}
	return nil
}

func (c *Class) check(groups []Group) error {
	if !(c.Rate > 0 && c.Rate <= 1e6) {
		return fmt.Errorf("class %q: rate %g: must be above 0 and at most a million a second", c.Name, c.Rate)
	}
	if err := c.Mix.Check(); err != nil {
		return fmt.Errorf("class %q: %w", c.Name, err)
	}
	need, err := rank.Parse(c.Requirement)
	if err != nil {
		return fmt.Errorf("class %q: %w", c.Name, err)
	}
	for _, g := range groups {
		if _, able := need.Able(g.Skills); able {
			return nil
		}
	}
	return fmt.Errorf("class %q: no agent meets %s", c.Name, c.Requirement)
}

// Check says what is wrong with a mix.
func (m Mix) Check() error {
	sum := 0.0
	for _, share := range m {
		if !(share >= 0) { // also refuses NaN
			return fmt.Errorf("mix: %g is no share", share)
		}
		sum += share
	}
	if math.Abs(sum-1) > 1e-9 {
		return fmt.Errorf("mix: the shares add up to %g, not 1", sum)
	}
	return nil
}

// Rate is the rate of all calls, per second.
func (c *Centre) Rate() (sum float64) {
	for i := range c.Classes {
		sum += c.Classes[i].Rate
	}
	return sum
}

// Agents is the number of agents.
func (c *Centre) Agents() (sum int) {
	for _, g := range c.Groups {
		sum += g.Count
	}
	return sum
}

// able tells by class and group who may serve whom. The centre is checked.
func (c *Centre) able() [][]bool {
	out := make([][]bool, len(c.Classes))
	for i := range c.Classes {
		need, err := rank.Parse(c.Classes[i].Requirement)
		for _, g := range c.Groups {
			_, able := need.Able(g.Skills)
			out[i] = append(out[i], able && err == nil)
		}
	}
	return out
}

// config is the centre in the core's words: agents are always signed in, and
// each class is a queue.
func (c *Centre) config() acd.Config {
	config := acd.Config{
		Policy: c.Policy, HeadStart: units(c.HeadStart), Objective: units(c.Objective), LookBack: lookBack,
	}
	for i := range c.Classes {
		config.Queues = append(config.Queues, acd.QueueConfig{
			Name: queueName(i), Requirement: c.Classes[i].Requirement,
		})
	}
	n := 0
	for _, g := range c.Groups {
		for range g.Count {
			config.Agents = append(config.Agents, acd.AgentConfig{
				ID: agentName(n), Skills: g.Skills, Contact: "sip:agent@192.0.2.1", SignedIn: true,
			})
			n++
		}
	}
	return config
}

// units returns times by tier in units of log time.
func units(times [routing.TierCount]time.Duration) (out [routing.TierCount]int64) {
	for t, d := range times {
		out[t] = int64(d / (time.Second / second))
	}
	return out
}

// Names that sort as their numbers do: ties are settled by them.
func queueName(i int) string { return fmt.Sprintf("q%04d", i) }
func agentName(i int) string { return fmt.Sprintf("a%06d", i) }
