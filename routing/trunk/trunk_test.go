package trunk_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tierline/routing/trunk"
)

func sources(t *testing.T, list ...string) []trunk.Source {
	t.Helper()
	out := make([]trunk.Source, 0, len(list))
	for _, s := range list {
		src, err := trunk.ParseSource(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, src)
	}
	return out
}

func table(t *testing.T) *trunk.Table {
	t.Helper()
	tb, err := trunk.New([]trunk.Trunk{
		{Name: "any", Sources: sources(t, "0.0.0.0/0", "::/0")},
		{Name: "net", Sources: sources(t, "192.0.2.0/24", "2001:db8::/32")},
		{Name: "sbc", Sources: sources(t, "192.0.2.7")},
		{Name: "sbc-test", Sources: sources(t, "192.0.2.7:5070", "192.0.2.7:5071")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

func TestMatch(t *testing.T) {
	tb := table(t)
	for from, want := range map[string]string{
		"192.0.2.7:5060":             "sbc",
		"192.0.2.7:5070":             "sbc-test",
		"192.0.2.7:5071":             "sbc-test",
		"192.0.2.8:5070":             "net",
		"[::ffff:192.0.2.7]:5060":    "sbc",
		"198.51.100.1:5060":          "any",
		"[2001:db8::1]:5060":         "net",
		"[2001:db9::1]:5060":         "any",
		"[fe80::1%eth0]:5060":        "any",
		"[::ffff:198.51.100.1]:5060": "any",
	} {
		got, ok := tb.Match(netip.MustParseAddrPort(from))
		if !ok || got.Name != want {
			t.Errorf("Match(%s) = %q, %t, want %q", from, got.Name, ok, want)
		}
	}
	var empty trunk.Table
	if _, ok := empty.Match(netip.MustParseAddrPort("192.0.2.7:5060")); ok {
		t.Error("an empty table matches")
	}
	few, err := trunk.New([]trunk.Trunk{{Name: "a", Sources: sources(t, "192.0.2.7")}})
	if err != nil {
		t.Fatal(err)
	}
	if tr, ok := few.Match(netip.MustParseAddrPort("192.0.2.8:5060")); ok {
		t.Errorf("a stranger matches %s", tr.Name)
	}
}

func TestExplainNamesTheSource(t *testing.T) {
	_, src, ok := table(t).Explain(netip.MustParseAddrPort("192.0.2.9:5060"))
	if !ok || src.String() != "192.0.2.0/24" {
		t.Errorf("Explain = %v, %t", src, ok)
	}
}

func TestTwoTrunksWithOneSource(t *testing.T) {
	_, err := trunk.New([]trunk.Trunk{
		{Name: "a", Sources: sources(t, "192.0.2.7", "192.0.2.7")}, // twice in one is harmless
		{Name: "b", Sources: sources(t, "192.0.2.0/24", "::ffff:192.0.2.7")},
	})
	c, ok := errors.AsType[*trunk.ConflictError](err)
	if !ok || c.First != "a" || c.Second != "b" || c.Source.String() != "192.0.2.7" {
		t.Errorf("error %v", err)
	}
}

func TestParseSource(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1":          "192.0.2.1",
		"192.0.2.0/24":       "192.0.2.0/24",
		"192.0.2.1/32":       "192.0.2.1",
		"192.0.2.1:5060":     "192.0.2.1:5060",
		"2001:db8::/32":      "2001:db8::/32",
		"[2001:db8::1]:5061": "[2001:db8::1]:5061",
		"":                   "", "sbc.example.com": "", "192.0.2.1/24": "", "192.0.2.1:0": "", "192.0.2.300": "",
		"0.0.0.0": "", "fe80::1%eth0": "", "192.0.2.1:99999": "",
	} {
		s, err := trunk.ParseSource(in)
		if (err == nil) != (want != "") || err == nil && s.String() != want {
			t.Errorf("ParseSource(%q) = %v, %v, want %q", in, s, err, want)
		}
	}
}

func TestTrunkByName(t *testing.T) {
	tb := table(t)
	if tr, ok := tb.Trunk("sbc"); !ok || tr.Name != "sbc" {
		t.Errorf("Trunk = %v, %t", tr, ok)
	}
	if _, ok := tb.Trunk("no"); ok {
		t.Error("found a trunk that isn't there")
	}
	if n := len(tb.Trunks()); n != 4 {
		t.Errorf("%d trunks", n)
	}
}

func TestNormalise(t *testing.T) {
	china := trunk.Numbering{}
	hangzhou := trunk.Numbering{Area: "571"}
	uk := trunk.Numbering{Country: "44"}
	usa := trunk.Numbering{Country: "1", International: "011", National: "1"}
	private := trunk.Numbering{Rewrites: []trunk.Rewrite{
		{Prefix: "9", Strip: 1},
		{Prefix: "99", Strip: 2, Add: "0086"},
		{Prefix: "99", Length: 4, Strip: 4, Add: "10000"},
		{Prefix: "+8610000", Strip: 3},
		{Prefix: "777", Strip: 9},
		{Prefix: "777", Strip: -1},
	}}
	tests := map[string]struct {
		n        trunk.Numbering
		in, want string
	}{
		"mobile":                        {china, "13800138000", "+8613800138000"},
		"mobile with country":           {china, "+8613800138000", "+8613800138000"},
		"mobile with 0086":              {china, "008613800138000", "+8613800138000"},
		"mobile with 86":                {china, "8613800138000", "+8613800138000"},
		"mobile with 0":                 {china, "013800138000", "+8613800138000"},
		"mobile with 0 behind +86":      {china, "+86013800138000", "+8613800138000"},
		"separators":                    {china, "+86 (138) 0013-8000", "+8613800138000"},
		"parameters of a tel URI":       {china, "+8613800138000;phone-context=x", "+8613800138000"},
		"Beijing":                       {china, "01088888888", "+861088888888"},
		"Beijing with 86":               {china, "861088888888", "+861088888888"},
		"Hangzhou":                      {china, "057188888888", "+8657188888888"},
		"small city":                    {china, "05638888888", "+865638888888"},
		"behind +86 with 0":             {china, "+86057188888888", "+8657188888888"},
		"local without an area":         {china, "88888888", "88888888"},
		"local":                         {hangzhou, "88888888", "+8657188888888"},
		"local of seven digits":         {hangzhou, "8612345", "+865718612345"},
		"hotline":                       {china, "4008123123", "+864008123123"},
		"service code":                  {china, "10000", "10000"},
		"service code, other":           {china, "10001", "10001"},
		"service code with +86":         {china, "+8610000", "10000"},
		"service code with 86":          {china, "8610000", "10000"},
		"service code with 0086":        {china, "008610000", "10000"},
		"service code of an area":       {china, "057110000", "10000"},
		"service code of Shanghai":      {china, "02110001", "10001"},
		"service code of a bank":        {china, "02195588", "95588"},
		"emergency":                     {china, "110", "110"},
		"six digits":                    {china, "116114", "116114"},
		"extension":                     {china, "1001", "1001"},
		"abroad":                        {china, "+442079460000", "+442079460000"},
		"abroad with 00":                {china, "00442079460000", "+442079460000"},
		"feature code":                  {china, "*11", "*11"},
		"name":                          {china, "alice", "alice"},
		"anonymous":                     {china, "Anonymous", ""},
		"only a plus":                   {china, "+", ""},
		"nothing":                       {china, "", ""},
		"plus in the middle":            {china, "86+138", "86+138"},
		"national elsewhere":            {uk, "02079460000", "+442079460000"},
		"national behind the code":      {uk, "+4402079460000", "+442079460000"},
		"short elsewhere":               {uk, "1471", "1471"},
		"not understood elsewhere":      {uk, "79460000", "79460000"},
		"USA abroad":                    {usa, "011442079460000", "+442079460000"},
		"USA":                           {usa, "12025550123", "+12025550123"},
		"rewrite":                       {private, "913800138000", "+8613800138000"},
		"longer rewrite":                {private, "9913800138000", "+8613800138000"},
		"rewrite of an exact length":    {private, "9912", "10000"},
		"rewrite that can't be done":    {private, "7771", "7771"},
		"rewrite of a number with plus": {private, "+861000088", "1000088"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := (trunk.Trunk{Numbers: tt.n}).Normalise(tt.in); got != tt.want {
				t.Errorf("Normalise(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

// What is in its final form stays so.
func TestNormaliseTwiceIsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := trunk.Numbering{
			Country: rapid.SampledFrom([]string{"", "44", "1"}).Draw(t, "country"),
			Area:    rapid.SampledFrom([]string{"", "10", "571"}).Draw(t, "area"),
		}
		in := rapid.OneOf(
			rapid.StringMatching(`(\+|00|0|86|\+86|\+860|0086|)[0-9]{0,14}`),
			rapid.String(),
		).Draw(t, "number")
		once := n.Normalise(in)
		if twice := n.Normalise(once); twice != once {
			t.Fatalf("%q becomes %q, then %q", in, once, twice)
		}
	})
}

func TestLimiter(t *testing.T) {
	now := time.Unix(1000, 0)
	t.Run("calls at the same time", func(t *testing.T) {
		l := trunk.NewLimiter()
		limits := trunk.Limits{Calls: 2}
		for i, want := range []bool{true, true, false} {
			if (l.Admit(limits, now) == trunk.NoLimit) != want {
				t.Errorf("call %d: not %t", i+1, want)
			}
		}
		l.Release()
		if l.Admit(limits, now) != trunk.NoLimit || l.Live() != 2 {
			t.Error("a place that came free is not given")
		}
	})
	t.Run("calls a second", func(t *testing.T) {
		l := trunk.NewLimiter()
		limits := trunk.Limits{Rate: 10}
		admitted := func(at time.Time, tries int) (n int) {
			for range tries {
				if l.Admit(limits, at) == trunk.NoLimit {
					n++
					l.Release()
				}
			}
			return n
		}
		if n := admitted(now, 50); n != 10 {
			t.Errorf("%d at once, want 10", n)
		}
		if n := admitted(now.Add(500*time.Millisecond), 50); n != 5 {
			t.Errorf("%d after half a second, want 5", n)
		}
		if n := admitted(now.Add(time.Hour), 50); n != 10 {
			t.Errorf("%d after an hour, want 10: quiet saves up no more", n)
		}
		if n := admitted(now, 50); n != 0 {
			t.Errorf("%d by a clock that went back", n)
		}
	})
	t.Run("burst", func(t *testing.T) {
		l := trunk.NewLimiter()
		limits := trunk.Limits{Rate: 10, Burst: 1}
		if l.Admit(limits, now) != trunk.NoLimit || l.Admit(limits, now.Add(99*time.Millisecond)) != trunk.RateLimit ||
			l.Admit(limits, now.Add(100*time.Millisecond)) != trunk.NoLimit {
			t.Error("not one every 100 ms")
		}
	})
	t.Run("enormous figures", func(t *testing.T) {
		for _, limits := range []trunk.Limits{{Rate: 1, Burst: 1 << 62}, {Rate: 1 << 62}, {Rate: 1 << 62, Burst: 1 << 62}} {
			if trunk.NewLimiter().Admit(limits, now) != trunk.NoLimit {
				t.Errorf("%+v admits nothing", limits)
			}
		}
	})
	t.Run("a refused call costs nothing", func(t *testing.T) {
		l := trunk.NewLimiter()
		limits := trunk.Limits{Calls: 1, Rate: 1}
		l.Admit(limits, now)
		for range 100 {
			l.Admit(limits, now)
		}
		l.Release()
		l.Release() // once too often
		if l.Live() != 0 || l.Admit(limits, now.Add(time.Second)) != trunk.NoLimit {
			t.Error("not admitted a second later")
		}
	})
	t.Run("no limits", func(t *testing.T) {
		l := trunk.NewLimiter()
		for range 1000 {
			if l.Admit(trunk.Limits{}, now) != trunk.NoLimit {
				t.Fatal("refused")
			}
		}
	})
	t.Run("calls an hour and a day", func(t *testing.T) {
		l := trunk.NewLimiter()
		limits := trunk.Limits{Hour: 2, Day: 3}
		for i, want := range []trunk.Limit{trunk.NoLimit, trunk.NoLimit, trunk.HourLimit, trunk.NoLimit, trunk.DayLimit} {
			at := now
			if i > 2 {
				at = now.Add(time.Hour) // another hour, the same day
			}
			if got := l.Admit(limits, at); got != want {
				t.Errorf("call %d: %q, want %q", i+1, got, want)
			}
			l.Release()
		}
		if got := l.Admit(limits, now.Add(24*time.Hour)); got != trunk.NoLimit {
			t.Errorf("the next day: %q", got)
		}
	})
}

// Neither direction can take what is the other's, and both share what is common.
func TestLoad(t *testing.T) {
	now := time.Unix(1000, 0)
	caps := trunk.Caps{
		Limits: trunk.Limits{Calls: 3}, In: trunk.Limits{Calls: 2}, Out: trunk.Limits{Calls: 2, Rate: 1},
	}
	var l trunk.Load
	for i, step := range []struct {
		outward bool
		at      time.Duration
		want    trunk.Limit
	}{
		{false, 0, trunk.NoLimit},
		{false, 0, trunk.NoLimit},
		{false, 0, trunk.CallsLimit},
		{true, 0, trunk.NoLimit},
		{true, time.Second, trunk.CallsLimit}, // three at all
	} {
		if got := l.Admit(caps, step.outward, now.Add(step.at)); got != step.want {
			t.Errorf("call %d: %q, want %q", i+1, got, step.want)
		}
	}
	l.Release(false)
	if got := l.Admit(caps, true, now); got != trunk.RateLimit {
		t.Errorf("two outward in one second: %q", got)
	}
	if got := l.Admit(caps, true, now.Add(time.Second)); got != trunk.NoLimit || l.In() != 1 || l.Out() != 2 {
		t.Errorf("%q, %d in, %d out", got, l.In(), l.Out())
	}
	l.Take(caps, true, now.Add(time.Second))
	if l.Out() != 3 {
		t.Error("what no limit may hold up was held up")
	}
}
