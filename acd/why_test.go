package acd

import (
	"slices"
	"strings"
	"testing"

	"tierline/routing"
)

// TestWhyNamesWhatCounted: the reason of an offer tells the call's place under
// the policy in force, the step, and what put others behind the chosen agent.
func TestWhyNamesWhatCounted(t *testing.T) {
	skills := func(billing, fault routing.Level) (out []routing.SkillLevel) {
		for i, l := range []routing.Level{billing, fault} {
			if l > 0 {
				out = append(out, routing.SkillLevel{Skill: []routing.Skill{"billing", "fault"}[i], Level: l})
			}
		}
		return out
	}
	for _, tt := range []struct {
		name   string
		config func(c *Config)
		queued CallQueued
		want   string
	}{
		{
			"idle", func(*Config) {},
			CallQueued{},
			"deadline 12000; 1 of 3 ready, idle 11000 ms, levels 5; not b: idle 11000 ms; not c: idle 11000 ms",
		},
		{
			"fit", func(c *Config) { c.Policy, c.Queues[0].Fit = PolicyFIFO, FitMost },
			CallQueued{},
			"fifo, waited 0 ms; 1 of 3 ready, idle 11000 ms, levels 9; not a: levels 5; not c: levels 2",
		},
		{
			"least", func(c *Config) { c.Policy, c.Queues[0].Fit = PolicyStrict, FitLeast },
			CallQueued{Tier: routing.Gold},
			"strict gold, waited 0 ms; 1 of 3 ready, idle 11000 ms, levels 2; not a: levels 5; not b: levels 9",
		},
		{
			"generalists", func(c *Config) { c.Queues[0].PreserveGeneralists = true },
			CallQueued{},
			"deadline 12000; 1 of 3 ready, idle 11000 ms, levels 9; not c: idle 11000 ms; not a: 2 skills",
		},
		{
			"preferred", func(*Config) {},
			CallQueued{Preferred: "c"},
			"deadline 12000; 1 of 3 ready, idle 11000 ms, preferred, levels 2",
		},
		{
			"kept", func(*Config) {},
			CallQueued{Preferred: "c", PreferredFor: 5000},
			"deadline 12000; 1 of 1 ready, idle 11000 ms, kept for him, levels 2",
		},
		{
			"step", func(c *Config) {
				c.Queues[0].Requirement = "billing>=5"
				c.Queues[0].Steps = []Step{{After: 10_000, Requirement: "billing>=1"}}
			},
			CallQueued{Credit: 10_000},
			"deadline 2000; step 1 of 1; 1 of 3 ready, idle 11000 ms, levels 5; not b: idle 11000 ms; not c: ring 1",
		},
		{
			"ratio", func(c *Config) {
				c.Policy, c.Objective = PolicyRatio, [routing.TierCount]int64{8, 4, 2, 1}
			},
			CallQueued{Tier: routing.Diamond, Credit: 500, Requirement: "fault>=1"},
			"ratio diamond, waited 500 ms; 1 of 1 ready, idle 11000 ms, levels 6",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := Config{
				Queues: []QueueConfig{{Name: "q", Requirement: "billing>=1"}},
				Agents: []AgentConfig{
					{ID: "a", Contact: "sip:a", SignedIn: true, Skills: skills(5, 1)},
					{ID: "b", Contact: "sip:b", SignedIn: true, Skills: skills(9, 0)},
					{ID: "c", Contact: "sip:c", SignedIn: true, Skills: skills(2, 0)},
				},
			}
			tt.config(&config)
			s := NewState()
			drive(t, s, ConfigPublished{Config: config})
			s.now = 10_000
			tt.queued.Call, tt.queued.Queue = "x", "q"
			drive(t, s, CallArrived{Call: "x", Node: "n"}, tt.queued)
			evs := Decide(s, s.now)
			if o, ok := evs[0].(CallOffered); !ok || len(evs) != 1 || o.Why != tt.want {
				t.Errorf("got  %+v\nwant %s", evs, tt.want)
			}
		})
	}
}

// TestWhySaysWhoMadeRoom: a call that doesn't get its best agent for the sake of
// another says so.
func TestWhySaysWhoMadeRoom(t *testing.T) {
	s := NewState()
	config := Config{
		Queues: []QueueConfig{{Name: "q"}, {Name: "special", Requirement: "s>=1"}},
		Agents: []AgentConfig{
			{ID: "a", Skills: []routing.SkillLevel{{Skill: "s", Level: 1}}, SignedIn: true},
			{ID: "b", SignedIn: true},
		},
	}
	drive(
		t, s, ConfigPublished{Config: config},
		CallArrived{Call: "any", Node: "n"}, CallQueued{Call: "any", Queue: "q"},
		CallArrived{Call: "special", Node: "n"}, CallQueued{Call: "special", Queue: "special"},
	)
	for i := range config.Agents {
		config.Agents[i].Contact = "sip:x"
	}
	drive(t, s, ConfigPublished{Config: config})
	var got []string
	for _, ev := range Decide(s, s.now) {
		o, ok := ev.(CallOffered)
		if !ok || strings.Contains(o.Why, "so that another call is served too") != (o.Call == "any") {
			t.Errorf("%+v", ev)
		}
		got = append(got, o.Call+" "+o.Agent)
	}
	if !slices.Equal(got, []string{"any b", "special a"}) {
		t.Errorf("offers %q", got)
	}
}
