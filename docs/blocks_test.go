package docs_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tierline/call/service"
	"tierline/ivr"
	"tierline/ivr/script"
	"tierline/routing/document"
)

// block is one fenced block of a page.
type block struct {
	page, lang, text string
	line             int
}

// blocks returns the fenced blocks of every page in a language.
func blocks(t *testing.T, lang string) []block {
	t.Helper()
	fence := regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```")
	var found []block
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllSubmatchIndex(text, -1) {
			if string(text[m[2]:m[3]]) == lang {
				found = append(found, block{
					page: page, lang: lang, text: string(text[m[4]:m[5]]), line: 2 + strings.Count(string(text[:m[0]]), "\n"),
				})
			}
		}
	}
	return found
}

func pages(t *testing.T) []string {
	t.Helper()
	found := []string{"../README.md", "../CHANGELOG.md"}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestYAMLBlocks loads every YAML block of the pages. Its first line says what
// it is: "# tierline.yaml", or a document such as "# queues.yaml", which then
// stands in place of the demo centre's.
func TestYAMLBlocks(t *testing.T) {
	all := blocks(t, "yaml")
	if len(all) == 0 {
		t.Fatal("no YAML blocks found")
	}
	for _, b := range all {
		first, _, _ := strings.Cut(b.text, "\n")
		name, ok := strings.CutPrefix(first, "# ")
		switch {
		case !ok:
			t.Errorf("%s:%d: the first line must name the document, for example \"# queues.yaml\"", b.page, b.line)
		case name == "tierline.yaml":
			// cmd/internal/config has the test of these.
		case strings.HasPrefix(name, "tests/"):
			runScript(t, b, all)
		default:
			checkDocument(t, b, name)
		}
	}
}

// runScript runs a script against the page's flow of that name.
func runScript(t *testing.T, b block, all []block) {
	t.Helper()
	s, problems := script.Load(b.page, []byte(b.text))
	if s == nil {
		t.Errorf("%s:%d: %v", b.page, b.line, problems)
		return
	}
	i := slices.IndexFunc(all, func(o block) bool { return strings.HasPrefix(o.text, "# flows/"+s.Flow.V+".yaml\n") })
	if i < 0 {
		t.Errorf("%s:%d: no page shows the flow %s", b.page, b.line, s.Flow.V)
		return
	}
	f, problems := ivr.Load(all[i].page, []byte(all[i].text), ivr.Environment{})
	if f == nil {
		t.Errorf("%s:%d: %v", all[i].page, all[i].line, problems)
		return
	}
	walked := script.NewWalked(f)
	for j := range s.Tests {
		if r := s.Run(&s.Tests[j], script.Surroundings{Flow: f}, walked); !r.OK {
			t.Errorf("%s:%d: %+v", b.page, b.line+r.Failure.Line-1, *r.Failure)
		}
	}
	if short := s.Short(walked.Coverage()); short != nil {
		t.Errorf("%s:%d: %v", b.page, b.line, short)
	}
}

func checkDocument(t *testing.T, b block, name string) {
	t.Helper()
	demo, problems := service.ReadDir("../testdata/demo", nil)
	if document.HasErrors(problems) {
		t.Fatal(problems)
	}
	i := slices.IndexFunc(demo.Files, func(f service.File) bool { return f.Name == name })
	if i < 0 {
		demo.Files = append(demo.Files, service.File{Name: name})
		i = len(demo.Files) - 1
	}
	demo.Files[i].Data = []byte(b.text)
	_, found := service.Compile(demo)
	for _, p := range found {
		if p.Severity == document.Error && p.File == name {
			t.Errorf("%s:%d: %v", b.page, b.line+p.Line-1, p)
		}
	}
}

// TestLinks checks that links between pages lead somewhere.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: link to %s leads nowhere", page, m[1])
			}
		}
	}
}

// TestTargetsOfReadmeExist checks that the README names no target that is gone.
func TestTargetsOfReadmeExist(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("make ([a-z0-9]+)").FindAllSubmatch(readme, -1) {
		named[string(m[1])] = true
	}
	for _, target := range slices.Sorted(maps.Keys(named)) {
		if !regexp.MustCompile(`(?m)^` + target + `:`).Match(makefile) {
			t.Errorf("README names make %s, which does not exist", target)
		}
	}
}
