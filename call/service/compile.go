package service

import (
	"slices"
	"strings"
	"time"

	"tierline/call/sdp"
	"tierline/ivr"
	"tierline/routing/customer"
	"tierline/routing/document"
	"tierline/routing/hours"
	"tierline/routing/trunk"
)

// Compile makes a bundle ready for calls. All mistakes are reported at once;
// the service is nil if one of them is an error.
func Compile(b *Bundle) (*Service, []document.Problem) {
	c := compile(b)
	if document.HasErrors(c.problems) {
		return nil, c.problems
	}
	return c.service, c.problems
}

// compile reads all documents.
func compile(b *Bundle) *compiler {
	c := &compiler{bundle: b, service: &Service{
		Flows: map[string]*ivr.Flow{}, Calendars: map[string]*hours.Calendar{},
		accounts: map[string]account{}, trunkAccounts: map[string]account{},
		features: map[string]Feature{}, sounds: b.Prompts,
		sources: map[string]ivr.Source{}, channels: map[string]ivr.Channel{},
		Customers: &customer.Directory{}, Destinations: map[string]Destination{}, hours: map[string]*hours.Calendar{},
		recorded: map[string]RecordFrom{}, reminders: map[string]time.Duration{}, srtp: map[string]sdp.Policy{},
		autoAnswer: map[string]AutoAnswer{}, greetings: map[string]Greeting{},
		peers: map[string]Peer{}, dials: usualDialling(), dialling: map[string]trunk.Limits{},
		dialled: dialled{own: map[string][]string{}, extensions: map[string]string{}},
	}, dialled: map[string]bool{}}
	c.skills()
	c.tiers()
	c.trunks()
	c.transfers()
	c.readHolidays()
	c.calendars()
	c.features()
	c.queues()
	c.agents()
	c.checkServed()
	c.sources()
	c.flows()
	c.channels()
	c.numbers()
	c.customers()
	c.checkSounds()
	document.Sort(c.problems)
	return c
}

// compiler collects a service and its problems.
type compiler struct {
	bundle   *Bundle
	service  *Service
	problems []document.Problem

	skillNames   []string
	featureNames []string // prompts of features.yaml
	trunkNames   []string
	queueList    []queue
	texts        map[string]spokenText // of prompts, by id and language
	speakers     []speaker             // who needs which prompt, for missing audio
	dialled      map[string]bool       // flows that a number leads to

	holidays    map[string][]hours.Exception // by file
	sourceTable *ivr.Sources
	sourcesDoc  sourcesDoc
}

// read decodes one document into dst and returns where its problems go; nil
// if there is no such document or nothing in it can be used.
func (c *compiler) read(name string, dst any) *document.Problems {
	p := document.NewProblems(name)
	data, ok := c.bundle.File(name)
	if !ok {
		if documents()[name] {
			p.Errorf(document.Pos{Line: 1, Col: 1}, "the document %s is missing", name)
			c.add(p)
		}
		return nil
	}
	root := document.Parse(data, p)
	if root == nil {
		c.add(p)
		return nil
	}
	document.Decode(root, dst, name, p)
	return p
}

func (c *compiler) add(p *document.Problems) { c.problems = append(c.problems, p.List()...) }

// customers reads the directory. Telephone numbers take the form in which
// calls from the public network come in.
func (c *compiler) customers() {
	data, ok := c.bundle.File(customersFile)
	if !ok {
		return
	}
	d, problems := customer.Load(customersFile, data, trunk.Numbering{}.Normalise)
	c.problems = append(c.problems, problems...)
	if d != nil {
		c.service.Customers = d
	}
}

// isName tells whether a name can stand in logs, paths and metrics.
func isName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
	return s != "" && len(s) <= 64 && strings.Trim(s, letters) == ""
}

// checkName reports a name that isn't one.
func checkName(p *document.Problems, name document.Value[string], what string) {
	if !isName(name.V) {
		p.Errorf(name.Pos, "%q can't be the name of %s: letters, digits, . - and _ only", name.V, what)
	}
}

// reference reports a name that isn't among the known ones; nil means that
// their document can't be read, which is a mistake of its own.
func reference(p *document.Problems, name document.Value[string], known []string, what string) bool {
	if !name.Given || known == nil || slices.Contains(known, name.V) {
		return name.Given
	}
	p.Errorf(name.Pos, "%s %q does not exist%s", what, name.V, document.DidYouMean(name.V, known))
	return false
}

// titles is a text in several languages.
type titles = document.Entries[document.Value[string]]
