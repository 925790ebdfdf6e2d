package dialplan_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tierline/routing/dialplan"
)

func rules() []dialplan.Rule {
	return []dialplan.Rule{
		{Prefix: "100", Flow: "sorry"},
		{Number: "10000", Flow: "human"},
		{Number: "10001", Flow: "self-service"},
		{Number: "10000", Trunks: []string{"test", "lab"}, Flow: "echo"},
		{Prefix: "10000", Flow: "human-with-digits"},
		{Prefix: "1", Trunks: []string{"test"}, Flow: "test-only"},
	}
}

func TestLookup(t *testing.T) {
	plan, err := dialplan.New(rules())
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		trunk, number string
		flow, rest    string
	}{
		"exact number":                   {"ct", "10000", "human", ""},
		"other number":                   {"ct", "10001", "self-service", ""},
		"exact before prefix":            {"ct", "100001", "human-with-digits", "1"},
		"longest prefix":                 {"ct", "10086", "sorry", "86"},
		"rule of the trunk before all":   {"lab", "10000", "echo", ""},
		"longer prefix before the trunk": {"test", "10086", "sorry", "86"},
		"prefix of one trunk":            {"test", "114", "test-only", "14"},
		"rule of another trunk":          {"ct", "114", "", ""},
		"no rule":                        {"ct", "95588", "", ""},
		"empty number":                   {"ct", "", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := plan.Lookup(tt.trunk, tt.number)
			if errors.Is(err, dialplan.ErrNoRoute) != (tt.flow == "") {
				t.Fatalf("error %v", err)
			}
			if r.Flow != tt.flow || r.Rest != tt.rest {
				t.Errorf("flow %q rest %q, want %q %q", r.Flow, r.Rest, tt.flow, tt.rest)
			}
		})
	}
	var empty dialplan.Plan
	if _, err := empty.Lookup("ct", "10000"); !errors.Is(err, dialplan.ErrNoRoute) {
		t.Errorf("empty plan: %v", err)
	}
}

func TestExplain(t *testing.T) {
	plan, err := dialplan.New(rules())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range plan.Explain("test", "10000") {
		mark := "  "
		if v.Won {
			mark = "* "
		}
		got = append(got, mark+v.Rule.Name()+" -> "+v.Rule.Flow+": "+v.Why)
	}
	want := []string{
		"* number 10000 from test, lab -> echo: the exact number, from this trunk",
		"  number 10000 -> human: matches, but number 10000 from test, lab is more specific",
		"  number 10001 -> self-service: another number",
		"  prefix 10000 -> human-with-digits: matches, but number 10000 from test, lab is more specific",
		"  prefix 100 -> sorry: matches, but number 10000 from test, lab is more specific",
		"  prefix 1 from test -> test-only: matches, but number 10000 from test, lab is more specific",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for number, why := range map[string]string{"10000": "the exact number", "10086": "the longest prefix"} {
		for _, v := range plan.Explain("ct", number) {
			if v.Won && v.Why != why {
				t.Errorf("%s: %s", number, v.Why)
			}
			if v.Rule.Flow == "test-only" && v.Why != "not from trunk ct" && v.Why != "another prefix" {
				t.Errorf("%s: %s", number, v.Why)
			}
		}
	}
}

func TestConflicts(t *testing.T) {
	_, err := dialplan.New([]dialplan.Rule{
		{Number: "10000", Flow: "a"},
		{Number: "10000", Trunks: []string{"x"}, Flow: "b"},
		{Number: "10000", Flow: "c"},
		{Number: "10000", Trunks: []string{"y", "x"}, Flow: "d"},
		{Prefix: "10000", Flow: "e"},
	})
	want := "number 10000: flow a or flow c?\nnumber 10000 from y, x: flow b or flow d?"
	if err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
	if _, ok := errors.AsType[*dialplan.ConflictError](err); !ok {
		t.Errorf("error %T", err)
	}
}

// The order of the document never decides.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := rapid.Custom(func(t *rapid.T) dialplan.Rule {
			r := dialplan.Rule{Flow: rapid.StringMatching(`[a-z]{3}`).Draw(t, "flow")}
			digits := rapid.StringMatching(`[01]{1,3}`).Draw(t, "digits")
			if rapid.Bool().Draw(t, "exact") {
				r.Number = digits
			} else {
				r.Prefix = digits
			}
			r.Trunks = rapid.SampledFrom([][]string{nil, {"a"}, {"b"}, {"a", "b"}}).Draw(t, "trunks")
			return r
		})
		list := rapid.SliceOf(rule).Draw(t, "rules")
		one, err := dialplan.New(list)
		two, err2 := dialplan.New(rapid.Permutation(list).Draw(t, "order"))
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%v, %v", err, err2)
		}
		if err != nil {
			return
		}
		for _, from := range []string{"a", "b", "c"} {
			number := rapid.StringMatching(`[01]{1,4}`).Draw(t, "number")
			r1, err1 := one.Lookup(from, number)
			r2, err2 := two.Lookup(from, number)
			if r1.Flow != r2.Flow || (err1 == nil) != (err2 == nil) {
				t.Fatalf("%s from %s: %v %v", number, from, r1, r2)
			}
			won := ""
			for _, v := range one.Explain(from, number) {
				if v.Won {
					won += v.Rule.Flow
				}
			}
			if won != r1.Flow {
				t.Fatalf("explained %q, routed %q", won, r1.Flow)
			}
		}
	})
}
