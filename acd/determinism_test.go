package acd

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// purePackages are all packages of ours that Apply can reach: if one of them
// imports another of ours, the test below asks for it to be listed here.
func purePackages() map[string]string {
	return map[string]string{
		"tierline/acd":                  ".",
		"tierline/routing":              "../routing",
		"tierline/routing/rank":         "../routing/rank",
		"tierline/routing/rank/ordered": "../routing/rank/ordered",
	}
}

// pureImports are the packages of the standard library whose results depend
// on nothing but their arguments. time and encoding/json are missing on
// purpose: the first tempts to read a clock, the second writes maps and floats.
func pureImports() []string {
	return []string{
		"bufio", "bytes", "cmp", "crypto/sha256", "encoding/binary", "encoding/hex", "errors", "fmt", "hash", "io", "iter", "maps",
		"math/bits", "net/netip", "slices", "strconv", "strings", "unicode", "unicode/utf8",
	}
}

// TestNoHiddenInputs keeps clocks, chance, concurrency, floats, addresses and
// map order out of everything Apply reaches (see doc.go).
func TestNoHiddenInputs(t *testing.T) {
	knowRoot(t)
	fset := token.NewFileSet()
	imp := importer.ForCompiler(fset, "source", nil)
	for path, dir := range purePackages() {
		for _, fault := range impurities(t, fset, imp, path, dir) {
			t.Error(fault)
		}
	}
	testImpurities(t, fset, imp)
}

// knowRoot tells the importer where the standard library is: a test that was
// built with -trimpath doesn't know.
func knowRoot(t *testing.T) {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	before := build.Default.GOROOT
	build.Default.GOROOT = strings.TrimSpace(string(out))
	t.Cleanup(func() { build.Default.GOROOT = before })
}

// testImpurities: the test above sees what it is meant to see.
func testImpurities(t *testing.T, fset *token.FileSet, imp types.Importer) {
	for _, tt := range []struct{ name, body, want string }{
		{"map range", "for range map[int]int{} { }", "range over a map"},
		{"named map", "type m map[int]int; for range (m{}) { }", "range over a map"},
		{"keys", "for range maps.Keys(map[int]int{}) { }", "maps.Keys not sorted at once"},
		{"values", "_ = slices.Collect(maps.Values(map[int]int{}))", "maps.Values not sorted at once"},
		{"as a value", "keys := maps.Keys[map[int]int]; _ = keys", "maps.Keys not sorted at once"},
		{"all", "_ = maps.All(map[int]int{})", "maps.All not sorted at once"},
		{"go", "go func() { }()", "concurrency"},
		{"select", "select { }", "concurrency"},
		{"channel", "_ = make(chan int)", "concurrency"},
		{"float", "x := 1.5; _ = x", "floating point"},
		{"quotient", "x := float64(3); _ = x", "floating point"},
		{"address", `_ = fmt.Sprintf("%p", new(int))`, "prints an address"},
		{"print", `println(1)`, "println"},
		{"sorted keys", "_ = slices.Sorted(maps.Keys(map[int]int{}))", ""},
		{"sorted values", "_ = slices.SortedFunc(maps.Values(map[int]int{}), func(a, b int) int { return a - b })", ""},
		{"integers", "x := 7 / 2; _ = x << 3", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			src := "package p\n\nimport (\n\"fmt\"\n\"maps\"\n\"slices\"\n)\n" +
				"var _, _, _ = fmt.Sprint, maps.Clone[map[int]int], slices.Max[[]int]\n\nfunc f() { " + tt.body + " }\n"
			if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(src), 0o600); err != nil {
				t.Fatal(err)
			}
			faults := impurities(t, fset, imp, "p", dir)
			found := slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, tt.want) })
			if tt.want == "" && len(faults) > 0 || tt.want != "" && !found {
				t.Errorf("found %q, want %q", faults, tt.want)
			}
		})
	}
}

// impurities type-checks a package and returns what it may not do.
func impurities(t *testing.T, fset *token.FileSet, imp types.Importer, path, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || filepath.Base(name) == "freeze.go" { // for which see there
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		t.Fatalf("%s has no files", path)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: imp}
	if _, err := conf.Check(path, fset, files, info); err != nil {
		t.Fatal(err)
	}
	p := &purity{fset: fset, info: info, sorted: map[ast.Expr]bool{}}
	for _, f := range files {
		for _, im := range f.Imports {
			p.imported(im)
		}
		ast.Inspect(f, p.visit)
	}
	return p.faults
}

type purity struct {
	fset   *token.FileSet
	info   *types.Info
	sorted map[ast.Expr]bool // functions whose result is sorted at once
	faults []string
}

func (p *purity) fault(n ast.Node, what string) {
	p.faults = append(p.faults, fmt.Sprintf("%s: %s", p.fset.Position(n.Pos()), what))
}

func (p *purity) imported(im *ast.ImportSpec) {
	path := strings.Trim(im.Path.Value, `"`)
	if !slices.Contains(pureImports(), path) && purePackages()[path] == "" {
		p.fault(im, "import of "+path+", which is not known to be pure")
	}
}

// name returns "package.Function" of what an expression calls, "" if that is
// no function of a package.
func (p *purity) name(fun ast.Expr) string {
	if i, ok := fun.(*ast.IndexExpr); ok {
		fun = i.X
	}
	var id *ast.Ident
	switch fun := fun.(type) {
	case *ast.Ident:
		id = fun
	case *ast.SelectorExpr:
		id = fun.Sel
	default:
		return ""
	}
	switch o := p.info.Uses[id].(type) {
	case *types.Builtin:
		return o.Name()
	case *types.Func:
		if o.Pkg() != nil {
			return o.Pkg().Path() + "." + o.Name()
		}
	}
	return ""
}

func (p *purity) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.RangeStmt:
		if _, ok := p.info.Types[n.X].Type.Underlying().(*types.Map); ok {
			p.fault(n, "range over a map")
		}
	case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
		p.fault(n, "concurrency in the core")
	case *ast.BasicLit:
		if n.Kind == token.STRING && strings.Contains(n.Value, "%p") {
			p.fault(n, "prints an address")
		}
	case *ast.CallExpr:
		p.call(n)
	case *ast.SelectorExpr:
		switch name := p.name(n); name {
		case "maps.Keys", "maps.Values", "maps.All":
			if !p.sorted[n] {
				p.fault(n, name+" not sorted at once")
			}
		}
	}
	if e, ok := n.(ast.Expr); ok {
		if tv, ok := p.info.Types[e]; ok && tv.Type != nil {
			if b, ok := tv.Type.Underlying().(*types.Basic); ok && b.Info()&(types.IsFloat|types.IsComplex) != 0 {
				p.fault(n, "floating point")
			}
		}
	}
	return true
}

// call runs before the parts of the call are visited.
func (p *purity) call(n *ast.CallExpr) {
	switch name := p.name(n.Fun); name {
	case "slices.Sorted", "slices.SortedFunc", "slices.SortedStableFunc":
		if inner, ok := n.Args[0].(*ast.CallExpr); ok {
			p.sorted[inner.Fun] = true
		}
	case "print", "println":
		p.fault(n, name)
	}
}
