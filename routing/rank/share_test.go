package rank_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/routing"
	"tierline/routing/rank"
)

// TestShare: who rings beside the chosen ones. Agents a, b, c and d have been
// idle the longer the earlier their letter; d alone can do x.
func TestShare(t *testing.T) {
	parse := func(text string) *rank.Requirement {
		r, err := rank.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, tt := range []struct {
		name  string
		calls []rank.Call
		want  [][]string // by call: the chosen one, and who rings as well
	}{
		{"one", []rank.Call{{Group: 1}}, [][]string{{"a"}}},
		{"three", []rank.Call{{Group: 3}}, [][]string{{"a", "b", "c"}}},
		{"more than there are", []rank.Call{{Group: 9}}, [][]string{{"a", "b", "c", "d"}}},
		{"only who is able", []rank.Call{{Group: 3, Requirement: parse("x>=1")}}, [][]string{{"d"}}},
		{
			"other calls first, then the smallest key",
			[]rank.Call{{Group: 3}, {Group: 3}, {}},
			[][]string{{"a", "d"}, {"b"}, {"c"}},
		},
		{
			"nobody who missed it",
			[]rank.Call{{Group: 4, PassedOver: []rank.PassedOver{{Agent: "b", Until: 99}}}},
			[][]string{{"a", "c", "d"}},
		},
		{"none of the reserve", []rank.Call{{Group: 3, Yields: true}}, [][]string{{"a"}}},
		{"nobody but him it is kept for", []rank.Call{{Group: 3, Preferred: "c", Only: true}}, [][]string{{"c"}}},
		{"the preferred one and others", []rank.Call{{Group: 2, Preferred: "c"}}, [][]string{{"c", "a"}}},
	} {
		b := rank.NewBoard()
		b.SetOrder(rank.Order{KeepIdle: [routing.TierCount]int{1}})
		for i, id := range []string{"a", "b", "c", "d"} {
			var skills []routing.SkillLevel
			if id == "d" {
				skills = []routing.SkillLevel{{Skill: "x", Level: 1}}
			}
			a := &rank.Agent{ID: id}
			b.Seat(a, skills)
			b.Ready(a, int64(i))
		}
		for i := range tt.calls {
			tt.calls[i].Key.Index = uint64(i)
			b.Enqueue(&tt.calls[i])
		}
		choices := b.Match(10, 100)
		more := b.Share(choices, 10)
		got := make([][]string, len(choices))
		for i, c := range choices {
			got[i] = []string{c.Agent.ID}
			if more == nil {
				continue
			}
			for _, a := range more[i] {
				got[i] = append(got[i], a.ID)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}
