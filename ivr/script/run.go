package script

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tierline/ivr"       //nolint:depguard // scripts are about flows
	"tierline/ivr/trial" //nolint:depguard // scripts are about flows
)

// Bounds of one test.
const (
	patience  = 5 * time.Minute // of virtual time for something to be heard
	maxEvents = 100_000
)

// Surroundings are what a script's flow runs in.
type Surroundings struct {
	Flow *ivr.Flow
	// Length tells how long a prompt lasts; nil: by its text.
	Length func(p ivr.Prompt) (time.Duration, bool)
	// Customer tells who calls with a number, if the script doesn't say.
	Customer func(number string) (ivr.Customer, bool)
}

// Result is what became of a test.
type Result struct {
	Name    string   `json:"name"`
	Line    int      `json:"line"`
	OK      bool     `json:"ok"`
	Lasted  float64  `json:"lasted_s"` // of virtual time
	Failure *Failure `json:"failure,omitempty"`

	Timeline []string `json:"timeline"`
}

// Failure says which step failed and what was instead.
type Failure struct {
	Line     int      `json:"line"`
	Col      int      `json:"col"`
	Step     string   `json:"step"`
	Text     string   `json:"text"`
	Want     string   `json:"want,omitempty"`
	Got      string   `json:"got,omitempty"`
	Heard    []string `json:"heard"` // since the caller last did something
	Timeline []string `json:"-"`
}

// call is a test that runs.
type call struct {
	script *Script
	test   *Test
	trial  *trial.Trial
	tunes  map[string]string // id of music to its name in the flow
	heard  int               // sounds that steps have dealt with
	events int
	lines  []string // the timeline so far
	fault  *Failure
	hungUp bool
}

// Run runs a test and counts what it walks.
func (s *Script) Run(test *Test, in Surroundings, walked *Walked) Result {
	c := &call{script: s, test: test, tunes: map[string]string{}}
	for _, p := range in.Flow.Prompts() {
		if p.File != "" {
			c.tunes[strings.TrimSuffix(p.File, ".wav")] = p.ID
		}
	}
	w := s.World(in.Flow, test)
	missing := ""
	w.Missing = func(l ivr.Lookup) (ivr.LookedUp, time.Duration) {
		missing = trial.Asked(l.Request)
		return ivr.LookedUp{Status: ivr.LookupError, Err: "no mock"}, 0
	}
	caller := test.caller
	if !test.known && in.Customer != nil {
		caller.Customer, caller.Known = in.Customer(caller.ANI)
	}
	c.trial = trial.Start(in.Flow, caller, test.at, Lengths(in.Flow, in.Length), w)
	for i := range test.steps {
		st := &test.steps[i]
		f := c.settle()
		if f == nil && missing == "" {
			f = c.run(st)
		}
		if f == nil {
			f = c.settle()
		}
		if missing != "" {
			f = &Failure{Text: "no mock answers", Got: missing}
		}
		if f == nil {
			continue
		}
		c.fail(st, f)
		break
	}
	c.lines = append(c.lines, c.trial.Take()...)
	walked.add(c)
	return Result{
		Name: test.Name, Line: test.Pos.Line, OK: c.fault == nil, Lasted: c.trial.Now().Seconds(), Failure: c.fault,
		Timeline: c.lines,
	}
}

// settle lets happen what happens at once.
func (c *call) settle() *Failure {
	for c.trial.Advance(0) {
		if f := c.count(); f != nil {
			return f
		}
	}
	if err := c.trial.Check(); err != nil {
		return &Failure{Text: err.Error()}
	}
	return nil
}

func (c *call) count() *Failure {
	c.lines = append(c.lines, c.trial.Take()...)
	if c.events++; c.events > maxEvents {
		return &Failure{Text: fmt.Sprintf("more than %d things happened", maxEvents)}
	}
	return nil
}

func (c *call) fail(st *step, f *Failure) {
	f.Line, f.Col, f.Step = st.pos.Line, st.pos.Col, st.text
	c.lines = append(c.lines, c.trial.Take()...)
	f.Timeline, f.Heard = c.lines, []string{}
	for _, s := range c.trial.Sounds()[min(c.heard, len(c.trial.Sounds())):] {
		if wasHeard(s) {
			f.Heard = append(f.Heard, c.spelled(s))
		}
	}
	c.fault = f
}

// run does one step; the failure says what was instead.
func (c *call) run(st *step) *Failure {
	if st.do != doHear && st.do != doSay && st.do != doExpect {
		c.lines = append(c.lines, c.trial.Take()...)
		c.lines = append(c.lines, fmt.Sprintf("%v > %s", c.trial.Now().Round(time.Millisecond), st.text))
	}
	if over, _ := c.trial.Ended(); over && st.do != doExpect && st.do != doHear && st.do != doSay {
		return &Failure{Text: "the call is over"}
	}
	switch st.do {
	case doHear, doSay:
		return c.listen(st)
	case doExpect:
		return c.expect(st)
	case doPress, doHangUp, doAgentAnswers, doAgentLeaves, doFarEndLeaves, doQueueLeaves:
		return c.act(st)
	case doSilence:
		return c.wait(st.long)
	case doRecord:
		return c.talk(st.long)
	}
	return c.count()
}

// act does what takes no time.
func (c *call) act(st *step) *Failure {
	var text string
	switch st.do {
	case doPress:
		c.trial.Press(st.keys)
	case doHangUp:
		c.hungUp = true
		c.trial.HangUp()
	case doAgentAnswers:
		if text = "the call waits in no queue"; c.trial.Queued() {
			text = ""
			c.trial.Answer()
		}
	case doQueueLeaves:
		if text = "the call waits in no queue"; c.trial.Queued() {
			text = ""
			c.trial.Leave(st.cause)
		}
	case doAgentLeaves:
		if text = "the caller talks to nobody"; c.trial.Talking() {
			text = ""
			c.trial.AgentLeaves()
		}
	case doFarEndLeaves:
		if text = "the caller talks to nobody"; c.trial.Talking() {
			text = ""
			c.trial.FarEndLeaves()
		}
	case doHear, doSay, doSilence, doRecord, doExpect: // run does these
	}
	if text != "" {
		return &Failure{Text: text, Got: c.state()}
	}
	c.forget()
	return c.count()
}

// talk waits for a recording and speaks into it.
func (c *call) talk(d time.Duration) *Failure {
	since := c.trial.Now()
	for !c.trial.Recording() {
		if c.trial.Turn() || c.trial.Talking() || !c.trial.Advance(patience-(c.trial.Now()-since)) {
			return &Failure{Text: "nobody records the caller here", Got: c.state()}
		}
		if f := c.count(); f != nil {
			return f
		}
	}
	c.forget()
	c.trial.Talk(d)
	return c.count()
}

// forget drops what was heard before the caller did something.
func (c *call) forget() {
	c.heard = len(c.trial.Sounds())
	for c.heard > 0 && !c.trial.Sounds()[c.heard-1].Over {
		c.heard-- // what begins at once is the answer
	}
}

// wait lets time pass, thing by thing, so that a flow can't keep it busy for
// ever.
func (c *call) wait(d time.Duration) *Failure {
	end := c.trial.Now() + d
	for c.trial.Advance(end - c.trial.Now()) {
		if f := c.count(); f != nil {
			return f
		}
	}
	c.trial.Wait(end - c.trial.Now())
	return c.count()
}

// listen waits until the words are heard, one right after another. The
// caller's patience isn't touched: what needs him doesn't come by itself.
func (c *call) listen(st *step) *Failure {
	since := c.trial.Now()
	for {
		if at, ok := c.find(st); ok {
			c.heard = at
			return nil
		}
		why := ""
		over, _ := c.trial.Ended()
		switch {
		case over:
			why = "the call is over"
		case c.trial.Talking():
			why = "the caller talks to somebody"
		case c.trial.Turn():
			why = "the flow waits for the caller at " + c.trial.Node()
		case !c.trial.Advance(patience - (c.trial.Now() - since)):
			why = fmt.Sprintf("nothing of it within %v", patience)
		}
		if why != "" {
			return &Failure{Text: "not heard: " + why, Want: strings.Join(st.words, ", "), Got: c.heardText()}
		}
		if f := c.count(); f != nil {
			return f
		}
	}
}

// find looks for the words among the sounds that no step has dealt with, and
// returns the place behind them.
func (c *call) find(st *step) (int, bool) {
	var at []int
	sounds := c.trial.Sounds()
	for i := min(c.heard, len(sounds)); i < len(sounds); i++ {
		if wasHeard(sounds[i]) {
			at = append(at, i)
		}
	}
	for i := 0; i+len(st.words) <= len(at); i++ {
		same := true
		for j, word := range st.words {
			same = same && c.matches(st.do, word, sounds[at[i+j]])
		}
		if same {
			return at[i+len(st.words)-1] + 1, true
		}
	}
	return 0, false
}

// wasHeard leaves out what was stopped the moment it began.
func wasHeard(s trial.Sound) bool { return !s.Over || s.Played > 0 }

func (c *call) matches(do action, word string, s trial.Sound) bool {
	p := s.Prompt
	if do == doSay {
		said := p.Text
		if p.Reading != nil {
			said = p.Reading.Text
		}
		return said != "" && squeeze(said) == squeeze(word)
	}
	id, language, _ := strings.Cut(word, ".")
	return p.Reading == nil && (p.ID == id || c.tunes[p.ID] == id || p.ID == word) &&
		(language == "" || language == p.Language)
}

func squeeze(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

func (c *call) spelled(s trial.Sound) string {
	p := s.Prompt
	name := cmp.Or(c.tunes[p.ID], p.ID, p.Recording)
	switch {
	case p.Reading != nil:
		name = fmt.Sprintf("%q", p.Reading.Text)
	case p.Text != "":
		name = fmt.Sprintf("%q", p.Text)
	}
	if s.Cut {
		name += " (cut off)"
	}
	return name
}

func (c *call) heardText() string {
	var list []string
	for _, s := range c.trial.Sounds()[min(c.heard, len(c.trial.Sounds())):] {
		if wasHeard(s) {
			list = append(list, c.spelled(s))
		}
	}
	const most = 12
	if len(list) > most {
		list = append([]string{"…"}, list[len(list)-most:]...)
	}
	return cmp.Or(strings.Join(list, ", "), "nothing")
}

// expect waits until all is as wanted; the caller's patience isn't touched.
func (c *call) expect(st *step) *Failure {
	since := c.trial.Now()
	for {
		i := slices.IndexFunc(st.expect.list, func(w want) bool { _, ok := w.is(c); return !ok })
		if i < 0 {
			return nil
		}
		busy := !c.trial.Turn() && !c.trial.Queued() && !c.trial.Talking()
		if !busy || !c.trial.Advance(patience-(c.trial.Now()-since)) {
			w := st.expect.list[i]
			got, _ := w.is(c)
			return &Failure{Text: "expected " + w.name, Want: w.text, Got: got}
		}
		if f := c.count(); f != nil {
			return f
		}
	}
}

// queue returns the queue that the call waits in, or waited in last.
func (c *call) queue() (ivr.Enqueue, bool) {
	list := c.trial.Questions()
	for _, one := range slices.Backward(list) {
		if q, ok := one.Ask.(ivr.Enqueue); ok {
			return q, c.trial.Queued() || c.trial.Talking()
		}
	}
	return ivr.Enqueue{}, false
}

// end tells where and why the call ended.
func (c *call) end() (node, cause string, over bool) {
	over, cause = c.trial.Ended()
	if c.hungUp && cause == "" {
		cause = "caller"
	}
	return c.trial.Node(), cause, over
}

// state says in words where the call is.
func (c *call) state() string {
	over, cause := c.trial.Ended()
	switch {
	case over:
		return "the call is over " + cause
	case c.trial.Talking():
		return "the caller talks to somebody"
	case c.trial.Queued():
		return "the call waits in a queue"
	}
	return "the call is at node " + c.trial.Node()
}
