package acd

import (
	"slices"
	"strconv"
	"strings"

	"tierline/routing"
	"tierline/routing/rank"
)

// line is one line of a script's config: words, key=value pairs, and what
// require= says, which takes the rest of the line.
type line struct {
	x       *script
	words   []string
	kv      map[string]string
	require string
}

func (x *script) line(text string) line {
	text, require, _ := strings.Cut(strings.TrimSpace(text), " require=")
	l := line{x: x, words: strings.Fields(text), kv: map[string]string{}, require: require}
	for _, w := range l.words[1:] {
		k, v, _ := strings.Cut(w, "=")
		l.kv[k] = v
	}
	return l
}

func (l line) n(key string) int { v, _ := strconv.Atoi(l.kv[key]); return v }

func (l line) ms(key string) int64 { return l.x.ms(l.kv[key]) }

func (l line) has(key string) bool { _, ok := l.kv[key]; return ok }

// config reads lines of "policy NAME", "tier NAME HEADSTART key=value…",
// "queue NAME key=value…", "step QUEUE AFTER REQUIREMENT" and "agent ID
// key=value…".
func (x *script) config() Event {
	var c Config
	for text := range strings.Lines(x.d.Input) {
		l := x.line(text)
		switch l.words[0] {
		case "policy":
			p, err := rank.ParsePolicy(l.words[1])
			if err != nil {
				x.d.Fatalf(x.t, "%v", err)
			}
			c.Policy = p
		case "tier":
			tier := x.tier(l.words[1])
			c.HeadStart[tier] = x.ms(l.words[2])
			c.Objective[tier] = l.ms("objective")
			c.KeepIdle[tier], c.KeepIdleFor[tier] = l.n("keep_idle"), l.ms("keep_idle_for")
		case "queue":
			c.Queues = append(c.Queues, l.queue())
		case "reasons":
			c.Reasons = l.words[1:]
		case "step":
			q := &c.Queues[slices.IndexFunc(c.Queues, func(q QueueConfig) bool { return q.Name == l.words[1] })]
			q.Steps = append(q.Steps, Step{After: x.ms(l.words[2]), Requirement: strings.Join(l.words[3:], " ")})
		case "agent":
			c.Agents = append(c.Agents, l.agent())
		default:
			x.d.Fatalf(x.t, "unknown line %q", text)
		}
	}
	return ConfigPublished{Hash: "h", By: "test", Bundle: []byte(x.d.Input), Config: c}
}

func (l line) queue() QueueConfig {
	q := QueueConfig{
		Name: l.words[1], Requirement: l.require, RingTime: l.ms("ring"), WrapUp: l.ms("wrap_up"),
		MaxWait: l.ms("max_wait"), MaxLength: l.n("max_length"), ReofferAfter: l.ms("reoffer"),
		Fit:       map[string]Fit{"": FitNone, "most": FitMost, "least": FitLeast}[l.kv["fit"]],
		RingGroup: l.n("ring_group"), MaxEstimate: l.ms("max_estimate"), LastAgent: l.ms("last_agent"),
		NoStaffRefuse: l.has("no_staff_refuse"), NoStaffLeave: l.ms("no_staff_leave"),
		PreserveGeneralists: l.has("preserve_generalists"),
		WrapUpManual:        l.has("manual"), WrapUpMax: l.ms("wrap_up_max"),
		Dispositions: words(l.kv["codes"]),
		Callback: CallbackConfig{
			Attempts: l.n("attempts"), Spacing: l.ms("spacing"), Expires: l.ms("expires"), Max: l.n("callbacks"),
		},
	}
	for _, t := range routing.Tiers() {
		if l.has(t.String()) {
			if q.HeadStart == nil {
				q.HeadStart = new([routing.TierCount]int64)
			}
			q.HeadStart[t] = l.ms(t.String())
		}
	}
	return q
}

func (l line) agent() AgentConfig {
	a := AgentConfig{
		ID: l.words[1], Name: l.words[1], MaxMisses: l.n("misses"), BackOff: l.ms("back_off"), Contact: l.kv["contact"],
		SignedIn: l.has("signed_in"), Groups: words(l.kv["groups"]), Supervises: words(l.kv["supervises"]),
	}
	for _, s := range words(l.kv["skills"]) {
		name, level, _ := strings.Cut(s, ":")
		n, _ := strconv.Atoi(level)
		a.Skills = append(a.Skills, routing.SkillLevel{Skill: routing.Skill(name), Level: routing.Level(n)})
	}
	return a
}
