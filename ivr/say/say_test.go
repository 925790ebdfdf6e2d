package say_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/ivr/say"
)

// vectors are the lines of a file of readings: id, lang, kind, input, expected.
func vectors(t testing.TB, name string) [][]string {
	t.Helper()
	b, err := os.ReadFile("../../testdata/say/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for line := range strings.Lines(string(b)) {
		if f := strings.Split(strings.TrimRight(line, "\n"), "\t"); !strings.HasPrefix(line, "#") {
			out = append(out, f)
		}
	}
	return out
}

func TestVectors(t *testing.T) {
	for _, name := range []string{"readings.tsv", "more.tsv"} {
		all := vectors(t, name)
		for _, f := range all {
			got, err := say.Read(f[1], f[2], f[3], say.Options{})
			if got.Text != f[4] || (err == nil) != (f[4] != "") {
				t.Errorf("%s %s %s: %q, %v; want %q", f[0], f[2], f[3], got.Text, err, f[4])
			}
			if err != nil && !errors.Is(err, say.ErrUnreadable) && !errors.Is(err, say.ErrUnknown) {
				t.Errorf("%s: %v is neither", f[0], err)
			}
			if (len(got.Fragments) == 0) != (got.Text == "") {
				t.Errorf("%s: %q of %v", f[0], got.Text, got.Fragments)
			}
		}
		if len(all) < 80 {
			t.Errorf("%s: %d readings only", name, len(all))
		}
	}
}

// The fragments carry the tones as people speak them.
func TestTones(t *testing.T) {
	for _, c := range []struct{ kind, value, want string }{
		{"number", "1", "yi1"},
		{"number", "101", "yi4 bai3 ling2 yi1"},
		{"number", "1100", "yi4 qian1 yi4 bai3"},
		{"number", "110", "yi4 bai3 yi1 shi2"},
		{"number", "10000", "yi2 wan4"},
		{"number", "110000", "shi2 yi1 wan4"},
		{"number", "100000000", "yi2 yi4-e8"},
		{"number", "550", "wu2 bai3 wu3 shi2"},
		{"number", "900", "jiu2 bai3"},
		{"number", "2000", "liang3 qian1"},
		{"number", "1.5", "yi1 dian3 wu3"},
		{"number", "5.5", "wu2 dian3 wu3"},
		{"money", "123.45", "yi4 bai3 er4 shi2 san1 yuan2 si4 jiao3 wu3 fen1"},
		{"money", "1.11", "yi4 yuan2 yi4 jiao3 yi4 fen1"},
		{"money", "5.50", "wu3 yuan2 wu2 jiao3"},
		{"money", "0.20", "liang2 jiao3"},
		{"money", "1.01", "yi4 yuan2 ling2 yi1 fen1"},
		{"money", "21", "er4 shi2 yi1 yuan2"},
		{"count:个", "1", "yi2 ge4"},
		{"count:位", "1", "yi2 wei4"},
		{"count:条", "1", "yi4 tiao2"},
		{"count:条", "21", "er4 shi2 yi1 tiao2"},
		{"count:本", "100", "yi4 bai2 ben3"},
		{"count:个", "-1", "fu4 yi2 ge4"},
		{"ordinal", "1", "di4 yi1"},
		{"position", "1", "di4 yi1 wei4"},
		{"date", "2011-01-01", "er4 ling2 yi1 yi1 nian2 yi1 yue4 yi1 ri4"},
		{"time24", "01:01", "yi4 dian3 ling2 yi1 fen1"},
		{"time24", "02:00", "liang2 dian3"},
		{"time12", "21:00", "wan3shang4 jiu2 dian3"},
		{"duration", "7201", "liang2 xiao3shi2 ling2 yi1 miao3"},
		{"duration", "65", "yi4 fen1 ling2 wu2 miao3"},
		{"phone", "4001", "si4 ling2 ling2 yao1"},
		{"phone", "1234567", "yao1 er4 san1 pause si4 wu3 liu4 qi1"},
		{"percent", "100", "bai3fen1zhi1 bai3"},
		{"volume", "2GB", "liang3 letter-g"},
		{"wait", "0-1", "bu2dao4 yi4 fen1zhong1"},
	} {
		r, err := say.Read(say.Chinese, c.kind, c.value, say.Options{})
		if got := strings.Join(r.Fragments, " "); got != c.want || err != nil {
			t.Errorf("%s %s: %s, %v; want %s", c.kind, c.value, got, err, c.want)
		}
	}
}

func TestEnglishFragments(t *testing.T) {
	r, err := say.Read(say.English, "datetime", "2026-11-21T14:30", say.Options{})
	want := []string{"november", "twenty", "first", "pause", "twenty", "twenty", "six", "pause", "at", "two", "thirty", "pm"}
	if diff := cmp.Diff(want, r.Fragments); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestErrorsTellWhy(t *testing.T) {
	for _, c := range []struct{ lang, kind, value, says string }{
		{"zh", "number", "1,000", `number "1,000": can't be read out: a number is digits`},
		{"zh", "date", "2026-02-30", "no such day; a date is YYYY-MM-DD"},
		{"zh", "money", "1.005", "at most two decimals"},
		{"zh", "number", "99999999999999999999", "larger than 9223372036854775807"},
		{"en", "count:unicorn", "1", `unit "unicorn": not known in en (there are people, yuan`},
		{"zh", "count", "1", "a count needs a unit"},
		{"zh", "money:yao", "1", `option "yao": not known`},
		{"de", "number", "1", `language "de": not known`},
		{"zh", "nummer", "1", `kind "nummer": not known (there are count, date,`},
		{"zh", "digits", strings.Repeat("1", 41), "40 at most"},
		{"zh", "number", strings.Repeat("1", 5000), `1111": can't`},
	} {
		_, err := say.Read(c.lang, c.kind, c.value, say.Options{})
		if err == nil || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 900 {
			t.Errorf("%s %s %.20s: %v, want %s", c.lang, c.kind, c.value, err, c.says)
		}
	}
	if err := say.Check("zh", "time", say.Options{Clock: 13}); !errors.Is(err, say.ErrUnknown) {
		t.Error(err)
	}
}

// Every kind has its fragments on the list, with what a speaker needs.
func TestFragments(t *testing.T) {
	for lang, least := range map[string]int{"zh": 90, "en": 150} {
		all := say.Fragments(lang)
		if len(all) < least {
			t.Errorf("%s: %d fragments", lang, len(all))
		}
		for _, f := range all {
			silent := f.ID == say.Pause
			if strings.Trim(f.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || (f.Text == "") != silent {
				t.Errorf("%s: %+v", lang, f)
			}
			if (f.Pinyin != "") != (lang == say.Chinese && !silent) {
				t.Errorf("%s: pinyin of %+v", lang, f)
			}
		}
		i := slices.IndexFunc(all, func(f say.Fragment) bool { return f.ID == "xiao3shi2" })
		if lang == say.Chinese && (i < 0 || all[i] != say.Fragment{ID: "xiao3shi2", Text: "小时", Pinyin: "xiao3 shi2"}) {
			t.Errorf("%d %+v", i, all)
		}
	}
}

func TestSounds(t *testing.T) {
	have := []string{"er4", "ling2_er4", "er4_ling2_er4_liu4_nian2", "er4_ling2"}
	known := func(id string) bool { return slices.Contains(have, id) }
	for said, want := range map[string]string{
		"er4 ling2 er4 liu4 nian2 shi2": "er4_ling2_er4_liu4_nian2 shi2",
		"er4 ling2 er4 liu4":            "er4_ling2 er4 liu4",
		"er4 er4":                       "er4 er4",
		"":                              "",
	} {
		if got := strings.Join(say.Sounds(strings.Fields(said), known), " "); got != want {
			t.Errorf("%s: %s, want %s", said, got, want)
		}
	}
}

// A caller's own number comes with the country code; read to him with it, it
// sounds foreign.
func TestNumbersOfTheCountryAreReadWithoutItsCode(t *testing.T) {
	for value, want := range map[string][2]string{
		"+8613800138000":    {"幺三八，零零幺三，八零零零", "one three eight, zero zero one three, eight zero zero zero"},
		"008613800138000":   {"幺三八，零零幺三，八零零零", "one three eight, zero zero one three, eight zero zero zero"},
		"+86 138-0013 8000": {"幺三八，零零幺三，八零零零", "one three eight, zero zero one three, eight zero zero zero"},
		"+8657187650001":    {"零五七幺，八七六五，零零零幺", "zero five seven one, eight seven six five, zero zero zero one"},
		"+861088887777":     {"零幺零，八八八八，七七七七", "zero one zero, eight eight eight eight, seven seven seven seven"},
		"+864008001234":     {"四零零，八零零，幺二三四", "four zero zero, eight zero zero, one two three four"},
		"+8610000":          {"幺零零零零", "one zero zero zero zero"},
		"+86123456789":      {"加八六，幺二三四五，六七八九", "plus eight six, one two three four five, six seven eight nine"},
		"+86":               {"加八六", "plus eight six"},
		"0086":              {"零零八六", "zero zero eight six"},
		"+14155550100":      {"加幺四幺，五五五五，零幺零零", "plus one four one, five five five five, zero one zero zero"},
		"+852 2345 6789":    {"加八五二，二三四五，六七八九", "plus eight five two, two three four five, six seven eight nine"},
		"057187650001":      {"零五七幺，八七六五，零零零幺", "zero five seven one, eight seven six five, zero zero zero one"},
	} {
		for i, lang := range []string{say.Chinese, say.English} {
			r, err := say.Read(lang, "phone", value, say.Options{})
			if err != nil || r.Text != want[i] {
				t.Errorf("%s in %s: %q, %v; want %q", value, lang, r.Text, err, want[i])
			}
		}
	}
}
