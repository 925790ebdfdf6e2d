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
		if got := c.n.Format(c.number); got != c.out {
			t.Errorf("Format(%s) = %s, want %s", c.number, got, c.out)
		}
	}
	plus := trunk.Trunk{Numbers: hangzhou, Outward: trunk.Outward{Plus: true}}
	if got := plus.Present("+8613800138000"); got != "+8613800138000" {
		t.Errorf("Present = %s", got)
	}
}

// Whatever form a number takes outward, it means the same number.
func TestFormatIsTheOppositeOfNormalise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := trunk.Numbering{
			Country: rapid.SampledFrom([]string{"", "86", "44", "1"}).Draw(t, "country"),
			Area:    rapid.SampledFrom([]string{"", "571", "10", "20"}).Draw(t, "area"),
		}
		number := n.Normalise(rapid.StringMatching(`(\+|00|0|)(86|44|1|)[0-9]{2,12}`).Draw(t, "number"))
		if again := n.Normalise(n.Format(number)); again != number && n.Normalise(number) == number {
			t.Fatalf("%q goes out as %q, which is %q", number, n.Format(number), again)
		}
	})
}
