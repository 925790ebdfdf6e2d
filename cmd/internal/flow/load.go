package flow

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tierline/call/service"
	"tierline/cmd/internal/cli"
	"tierline/ivr"
	"tierline/ivr/script"
	"tierline/routing/document"
	"tierline/routing/trunk"
)

// centre is a service directory that flows stand in; nil: they stand alone.
type centre struct {
	dir   string
	ready *service.Service
}

// finder finds service directories, each read once.
type finder struct {
	explicit string
	known    map[string]*centre
}

func newFinder(explicit string) *finder {
	return &finder{explicit: explicit, known: map[string]*centre{}}
}

// mistakes are problems in files, which end a command.
type mistakes struct {
	dir  string // of the files' names; "" for names as they are
	list []document.Problem
}

func (m *mistakes) Error() string {
	lines := make([]string, len(m.list))
	for i, p := range m.list {
		if m.dir != "" {
			p.File = filepath.Join(m.dir, filepath.FromSlash(p.File))
		}
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// report prints mistakes like `tierline check`: without a prefix, so that
// editors can follow them.
func report(cmd *cobra.Command, err error) error {
	if m, ok := errors.AsType[*mistakes](err); ok {
		return errors.Join(cli.ErrReported, say(cmd.ErrOrStderr(), m.Error()+"\n"))
	}
	return err
}

// above finds the service directory that a file stands in, upwards.
func (f *finder) above(file string) (*centre, error) {
	if f.explicit != "" {
		return f.read(f.explicit)
	}
	full, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", file, err)
	}
	for dir := filepath.Dir(full); ; dir = filepath.Dir(dir) {
		if isService(dir) {
			return f.read(shorter(dir))
		}
		if filepath.Dir(dir) == dir {
			return nil, nil //nolint:nilnil // flows may stand alone
		}
	}
}

func isService(dir string) bool {
	for _, name := range []string{"queues.yaml", "numbers.yaml"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || !st.Mode().IsRegular() {
			return false
		}
	}
	return true
}

// shorter names a directory from here if that is shorter.
func shorter(dir string) string {
	here, err := os.Getwd()
	if err != nil {
		return dir
	}
	rel, err := filepath.Rel(here, dir)
	if err != nil || len(rel) > len(dir) {
		return dir
	}
	return rel
}

func (f *finder) read(dir string) (*centre, error) {
	if c, ok := f.known[dir]; ok {
		return c, nil
	}
	bundle, problems := service.ReadDir(dir, nil)
	ready, more := service.Compile(bundle)
	problems = append(problems, more...)
	if ready == nil || document.HasErrors(problems) {
		document.Sort(problems)
		problems = slices.DeleteFunc(slices.Compact(problems), func(p document.Problem) bool {
			return p.Severity != document.Error
		})
		return nil, &mistakes{dir: dir, list: problems}
	}
	c := &centre{dir: dir, ready: ready}
	f.known[dir] = c
	return c, nil
}

// customer tells who calls with a number.
func (c *centre) customer(number string) (ivr.Customer, bool) {
	p, ok := c.ready.Customers.ByNumber(trunk.Numbering{}.Normalise(number))
	return ivr.Customer{ID: p.ID, Name: p.Name, Tier: p.Tier.String(), Language: p.Language, Phone: number}, ok
}

// surroundings are what a flow is tried in.
func (c *centre) surroundings(f *ivr.Flow) script.Surroundings {
	if c == nil {
		return script.Surroundings{Flow: f}
	}
	return script.Surroundings{Flow: f, Length: c.ready.Environment.Length, Customer: c.customer}
}

// flow loads a flow's file. One of the service directory is taken as the
// service has it; another one may refer to what the service has.
func (c *centre) flow(file string) (*ivr.Flow, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the flow: %w", err)
	}
	env := ivr.Environment{}
	if c == nil {
		env.Flows = siblings(filepath.Dir(file))
	} else {
		env = c.ready.Environment
		if same(filepath.Dir(file), filepath.Join(c.dir, "flows")) {
			if f := c.ready.Flows[strings.TrimSuffix(filepath.Base(file), ".yaml")]; f != nil {
				return f, nil
			}
		}
	}
	f, problems := ivr.Load(file, src, env)
	if f == nil {
		return nil, &mistakes{list: problems}
	}
	return f, nil
}

// siblings finds the flows that one without a service calls: beside it.
func siblings(dir string) func(name string) *ivr.Flow {
	known := map[string]*ivr.Flow{}
	var find func(name string) *ivr.Flow
	find = func(name string) *ivr.Flow {
		f, ok := known[name]
		if !ok {
			if src, err := os.ReadFile(filepath.Join(dir, filepath.Base(name)+".yaml")); err == nil {
				f, _ = ivr.Load(name, src, ivr.Environment{Flows: find})
			}
			known[name] = f
		}
		return f
	}
	return find
}

func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// locate finds the file of a script's flow: beside the script, or in the
// service directory, with or without .yaml.
func (c *centre) locate(s *script.Script) (string, error) {
	name := filepath.FromSlash(s.Flow.V)
	tries := []string{filepath.Join(filepath.Dir(s.File), name)}
	if c != nil {
		tries = append(tries, filepath.Join(c.dir, "flows", name))
	}
	for _, file := range tries {
		for _, f := range []string{file, file + ".yaml"} {
			if st, err := os.Stat(f); err == nil && st.Mode().IsRegular() {
				return f, nil
			}
		}
	}
	p := document.NewProblems(s.File)
	p.Errorf(s.Flow.Pos, "there is no flow %s", cmp.Or(strings.Join(tries, " or "), s.Flow.V))
	return "", &mistakes{list: p.List()}
}

// readScript reads a script's file.
func readScript(file string) (*script.Script, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the script: %w", err)
	}
	s, problems := script.Load(file, src)
	if s == nil {
		return nil, &mistakes{list: problems}
	}
	return s, nil
}
