package ivr

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func beginAll(t *testing.T, c Caller) *run {
	t.Helper()
	if c.Call == "" {
		c.Call = "c1"
	}
	r := begin(t, loadAll(t, allFlow, subFlow), c, time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC))
	r.hear()
	return r
}

func known() Caller {
	return Caller{ANI: "13800138000", Customer: Customer{ID: "8812", Tier: "gold", Phone: "13900139000"}, Known: true}
}

// last is the last action of a kind.
func last[A Action](r *run) A {
	r.t.Helper()
	for _, a := range slices.Backward(r.log) {
		if a, ok := a.(A); ok {
			return a
		}
	}
	var none A
	r.t.Fatalf("no %T; %s", none, r.way())
	return none
}

func (r *run) has(kind Action) bool {
	for _, a := range r.log {
		if cmp.Equal(a, kind) {
			return true
		}
	}
	return false
}

func TestCollect(t *testing.T) {
	tests := map[string]struct {
		do   func(r *run)
		node string
		want string // number
	}{
		"terminator, confirmed":    {func(r *run) { r.press("123#"); r.press("1") }, "quantity", "123"},
		"longest ends at once":     {func(r *run) { r.press("12345678"); r.press("1") }, "quantity", "12345678"},
		"inter-digit time":         {func(r *run) { r.press("1234"); r.pass(3 * time.Second); r.press("1") }, "quantity", "1234"},
		"empty means the caller's": {func(r *run) { r.pass(2 * time.Second); r.press("#"); r.press("1") }, "quantity", "13800138000"},
		"entered again":            {func(r *run) { r.press("123#2"); r.hear(); r.press("456#1") }, "quantity", "456"},
		"too short":                {func(r *run) { r.press("12#"); r.hear(); r.press("123#1") }, "quantity", "123"},
		"not a number":             {func(r *run) { r.press("12*3#"); r.hear(); r.press("789#1") }, "quantity", "789"},
		"three mistakes":           {func(r *run) { r.press("1#"); r.hear(); r.press("1#"); r.hear(); r.press("1#") }, "tell", ""},
		"silence": {func(r *run) {
			r.pass(5 * time.Second)
			r.hear()
			r.pass(5 * time.Second)
			r.hear()
			r.pass(5 * time.Second)
		}, "tell", ""},
		"silence and mistakes":      {func(r *run) { r.pass(5 * time.Second); r.hear(); r.press("1#"); r.hear(); r.press("*#") }, "tell", ""},
		"confirmation is a timeout": {func(r *run) { r.press("123#"); r.hear(); r.pass(20 * time.Second); r.hear(); r.pass(time.Minute) }, "ask", "123"},
		"total time":                {func(r *run) { slow(r, "11111111") }, "quantity", "1111111"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := beginAll(t, known())
			r.press("1")
			r.hear()
			tc.do(r)
			r.at(tc.node)
			if got := r.s.st.Vars["number"]; got != tc.want && tc.node != "ask" {
				t.Errorf("entered %q", got)
			}
		})
	}
}

// slow presses a key every 2.9 s: the total ends it.
func slow(r *run, keys string) {
	for _, k := range keys {
		r.press(string(k))
		r.pass(2900 * time.Millisecond)
	}
}

// TestConfirmIsNotTypedAhead: keys pressed before the caller heard what to
// confirm are no answer.
func TestConfirmIsNotTypedAhead(t *testing.T) {
	r := beginAll(t, known())
	r.press("1")
	r.take()
	r.press("12345678")
	if got := said(r.take()); !cmp.Equal(got[len(got)-2:], []string{"you_entered", "一二三四五六七八"}) &&
		!strings.Contains(strings.Join(got, " "), "you_entered 幺二三四五六七八") {
		t.Errorf("said %v", got)
	}
	r.press("#") // the habitual terminator
	r.hear()
	r.at("ask")
	r.press("1")
	r.at("quantity")
}

func TestCollectRejects(t *testing.T) {
	r := beginAll(t, known())
	r.press("1")
	r.hear()
	r.press("123#1")
	r.hear()
	r.press("5001")
	r.hear()
	r.at("quantity")
	r.take()
	r.press("5000")
	r.at("tell")
	if diff := cmp.Diff([]string{"hello", "幺二三", "五千"}, said(r.take())); diff != "" {
		t.Error(diff)
	}
}

func TestTwice(t *testing.T) {
	r := beginAll(t, known())
	r.press("8")
	r.hear()
	r.press("111111") // refused: one digit all along
	r.hear()
	r.press("271828")
	r.hear()
	r.press("314159") // something else: from the beginning
	r.hear()
	r.at("twice")
	r.press("271828")
	r.hear()
	r.press("271828")
	r.at("change")
	l := asked[Lookup](r)
	if !l.Request.Secret || l.Cache != 0 || l.Request.Idempotency == "" {
		t.Errorf("request %+v", l)
	}
	if diff := cmp.Diff([]Field{{"account", ""}, {"old", ""}, {"new", "271828"}}, l.Request.Body); diff != "" {
		t.Error(diff)
	}
}

func TestLookup(t *testing.T) {
	const good = `{"month":"2026-10-01","total":"123.45","left":2147483648,"count":3,"paid":true,"due":"2026-11-30T15:00:00+08:00","name":"Plan A","more":{"deep":[1,[2]]}}`
	tests := map[string]struct {
		answer LookedUp
		node   string
		spoken string
	}{
		"all fields":    {LookedUp{Status: LookupOK, Body: []byte(good)}, "read", "二零二六年十月 一百二十三元四角五分 两G 三分 二零二六年十一月三十日十五点 tts:Plan A"},
		"money in fen":  {LookedUp{Status: LookupOK, Body: []byte(`{"total":12345}`)}, "read", "一百二十三元四角五分 零字节 零分 bill_generic"},
		"nothing in it": {LookedUp{Status: LookupOK, Body: []byte(`{}`)}, "read", "零元 零字节 零分 bill_generic"},
		"null":          {LookedUp{Status: LookupOK, Body: []byte(`null`)}, "read", "零元 零字节 零分 bill_generic"},
		"empty":         {LookedUp{Status: LookupOK}, "read", "零元 零字节 零分 bill_generic"},
		"garbage":       {LookedUp{Status: LookupOK, Body: []byte(`<html>`)}, "line", ""},
		"a list":        {LookedUp{Status: LookupOK, Body: []byte(`[{}]`)}, "line", ""},
		"float money":   {LookedUp{Status: LookupOK, Body: []byte(`{"total":123.45}`)}, "line", ""},
		"three digits":  {LookedUp{Status: LookupOK, Body: []byte(`{"total":"1.234"}`)}, "line", ""},
		"bad date":      {LookedUp{Status: LookupOK, Body: []byte(`{"month":"10/2026"}`)}, "line", ""},
		"text as count": {LookedUp{Status: LookupOK, Body: []byte(`{"count":"3"}`)}, "line", ""},
		"huge number":   {LookedUp{Status: LookupOK, Body: []byte(`{"count":99999999999999999999}`)}, "line", ""},
		"object inside": {LookedUp{Status: LookupOK, Body: []byte(`{"name":{"a":1}}`)}, "line", ""},
		"long text":     {LookedUp{Status: LookupOK, Body: []byte(`{"name":"` + strings.Repeat("x", 2000) + `"}`)}, "line", ""},
		"deep":          {LookedUp{Status: LookupOK, Body: []byte(strings.Repeat(`{"a":`, 200000))}, "line", ""},
		"ten megabytes": {LookedUp{Status: LookupOK, Body: []byte(`{"name":"` + strings.Repeat("x", 10<<20) + `"}`)}, "line", ""},
		"not found":     {LookedUp{Status: LookupNotFound}, "sql", ""},
		"refused":       {LookedUp{Status: LookupRefused}, "line", ""},
		"error":         {LookedUp{Status: LookupError, Err: "timeout"}, "line", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := beginAll(t, known())
			r.press("1")
			r.hear()
			r.press("123#1")
			r.hear()
			r.press("7#")
			r.hear()
			r.press("3")
			l := asked[Lookup](r)
			if l.Source != "bss" || l.Request.Method != http.MethodGet || l.Request.Path != "/v1/bills/123?tier=gold" || l.Cache != time.Minute {
				t.Errorf("asked %+v", l)
			}
			r.take()
			tc.answer.ID = l.ID
			r.give(tc.answer)
			r.at(tc.node)
			if got := strings.Join(said(r.take()), " "); tc.spoken != "" && got != tc.spoken {
				t.Errorf("said %s", got)
			}
			if tc.node == "sql" {
				q := asked[Lookup](r)
				if diff := cmp.Diff([]any{"123", 7}, q.Request.Args); diff != "" || q.Request.Path != "select name from t where a = ? and b = ?" {
					t.Errorf("%s %s", q.Request.Path, diff)
				}
			}
			if strings.Contains(string(r.s.Encode()), "deep") || len(r.s.Encode()) > 4096 {
				t.Error("more of the answer is kept than was declared")
			}
		})
	}
}

// TestLookupPath: what callers enter stays one part of a path.
func TestLookupPath(t *testing.T) {
	f := loadText(t, "f", `version: 1
flow: f
languages: [en]
start: q
vars: {x: {type: string}}
nodes:
  q: {type: lookup, source: s, request: {get: "/a/{call.ani}/b?c={cust.name}"}, into: x, then: {ok: end, not_found: none, error: wrong}}
  end: {type: hangup, prompt: [p]}
  none: {type: hangup, prompt: [p]}
  wrong: {type: hangup, prompt: [p]}
prompts: {p: {en: P}}
`, Environment{})
	for _, tc := range []struct{ ani, name, node, path string }{
		{"138", "a b/ü&c=d", "q", "/a/138/b?c=a%20b%2F%C3%BC%26c%3Dd"},
		{"1/../2?x#y", "", "wrong", ""},
		{"..", "", "wrong", ""},
		{"1\n2", "", "wrong", ""},
		{"", "", "none", ""},
		{"*99", "", "q", "/a/%2A99/b?c="},
	} {
		r := begin(t, f, Caller{ANI: tc.ani, Customer: Customer{Name: tc.name}}, time.Unix(0, 0))
		r.at(tc.node)
		if tc.node == "q" && asked[Lookup](r).Request.Path != tc.path {
			t.Errorf("%q: %s", tc.ani, asked[Lookup](r).Request.Path)
		}
	}
}

// TestComfort: nothing for 800 ms, then the prompt, then music, the prompt
// again, until the answer.
func TestComfort(t *testing.T) {
	r := beginAll(t, known())
	r.s.st.Vars["number"] = "1"
	r.press("3")
	id := asked[Lookup](r).ID
	r.take()
	r.pass(799 * time.Millisecond)
	if got := r.take(); len(got) != 0 {
		t.Fatalf("too early: %v", got)
	}
	r.pass(time.Millisecond)
	if diff := cmp.Diff([]string{"one_moment"}, said(r.take())); diff != "" {
		t.Fatal(diff)
	}
	r.hear()
	if !r.music || last[PlayMusic](r).Prompt.ID != "music/hold-1" {
		t.Fatal("no music")
	}
	r.pass(comfortGap)
	if diff := cmp.Diff([]string{"one_moment"}, said(r.take())); diff != "" {
		t.Fatal(diff)
	}
	r.press("4") // for the next menu
	r.give(LookedUp{ID: id + 1000, Status: LookupOK})
	r.at("query")
	r.give(LookedUp{ID: id, Status: LookupOK})
	r.give(LookedUp{ID: id, Status: LookupError}) // once is enough
	r.at("send")                                  // the reading was passed over: a key waits
	r.give(Notified{asked[Notify](r).ID, true})
	r.at("leave")
}
