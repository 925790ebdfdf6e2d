package voice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tierline/call/service"
	"tierline/cmd/internal/cli"
	"tierline/cmd/internal/config"
	"tierline/cmd/internal/pack"
	"tierline/routing/document"
)

// PromptsCommand is `tierline prompts`.
func PromptsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "prompts",
		Short: "Make and judge the sounds of a service directory",
		Long: `Make and judge the sounds of a service directory.

  tierline prompts build DIR     makes what is missing or out of date: of recordings/, else by a speech engine
  tierline prompts report DIR    tells what is missing, spoken by a machine, too long, silent, overdriven, out of date`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(buildCommand(), reportCommand())
	return cmd
}

// wanted reads the documents; mistakes end the command.
func wanted(cmd *cobra.Command, dir string, readings bool) ([]service.Wanted, error) {
	bundle, problems := service.ReadDir(dir, nil)
	// A sound that can't be played is what these commands are about.
	problems = slices.DeleteFunc(problems, func(p document.Problem) bool {
		return strings.HasPrefix(p.File, service.SoundsDir+"/")
	})
	list, more := service.Sounds(bundle)
	problems = append(problems, more...)
	if !document.HasErrors(problems) {
		if readings {
			list = withReadings(list)
		}
		return list, nil
	}
	var b strings.Builder
	for _, p := range problems {
		if p.Severity == document.Error {
			p.File = filepath.Join(dir, filepath.FromSlash(p.File))
			b.WriteString(p.String() + "\n")
		}
	}
	b.WriteString("correct these first: as long as a document can't be read, nobody knows all its prompts\n")
	return nil, errors.Join(cli.ErrReported, write(cmd.ErrOrStderr(), b.String()))
}

// withReadings adds the sounds of all readings in the languages that are
// spoken.
func withReadings(list []service.Wanted) []service.Wanted {
	var languages []string
	for _, w := range list {
		if w.Language != "" && !slices.Contains(languages, w.Language) {
			languages = append(languages, w.Language)
		}
	}
	for _, l := range languages {
		list = append(list, service.Readings(l)...)
	}
	slices.SortStableFunc(list, func(a, b service.Wanted) int { return strings.Compare(a.Key, b.Key) })
	return slices.CompactFunc(list, func(a, b service.Wanted) bool { return a.Key == b.Key })
}

// buildFlags are those of `tierline prompts build`.
type buildFlags struct {
	config       string
	only, accept []string
	readings     bool
	quiet        bool
}

func buildCommand() *cobra.Command {
	f := &buildFlags{}
	cmd := &cobra.Command{
		Use:   "build DIR",
		Short: "Make the sounds that are missing or out of date",
		Long: `Make the sounds of a service directory that are missing or out of date.

A sound is made of what people recorded (recordings/welcome.zh.wav, of any rate and width), else by the speech engine of
its language. Engines stand in the node's settings (speech); without any, espeak-ng speaks if it is installed.
What people recorded or put into prompts/ themselves is never replaced by a machine's voice.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	s := cmd.Flags()
	s.StringVar(&f.config, "config", "", "the node's settings with speech engines; environment TIERLINE_CONFIG")
	s.StringSliceVar(&f.only, "only", nil, "make these sounds alone: welcome.zh,say/yi4.zh")
	s.StringSliceVar(&f.accept, "accept", nil, "recordings that still fit although the text was changed: welcome.zh")
	s.BoolVar(&f.readings, "readings", false, "also the sounds of all readings, if no flow reads values out yet")
	s.BoolVar(&f.quiet, "quiet", false, "no line for each sound")
	return cmd
}

func (f *buildFlags) run(cmd *cobra.Command, dir string) error {
	list, err := wanted(cmd, dir, f.readings)
	if err != nil {
		return err
	}
	for _, key := range append(slices.Clone(f.only), f.accept...) {
		if !slices.ContainsFunc(list, func(w service.Wanted) bool { return w.Key == key }) {
			return fmt.Errorf("no document asks for the sound %q; names are like welcome.zh, say/yi4.zh, music/hold-1", key)
		}
	}
	voices, by, err := f.voices(cmd.Context())
	if err != nil {
		return err
	}
	if err = write(cmd.ErrOrStderr(), by); err != nil {
		return err
	}
	counts := map[pack.Action]int{}
	var told error
	begin := time.Now()
	err = pack.Build(cmd.Context(), dir, list, pack.Options{
		Voices: voices, Only: f.only, Accept: f.accept,
		Tell: func(s pack.Step) {
			counts[s.Action]++
			if line := progress(s); line != "" && (!f.quiet || s.Err != nil) && told == nil {
				told = write(cmd.OutOrStdout(), line)
			}
		},
	})
	summary := fmt.Sprintf("%s: %d made by a machine, %d of recordings, %d unchanged, %d removed, %d failed (%.1f s)\n",
		dir, counts[pack.Made], counts[pack.Imported], counts[pack.Kept], counts[pack.Removed], counts[pack.Failed],
		time.Since(begin).Seconds())
	return errors.Join(err, told, write(cmd.ErrOrStderr(), summary))
}

// progress is the line of one sound.
func progress(s pack.Step) string {
	at := fmt.Sprintf("[%*d/%d]", len(fmt.Sprint(s.All)), s.Done, s.All)
	switch s.Action {
	case pack.Made, pack.Imported:
		return fmt.Sprintf("%s %-8s %5.1f s  %s\n", at, s.Action, s.Length.Seconds(), s.File)
	case pack.Removed:
		return fmt.Sprintf("%s %-8s          %s: no document asks for it\n", at, s.Action, s.File)
	case pack.Failed:
		return fmt.Sprintf("%s %-8s          %s: %v\n", at, s.Action, s.File, s.Err)
	case pack.Kept:
	}
	return ""
}

// voices finds the engines, and says which speak.
func (f *buildFlags) voices(ctx context.Context) (map[string]pack.Voice, string, error) {
	name := f.config
	if name == "" {
		name = os.Getenv("TIERLINE_CONFIG")
	}
	if name != "" {
		settings, err := config.File(name)
		if err != nil {
			return nil, "", err
		}
		if len(settings.Speech) > 0 {
			voices, err := pack.Voices(settings.Speech)
			return voices, "speech engines of " + name + "\n", err
		}
	}
	voices := pack.Espeak(ctx)
	if voices == nil {
		return nil, "no speech engine: recordings only (espeak-ng would do: apt install espeak-ng; " +
			"or set speech and give --config)\n", nil
	}
	return voices, "what nobody recorded is spoken by espeak-ng: good enough to try, no voice for a live service\n", nil
}

// reportFlags are those of `tierline prompts report`.
type reportFlags struct{ all, json bool }

func reportCommand() *cobra.Command {
	f := &reportFlags{}
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "Tell what is wrong with the sounds, and which a machine speaks",
		Long: `Tell what is wrong with the sounds of a service directory: missing, unreadable, silent, overdriven, too long,
loud or quiet, of a text that was changed since, not used; and how many are spoken by a machine.
The exit code is 1 if callers would not hear what they should.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	cmd.Flags().BoolVar(&f.all, "all", false, "every sound, not only those with a remark")
	cmd.Flags().BoolVar(&f.json, "json", false, "the same as -o json")
	return cmd
}

func (f *reportFlags) run(cmd *cobra.Command, dir string) error {
	list, err := wanted(cmd, dir, false)
	if err != nil {
		return err
	}
	states, err := pack.Report(dir, list)
	if err != nil {
		return err
	}
	if f.json || cmd.Flag("output").Value.String() == "json" {
		text, err := json.MarshalIndent(wireReport(states), "", "  ")
		if err != nil {
			return fmt.Errorf("encode the report: %w", err)
		}
		err = write(cmd.OutOrStdout(), string(text)+"\n")
		return errors.Join(err, verdict(states))
	}
	return errors.Join(write(cmd.OutOrStdout(), f.text(states)), verdict(states))
}

// verdict is an error if callers would not hear what they should.
func verdict(states []pack.State) error {
	for _, s := range states {
		for _, r := range s.Remarks {
			if r.Bad {
				return cli.ErrReported
			}
		}
	}
	return nil
}

// text writes the remarks and a line for each language.
func (f *reportFlags) text(states []pack.State) string {
	var b strings.Builder
	for _, s := range states {
		var said []string
		for _, r := range s.Remarks {
			if r.Code != "machine" || f.all {
				said = append(said, r.Text)
			}
		}
		if len(said) > 0 || f.all {
			length := "      "
			if s.Figures.Length > 0 {
				length = fmt.Sprintf("%4.1f s", s.Figures.Length.Seconds())
			}
			line := fmt.Sprintf("%s  %-8s  %-32s  %s", length, s.Source, s.File, strings.Join(said, "; "))
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	for _, t := range totals(states) {
		b.WriteString(t.text())
	}
	return b.String()
}

// total counts the sounds of one language.
type total struct {
	language                      string
	wanted, missing, machine, bad int
	length                        time.Duration
}

func (t total) text() string {
	return fmt.Sprintf("%s: %d sounds wanted, %d missing, %d spoken by a machine, %d with a fault; %s of sound\n",
		t.language, t.wanted, t.missing, t.machine, t.bad, t.length.Round(time.Second))
}

func totals(states []pack.State) []total {
	var out []total
	for _, s := range states {
		if !s.Wanted {
			continue
		}
		_, language, ok := strings.Cut(s.Key, ".")
		if !ok {
			language = "music"
		}
		i := slices.IndexFunc(out, func(t total) bool { return t.language == language })
		if i < 0 {
			i, out = len(out), append(out, total{language: language})
		}
		t := &out[i]
		t.wanted++
		t.length += s.Figures.Length
		bad := false
		for _, r := range s.Remarks {
			switch r.Code {
			case "missing":
				t.missing++
			case "machine":
				t.machine++
			}
			bad = bad || r.Bad
		}
		if bad {
			t.bad++
		}
	}
	slices.SortFunc(out, func(a, b total) int { return strings.Compare(a.language, b.language) })
	return out
}

// wireState is one sound in JSON.
type wireState struct {
	Key      string       `json:"key"`
	File     string       `json:"file"`
	Wanted   bool         `json:"wanted"`
	Source   pack.Source  `json:"source,omitempty"`
	Text     string       `json:"text,omitempty"`
	Document string       `json:"document,omitempty"`
	Seconds  float64      `json:"seconds,omitempty"`
	PeakDB   float64      `json:"peak_db,omitempty"`
	LevelDB  float64      `json:"level_db,omitempty"`
	Remarks  []wireRemark `json:"remarks"`
}

type wireRemark struct {
	Code string `json:"code"`
	Bad  bool   `json:"bad"`
	Text string `json:"text"`
}

func wireReport(states []pack.State) []wireState {
	out := make([]wireState, len(states))
	for i, s := range states {
		w := wireState{
			Key: s.Key, File: s.File, Wanted: s.Wanted, Source: s.Source, Text: s.Text, Document: s.Document,
			Remarks: []wireRemark{},
		}
		if f := s.Figures; f.Length > 0 {
			w.Seconds, w.PeakDB, w.LevelDB = f.Length.Seconds(), tenths(f.Peak), tenths(f.Level)
		}
		for _, r := range s.Remarks {
			w.Remarks = append(w.Remarks, wireRemark{r.Code, r.Bad, r.Text})
		}
		out[i] = w
	}
	return out
}

func tenths(v float64) float64 { return float64(int(v*10)) / 10 }
