package say_test

import (
	"os"
	"strings"
	"testing"

	"tierline/ivr/say"
)

// The page's examples are what is said, and its lists are complete.
func TestPage(t *testing.T) {
	b, err := os.ReadFile("../../docs/reference/say.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := map[string]bool{}
	example := func(lang, kind, value, want string) {
		checked[kind] = true
		if r, err := say.Read(lang, kind, value, say.Options{}); err != nil || r.Text != want {
			t.Errorf("%s %s %s: %q, %v; the page has %q", lang, kind, value, r.Text, err, want)
		}
	}
	kinds, _, _ := strings.Cut(string(b), "\n## Values")
	for line := range strings.Lines(kinds) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		for i := range cells {
			cells[i] = strings.Trim(cells[i], " `")
		}
		if lang, kind, ok := strings.Cut(cells[1], " "); ok {
			example(lang, kind, cells[2], cells[3])
			continue
		}
		example("zh", cells[1], cells[2], cells[3])
		example("en", cells[1], cells[2], cells[4])
	}
	for _, kind := range say.Kinds() {
		if !checked[kind] && kind != "count" {
			t.Errorf("no example of %s", kind)
		}
	}
	_, units, _ := strings.Cut(string(b), "\n## Units")
	zh, en, _ := strings.Cut(units, "English, singular or plural: ")
	_, zh, _ = strings.Cut(zh, "Chinese: ")
	en = strings.ReplaceAll(en, `"text message"`, "text-message")
	words := func(s string) []string { return strings.Fields(strings.Trim(strings.TrimSpace(s), ".")) }
	for lang, list := range map[string][]string{"zh": words(zh), "en": words(en)} {
		for _, unit := range list {
			unit = strings.ReplaceAll(unit, "-", " ")
			if err := say.Check(lang, "count", say.Options{Unit: unit}); err != nil {
				t.Error(err)
			}
		}
		if got := say.Units(lang); len(got) != len(list) {
			t.Errorf("%s has %d units, the page %d", lang, len(got), len(list))
		}
	}
}
