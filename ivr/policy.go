package ivr

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"tierline/routing/document"
)

// policy says who may hear private data: whose secret is asked for, who checks
// it, and how often it may be wrong.
type policy struct {
	name       string
	from       *expression // the account, if it is known
	askAccount *question   // nil: without an account nobody is asked
	askSecret  question
	into       string // the secret variable
	verify     request
	wait       comfort
	tries      int // in this call
	key        *expression
	max        int // failures until the account is locked, across calls
	window     time.Duration
}

type policyDoc struct {
	Account struct {
		From document.Value[string] `doc:"from,required"`
		Ask  items                  `doc:"ask,nonempty"`
		Min  document.Value[int]    `doc:"min,min=1,max=32"`
		Max  document.Value[int]    `doc:"max,min=1,max=32"`
	} `doc:"account,required"`
	Secret struct {
		lengthDoc
		Ask  items                  `doc:"ask,required,nonempty"`
		Into document.Value[string] `doc:"into,required"`
	} `doc:"secret,required"`
	Verify struct {
		Source  document.Value[string] `doc:"source,required"`
		Request requestDoc             `doc:"request,required"`
		Wait    items                  `doc:"wait,nonempty"`
	} `doc:"verify,required"`
	Tries   document.Value[int] `doc:"tries,min=1,max=10"`
	Lockout struct {
		Key    document.Value[string]        `doc:"key,nonempty"`
		Max    document.Value[int]           `doc:"max,min=1,max=100"`
		Window document.Value[time.Duration] `doc:"window,min=1m,max=720h"`
	} `doc:"lockout"`
}

// readPolicies reads the auth section.
func (b *builder) readPolicies() {
	b.auth = map[string]*policy{}
	for _, e := range b.doc.Auth {
		n := b.node.Get("auth").Get(e.Key.V)
		b.auth[e.Key.V] = b.readPolicy(e.Key.V, e.Value, n)
	}
}

func (b *builder) readPolicy(name string, d policyDoc, n *document.Node) *policy {
	p := &policy{
		name: name, from: b.compile(d.Account.From, reflect.String), tries: d.Tries.Or(3),
		max: d.Lockout.Max.Or(5), window: d.Lockout.Window.Or(24 * time.Hour), wait: b.readComfort(d.Verify.Wait),
	}
	if d.Account.Ask != nil {
		keys := digits{min: d.Account.Min.Or(1), max: d.Account.Max.Or(32)}
		if keys.min > keys.max {
			b.p.Errorf(d.Account.Max.Pos, "max is less than min")
		}
		p.askAccount = &question{input: b.input, prompt: b.readItems(d.Account.Ask), keys: keys, asked: true}
	}
	p.askSecret = question{
		input: b.input, prompt: b.readItems(d.Secret.Ask), keys: b.readLength(d.Secret.lengthDoc), secret: true,
	}
	if x := b.readInto(d.Secret.Into); x != nil {
		p.into = x.name
		b.secretive = true
		if !x.secret || x.kind != reflect.String {
			b.p.Errorf(d.Secret.Into.Pos, "%q must be a text that is secret: {type: string, secret: true}", x.name)
		}
	}
	p.verify = b.readRequest(d.Verify.Source, d.Verify.Request, n.Get("verify").Get("request"))
	key := d.Lockout.Key
	if !key.Given {
		key = document.Value[string]{Pos: n.Owner, V: "auth.account", Given: true}
	}
	e, reads := b.compileReads(key, reflect.String)
	b.noSecret(key, reads, "what failures are counted by")
	p.key = e
	return p
}

// authenticate makes sure who is calling.
type authenticate struct {
	*policy
	fresh bool
	then  outcomes
}

type authenticateDoc struct {
	*common
	Policy document.Value[string]                   `doc:"policy,required"`
	Fresh  document.Value[bool]                     `doc:"fresh"`
	Then   document.Entries[document.Value[string]] `doc:"then,required"`
}

// Outcomes of an authenticate node.
const (
	outcomeFailed = "failed"
	outcomeLocked = "locked"
)

func readAuthenticate(b *builder, c *common, n *document.Node) node {
	d := authenticateDoc{common: c}
	document.Decode(n, &d, "an authenticate node", b.p)
	out := &authenticate{policy: b.auth[d.Policy.V], fresh: d.Fresh.V}
	if out.policy == nil && d.Policy.Given {
		known := slices.Sorted(maps.Keys(b.auth))
		meant, _ := b.nearest(d.Policy.V, known)
		b.usedPolicies[meant] = true
		b.p.Errorf(d.Policy.Pos, "auth policy %q does not exist%s", d.Policy.V, hint(meant))
	}
	b.usedPolicies[d.Policy.V] = true
	out.then = b.readThen(n, "an authenticate node",
		[]string{outcomeOK, outcomeFailed, outcomeLocked, outcomeError}, nil)
	return out
}
