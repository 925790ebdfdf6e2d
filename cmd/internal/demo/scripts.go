package demo

import (
	"math/rand/v2"
	"slices"
	"time"

	"tierline/call/phone"
)

// Patience of callers, since the answer of the switch.
const (
	patient   = 2 * time.Minute // wants an agent
	impatient = 12 * time.Second
	listens   = 12 * time.Second // to what the menu says
)

// scripts are the ways in which a customer may use the centre. They follow the
// menus of testdata/demo/flows: who a customer is decides what he is offered.
func scripts(c customer) []script {
	all := people(c)
	for _, s := range slices.Clone(all) { // any of them may tire of waiting
		if s.want == wantAgent {
			s.name, s.want, s.patience, s.weight = s.name+", gives up", wantAbandon, impatient, max(1, s.weight/8)
			all = append(all, s)
		}
	}
	all = append(all, selfService(c)...)
	for i := range all {
		if c.Language == "" { // asked for the language first
			all[i].keys = append(keys(pickOne("1", "1", "1", "2")), all[i].keys...)
		}
	}
	return all
}

// people are the scripts for 10000.
func people(c customer) []script {
	agent := func(weight int, name, milestone string, digits ...string) script {
		return script{
			name: name, weight: weight, number: "10000", want: wantAgent, keys: keys(digits...), milestone: milestone,
			patience: patient,
		}
	}
	switch c.Tier {
	case "diamond":
		return []script{
			agent(24, "presses nothing", "agent"), agent(24, "asks for the advisor", "agent", "1"),
			agent(6, "complains", "complaint", "2"),
		}
	case "gold":
		return []script{
			agent(36, "asks for an advisor", "agent", "1"), agent(10, "reports a fault", "fault", "2"),
			agent(6, "complains", "complaint", "3"),
		}
	default:
		return []script{
			agent(20, "asks about a bill", "billing", "1"), agent(14, "orders something", "orders", "2"),
			agent(10, "reports a fault", "fault", "3"), agent(4, "complains", "complaint", "4"),
			agent(4, "wants something else", "agent", "0"), agent(3, "mistypes first", "billing", "7", "1"),
		}
	}
}

// selfService are the scripts for 10001.
func selfService(c customer) []script {
	menu := func(weight int, milestone string, digits ...string) script {
		return script{
			name: "hears about " + milestone, weight: weight, number: "10001", want: wantMenu, keys: keys(digits...),
			milestone: milestone, patience: time.Duration(len(digits)) * listens,
		}
	}
	all := []script{
		menu(3, "order", "3", "2026000102#", "1"), menu(2, "password", "7"), menu(4, "fault", "5", "1", "#"),
		{
			name: "leaves the menu for an agent", weight: 5, number: "10001", want: wantAgent, keys: keys("0"),
			milestone: "agent", patience: patient,
		},
	}
	if len(c.Phone) > 6 && c.Language != "" { // known by his number, so only the business system's PIN is asked
		pin := c.Phone[len(c.Phone)-6:]
		all = append(all, menu(8, "bill", "1", pin), menu(4, "points", "2", pin), menu(3, "plan", "4", pin))
	}
	if c.Tier == "diamond" { // is offered a person before the menu
		for i := range all {
			all[i].keys = append(keys("2"), all[i].keys...)
		}
	}
	return all
}

// keys are pressed one after another, some at once, some after thinking.
func keys(digits ...string) []phone.Keys {
	out := make([]phone.Keys, len(digits))
	for i, d := range digits {
		out[i] = phone.Keys{Digits: d, After: between(1500*time.Millisecond, 4*time.Second)}
	}
	return out
}

func pickOne(of ...string) string { return of[rand.IntN(len(of))] }
