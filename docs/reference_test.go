package docs_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestFieldsAreDocumented finds every field of service documents and flows on
// its page.
func TestFieldsAreDocumented(t *testing.T) {
	for page, dir := range map[string]string{
		"reference/service-documents.md": "../call/service",
		"reference/flows.md":             "../ivr",
	} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		fields := matches("`doc:\"([a-z0-9_]+)", string(source(t, dir)))
		if len(fields) < 20 {
			t.Fatalf("only %d fields found in %s", len(fields), dir)
		}
		words := strings.FieldsFunc(string(text), func(r rune) bool {
			return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
		})
		known := map[string]bool{}
		for _, w := range words {
			known[w] = true
		}
		for _, f := range fields {
			if !known[f] {
				t.Errorf("%s does not name the field %q", page, f)
			}
		}
	}
}

// TestNodeTypesAreDocumented finds every node type of flows on its page.
func TestNodeTypesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("reference/flows.md")
	if err != nil {
		t.Fatal(err)
	}
	code := string(source(t, "../ivr"))
	ready, later := matches(`\{"([a-z]+)", read[A-Z]`, code), matches(`\{"([a-z]+)", nil\}`, code)
	if len(ready) == 0 {
		t.Fatal("no node types found")
	}
	for _, name := range ready {
		if !strings.Contains(string(text), "\n### "+name+"\n") {
			t.Errorf("no chapter about the node type %s", name)
		}
	}
	for _, name := range later {
		if strings.Contains(string(text), "\n### "+name+"\n") || !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("the node type %s must be named as one of later releases", name)
		}
	}
}

// TestEndpointsAreDocumented finds every operation of the API in http.md.
func TestEndpointsAreDocumented(t *testing.T) {
	description, err := os.ReadFile("reference/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("reference/http.md")
	if err != nil {
		t.Fatal(err)
	}
	var api struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(description, &api); err != nil {
		t.Fatal(err)
	}
	if len(api.Paths) < 8 {
		t.Fatalf("only %d paths found", len(api.Paths))
	}
	for path, operations := range api.Paths {
		for method := range operations {
			if want := "`" + strings.ToUpper(method) + " " + path + "`"; !strings.Contains(string(text), want) {
				t.Errorf("http.md has no %s", want)
			}
		}
	}
}
