package ivr

import (
	"slices"
	"time"

	"tierline/routing/hours"
)

// Flow is a checked flow. It is immutable and shared by all calls.
type Flow struct {
	name      string
	languages []string
	start     string
	limits    limits
	nodes     map[string]*step
	order     []string // of the nodes in the file
	prompts   map[string]*promptText
	texts     []PromptText
	vars      variables
	sources   SourceDocs
	calls     []*subflow
	returns   []string // names of results
	others    func(name string) *Flow
	secretive bool // secrets are entered in it
}

// Name returns the flow's name.
func (f *Flow) Name() string { return f.name }

// Languages returns the flow's languages; the first is the default.
func (f *Flow) Languages() []string { return slices.Clone(f.languages) }

// Prompts returns the flow's prompts in the order of the file.
func (f *Flow) Prompts() []PromptText { return f.texts }

// Sources returns the sources that the flow declares, as it declares them.
func (f *Flow) Sources() SourceDocs { return f.sources }

// Calendar tells when something is open. routing/hours has the real one.
type Calendar interface {
	Open(at time.Time) (open bool, why string)
}

// Environment is what a flow may refer to outside of its own file. A nil
// field means that nothing is known of it and references aren't checked; a
// calendar that isn't known is always open.
type Environment struct {
	Queues       []string
	Calendars    map[string]Calendar
	Holidays     map[string][]hours.Exception // by file, for the calendars of flows
	Sources      []string                     // those of the service, beside the flow's own
	Channels     map[string][]string          // the templates that a channel knows; none: any
	Destinations map[string]Destination       // of transfers
	Requirement  func(text string) error      // reads a requirement of a queue node
	FlowNames    []string                     // that can be called

	Length   func(p Prompt) (d time.Duration, ok bool) // of a prompt's audio
	Fragment func(language, id string) bool            // there is a sound for a fragment of a reading

	// Flows finds a flow that another one calls. It is asked when a call gets
	// there, so it may answer for flows that are loaded later than this one.
	Flows func(name string) *Flow
}

// Destination is where callers may be transferred to.
type Destination struct {
	AnyNumber bool // the flow says which number
}

// Caller is who calls, as known when the call arrives.
type Caller struct {
	Call     string // the call's id
	ANI      string // the caller's number
	DNIS     string // the number dialled
	Customer Customer
	Known    bool // the number belongs to a customer
}

// Customer is the caller's profile; empty if he is not known.
type Customer struct {
	ID       string
	Name     string
	Tier     string
	Language string
	Phone    string
}

// limits end what would go on for ever.
type limits struct {
	maxSteps    int
	maxVisits   int
	maxDuration time.Duration
	onExceeded  string
}

// input is how a node collects keys.
type input struct {
	first, inter, total time.Duration
	terminator          rune // 0: none
	attempts            int
	bargeIn, typeAhead  bool
	noInput, invalid    []item
	exhausted           string
}
