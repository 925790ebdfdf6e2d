package ivr

import (
	"slices"
	"time"

	"tierline/routing/document"
)

// lookup asks a source and goes on by what it answers.
type lookup struct {
	request
	into   *variable // nil: the answer doesn't matter
	cache  time.Duration
	finish bool
	wait   comfort
	then   outcomes
}

type lookupDoc struct {
	*common
	Source  document.Value[string]                   `doc:"source,required"`
	Request requestDoc                               `doc:"request,required"`
	Into    document.Value[string]                   `doc:"into,nonempty"`
	Wait    items                                    `doc:"wait,nonempty"`
	Cache   document.Value[time.Duration]            `doc:"cache,min=1s,max=24h"`
	Finish  document.Value[bool]                     `doc:"finish"`
	Then    document.Entries[document.Value[string]] `doc:"then,required"`
}

const outcomeRefused = "refused"

func readLookup(b *builder, c *common, n *document.Node) node {
	d := lookupDoc{common: c}
	document.Decode(n, &d, "a lookup node", b.p)
	out := &lookup{
		request: b.readRequest(d.Source, d.Request, n.Get("request")),
		into:    b.readInto(d.Into), cache: d.Cache.V, finish: d.Finish.V, wait: b.readComfort(d.Wait),
		then: b.readThen(n, "a lookup", []string{outcomeOK, outcomeNotFound, outcomeError}, []string{outcomeRefused}),
	}
	if d.Cache.Given && out.secret {
		b.p.Errorf(d.Cache.Pos, "an answer to a request with a secret is not kept")
	}
	return out
}

// readInto finds the variable that a node fills.
func (b *builder) readInto(v document.Value[string]) *variable {
	if !v.Given {
		return nil
	}
	x, ok := b.flow.vars.find(v.V)
	switch {
	case ok:
		return &x
	case slices.Contains([]string{"call", "auth", "cust"}, v.V):
		b.p.Errorf(v.Pos, "%q belongs to the switch and can't be set", v.V)
	case b.exprEnv[v.V] == nil:
		b.p.Errorf(v.Pos, "variable %q is not declared under vars%s", v.V, document.DidYouMean(v.V, b.varNames()))
	}
	return nil
}

func (n *lookup) enter(s *Session) { n.send(s) }

func (n *lookup) resume(s *Session) { n.send(s) }

func (n *lookup) send(s *Session) {
	req, made := n.make(s, s.environment())
	switch made {
	case madeEmpty:
		n.then.end(s, outcomeNotFound, outcomeNotFound)
		return
	case madeNot:
		n.then.end(s, outcomeError, outcomeError)
		return
	case madeReady:
	}
	l := Lookup{Source: n.source, Request: req, Cache: n.cache, Finish: n.finish}
	l.ID = s.await()
	s.act(l)
}

func (n *lookup) handle(s *Session, in Input) {
	if a, ok := in.(LookedUp); ok {
		if s.got(a.ID) {
			n.answer(s, a)
		}
		return
	}
	n.wait.handle(s, in)
}

func (n *lookup) answer(s *Session, a LookedUp) {
	switch a.Status {
	case LookupOK:
		if n.take(s, a.Body) {
			n.then.end(s, outcomeOK, outcomeOK)
			return
		}
	case LookupNotFound:
		n.then.end(s, outcomeNotFound, outcomeNotFound)
		return
	case LookupRefused:
		n.then.end(s, outcomeRefused, outcomeError)
		return
	case LookupError:
	}
	n.then.end(s, outcomeError, outcomeError)
}

// take puts an answer into its variable.
func (n *lookup) take(s *Session, body []byte) bool {
	if n.into == nil {
		return true
	}
	v, err := n.into.convert(body)
	if err != nil {
		s.trouble(err.Error())
		return false
	}
	s.put(n.into.name, v)
	return true
}

// quit: nobody waits for the answer any more.
func (n *lookup) quit(s *Session) {
	if id := s.st.Place.Pending; id != 0 && !n.finish {
		s.st.Place.Pending = 0
		s.act(CancelLookup{ID: id})
	}
}

func (n *lookup) edges() []edge { return n.then.edges(true) }
