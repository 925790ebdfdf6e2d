package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tierline/call/service"
	"tierline/cmd/internal/console/wire"
	"tierline/routing/document"
)

// author names who publishes: the login, if the system tells.
func author() string {
	if user := os.Getenv("USER"); user != "" {
		return user
	}
	return "cli"
}

// read checks a directory with all its mistakes.
func read(dir string) (*service.Bundle, []document.Problem) {
	bundle, problems := service.ReadDir(dir, nil)
	if len(bundle.Files) == 0 && document.HasErrors(problems) {
		return bundle, problems // what is missing follows from it
	}
	_, more := service.Compile(bundle)
	all := append(slices.Clone(problems), more...)
	document.Sort(all)
	return bundle, slices.Compact(all)
}

func checkCommand(o *options) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check DIR",
		Short: "Name every mistake in a service directory",
		Long: `Name every mistake in a service directory as file:line:col: error|warning: text.
The exit code is 1 if there is an error; warnings alone give 0.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			bundle, problems := read(args[0])
			out := *o
			if asJSON {
				out.output = "json"
			}
			if err := out.show(cmd, wireMistakes(problems), func() string { return lines(args[0], problems) }); err != nil {
				return err
			}
			if err := say(cmd.ErrOrStderr(), summary(args[0], bundle, problems)); err != nil {
				return err
			}
			if document.HasErrors(problems) {
				return ErrReported
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "the same as -o json")
	return cmd
}

func wireMistakes(problems []document.Problem) []wire.Mistake {
	out := make([]wire.Mistake, len(problems))
	for i, p := range problems {
		out[i] = wire.Mistake{File: p.File, Line: p.Line, Col: p.Col, Severity: p.Severity.String(), Text: p.Text}
	}
	return out
}

// lines writes problems with paths that an editor can open.
func lines(dir string, problems []document.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		p.File = filepath.Join(dir, filepath.FromSlash(p.File))
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

func summary(dir string, bundle *service.Bundle, problems []document.Problem) string {
	wrong, odd := 0, 0
	for _, p := range problems {
		if p.Severity == document.Error {
			wrong++
		} else {
			odd++
		}
	}
	verdict := "no mistakes"
	if wrong > 0 {
		verdict = count(wrong, "error", "errors")
	}
	if odd > 0 {
		verdict += ", " + count(odd, "warning", "warnings")
	}
	return fmt.Sprintf("%s: %s in %s and %s\n", dir, verdict,
		count(len(bundle.Files), "document", "documents"), count(len(bundle.Prompts), "sound", "sounds"))
}

// good reads a directory that is to be published; mistakes end the command.
func good(cmd *cobra.Command, dir string) (*service.Bundle, error) {
	bundle, problems := read(dir)
	if !document.HasErrors(problems) {
		return bundle, nil
	}
	text := lines(dir, problems) + summary(dir, bundle, problems) + "nothing was changed\n"
	return nil, errors.Join(ErrReported, say(cmd.ErrOrStderr(), text))
}

func planCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "plan DIR",
		Short: "Say what publishing a service directory would change",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			bundle, err := good(cmd, args[0])
			if err != nil {
				return err
			}
			plan, err := o.plan(cmd.Context(), bundle.Encode())
			if err != nil {
				return err
			}
			return o.show(cmd, plan, func() string { return planText(plan) })
		},
	}
}

func (o *options) plan(ctx context.Context, data []byte) (wire.Publication, error) {
	var plan wire.Publication
	err := o.call(ctx, request{
		method: http.MethodPost, path: "/api/v1/generations", query: url.Values{"dry_run": {"true"}},
		body: data, contentType: "application/octet-stream",
	}, &plan)
	return plan, detailed(err)
}

// detailed writes out what a node found wrong in documents: it may be of
// another release than this command.
func detailed(err error) error {
	var p *wire.ProblemError
	if !errors.As(err, &p) || len(p.Mistake) == 0 {
		return err
	}
	text := []string{"the node refuses the documents, nothing was changed: " + p.Detail}
	for _, m := range p.Mistake {
		text = append(text, fmt.Sprintf("%s:%d:%d: %s: %s", m.File, m.Line, m.Col, m.Severity, m.Text))
	}
	return errors.New(strings.Join(text, "\n"))
}

func planText(p wire.Publication) string {
	if p.Unchanged {
		return fmt.Sprintf("nothing to do: generation %d has these documents\n", p.Current)
	}
	var b strings.Builder
	if p.Current == 0 {
		b.WriteString("no documents are published yet; this would be the first generation\n")
	} else {
		fmt.Fprintf(&b, "against generation %d:\n", p.Current)
	}
	writeChanges(&b, p.Changes)
	writeFlows(&b, p.Flows)
	if n := len(p.Missing); n > 0 {
		fmt.Fprintf(&b, "%s to be sent\n", count(n, "sound", "sounds"))
	}
	if p.Staying > 0 {
		fmt.Fprintf(&b, "%s would finish on the documents they began on\n", count(p.Staying, "call", "calls"))
	}
	return b.String()
}

func writeChanges(b *strings.Builder, changes []string) {
	for _, c := range changes {
		b.WriteString("  " + c + "\n")
	}
	b.WriteString(count(len(changes), "change", "changes") + "\n")
}

// writeFlows says what becomes of the callers who are in flows that change.
func writeFlows(b *strings.Builder, flows []wire.Flow) {
	for _, f := range flows {
		var parts []string
		for _, x := range []struct {
			n    int
			what string
		}{{len(f.Changed), "changed"}, {len(f.Added), "added"}, {len(f.Removed), "removed"}} {
			if x.n > 0 {
				parts = append(parts, count(x.n, "node", "nodes")+" "+x.what)
			}
		}
		switch {
		case f.New:
			continue // nobody is in it
		case f.Gone:
			parts = []string{"removed"}
		case len(parts) == 0:
			parts = []string{"no nodes changed"}
		}
		stay := count(f.Calls, "call stays", "calls stay")
		fmt.Fprintf(b, "flow %s: %s; %s on the old version\n", f.Flow, strings.Join(parts, ", "), stay)
	}
}

func applyCommand(o *options) *cobra.Command {
	var by, note string
	cmd := &cobra.Command{
		Use:   "apply DIR",
		Short: "Publish a service directory as the new generation",
		Long: `Publish a service directory as the new generation. New calls use it at once, running calls
finish on the documents they began on. Documents with a mistake change nothing.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			bundle, err := good(cmd, args[0])
			if err != nil {
				return err
			}
			done, err := o.apply(cmd.Context(), args[0], bundle, by, note)
			if err != nil {
				return err
			}
			return o.show(cmd, done, func() string { return doneText(done) })
		},
	}
	cmd.Flags().StringVar(&by, "by", author(), "who publishes")
	cmd.Flags().StringVar(&note, "note", "", "why, for the list of generations")
	return cmd
}

// apply sends the sounds that the node lacks, then the documents. What it
// compared with must still be current then.
func (o *options) apply(
	ctx context.Context, dir string, bundle *service.Bundle, by, note string,
) (wire.Publication, error) {
	data := bundle.Encode()
	plan, err := o.plan(ctx, data)
	if err != nil || plan.Unchanged {
		return plan, err
	}
	for name, sha := range bundle.Prompts {
		if slices.Contains(plan.Missing, sha) {
			if err = o.sendSound(ctx, filepath.Join(dir, filepath.FromSlash(service.SoundFile(name))), sha); err != nil {
				return plan, err
			}
		}
	}
	var done wire.Publication
	err = o.call(ctx, request{
		method: http.MethodPost, path: "/api/v1/generations", body: data, contentType: "application/octet-stream",
		query: url.Values{"by": {by}, "note": {note}, "base": {strconv.FormatUint(plan.Current, 10)}},
	}, &done)
	return done, detailed(err)
}

func (o *options) sendSound(ctx context.Context, file, sha string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read a sound: %w", err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != sha {
		return fmt.Errorf("%s was changed meanwhile: try again", file)
	}
	err = o.call(ctx, request{
		method: http.MethodPut, path: "/api/v1/prompts/" + sha, body: data, contentType: "audio/wav",
	}, nil)
	if err != nil {
		return fmt.Errorf("send %s: %w", file, err)
	}
	return nil
}

func doneText(p wire.Publication) string {
	if !p.Applied {
		return planText(p)
	}
	var b strings.Builder
	writeChanges(&b, p.Changes)
	fmt.Fprintf(&b, "generation %d is current", p.Generation)
	if p.Staying > 0 {
		fmt.Fprintf(&b, "; %s on the documents they began on", count(p.Staying, "call finishes", "calls finish"))
	}
	return b.String() + "\n"
}

func rollbackCommand(o *options) *cobra.Command {
	var to uint64
	var by, note string
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Return to earlier documents",
		Long: `Publish the documents of an earlier generation again, as a new one: by default the newest
that differs from the current one. ` + "`tierline generations`" + ` lists what there is.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var done wire.Publication
			err := o.post(cmd.Context(), "/api/v1/generations/rollback", wire.Rollback{To: to, By: by, Note: note}, &done)
			if err != nil {
				return detailed(err)
			}
			return o.show(cmd, done, func() string { return doneText(done) })
		},
	}
	cmd.Flags().Uint64Var(&to, "to", 0, "generation to return to")
	cmd.Flags().StringVar(&by, "by", author(), "who asks")
	cmd.Flags().StringVar(&note, "note", "", "why, for the list of generations")
	return cmd
}

func generationsCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "generations", Short: "Published generations of service documents", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list wire.Generations
			if err := o.get(cmd.Context(), "/api/v1/generations", nil, &list); err != nil {
				return err
			}
			return o.show(cmd, list, func() string {
				t := newTable("GENERATION", "PUBLISHED", "BY", "CALLS", "NOTE")
				for _, g := range list.Generations {
					number := strconv.FormatUint(g.Generation, 10)
					if g.Current {
						number += " (current)"
					}
					t.add(number, o.clock(g.Published.Std()), or(g.By), strconv.Itoa(g.Calls), or(g.Note))
				}
				return t.text("no generations: publish service documents with `tierline apply DIR`")
			})
		},
	}
}
