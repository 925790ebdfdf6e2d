package rank_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tierline/routing"
	"tierline/routing/rank"
)

func TestAgentKeyOrder(t *testing.T) {
	want := []rank.AgentKey{
		{Cost: -9, ReadySince: 500, ID: "z"},
		{Cost: 0, ReadySince: 100, ID: "b"},
		{Cost: 0, ReadySince: 200, ID: "a"},
		{Cost: 0, ReadySince: 200, ID: "b"},
		{Cost: 3, ReadySince: 0, ID: "a"},
		{Passed: true, Cost: -9, ReadySince: 0, ID: "a"},
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, rank.AgentKey.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// desk is an agent as the naive matcher sees one.
type desk struct {
	seat   *rank.Agent
	skills []routing.SkillLevel
	ready  bool
	mark   uint8
}

// before is the order as design/acd.md puts it, in floating point: no tie of
// its quotients can come from anything but equal ones with numbers this small.
func before(o rank.Order, now int64) func(a, b *rank.Call) int {
	return func(x, y *rank.Call) int {
		a, b := x.Key, y.Key
		by := 0
		switch o.Policy {
		case rank.PolicyDeadline:
			by = cmp.Compare(a.Deadline, b.Deadline)
		case rank.PolicyStrict:
			by = cmp.Or(-cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Since, b.Since))
		case rank.PolicyRatio:
			ratio := func(k rank.Key) float64 { return float64(now-k.Since) / float64(o.Objective[k.Tier]) }
			by = cmp.Or(-cmp.Compare(ratio(a), ratio(b)), cmp.Compare(a.Since, b.Since))
		case rank.PolicyFIFO:
			by = cmp.Compare(a.Since, b.Since)
		}
		return cmp.Or(cmp.Compare(a.Band, b.Band), by, cmp.Compare(a.Index, b.Index))
	}
}

// naive looks at every call and every agent. It is what a match means.
func naive(o rank.Order, calls []*rank.Call, desks []*desk, now int64, limit int) (out []rank.Choice) {
	used := map[*desk]bool{}
	calls = slices.SortedFunc(slices.Values(calls), before(o, now))
	for _, c := range calls {
		var (
			best    rank.AgentKey
			found   *desk
			choice  = rank.Choice{Call: c}
			ratedBy = map[rank.Fit]int{rank.FitMost: -1, rank.FitLeast: 1}[c.Fit]
			only    = c.Only && slices.ContainsFunc(desks, func(d *desk) bool { return d.seat.ID == c.Preferred })
		)
		for _, d := range desks {
			ring, score, able := c.Requirement.Rank(d.skills)
			if !d.ready || used[d] || !able || only && d.seat.ID != c.Preferred {
				continue
			}
			choice.Ready++
			passed := slices.ContainsFunc(c.PassedOver, func(p rank.PassedOver) bool {
				return p.Agent == d.seat.ID && p.Until > now
			})
			key := rank.AgentKey{
				Passed: passed, Other: d.seat.ID != c.Preferred, Ring: ring, Cost: ratedBy * score,
				ReadySince: d.seat.ReadySince, ID: d.seat.ID,
			}
			if c.Specialist {
				key.Breadth = len(d.skills)
			}
			if found == nil || key.Compare(best) < 0 {
				found, best = d, key
				choice.Agent, choice.Ring, choice.Score, choice.Again = d.seat, ring, score, passed
			}
		}
		yields := c.Yields && !only && choice.Ready <= o.KeepIdle[c.Key.Tier]
		if found != nil && !yields && len(out) < limit {
			used[found] = true
			out = append(out, choice)
		}
	}
	return out
}

// TestMatchEqualsNaive drives a board with random commands and compares every
// match with the naive one.
func TestMatchEqualsNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			b     = rank.NewBoard()
			calls []*rank.Call
			desks []*desk
			next  uint64
		)
		now := int64(1000)
		pick := func(t *rapid.T, n int) int {
			if n == 0 {
				t.Skip("nobody there")
			}
			return rapid.IntRange(0, n-1).Draw(t, "which")
		}
		t.Repeat(map[string]func(*rapid.T){
			"enqueue": func(t *rapid.T) {
				next++
				c := &rank.Call{
					ID: fmt.Sprint("c", next), Requirement: requirements().Draw(t, "requirement"),
					Key:    keys(next).Draw(t, "key"),
					Fit:    rapid.SampledFrom([]rank.Fit{rank.FitNone, rank.FitMost, rank.FitLeast}).Draw(t, "fit"),
					Yields: rapid.Bool().Draw(t, "yields"), Specialist: rapid.Bool().Draw(t, "specialist"),
				}
				if len(desks) > 0 && rapid.Bool().Draw(t, "prefers") {
					c.Preferred = rapid.SampledFrom(desks).Draw(t, "preferred").seat.ID
					c.Only = rapid.Bool().Draw(t, "only")
				}
				for range rapid.IntRange(0, 2).Draw(t, "steps") {
					c.Requirement = b.Relax(c.Requirement, weaker(t, c.Requirement))
				}
				for _, d := range desks {
					if rapid.IntRange(0, 3).Draw(t, "passed") == 0 {
						until := now + rapid.Int64Range(-1, 1).Draw(t, "until")
						c.PassedOver = append(c.PassedOver, rank.PassedOver{Agent: d.seat.ID, Until: until})
					}
				}
				calls = append(calls, c)
				b.Enqueue(c)
			},
			"dequeue": func(t *rapid.T) {
				i := pick(t, len(calls))
				b.Dequeue(calls[i])
				b.Dequeue(calls[i]) // once more does no harm
				calls = slices.Delete(calls, i, i+1)
			},
			"seat": func(t *rapid.T) {
				next++
				d := &desk{seat: &rank.Agent{ID: fmt.Sprint("a", next)}, skills: skillSets().Draw(t, "skills")}
				desks = append(desks, d)
				b.Seat(d.seat, d.skills)
			},
			"move": func(t *rapid.T) {
				d := desks[pick(t, len(desks))]
				d.skills = skillSets().Draw(t, "skills")
				b.Seat(d.seat, d.skills)
			},
			"unseat": func(t *rapid.T) {
				i := pick(t, len(desks))
				b.Unseat(desks[i].seat)
				b.Unseat(desks[i].seat)
				desks = slices.Delete(desks, i, i+1)
			},
			"ready": func(t *rapid.T) {
				d := desks[pick(t, len(desks))]
				d.ready = true
				b.Ready(d.seat, rapid.Int64Range(0, 5).Draw(t, "since"))
			},
			"not ready": func(t *rapid.T) {
				d := desks[pick(t, len(desks))]
				d.ready = false
				b.NotReady(d.seat)
			},
			"mark": func(t *rapid.T) {
				d := desks[pick(t, len(desks))]
				d.mark = rapid.Uint8Range(0, rank.Marks-1).Draw(t, "mark")
				b.Mark(d.seat, d.mark)
			},
			"policy": func(t *rapid.T) { b.SetOrder(orders().Draw(t, "order")) },
			"time":   func(t *rapid.T) { now += rapid.Int64Range(1, 20).Draw(t, "ms") },
			"":       func(t *rapid.T) { compare(t, b, calls, desks, now) },
		})
	})
}

func compare(t *rapid.T, b *rank.Board, calls []*rank.Call, desks []*desk, now int64) {
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	limit := rapid.SampledFrom([]int{1, 3, 100}).Draw(t, "limit")
	got, want := bare(b.Match(now, limit)), naive(b.Order(), calls, desks, now, limit)
	switch {
	case sameCalls(got, want):
		if !slices.Equal(got, want) {
			t.Fatalf("got  %v\nwant %v", show(got), show(want))
		}
	case b.Order().KeepIdle == [routing.TierCount]int{}:
		mostCalls(t, b.Order(), calls, desks, now, limit, got)
	}
	for _, d := range desks {
		for _, c := range b.Kept(d.seat) {
			if !c.Only || c.Preferred != d.seat.ID {
				t.Fatalf("%s is kept for %s", c.ID, d.seat.ID)
			}
		}
	}
	if again := bare(b.Match(now, limit)); !slices.Equal(got, again) {
		t.Fatal("a match changed the board")
	}
	for _, c := range calls {
		var marks [rank.Marks]int
		for _, d := range desks {
			_, able := c.Requirement.Able(d.skills)
			if able {
				marks[d.mark]++
			}
			if b.Able(d.seat, c) != able {
				t.Fatalf("%s for %s: able %v", d.seat.ID, c.Requirement, !able)
			}
		}
		if got := b.Count(c.Requirement); got != marks {
			t.Fatalf("%s: counted %v, want %v", c.Requirement, got, marks)
		}
	}
}

// bare leaves out what a naive match doesn't tell, after a look at it: rivals
// come after the chosen one, in order.
func bare(cs []rank.Choice) []rank.Choice {
	for i := range cs {
		last := cs[i].Key()
		for _, r := range cs[i].Rivals {
			if r.Agent != nil && (r.Key.Compare(last) <= 0 || r.Agent == cs[i].Agent) {
				panic(fmt.Sprintf("%+v is no rival of %+v", r.Key, last))
			}
			if r.Agent != nil {
				last = r.Key
			}
		}
		cs[i].Rivals, cs[i].Moved = [rank.Rivals]rank.Rival{}, false
	}
	return cs
}

func sameCalls(x, y []rank.Choice) bool {
	return slices.EqualFunc(x, y, func(a, b rank.Choice) bool { return a.Call == b.Call })
}

// mostCalls checks a match in which calls made room for others: those served
// are the first by key that can be served together.
func mostCalls(
	t *rapid.T, o rank.Order, calls []*rank.Call, desks []*desk, now int64, limit int, got []rank.Choice,
) {
	can := func(c *rank.Call, d *desk) bool {
		_, able := c.Requirement.Able(d.skills)
		only := c.Only && slices.ContainsFunc(desks, func(d *desk) bool { return d.seat.ID == c.Preferred })
		return d.ready && able && (!only || d.seat.ID == c.Preferred)
	}
	served := map[*desk]*rank.Call{}
	var place func(c *rank.Call, seen map[*desk]bool) bool
	place = func(c *rank.Call, seen map[*desk]bool) bool {
		for _, d := range desks {
			if !can(c, d) || seen[d] {
				continue
			}
			seen[d] = true
			if served[d] == nil || place(served[d], seen) {
				served[d] = c
				return true
			}
		}
		return false
	}
	var want []*rank.Call
	for _, c := range slices.SortedFunc(slices.Values(calls), before(o, now)) {
		if len(want) < limit && place(c, map[*desk]bool{}) {
			want = append(want, c)
		}
	}
	used := map[*rank.Agent]bool{}
	for i, g := range got {
		d := desks[slices.IndexFunc(desks, func(d *desk) bool { return d.seat == g.Agent })]
		if len(got) != len(want) || g.Call != want[i] || used[g.Agent] || !can(g.Call, d) {
			t.Fatalf("got %v, could serve %d", show(got), len(want))
		}
		used[g.Agent] = true
	}
	if len(got) != len(want) {
		t.Fatalf("got %v, could serve %d", show(got), len(want))
	}
}

func show(cs []rank.Choice) (out []string) {
	for _, c := range cs {
		out = append(out, fmt.Sprintf("%s→%s of %d score %d again %v", c.Call.ID, c.Agent.ID, c.Ready, c.Score, c.Again))
	}
	return out
}

// TestRequireParsesOnce: a pair of texts gives the same requirement for ever,
// and a mistake in either is the mistake of that text.
func TestRequireParsesOnce(t *testing.T) {
	b := rank.NewBoard()
	first, err := b.Require("a>=1", "b>=2")
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := b.Require("a>=1", "b>=2"); first != second {
		t.Error("parsed again")
	}
	for _, pair := range [][2]string{{"a>", "b>=2"}, {"a>=1", "b>"}} {
		if _, err := b.Require(pair[0], pair[1]); err == nil {
			t.Errorf("%q is accepted", pair)
		}
	}
	for i := range 5000 { // more than are kept
		if _, err := b.Require(fmt.Sprintf("s%d>=1", i), ""); err != nil {
			t.Fatal(err)
		}
	}
}

// TestClassesAreForgotten: callers with ever new requirements don't pile up
// classes nobody waits in.
func TestClassesAreForgotten(t *testing.T) {
	b := rank.NewBoard()
	a := &rank.Agent{ID: "a"}
	b.Seat(a, []routing.SkillLevel{{Skill: "s7000", Level: 1}})
	for i := range 10_000 {
		r, err := b.Require(fmt.Sprintf("s%d>=1", i), "")
		if err != nil {
			t.Fatal(err)
		}
		c := &rank.Call{ID: "c", Requirement: r, Key: rank.Key{Index: uint64(i)}}
		b.Enqueue(c)
		if b.Able(a, c) != (i == 7000) {
			t.Fatalf("able for %s", r)
		}
		b.Dequeue(c)
	}
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
}
