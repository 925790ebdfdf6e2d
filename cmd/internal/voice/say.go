package voice

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tierline/ivr/say"
)

// sayFlags are those of `tierline say`.
type sayFlags struct {
	lang, kind string
	options    say.Options
	fragments  bool
}

// SayCommand is `tierline say`.
func SayCommand() *cobra.Command {
	f := &sayFlags{}
	cmd := &cobra.Command{
		Use:   "say --lang LANG --kind KIND VALUE",
		Short: "Read a value out as text, as a caller hears it",
		Long: `Read a value out as text, as a caller hears it: amounts, dates, telephone numbers, in Chinese and English.

  tierline say --lang zh --kind money 123.45
  tierline say --lang en --kind date 2026-11-21
  tierline say --kind count --unit 个 2
  tierline say - < values.tsv

VALUE - reads lines of language, kind and value, separated by tabs, from standard input and prints one reading a line:
an empty line for what can't be read, and why on standard error.

Kinds: count, date, datetime, decimal, digits, duration, money, month, number, ordinal, percent, phone, position, time,
time12, time24, volume, wait, weekday, year. What values they take: docs/reference/say.md.`,
		DisableFlagParsing: true, // -5 is a value: parse takes care of the flags
		RunE:               f.run,
	}
	s := cmd.Flags()
	s.StringVar(&f.lang, "lang", say.Chinese, "language: zh or en")
	s.StringVar(&f.kind, "kind", "number", "what the value is; an option may follow: count:个, digits:yao, time:12")
	s.StringVar(&f.options.Unit, "unit", "", "of a count: 个, 分钟; points, minutes")
	s.IntVar(&f.options.Clock, "clock", 0, "of times: 12 or 24 hours (default: zh 24, en 12)")
	s.BoolVar(&f.options.Yao, "yao", false, "digits in Chinese: 1 is 幺")
	s.BoolVar(&f.options.Hao, "hao", false, "dates in Chinese: 号 in place of 日")
	s.BoolVar(&f.options.Exact, "exact", false, "full hours in Chinese: 九点整")
	s.BoolVar(&f.options.And, "and", false, "numbers in English: one hundred and one")
	s.BoolVar(&f.fragments, "fragments", false, "the sounds it is made of, in place of the text")
	return cmd
}

// run parses the flags itself, because a value may look like one: -12.50.
func (f *sayFlags) run(cmd *cobra.Command, args []string) error {
	flags, values := apart(args)
	cmd.DisableFlagParsing = false
	if err := cmd.ParseFlags(flags); err != nil {
		return fmt.Errorf("%w (see tierline say --help)", err)
	}
	if help, err := cmd.Flags().GetBool("help"); err == nil && help {
		return cmd.Help()
	}
	values = append(cmd.Flags().Args(), values...)
	if len(values) != 1 {
		return fmt.Errorf("one value is needed, not %d (see tierline say --help)", len(values))
	}
	if values[0] == "-" {
		return f.stream(cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	r, err := say.Read(f.lang, f.kind, values[0], f.options)
	if err != nil {
		return err
	}
	switch o := cmd.Flag("output").Value.String(); o {
	case "table":
		return write(cmd.OutOrStdout(), f.line(r))
	case "json":
		text, err := json.MarshalIndent(map[string]any{"text": r.Text, "fragments": r.Fragments}, "", "  ")
		if err != nil {
			return fmt.Errorf("encode the output: %w", err)
		}
		return write(cmd.OutOrStdout(), string(text)+"\n")
	default: // the root command's own check came before the flags were parsed
		return fmt.Errorf("-o %s: there are table and json", o)
	}
}

// apart tells negative numbers and what follows -- from flags.
func apart(args []string) (flags, values []string) {
	for i, a := range args {
		switch {
		case a == "--":
			return flags, append(values, args[i+1:]...)
		case len(a) > 1 && a[0] == '-' && strings.ContainsRune("0123456789.", rune(a[1])):
			values = append(values, a)
		default:
			flags = append(flags, a)
		}
	}
	return flags, values
}

func (f *sayFlags) line(r say.Reading) string {
	if f.fragments {
		return strings.Join(r.Fragments, " ") + "\n"
	}
	return r.Text + "\n"
}

// longestLine bounds a line of values; what is longer can't be read out.
const longestLine = 4096

// stream reads one value a line and answers at once if nothing more has come
// yet, so that a program can ask as it goes.
func (f *sayFlags) stream(in io.Reader, out, problems io.Writer) error {
	r, w := bufio.NewReaderSize(in, longestLine), bufio.NewWriter(out)
	for n := 1; ; n++ {
		line, more, err := r.ReadLine()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the values: %w", err)
		}
		reading, err := f.readOut(string(line), more)
		if err != nil {
			if err = write(problems, fmt.Sprintf("line %d: %v\n", n, err)); err != nil {
				return err
			}
		}
		for more && err == nil {
			_, more, err = r.ReadLine() // an error comes again
		}
		if err = answer(w, f.line(reading), r.Buffered() == 0); err != nil {
			return err
		}
	}
	return answer(w, "", true)
}

// readOut reads a line of language, kind and value.
func (f *sayFlags) readOut(line string, cut bool) (say.Reading, error) {
	columns := strings.Split(line, "\t")
	switch {
	case cut:
		return say.Reading{}, fmt.Errorf("longer than %d bytes", longestLine)
	case len(columns) != 3:
		return say.Reading{}, fmt.Errorf("language, kind and value are needed, separated by tabs")
	}
	return say.Read(columns[0], columns[1], columns[2], f.options)
}

func answer(w *bufio.Writer, text string, flush bool) error {
	_, err := w.WriteString(text)
	if err == nil && flush {
		err = w.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the readings: %w", err)
	}
	return nil
}

func write(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}
