package customer_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tierline/routing"
	"tierline/routing/customer"
	"tierline/routing/trunk"
)

const file = `id,name,tier,lang,phone,segment,"note, long"
C1,王小明,diamond,zh,13800138000; 010-8888 8888,home,
C2,"Smith, ""Jo""",gold,en,+442079460000,business,"two
lines"

C3,没有电话,standard,,,,x
`

func load(t *testing.T, src string) *customer.Directory {
	t.Helper()
	d, problems := customer.Load("customers.csv", []byte(src), trunk.Numbering{}.Normalise)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return d
}

func TestDirectory(t *testing.T) {
	for name, src := range map[string]string{
		"plain": file, "byte order mark": "\xef\xbb\xbf" + file, "CRLF": strings.ReplaceAll(file, "\n", "\r\n"),
		"no end of line": strings.TrimSuffix(file, "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			d := load(t, src)
			wang := customer.Profile{
				ID: "C1", Name: "王小明", Tier: routing.Diamond, Language: "zh",
				Phones: []string{"+8613800138000", "+861088888888"},
				Extra:  []customer.Field{{Name: "segment", Value: "home"}, {Name: "note, long", Value: ""}},
			}
			for _, number := range []string{"+8613800138000", "+861088888888"} {
				p, ok := d.ByNumber(number)
				if diff := cmp.Diff(wang, p); !ok || diff != "" {
					t.Errorf("%s: %t\n%s", number, ok, diff)
				}
			}
			smith, ok := d.ByNumber("+442079460000")
			if !ok || smith.Name != `Smith, "Jo"` || smith.Tier != routing.Gold || smith.Extra[1].Value != "two\nlines" {
				t.Errorf("%+v", smith)
			}
			if p, ok := d.ByID("C3"); !ok || p.Name != "没有电话" || p.Phones != nil || p.Extra[1].Value != "x" {
				t.Errorf("%+v", p)
			}
			for _, number := range []string{"13800138000", "8613800138000", "+8613800138001", "", "+", "alice", "anonymous", strings.Repeat("1", 30)} {
				if p, ok := d.ByNumber(number); ok {
					t.Errorf("%q is %s", number, p.ID)
				}
			}
			for _, id := range []string{"", "C", "C0", "C9", "id"} {
				if _, ok := d.ByID(id); ok {
					t.Errorf("found id %q", id)
				}
			}
			var ids []string
			d.All(func(p customer.Profile) bool { ids = append(ids, p.ID); return len(ids) < 2 })
			if d.Len() != 3 || strings.Join(ids, " ") != "C1 C2" {
				t.Errorf("%d customers, first %v", d.Len(), ids)
			}
		})
	}
	var none customer.Directory
	if _, ok := none.ByNumber("+8613800138000"); ok || none.Len() != 0 {
		t.Error("an empty directory knows somebody")
	}
	if _, ok := none.ByID("C1"); ok {
		t.Error("an empty directory knows an id")
	}
}

func TestProblems(t *testing.T) {
	const head = "id,name,tier,lang,phone\n"
	tests := map[string]struct {
		src  string
		want []string
	}{
		"empty":         {"", []string{"1:1: error: the first row must name the columns id, name, tier, lang, phone"}},
		"columns":       {"id,tier,name,tier,\n", []string{"1:1: error: column lang is missing", "1:1: error: column phone is missing", "1:14: error: column tier stands twice", "1:19: error: a column without a name"}},
		"tier":          {head + "C1,王,platin,zh,1001\n", []string{`2:6: error: "platin" is no tier (diamond, gold, silver, standard)`}},
		"language":      {head + "C1,王,gold,中文,1001\n", []string{`2:11: error: "中文" is no language such as zh or en`}},
		"phone":         {head + "C1,王,gold,zh,1001;alice\n", []string{`2:14: error: "alice" is no telephone number`}},
		"no id":         {head + ",王,gold,zh,1001\n", []string{"2:1: error: the id is empty"}},
		"fields":        {head + "C1,王,gold,zh\n", []string{"2:1: error: 4 fields where the first row has 5"}},
		"id twice":      {head + "C1,a,gold,zh,1\nC2,b,gold,zh,2\nC1,c,gold,zh,3\n", []string{`4:1: error: id "C1" stands in line 2 already`}},
		"phone twice":   {head + "C1,a,gold,zh,13800138000\nC2,b,gold,zh,+8613800138000\n", []string{"3:1: error: a phone of line 2 again"}},
		"quote":         {head + "C1,王\"小\"明,gold,zh,1\n", []string{`2:5: error: bare " in non-quoted-field`}},
		"open quote":    {head + "C1,\"王,gold,zh,1\n", []string{`2:17: error: extraneous or missing " in quoted-field`}},
		"not UTF-8":     {head + "C1,\xcd\xf5,gold,zh,1\n", []string{"2:4: error: not UTF-8 (saved by a spreadsheet as GBK?)"}},
		"all at once":   {head + "C1,a,x,zh,1\nC2,b,gold,?,2\n", []string{`2:6: error: "x" is no tier (diamond, gold, silver, standard)`, `3:11: error: "?" is no language such as zh or en`}},
		"behind a note": {head + "C1,\"two\nlines\",x,zh,1\n", []string{`3:8: error: "x" is no tier (diamond, gold, silver, standard)`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, problems := customer.Load("c.csv", []byte(tt.src), trunk.Numbering{}.Normalise)
			if d != nil {
				t.Error("a directory in spite of mistakes")
			}
			var got []string
			for _, p := range problems {
				got = append(got, strings.TrimPrefix(p.String(), "c.csv:"))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAHundredProblemsAreEnough(t *testing.T) {
	src := "id,name,tier,lang,phone\n" + strings.Repeat("C,a,x,zh,\n", 500)
	_, problems := customer.Load("c.csv", []byte(src), trunk.Numbering{}.Normalise)
	if n := len(problems); n != 101 || problems[100].Text != "and 899 more mistakes" {
		t.Errorf("%d problems, last %v", n, problems[n-1])
	}
}

// A million customers load, are found, and take little more than their text.
func TestAMillionCustomers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const n = 1_000_000
	var b bytes.Buffer
	b.WriteString("id,name,tier,lang,phone\n")
	for i := range n {
		fmt.Fprintf(&b, "C%07d,王%d,%s,zh,138%08d\n", i, i, routing.Tier(i%4), i)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	d := load(t, b.String())
	runtime.GC()
	runtime.ReadMemStats(&after)
	held := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	if most := int64(b.Len()) + 40*n; held > most {
		t.Errorf("%d MB held for %d MB of text", held>>20, b.Len()>>20)
	}
	for _, i := range []int{0, 1, 4711, n / 2, n - 1} {
		p, ok := d.ByNumber(fmt.Sprintf("+86138%08d", i))
		q, ok2 := d.ByID(fmt.Sprintf("C%07d", i))
		if !ok || !ok2 || p.ID != fmt.Sprintf("C%07d", i) || p.Tier != routing.Tier(i%4) || cmp.Diff(p, q) != "" {
			t.Errorf("customer %d: %+v %+v", i, p, q)
		}
	}
	runtime.KeepAlive(d)
}

// What was written is found, whatever the names hold.
func TestWrittenIsFound(t *testing.T) {
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOf(rapid.String()).Draw(t, "names")
		var b strings.Builder
		b.WriteString("phone,extra,lang,name,tier,id\n")
		for i, name := range names {
			fmt.Fprintf(&b, "1%d,%s,zh,%s,silver,c%d\n", i, quote(name), quote(name), i)
		}
		d, problems := customer.Load("c.csv", []byte(b.String()), func(s string) string { return s })
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for i, name := range names {
			p, ok := d.ByNumber(fmt.Sprintf("1%d", i))
			want := strings.ReplaceAll(name, "\r\n", "\n") // encoding/csv does this inside quotes
			if !ok || p.ID != fmt.Sprint("c", i) || p.Name != want || p.Extra[0].Value != want {
				t.Fatalf("%d: %+v, want %q", i, p, want)
			}
		}
	})
}

// FuzzLoad: any bytes are either refused with places inside the file or give a
// directory in which every customer is found again.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"", file, "id,name,tier,lang,phone\nC1,a,gold,zh,1\n", "\"", "id\n\n\n", "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		d, problems := customer.Load("c.csv", src, trunk.Numbering{}.Normalise)
		for _, p := range problems {
			if p.Line < 1 || p.Col < 1 || p.Line > bytes.Count(src, []byte("\n"))+1 {
				t.Fatalf("problem %v in %d bytes", p, len(src))
			}
		}
		if (d == nil) != (len(problems) > 0) {
			t.Fatal("neither or both")
		}
		if d == nil {
			return
		}
		d.All(func(p customer.Profile) bool {
			if q, ok := d.ByID(p.ID); !ok || cmp.Diff(p, q) != "" {
				t.Fatalf("id %q not found", p.ID)
			}
			for _, phone := range p.Phones {
				if q, ok := d.ByNumber(phone); !ok || q.ID != p.ID {
					t.Fatalf("phone %q not found", phone)
				}
			}
			return true
		})
	})
}
