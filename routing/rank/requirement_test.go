package rank_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tierline/routing"
	"tierline/routing/rank"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"  \t", ""},
		{"billing>=3", "billing>=3"},
		{"billing >= 10", "billing>=10"},
		{"  billing>=3   and lang.en>=1 ", "billing>=3 and lang.en>=1"},
		{"a>=1 or b>=2 and c>=3", "a>=1 or b>=2 and c>=3"},
		{"(a>=1 or b>=2) and c>=3", "(a>=1 or b>=2) and c>=3"},
		{"((a>=1))", "a>=1"},
		{"a>=1 and (b>=2 and c>=3)", "a>=1 and b>=2 and c>=3"},
		{"a>=1 or (b>=2 or (c>=3 and d>=4))", "a>=1 or b>=2 or c>=3 and d>=4"},
		{"android>=1 or order>=1", "android>=1 or order>=1"},
		{"宽带>=2 and lang.zh-CN_x>=1", "宽带>=2 and lang.zh-CN_x>=1"},
	} {
		r, err := rank.Parse(tt.text)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.text, err)
			continue
		}
		if r.String() != tt.want {
			t.Errorf("Parse(%q) = %q, want %q", tt.text, r, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat("(", 17) + "a>=1" + strings.Repeat(")", 17)
	many := strings.Repeat("a>=1 and ", 64) + "a>=1"
	for _, tt := range []struct {
		text   string
		offset int
		what   string
	}{
		{"billing", 7, `expected ">=" and a level behind the skill`},
		{"billing>3", 7, `unexpected '>'`},
		{"billing=3", 7, `unexpected '='`},
		{"billing>=", 9, "expected a level from 1 to 10"},
		{"billing>=0", 9, "expected a level from 1 to 10"},
		{"billing>=11", 9, "expected a level from 1 to 10"},
		{"billing>=99999999999999999999999", 9, "expected a level from 1 to 10"},
		{"billing>=3.5", 9, "expected a level from 1 to 10"},
		{"billing>=expert", 9, "expected a level from 1 to 10"},
		{"and a>=1", 0, `expected a skill, found "and"`},
		{"a>=1 and", 8, "expected a skill, found the end"},
		{"a>=1 and or b>=1", 9, `expected a skill, found "or"`},
		{"a>=1 b>=1", 5, `expected "and", "or" or the end, found "b"`},
		{"a>=1)", 4, `expected "and", "or" or the end, found ")"`},
		{"(a>=1", 5, `expected ")"`},
		{"()", 1, `expected a skill, found ")"`},
		{"a>=1 AND b>=1", 5, `expected "and", "or" or the end, found "AND"`},
		{"3>=1", 0, `expected a skill, found "3"`},
		{"a>=1 && b>=1", 5, `unexpected '&'`},
		{"a>=1\nor b>=1", 4, `unexpected '\n'`},
		{deep, 16, "more than 16 nested brackets"},
		{many, len(many) - 4, "more than 64 conditions"},
		{strings.Repeat("x", 3000), 2048, "longer than 2048 bytes"},
	} {
		_, err := rank.Parse(tt.text)
		var syntax *rank.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("Parse(%.40q) = %v, want a syntax error", tt.text, err)
			continue
		}
		if syntax.Offset != tt.offset || syntax.What != tt.what {
			t.Errorf("Parse(%.40q): %d %s, want %d %s", tt.text, syntax.Offset, syntax.What, tt.offset, tt.what)
		}
	}
	_, err := rank.Parse("a>=1 b>=1")
	if got, want := err.Error(), `requirement "a>=1 b>=1", column 6: expected "and", "or" or the end, found "b"`; got != want {
		t.Errorf("error %s\n want %s", got, want)
	}
}

func TestAble(t *testing.T) {
	skills := []routing.SkillLevel{{Skill: "billing", Level: 3}, {Skill: "fault", Level: 0}, {Skill: "lang.en", Level: 5}}
	for _, tt := range []struct {
		text  string
		able  bool
		score int
	}{
		{"", true, 0},
		{"billing>=3", true, 3},
		{"billing>=4", false, 0},
		{"fault>=1", false, 0},
		{"orders>=1", false, 0},
		{"billing>=1 and lang.en>=1", true, 8},
		{"billing>=1 and orders>=1", false, 0},
		{"orders>=1 or billing>=1", true, 3},
		{"billing>=1 or lang.en>=5", true, 5},
		{"(billing>=9 or lang.en>=2) and billing>=1", true, 8},
	} {
		r, err := rank.Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		score, able := r.Able(skills)
		if able != tt.able || able && score != tt.score {
			t.Errorf("%q: %d, %v, want %d, %v", tt.text, score, able, tt.score, tt.able)
		}
	}
}

func TestAnd(t *testing.T) {
	parse := func(text string) *rank.Requirement {
		r, err := rank.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, tt := range []struct{ a, b, want string }{
		{"", "", ""},
		{"a>=1", "", "a>=1"},
		{"", "a>=1", "a>=1"},
		{"a>=1", "b>=2", "a>=1 and b>=2"},
		{"a>=1 or b>=1", "c>=1 or d>=1", "(a>=1 or b>=1) and (c>=1 or d>=1)"},
	} {
		if got := parse(tt.a).And(parse(tt.b)).String(); got != tt.want {
			t.Errorf("%q and %q = %q, want %q", tt.a, tt.b, got, tt.want)
		}
	}
	var none *rank.Requirement
	if got := none.And(parse("a>=1")).String(); got != "a>=1" {
		t.Errorf("nil and a>=1 = %q", got)
	}
	if got := parse("a>=1").And(none).String(); got != "a>=1" {
		t.Errorf("a>=1 and nil = %q", got)
	}
}

// TestAndMeansBoth: the requirement that asks for both is met by those who
// meet both, and its spelling means the same.
func TestAndMeansBoth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, skills := requirements().Draw(t, "a"), requirements().Draw(t, "b"), skillSets().Draw(t, "skills")
		both := a.And(b)
		_, ableA := a.Able(skills)
		_, ableB := b.Able(skills)
		score, able := both.Able(skills)
		if able != (ableA && ableB) {
			t.Fatalf("%q and %q: able %v and %v, both %v", a, b, ableA, ableB, able)
		}
		again, err := rank.Parse(both.String())
		if err != nil {
			t.Fatal(err)
		}
		if again.String() != both.String() {
			t.Fatalf("%q reads as %q", both, again)
		}
		score2, able2 := again.Able(skills)
		if able2 != able || able && score2 != score {
			t.Fatalf("%q means something else than what it spells", both)
		}
	})
}

// requirements draws requirements over a few skills, so that they are
// sometimes met.
func requirements() *rapid.Generator[*rank.Requirement] {
	return rapid.Custom(func(t *rapid.T) *rank.Requirement {
		r, err := rank.Parse(expression(t, 2))
		if err != nil {
			t.Fatal(err)
		}
		return r
	})
}

func expression(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 3).Draw(t, "kind")
	switch {
	case depth == 0 || kind == 0:
		return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "skill") + ">=" +
			rapid.SampledFrom([]string{"1", "3", "6"}).Draw(t, "level")
	case kind == 1:
		return expression(t, depth-1) + " and " + expression(t, depth-1)
	case kind == 2:
		return "(" + expression(t, depth-1) + " or " + expression(t, depth-1) + ")"
	}
	return expression(t, depth-1)
}

func skillSets() *rapid.Generator[[]routing.SkillLevel] {
	return rapid.Custom(func(t *rapid.T) (out []routing.SkillLevel) {
		for _, s := range []routing.Skill{"a", "b", "c"} {
			if l := rapid.SampledFrom([]routing.Level{0, 0, 2, 5, 9}).Draw(t, string(s)); l > 0 {
				out = append(out, routing.SkillLevel{Skill: s, Level: l})
			}
		}
		return out
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "billing>=3 and lang.en>=1", "(a>=1 or b>=2) and c>=3", "((((a>=1))))", "a>=1 or", "\xff>=1", "宽带>=10", ")(",
		"a>=1 and (b>=2 or (c>=3 and (d>=4 or e>=5)))",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := rank.Parse(text)
		if err != nil {
			var syntax *rank.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(text) {
				t.Fatalf("Parse(%q): %#v", text, err)
			}
			return
		}
		again, err := rank.Parse(r.String())
		if err != nil || again.String() != r.String() {
			t.Fatalf("Parse(%q) = %q, which reads as %q, %v", text, r, again, err)
		}
	})
}
