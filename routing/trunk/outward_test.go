package trunk_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"tierline/routing/trunk"
)

func TestParseTarget(t *testing.T) {
	for in, want := range map[string]string{
		"sip:192.0.2.1":                       "sip:7@192.0.2.1;transport=udp",
		"sip:192.0.2.1:5070;transport=tcp":    "sip:7@192.0.2.1:5070;transport=tcp",
		"sip:sbc.example.net;transport=udp":   "sip:7@sbc.example.net;transport=udp",
		"sip:[2001:db8::1]:5070":              "sip:7@[2001:db8::1]:5070;transport=udp",
		"sip:[2001:db8::1]":                   "sip:7@[2001:db8::1];transport=udp",
		"192.0.2.1":                           "",
		"sip:":                                "",
		"sip:user@192.0.2.1":                  "",
		"sip:192.0.2.1:0":                     "",
		"sip:192.0.2.1:99999":                 "",
		"sip:192.0.2.1;transport=tls":         "sip:7@192.0.2.1;transport=tls",
		"sip:192.0.2.1;transport=ws":          "",
		"sip:192.0.2.1;lr":                    "",
		"sip:0.0.0.0":                         "",
		"sips:192.0.2.1":                      "",
		"sip:a b":                             "",
		"sip:x>\r\nX: y":                      "",
		"sip:192.0.2.1;transport=udp;lr":      "",
		"sip:sbc.example.net:5060?Subject=hi": "",
	} {
		got, err := trunk.ParseTarget(in)
		if want == "" {
			if !errors.Is(err, trunk.ErrTarget) {
				t.Errorf("ParseTarget(%q) = %v, %v", in, got, err)
			}
			continue
		}
		if err != nil || got.URI("7") != want {
			t.Errorf("ParseTarget(%q) = %q, %v, want %q", in, got.URI("7"), err, want)
		}
	}
}

func TestNothingIsPermittedThatNoRuleNames(t *testing.T) {
	target, err := trunk.ParseTarget("sip:192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	home := trunk.Trunk{Outward: trunk.Outward{Targets: []trunk.Target{target}, Allow: []string{"+861", "+86571", "10010"}}}
	for number, want := range map[string]error{
		"+8613800138000":     nil,
		"+8657187650001":     nil,
		"10010":              nil,
		"+8821612345":        trunk.ErrNotAllowed, // satellite
		"+14155550100":       trunk.ErrNotAllowed,
		"10086":              trunk.ErrNotAllowed,
		"":                   trunk.ErrNoNumber,
		"+86138;x=y":         trunk.ErrNoNumber,
		"+861@evil":          trunk.ErrNoNumber,
		"bob":                trunk.ErrNoNumber,
		"++8613800138000":    trunk.ErrNoNumber,
		"+861380013800\r\nX": trunk.ErrNoNumber,
	} {
		if err := home.Permits(number); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("Permits(%q) = %v, want %v", number, err, want)
		}
	}
	for name, closed := range map[string]trunk.Trunk{
		"no targets": {Outward: trunk.Outward{Allow: []string{"+"}}},
		"no rules":   {Outward: trunk.Outward{Targets: []trunk.Target{target}}},
	} {
		if closed.Permits("+8613800138000") == nil {
			t.Errorf("%s: permitted", name)
		}
	}
}

func TestFormat(t *testing.T) {
	hangzhou := trunk.Numbering{Area: "571", Rewrites: []trunk.Rewrite{{Prefix: "138", Strip: 3, Add: "9"}}}
	britain := trunk.Numbering{Country: "44"}
	for _, c := range []struct {
		n           trunk.Numbering
		number, out string
	}{
		{hangzhou, "+8613800138000", "13800138000"},
		{hangzhou, "+8657187650001", "87650001"},
		{hangzhou, "+861087650001", "01087650001"},
		{hangzhou, "+864008001234", "4008001234"},
		{hangzhou, "+14155550100", "0014155550100"},
		{hangzhou, "10010", "10010"},
		{trunk.Numbering{}, "+8657187650001", "057187650001"},
		{britain, "+442079460000", "02079460000"},
		{britain, "+8613800138000", "008613800138000"},
	} {
		if got := c.n.Format(c.number, trunk.Shortest); got != c.out {
			t.Errorf("Format(%s) = %s, want %s", c.number, got, c.out)
		}
	}
}

// Each carrier wants numbers its own way.
func TestFormatsOutward(t *testing.T) {
	hangzhou := trunk.Numbering{Area: "571", International: "000"}
	for number, want := range map[string][]string{ // shortest, national, international, e164, digits
		"+8657187650001": {"87650001", "057187650001", "0008657187650001", "+8657187650001", "8657187650001"},
		"+8613800138000": {"13800138000", "13800138000", "0008613800138000", "+8613800138000", "8613800138000"},
		"+14155550100":   {"00014155550100", "00014155550100", "00014155550100", "+14155550100", "14155550100"},
		"10010":          {"10010", "10010", "10010", "10010", "10010"},
	} {
		for i, name := range trunk.Formats() {
			f, ok := trunk.ParseFormat(name)
			if got := hangzhou.Format(number, f); !ok || got != want[i] {
				t.Errorf("%s %s: %s, want %s", number, name, got, want[i])
			}
		}
	}
	if _, ok := trunk.ParseFormat("e163"); ok {
		t.Error("e163 is a format")
	}
	carrier := trunk.Trunk{Numbers: hangzhou, Outward: trunk.Outward{
		Called: trunk.National, Caller: trunk.E164,
		Rewrites: []trunk.Rewrite{{Prefix: "1", Length: 11, Add: "17909"}, {Prefix: "0571", Strip: 4}, {Prefix: "05718765", Strip: 4, Add: "9"}},
	}}
	for number, want := range map[string]string{
		"+8613800138000": "1790913800138000", "+8657127650001": "27650001", "+8657187650001": "987650001", "+862087650001": "02087650001",
	} {
		if got := carrier.Present(number); got != want {
			t.Errorf("%s is called as %s, want %s", number, got, want)
		}
		if got := carrier.PresentCaller(number); got != number {
			t.Errorf("%s is shown as %s", number, got)
		}
	}
}

// What a call shows is what the trunk may show.
func TestScreen(t *testing.T) {
	free := trunk.Trunk{Outward: trunk.Outward{CallerID: "+8657187650000"}}
	own := trunk.Trunk{Outward: trunk.Outward{CallerID: "+8657187650000", Shows: []string{"+865718765", "10000"}}}
	silent := trunk.Trunk{Outward: trunk.Outward{Shows: []string{"+865718765"}}}
	for _, c := range []struct {
		t            trunk.Trunk
		wished, want string
	}{
		{free, "+8613800138000", "+8613800138000"},
		{free, "", "+8657187650000"},
		{own, "+8657187651234", "+8657187651234"},
		{own, "10000", "10000"},
		{own, "+8613800138000", "+8657187650000"},
		{silent, "+8613800138000", ""},
		{trunk.Trunk{}, "", ""},
	} {
		if got := c.t.Screen(c.wished); got != c.want {
			t.Errorf("Screen(%q) = %q, want %q", c.wished, got, c.want)
		}
	}
	branch := trunk.Trunk{Callers: []string{"+865718765"}}
	if !branch.Believes("+8657187651234") || branch.Believes("+8613800138000") || !branch.Believes("") || !free.Believes("+1") {
		t.Error("who is believed")
	}
}

func TestUrgent(t *testing.T) {
	tr := trunk.Trunk{Outward: trunk.Outward{Emergency: []string{"110"}}}
	if tr.Urgent("110") {
		t.Error("without a target")
	}
	tr.Outward.Targets = []trunk.Target{{Host: "192.0.2.1"}}
	if !tr.Urgent("110") || tr.Urgent("1101") || tr.Permits("110") == nil {
		t.Error("110 is for agents, and nothing that begins like it")
	}
}

// Whatever form a number takes outward, it means the same number.
func TestFormatIsTheOppositeOfNormalise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := trunk.Numbering{
			Country: rapid.SampledFrom([]string{"", "86", "44", "1"}).Draw(t, "country"),
			Area:    rapid.SampledFrom([]string{"", "571", "10", "20"}).Draw(t, "area"),
		}
		f := rapid.SampledFrom([]trunk.Format{trunk.Shortest, trunk.National, trunk.E164}).Draw(t, "format")
		number := n.Normalise(rapid.StringMatching(`(\+|00|0|)(86|44|1|)[0-9]{2,12}`).Draw(t, "number"))
		if again := n.Normalise(n.Format(number, f)); again != number && n.Normalise(number) == number {
			t.Fatalf("%q goes out as %q, which is %q", number, n.Format(number, f), again)
		}
	})
}
