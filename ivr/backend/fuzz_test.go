package backend

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tierline/ivr"
)

// FuzzAnswer: whatever a source says, an answer that is let through is valid
// JSON within the limits, and nothing else.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{"", "{}", `{"a":[1,2,{"b":null}]}`, "[[[[", "\xff", `{"a":1}{"b":2}`, `"\ud800"`, "nul", strings.Repeat("[", 40)} {
		f.Add("application/json", []byte(body), int64(-1))
	}
	f.Add("text/html; charset=utf-8", []byte("<html>"), int64(6))
	f.Fuzz(func(t *testing.T, kind string, body []byte, length int64) {
		const most = 1024
		res := &http.Response{
			Header: http.Header{"Content-Type": {kind}}, ContentLength: length, Body: io.NopCloser(bytes.NewReader(body)),
		}
		got, o, why := readAnswer(res, most)
		if (o == OK) != (why == "") || (o == OK) != (got != nil) {
			t.Fatalf("%s %q %q", o, why, got)
		}
		var v any
		if o == OK && (len(got) > most || json.Unmarshal(got, &v) != nil || levels(v) > maxDepth) {
			t.Fatalf("let through %q", got)
		}
		for word := range strings.FieldsSeq(why) {
			if len(word) > 20 {
				t.Fatalf("says %q", why)
			}
		}
	})
}

// levels counts how deep a value is nested.
func levels(v any) (deepest int) {
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			deepest = max(deepest, levels(x))
		}
		return deepest + 1
	case []any:
		for _, x := range v {
			deepest = max(deepest, levels(x))
		}
		return deepest + 1
	}
	return 0
}

// FuzzTarget: whatever value stands in a path, it stays one part of it, and no
// path leaves its source.
func FuzzTarget(f *testing.F) {
	for _, v := range []string{"8812", "+8613800138000", "..", "../admin", "a/b", "a?b=c", "#", "王", "%2e%2e", "\r\nX: y", "@evil.test", "\\..\\", ".", "a/./b", "\x00", "..;/x"} {
		f.Add(v)
	}
	base, err := url.Parse("http://bss.test/api")
	if err != nil {
		f.Fatal(err)
	}
	w := &web{base: base}
	f.Fuzz(func(t *testing.T, value string) {
		if u, why := w.target(value); why == "" {
			if u.Host != "bss.test" || u.Scheme != "http" || u.User != nil || !strings.HasPrefix(u.Path, "/api/") || climbs(u.Path) {
				t.Fatalf("%q leads to %s", value, u)
			}
		}
		part, err := ivr.PathValue(value)
		if err != nil {
			return
		}
		u, why := w.target("/v1/orders/" + part + "/lines?of=" + part)
		if why != "" {
			t.Fatalf("%q: %s", value, why)
		}
		back, err := url.PathUnescape(strings.TrimSuffix(strings.TrimPrefix(u.EscapedPath(), "/api/v1/orders/"), "/lines"))
		if err != nil || back != value || u.Query().Get("of") != value || strings.Count(u.EscapedPath(), "/") != 5 || climbs(u.Path) {
			t.Fatalf("%q becomes %s", value, u)
		}
	})
}

func climbs(path string) bool {
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

// FuzzEncode: whatever is in a body, it is one JSON object with the same values.
func FuzzEncode(f *testing.F) {
	f.Add("number", "+86571\"\\\n", 7, true)
	f.Fuzz(func(t *testing.T, name, text string, n int, yes bool) {
		b := encode([]ivr.Field{{Name: name, Value: text}, {Name: "n", Value: n}, {Name: "sub", Value: []ivr.Field{{Name: "yes", Value: yes}}}})
		var got map[string]any
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		key := strings.ToValidUTF8(name, "\ufffd")
		if key == "n" || key == "sub" || key != name || text != strings.ToValidUTF8(text, "\ufffd") {
			return
		}
		if got[key] != text {
			t.Fatalf("%s is not %q: %q", b, name, text)
		}
	})
}

// FuzzNumbered: the statement keeps its length but for the numbers, and never
// gets parameters that it didn't have.
func FuzzNumbered(f *testing.F) {
	for _, s := range []string{"SELECT ?", "'?' \"?\" --?\n/*?*/ ?", "'", "$1 ?", "/*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		plain, n := numbered(s, false)
		dollars, m := numbered(s, true)
		if plain != s || n != m || n > strings.Count(s, "?") || len(dollars) < len(s) {
			t.Fatalf("%q: %q with %d, %q with %d", s, plain, n, dollars, m)
		}
	})
}
