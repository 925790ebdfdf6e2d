package flow

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tierline/ivr"
	"tierline/ivr/trial"
	"tierline/routing/document"
)

// dialogue is `try` on a terminal, or in a pipe.
type dialogue struct {
	out      io.Writer
	err      error // of writing
	lines    chan string
	terminal bool
	asked    bool          // the prompt stands there
	lost     time.Duration // time that stood still while the user was asked

	flow  *ivr.Flow
	call  *trial.Trial
	texts map[string]string // of prompts, by id and language
	tunes map[string]string
	kinds map[string]string // of nodes
	shown int               // order of what was shown last
	ended bool
}

func newDialogue(out io.Writer, in io.Reader, f *ivr.Flow) *dialogue {
	d := &dialogue{
		out: out, flow: f, lines: make(chan string), terminal: interactive(in),
		texts: map[string]string{}, tunes: map[string]string{}, kinds: map[string]string{},
	}
	for _, p := range f.Prompts() {
		if p.File != "" {
			d.tunes[strings.TrimSuffix(p.File, ".wav")] = p.ID
		}
		for _, t := range p.Texts {
			d.texts[p.ID+"."+t.Language] = t.Text
		}
	}
	for _, n := range f.Nodes() {
		d.kinds[n.ID] = n.Type
	}
	go func() { // ends with the input, or with the command
		defer close(d.lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			d.lines <- s.Text()
		}
	}()
	return d
}

func (d *dialogue) printf(format string, args ...any) {
	if d.asked {
		d.asked = false
		if d.terminal {
			format = "\r" + format // over the "> " that waits
		}
	}
	if _, err := fmt.Fprintf(d.out, format, args...); err != nil && d.err == nil {
		d.err = err
	}
}

func (d *dialogue) begin(c ivr.Caller, at time.Time) {
	who := cmp.Or(c.ANI, "an unknown number")
	if c.Known {
		who += ", " + strings.TrimSpace(c.Customer.Name+" "+c.Customer.Tier)
	}
	d.printf("%s: a call from %s on %s\n", d.flow.Name(), who, at.Format("Mon 2006-01-02 15:04"))
	d.printf("Digits are keys, an empty line is silence, ? is help.\n")
}

func (d *dialogue) close() {
	if d.asked && d.terminal {
		d.printf("\n")
	}
}

// prompt shows that a line is wanted.
func (d *dialogue) prompt() {
	if !d.asked && d.terminal {
		d.printf("> ")
		d.asked = true
	}
}

// read waits for a line.
func (d *dialogue) read(ctx context.Context) (string, bool) {
	d.prompt()
	select {
	case <-ctx.Done():
		return "", false
	case line, ok := <-d.lines:
		if ok {
			d.echo(line)
		}
		return line, ok
	}
}

// echo makes the output of a pipe readable.
func (d *dialogue) echo(line string) {
	d.asked = false
	if !d.terminal {
		d.printf("> %s\n", line)
	}
}

// advance lets happen what needs nobody: until it is the caller's turn, he
// waits in a queue, or talks.
func (d *dialogue) advance() {
	const most = 10_000
	for range most {
		d.show()
		waits := d.call.Turn() || d.call.Talking()
		if d.over() || d.call.Queued() && d.call.Music() || waits && !d.call.Immediate() || !d.call.Advance(time.Hour) {
			break
		}
	}
	d.show()
}

// silence lets time pass until something happens that can be seen.
func (d *dialogue) silence() {
	const most = 10_000
	before := d.shown
	for range most {
		if !d.call.Advance(24 * time.Hour) {
			break
		}
		if d.show(); d.shown != before {
			return
		}
	}
	if !d.over() {
		d.printf("         (nothing happens)\n")
	}
}

func (d *dialogue) over() bool {
	over, _ := d.call.Ended()
	return over || d.err != nil
}

// event is one thing to show.
type event struct {
	order int
	at    time.Duration
	text  string
}

// show prints what happened since it was called last.
func (d *dialogue) show() {
	var list []event
	for _, s := range d.call.Steps() {
		list = append(list, event{s.Order, s.At, d.step(s)})
	}
	for _, s := range d.call.Sounds() {
		list = append(list, event{s.Order, s.At, d.sound(s)})
	}
	for _, q := range d.call.Questions() {
		list = append(list, event{q.Order, q.At, d.question(q.Ask)})
	}
	slices.SortFunc(list, func(a, b event) int { return cmp.Compare(a.order, b.order) })
	for _, e := range list {
		if e.order > d.shown {
			d.shown = e.order
			if e.text != "" {
				d.printf("%7.1fs  %s\n", e.at.Seconds(), e.text)
			}
		}
	}
	if over, cause := d.call.Ended(); over && !d.ended {
		d.ended = true
		d.printf("%7.1fs  the call is over: %s\n", d.call.Now().Seconds(), cmp.Or(cause, "the caller hung up"))
	}
}

func (d *dialogue) step(s trial.Step) string {
	text := "[" + s.Note.Step + "] " + d.kinds[s.Note.Step]
	if s.Note.Milestone != "" {
		text += ", milestone " + s.Note.Milestone
	}
	if s.Note.Outcome != "" && s.Note.Outcome != "next" && s.Note.Outcome != "key" {
		text = s.Note.Outcome + " -> " + text
	}
	return text
}

func (d *dialogue) sound(s trial.Sound) string {
	p := s.Prompt
	text, ok := d.texts[p.ID+"."+p.Language]
	switch {
	case p.Reading != nil:
		text = p.Reading.Text
	case p.Text != "":
		text = p.Text
	case p.Recording != "":
		text = "(" + p.Recording + ")"
	case d.tunes[p.ID] != "":
		text = "♪ " + d.tunes[p.ID]
	case !ok:
		text = "(" + p.ID + ")"
	}
	return "  “" + text + "”"
}

func (d *dialogue) question(a ivr.Action) string {
	switch a := a.(type) {
	case ivr.Enqueue:
		parts := []string{"  waits in queue", a.Queue}
		for _, x := range a.Attach {
			parts = append(parts, fmt.Sprintf("%s=%q", x.Name, x.Value))
		}
		return strings.Join(parts, " ")
	case ivr.Lookup:
		return "  asks " + a.Source + ": " + trial.Asked(a.Request)
	case ivr.Notify:
		return fmt.Sprintf("  sends %s to %s: %s", a.Channel, a.To, a.Template)
	case ivr.RequestCallback:
		return fmt.Sprintf("  asks for a call-back of %s in queue %s", a.Number, a.Queue)
	case ivr.Transfer:
		return "  transfers to " + strings.TrimSpace(a.To+" "+a.Number)
	case ivr.Record:
		return "  records (type: talk 5s)"
	case ivr.Answer:
		return fmt.Sprintf("  answer to %s: %s", a.Question, a.Value)
	case ivr.TryAuth:
		return "  checks the secret (" + a.Policy + ")"
	case ivr.KeepRecording:
		return "  keeps " + a.Ref
	case ivr.DropRecording:
		return "  drops " + a.Ref
	case ivr.Trouble:
		return "  trouble: " + a.Text
	case ivr.CancelLookup, ivr.Unqueue, ivr.AuthResult, ivr.AskPlace, ivr.StopRecording, ivr.Speak, ivr.StopSpeaking,
		ivr.SetTimer, ivr.CancelTimer, ivr.PlayMusic, ivr.Note, ivr.Disconnect:
	}
	return ""
}

// ask lets the user answer a lookup.
func (d *dialogue) ask(ctx context.Context, l ivr.Lookup) (ivr.LookedUp, time.Duration) {
	since := time.Now()
	defer func() { d.lost += time.Since(since) }()
	d.show()
	for {
		for _, f := range l.Request.Body {
			d.printf("           %s: %v\n", f.Name, shownValue(l.Request.Secret, f.Value))
		}
		d.printf("         the answer? JSON, 404, 401, error; with a delay: 2s {…}\n")
		line, ok := d.read(ctx)
		if !ok {
			return ivr.LookedUp{Status: ivr.LookupError, Err: "no answer"}, 0
		}
		if in, after, err := parseAnswer(line); err == nil {
			return in, after
		} else {
			d.printf("         %v\n", err)
		}
	}
}

func shownValue(secret bool, v any) any {
	if secret {
		return "…"
	}
	return v
}

// parseAnswer reads an answer: an optional delay, then a status, "error" or a
// JSON object.
func parseAnswer(line string) (ivr.LookedUp, time.Duration, error) {
	line = strings.TrimSpace(line)
	var after time.Duration
	if first, rest, _ := strings.Cut(line, " "); strings.HasSuffix(first, "s") {
		if d, err := document.ParseDuration(first); err == nil {
			after, line = d, strings.TrimSpace(rest)
		}
	}
	switch line {
	case "404":
		return ivr.LookedUp{Status: ivr.LookupNotFound}, after, nil
	case "401", "403":
		return ivr.LookedUp{Status: ivr.LookupRefused}, after, nil
	case "error", "timeout":
		return ivr.LookedUp{Status: ivr.LookupError, Err: line}, after, nil
	case "", "200", "ok":
		return ivr.LookedUp{Status: ivr.LookupOK}, after, nil
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(line), &object); err != nil {
		return ivr.LookedUp{}, 0, fmt.Errorf("that is no JSON object: %w", err)
	}
	return ivr.LookedUp{Status: ivr.LookupOK, Body: []byte(line)}, after, nil
}
