package voice

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"tierline/ivr/say"
)

// run executes a command as the shell would.
func run(t *testing.T, cmd *cobra.Command, in io.Reader, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, problems bytes.Buffer
	root := &cobra.Command{Use: "tierline", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().StringP("output", "o", "table", "")
	root.AddCommand(cmd)
	root.SetIn(in)
	root.SetOut(&out)
	root.SetErr(&problems)
	root.SetArgs(append([]string{cmd.Name()}, args...))
	err = root.ExecuteContext(t.Context())
	return out.String(), problems.String(), err
}

func TestSay(t *testing.T) {
	for _, c := range []struct{ args, want, fails string }{
		{"--lang zh --kind money 123.45", "一百二十三元四角五分\n", ""},
		{"--kind number -5", "负五\n", ""},
		{"-5", "负五\n", ""},
		{"--lang=en --kind=money -- -12.50", "minus twelve yuan and fifty fen\n", ""},
		{"--kind count --unit 个 2", "两个\n", ""},
		{"--kind digits --yao 110", "幺幺零\n", ""},
		{"--lang en --kind number --and 101", "one hundred and one\n", ""},
		{"--lang en --kind time --clock 24 14:30", "fourteen thirty\n", ""},
		{"--kind datetime --hao --exact 2026-11-21T09:00", "二零二六年十一月二十一号九点整\n", ""},
		{"--kind money --fragments 1.50", "yi4 yuan2 wu2 jiao3\n", ""},
		{"--kind number -o json 2", "{\n  \"fragments\": [\n    \"er4\"\n  ],\n  \"text\": \"二\"\n}\n", ""},
		{"--kind date 2026-02-30", "", "no such day"},
		{"--kind nothing 1", "", `kind "nothing": not known`},
		{"1 2", "", "one value is needed, not 2"},
		{"", "", "one value is needed, not 0"},
		{"--kinds number 1", "", "unknown flag: --kinds (see tierline say --help)"},
		{"-o xml 1", "", "-o xml: there are table and json"},
	} {
		out, _, err := run(t, SayCommand(), strings.NewReader(""), strings.Fields(c.args)...)
		if out != c.want || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("say %s: %q, %v; want %q, %s", c.args, out, err, c.want, c.fails)
		}
	}
	out, _, err := run(t, SayCommand(), nil, "--help")
	if err != nil || !strings.Contains(out, "Usage:\n  tierline say ") {
		t.Errorf("%v %s", err, out)
	}
}

func TestSayKnowsItsKinds(t *testing.T) {
	long := strings.Join(strings.Fields(SayCommand().Long), " ")
	if want := "Kinds: " + strings.Join(say.Kinds(), ", ") + "."; !strings.Contains(long, want) {
		t.Errorf("the help lacks %s", want)
	}
}

func TestSayStream(t *testing.T) {
	in := "zh\tnumber\t12\r\n\nzh\tcount:个\t2\nnonsense\nzh\tdate\t2026-02-30\nzh\tnumber\t" + strings.Repeat("1", 100_000) +
		"\nzh\tnumber\t1\textra\nen\tnumber\t7"
	out, problems, err := run(t, SayCommand(), strings.NewReader(in), "-")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("十二\n\n两个\n\n\n\n\nseven\n", out); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"line 2: language, kind", "line 4:", "line 5: date \"2026-02-30\"", "line 6: longer", "line 7:"} {
		if !strings.Contains(problems, want) {
			t.Errorf("%s is missing in\n%s", want, problems)
		}
	}
}

// A program that asks and waits gets its answer before it asks again.
func TestSayAnswersAtOnce(t *testing.T) {
	questions, ask := io.Pipe()
	hear, answers := io.Pipe()
	f := &sayFlags{}
	done := make(chan error, 1)
	go func() { done <- f.stream(questions, answers, io.Discard) }()
	for _, c := range [][2]string{{"zh\tnumber\t2\n", "二\n"}, {"en\tordinal\t112\n", "one hundred twelfth\n"}} {
		if _, err := io.WriteString(ask, c[0]); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(c[1]))
		if _, err := io.ReadFull(hear, got); err != nil || string(got) != c[1] {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if err := ask.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestSayStreamEnds(t *testing.T) {
	f := &sayFlags{}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.stream(w, io.Discard, io.Discard); err == nil {
		t.Error("reading a closed file is no end of values")
	}
	if err := f.stream(r, failing{}, io.Discard); err != nil {
		t.Error("nothing was to be written", err)
	}
	if err := f.stream(strings.NewReader("zh\tnumber\t1\n"), failing{}, io.Discard); err == nil {
		t.Error("a full disk was not reported")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
