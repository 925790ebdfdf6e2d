package ivr

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tierline/routing/document"
)

// request is what a lookup asks, with places for values.
type request struct {
	source      string
	method      string
	path        *template // or the statement
	body        []fieldTemplate
	args        []*expression
	idempotency *expression
	secret      bool
	secrets     []string // the secret variables that it reads
}

type requestDoc struct {
	Get         document.Value[string]   `doc:"get,nonempty"`
	Post        document.Value[string]   `doc:"post,nonempty"`
	Put         document.Value[string]   `doc:"put,nonempty"`
	Patch       document.Value[string]   `doc:"patch,nonempty"`
	Delete      document.Value[string]   `doc:"delete,nonempty"`
	SQL         document.Value[string]   `doc:"sql,nonempty"`
	Args        []document.Value[string] `doc:"args"`
	Body        *document.Node           `doc:"body"`
	Idempotency document.Value[string]   `doc:"idempotency,nonempty"`
}

// readRequest compiles a request to a source.
func (b *builder) readRequest(source document.Value[string], d requestDoc, n *document.Node) request {
	b.checkSource(source)
	r := request{source: source.V}
	var given document.Value[string]
	for _, m := range []struct {
		method string
		path   document.Value[string]
	}{
		{http.MethodGet, d.Get},
		{http.MethodPost, d.Post},
		{http.MethodPut, d.Put},
		{http.MethodPatch, d.Patch},
		{http.MethodDelete, d.Delete},
		{MethodSQL, d.SQL},
	} {
		if !m.path.Given {
			continue
		}
		if r.method != "" {
			b.p.Errorf(m.path.Pos, "a request asks one thing: %s or %s", strings.ToLower(r.method), strings.ToLower(m.method))
		}
		r.method, given = m.method, m.path
	}
	if n == nil || n.Kind != document.Map {
		return r
	}
	if r.method == "" {
		b.p.Errorf(n.Owner, "a request needs one of get, post, put, patch, delete, sql")
		return r
	}
	known := len(b.secretsRead)
	b.readAddress(&r, given)
	b.readPayload(&r, d)
	r.secrets = slices.Compact(slices.Sorted(slices.Values(b.secretsRead[known:])))
	r.secret = len(r.secrets) > 0
	return r
}

// readAddress compiles a path or a statement.
func (b *builder) readAddress(r *request, v document.Value[string]) {
	if r.method == MethodSQL {
		r.path = b.readTemplate(v, templateSQL)
		return
	}
	r.path = b.readTemplate(v, templatePath)
	if !strings.HasPrefix(v.V, "/") || strings.HasPrefix(v.V, "//") || strings.ContainsAny(v.V, " #\\") {
		b.p.Errorf(v.Pos, "%q is no path: it begins with / and has no blanks, and the source says on which server", v.V)
	}
}

// readPayload compiles what goes along with the address.
func (b *builder) readPayload(r *request, d requestDoc) {
	reads := r.method == http.MethodGet || r.method == MethodSQL
	if reads && d.Body != nil {
		b.p.Errorf(d.Body.Owner, "a %s request has no body", strings.ToLower(r.method))
	}
	if r.method != MethodSQL && len(d.Args) > 0 {
		b.p.Errorf(d.Args[0].Pos, "only an sql request has args")
	}
	r.body, _ = b.readFieldTemplates(d.Body, "body")
	for _, a := range d.Args {
		r.args = append(r.args, b.compile(a, anyKind))
	}
	if d.Idempotency.Given {
		e, names := b.compileReads(d.Idempotency, anyKind)
		b.noSecret(d.Idempotency, names, "an idempotency key")
		r.idempotency = e
	}
}

func (b *builder) checkSource(v document.Value[string]) {
	if !v.Given {
		return
	}
	b.usedSources[v.V] = true
	known := slices.Clone(b.env.Sources)
	for _, s := range b.doc.Sources {
		known = append(known, s.Key.V)
		if s.Key.V == v.V {
			return
		}
	}
	if slices.Contains(known, v.V) || (b.env.Sources == nil && len(b.doc.Sources) == 0) {
		return
	}
	meant, _ := b.nearest(v.V, known)
	b.usedSources[meant] = true
	b.p.Errorf(v.Pos, "source %q is not declared under sources%s", v.V, hint(meant))
}

// Ends of making a request.
type made uint8

const (
	madeReady made = iota
	madeEmpty      // a value in the path is empty: there is no such thing
	madeNot        // it can't be made
)

// make fills a request in.
func (r *request) make(s *Session, env map[string]any) (Request, made) {
	for _, name := range r.secrets {
		if slices.Contains(s.st.Lost, name) {
			s.trouble("the secret variable " + name + " stayed on another node")
			return Request{}, madeNot
		}
	}
	out := Request{Method: r.method, Secret: r.secret}
	var err error
	var empty bool
	if r.method == MethodSQL {
		out.Path, out.Args, err = r.path.statement(env)
	} else {
		out.Path, empty, err = r.path.path(env)
	}
	if empty {
		return Request{}, madeEmpty
	}
	if err == nil {
		err = r.fillIn(s, &out, env)
	}
	if err != nil {
		s.trouble(err.Error())
		return Request{}, madeNot
	}
	return out, madeReady
}

func (r *request) fillIn(s *Session, out *Request, env map[string]any) (err error) {
	if len(r.body) > 0 {
		if out.Body, err = fill(r.body, env); err != nil {
			return err
		}
	}
	for _, a := range r.args {
		v, err := a.eval(env)
		if err != nil {
			return err
		}
		out.Args = append(out.Args, v)
	}
	switch {
	case r.idempotency != nil:
		v, err := r.idempotency.eval(env)
		if err != nil {
			return err
		}
		out.Idempotency = text(v) + "/" + s.stepName(s.st.At)
	case r.method != http.MethodGet && r.method != MethodSQL:
		out.Idempotency = s.st.Caller.Call + "/" + s.stepName(s.st.At) + "/" + strconv.Itoa(s.st.Visit)
	}
	return nil
}
