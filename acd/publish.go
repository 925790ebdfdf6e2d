package acd

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tierline/routing"
)

// keepGenerations is how many generations stay at hand for a way back, beside
// those that calls still use.
const keepGenerations = 5

// Bundle is one published generation of service documents.
type Bundle struct {
	Generation uint64 `json:"generation"`
	Hash       string `json:"hash"`
	By         string `json:"by"`
	Note       string `json:"note,omitempty"`
	Wall       int64  `json:"wall"` // Unix ms of the publication
	Data       []byte `json:"-"`    // the documents
}

// generation is a bundle with what the core uses of it.
type generation struct {
	Bundle
	config Config
	calls  int // how many finish on it
}

func (g *generation) queue(name string) *QueueConfig {
	i, ok := slices.BinarySearchFunc(g.config.Queues, name, func(q QueueConfig, n string) int {
		return strings.Compare(q.Name, n)
	})
	if !ok {
		return nil
	}
	return &g.config.Queues[i]
}

// generation finds a generation; 0 means the current one.
func (s *State) generation(n uint64) *generation {
	if n == 0 {
		return s.current()
	}
	for _, g := range s.generations {
		if g.Generation == n {
			return g
		}
	}
	return nil
}

func (s *State) configPublished(ev ConfigPublished, wall int64, r *Result) error {
	config, err := normalise(ev.Config)
	if err != nil {
		return refuse(ev, "%v", err)
	}
	g := &generation{config: config, Bundle: Bundle{
		Generation: 1, Hash: ev.Hash, By: ev.By, Note: ev.Note, Wall: wall, Data: ev.Bundle,
	}}
	if c := s.current(); c != nil {
		g.Generation = c.Generation + 1
	}
	s.generations = append(s.generations, g)
	s.forgetGenerations()
	s.forgetPaces()
	s.board.SetOrder(config.order())
	r.Effects = append(r.Effects, GenerationChanged{Generation: g.Generation})
	r.Facts = append(r.Facts, Fact{
		Kind: FactConfigPublished, Generation: g.Generation, Hash: g.Hash, By: g.By, Note: g.Note,
	})
	for i := range config.Agents {
		s.engage(config.Agents[i], r)
	}
	for _, id := range slices.Sorted(maps.Keys(s.agents)) {
		if !config.names(id) {
			s.dismiss(s.agents[id], r)
		}
	}
	return nil
}

// forgetGenerations drops old generations that no call uses.
func (s *State) forgetGenerations() {
	for i := 0; i < len(s.generations)-keepGenerations; {
		if s.generations[i].calls > 0 {
			i++
		} else {
			s.generations = slices.Delete(s.generations, i, i+1)
		}
	}
}

// engage adds an agent or gives one a new configuration. Who is to be signed
// in from the start is so when that is first published; a later generation
// doesn't overrule his own sign-out.
func (s *State) engage(config AgentConfig, r *Result) {
	a := s.agents[config.ID]
	signIn := config.SignedIn
	if a == nil {
		a = &agent{id: config.ID, since: s.now, stance: stance{state: AgentSignedOut}}
		a.seat.ID = a.id
		s.agents[a.id] = a
	} else {
		signIn = signIn && !a.config.SignedIn
	}
	other := !slices.Equal(a.config.Skills, config.Skills)
	a.config, a.gone = config, false
	s.board.Seat(&a.seat, config.Skills)
	s.place(a)
	if other {
		s.letGo(a, r) // he may not be able any more
		s.restaff(nil)
	}
	switch {
	case signIn && a.state == AgentSignedOut:
		s.enter(a, stance{state: AgentReady}, change{cause: "published"}, r)
	case a.state == AgentUnreachable:
		s.phoneBack(a, r)
	default:
		s.phoneGone(a, r)
	}
}

// dismiss takes out an agent whom the new generation doesn't know: now, or
// after his conversation.
func (s *State) dismiss(a *agent, r *Result) {
	a.gone = true
	s.letGo(a, r)
	switch a.state {
	case AgentTalking:
		return
	case AgentReserved, AgentAlerting:
		s.withdraw(s.offers[a.offer], a, AgentWithdrawn, r)
	case AgentSignedOut, AgentNotReady, AgentReady, AgentWrapUp, AgentUnreachable:
	}
	s.remove(a, r)
}

// remove forgets an agent who has no call.
func (s *State) remove(a *agent, r *Result) {
	a.next = stance{}
	s.enter(a, stance{state: AgentSignedOut}, change{cause: "removed"}, r)
	s.dropBindings(a, func(Binding) bool { return true }, "removed", r)
	s.board.Unseat(&a.seat)
	delete(s.agents, a.id)
}

// names reports whether an agent is configured.
func (c *Config) names(agent string) bool {
	_, ok := slices.BinarySearchFunc(c.Agents, agent, func(a AgentConfig, id string) int {
		return strings.Compare(a.ID, id)
	})
	return ok
}

// normalise copies a configuration with its lists sorted and refuses what the
// core couldn't work with. The documents' loader has said it better already;
// here it must only never get into the state.
func normalise(c Config) (Config, error) {
	var faults []error
	faults = append(faults, c.checkTiers())
	c.Queues = slices.SortedFunc(slices.Values(c.Queues), func(a, b QueueConfig) int {
		return strings.Compare(a.Name, b.Name)
	})
	for i := range c.Queues {
		q := &c.Queues[i]
		if i > 0 && c.Queues[i-1].Name == q.Name {
			faults = append(faults, fmt.Errorf("queue %q: the name is not unique", q.Name))
		}
		faults = append(faults, q.check())
	}
	c.Agents = slices.SortedFunc(slices.Values(c.Agents), func(a, b AgentConfig) int {
		return strings.Compare(a.ID, b.ID)
	})
	for i := range c.Agents {
		a := &c.Agents[i]
		if i > 0 && c.Agents[i-1].ID == a.ID {
			faults = append(faults, fmt.Errorf("agent %q: the id is not unique", a.ID))
		}
		faults = append(faults, a.sortSkills())
	}
	if !distinct(c.Reasons) {
		faults = append(faults, errors.New("a reason is empty or not unique"))
	}
	return c, errors.Join(faults...)
}

func (c *Config) checkTiers() error {
	switch {
	case c.Policy > PolicyFIFO:
		return fmt.Errorf("policy %d is not known", c.Policy)
	case c.LookBack < 0:
		return fmt.Errorf("look back on %d ms", c.LookBack)
	}
	for t := range routing.Tier(routing.TierCount) {
		switch {
		case c.HeadStart[t] < 0:
			return fmt.Errorf("tier %s: negative head start", t)
		case c.KeepIdle[t] < 0 || c.KeepIdleFor[t] < 0 || c.KeepIdle[t] > 0 && c.KeepIdleFor[t] == 0:
			return fmt.Errorf("tier %s: how many agents to keep idle, and how long, must be above 0", t)
		case c.Objective[t] < 0 || c.Policy == PolicyRatio && c.Objective[t] == 0:
			return fmt.Errorf("tier %s: the objective must be above 0", t)
		}
	}
	return nil
}

func (q *QueueConfig) check() error {
	if q.HeadStart != nil && slices.Min(q.HeadStart[:]) < 0 {
		return fmt.Errorf("queue %q: negative head start", q.Name)
	}
	switch {
	case q.Name == "":
		return errors.New("a queue has no name")
	case len(q.Dispositions) > maxDispositions || !distinct(q.Dispositions):
		return fmt.Errorf("queue %q: more than %d dispositions, or one is empty or not unique", q.Name, maxDispositions)
	case min(q.RingTime, q.WrapUp, q.WrapUpMax, q.MaxWait, q.ReofferAfter, int64(q.MaxLength)) < 0 || q.Fit > FitLeast,
		min(q.MaxEstimate, q.NoStaffLeave, q.LastAgent, int64(q.RingGroup)) < 0 || q.RingGroup > maxRingGroup:
		return fmt.Errorf("queue %q: a value is out of range", q.Name)
	}
	if b := q.Callback; min(b.Spacing, b.Expires, int64(b.Max), int64(b.Attempts)) < 0 || b.Attempts > maxAttempts ||
		max(b.Spacing, b.Expires) > maxAhead {
		return fmt.Errorf("queue %q: call-back: a value is out of range", q.Name)
	}
	if err := q.checkSteps(); err != nil {
		return fmt.Errorf("queue %q: %w", q.Name, err)
	}
	return nil
}

// distinct reports whether words are all different, and none is empty.
func distinct(words []string) bool {
	sorted := slices.Sorted(slices.Values(words))
	return !slices.Contains(words, "") && len(slices.Compact(sorted)) == len(words)
}

// sortSkills also checks the rest of the agent.
func (a *AgentConfig) sortSkills() error {
	switch {
	case a.ID == "":
		return errors.New("an agent has no id")
	case a.MaxMisses < 0 || a.BackOff < 0:
		return fmt.Errorf("agent %q: a value is out of range", a.ID)
	}
	a.Skills = slices.SortedFunc(slices.Values(a.Skills), func(x, y routing.SkillLevel) int {
		return cmp.Compare(x.Skill, y.Skill)
	})
	for i, s := range a.Skills {
		if s.Skill == "" || s.Level > routing.MaxLevel || i > 0 && a.Skills[i-1].Skill == s.Skill {
			return fmt.Errorf("agent %q: skill %q: the name is empty or not unique, or level %d is above %d",
				a.ID, s.Skill, s.Level, routing.MaxLevel)
		}
	}
	return nil
}
