package ivr

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"tierline/routing/document"
)

// Source is a system that flows ask, and how patiently they ask it. Where it
// is and how to sign in there stands in the settings of each node.
type Source struct {
	Name        string
	Type        string        // SourceHTTP or SourceSQL
	Timeout     time.Duration // of one try
	Retries     int           // further tries, where asking twice does no harm
	Concurrency int           // questions at once of one node
	MaxBytes    int           // of an answer
	Breaker     Breaker
	Poll        Poll
}

// Types of sources.
const (
	SourceHTTP = "http"
	SourceSQL  = "sql"
)

// MethodSQL is the method of a request that is a statement.
const MethodSQL = "SQL"

// Breaker stops asking a source that doesn't work. The zero value never does.
type Breaker struct {
	Failures int           // in a row
	Open     time.Duration // nobody is asked for so long, then one question tries
}

// Poll asks again after an answer of 202 until the job is done. The zero value
// doesn't wait for jobs.
type Poll struct {
	Every, Max time.Duration
}

// Channel takes messages to people: it is a path of a source.
type Channel struct {
	Name      string
	Source    Source
	Path      string
	Templates []string // nil: any
}

// SourceDoc is a source as a flow or sources.yaml declares it.
type SourceDoc struct {
	Type        document.Value[string]        `doc:"type"`
	Timeout     document.Value[time.Duration] `doc:"timeout,min=50ms,max=60s"`
	Retries     document.Value[int]           `doc:"retries,min=0,max=5"`
	Concurrency document.Value[int]           `doc:"concurrency,min=1,max=10000"`
	MaxBytes    document.Value[int]           `doc:"max_bytes,min=1024,max=1048576"`
	Breaker     breakerDoc                    `doc:"breaker"`
	Poll        pollDoc                       `doc:"poll"`
}

type breakerDoc struct {
	Failures document.Value[int]           `doc:"failures,min=1,max=1000"`
	Open     document.Value[time.Duration] `doc:"open,min=100ms,max=1h"`
}

type pollDoc struct {
	Every document.Value[time.Duration] `doc:"every,min=100ms,max=1m"`
	Max   document.Value[time.Duration] `doc:"max,min=1s,max=10m"`
}

// SourceDocs are declarations of sources.
type SourceDocs = document.Entries[SourceDoc]

// Sources joins what several files declare: the same source may be declared
// more than once, but what is said of it must agree. What nobody says has a
// default.
type Sources struct {
	said map[string]map[string]saying // by source and field
	docs map[string]SourceDoc
}

// saying is what a file says of one field.
type saying struct {
	value, file string
	line        int
}

// NewSources returns an empty table.
func NewSources() *Sources {
	return &Sources{said: map[string]map[string]saying{}, docs: map[string]SourceDoc{}}
}

// Declare takes the declarations of a file.
func (s *Sources) Declare(p *document.Problems, file string, docs SourceDocs) {
	for i := range docs {
		name, d := docs[i].Key, docs[i].Value
		if !isSourceName(name.V) {
			p.Errorf(name.Pos, "%q can't be the name of a source: lower-case letters, digits, - and _ only", name.V)
		}
		if d.Type.Given && d.Type.V != SourceHTTP && d.Type.V != SourceSQL {
			p.Errorf(d.Type.Pos, "source type %q is not known (%s, %s)", d.Type.V, SourceHTTP, SourceSQL)
			d.Type.Given = false
		}
		if d.Breaker.Failures.Given != d.Breaker.Open.Given {
			p.Errorf(name.Pos, "the breaker of source %q needs both failures and open", name.V)
		}
		if d.Poll.Every.Given != d.Poll.Max.Given {
			p.Errorf(name.Pos, "poll of source %q needs both every and max", name.V)
		}
		s.declare(p, file, name.V, d)
	}
}

func (s *Sources) declare(p *document.Problems, file, name string, d SourceDoc) {
	said := s.said[name]
	if said == nil {
		said = map[string]saying{}
		s.said[name] = said
	}
	known := s.docs[name]
	agree := agreement{p: p, file: file, source: name, said: said}
	agreed(agree, "type", d.Type, &known.Type)
	agreed(agree, "timeout", d.Timeout, &known.Timeout)
	agreed(agree, "retries", d.Retries, &known.Retries)
	agreed(agree, "concurrency", d.Concurrency, &known.Concurrency)
	agreed(agree, "max_bytes", d.MaxBytes, &known.MaxBytes)
	agreed(agree, "breaker.failures", d.Breaker.Failures, &known.Breaker.Failures)
	agreed(agree, "breaker.open", d.Breaker.Open, &known.Breaker.Open)
	agreed(agree, "poll.every", d.Poll.Every, &known.Poll.Every)
	agreed(agree, "poll.max", d.Poll.Max, &known.Poll.Max)
	s.docs[name] = known
}

// agreement is one declaration of a source against those before it.
type agreement struct {
	p            *document.Problems
	file, source string
	said         map[string]saying
}

// agreed takes a field, or reports that another file says otherwise.
func agreed[T document.Scalar](a agreement, field string, v document.Value[T], known *document.Value[T]) {
	if !v.Given {
		return
	}
	if !known.Given {
		*known = v
		a.said[field] = saying{fmt.Sprint(v.V), a.file, v.Pos.Line}
		return
	}
	if old := a.said[field]; v.V != known.V {
		a.p.Errorf(v.Pos, "%s of source %q is %v here and %s in %s:%d: they share one source", field, a.source, v.V,
			old.value, old.file, old.line)
	}
}

// Names lists the sources, sorted.
func (s *Sources) Names() []string { return slices.Sorted(maps.Keys(s.docs)) }

// Source returns a source with its defaults filled in.
func (s *Sources) Source(name string) (Source, bool) {
	d, ok := s.docs[name]
	if !ok {
		return Source{}, false
	}
	return Source{
		Name: name, Type: d.Type.Or(SourceHTTP), Timeout: d.Timeout.Or(1500 * time.Millisecond),
		Retries: d.Retries.Or(0), Concurrency: d.Concurrency.Or(100), MaxBytes: d.MaxBytes.Or(64 << 10),
		Breaker: Breaker{Failures: d.Breaker.Failures.V, Open: d.Breaker.Open.V},
		Poll:    Poll{Every: d.Poll.Every.V, Max: d.Poll.Max.V},
	}, true
}

// isSourceName tells whether a name can be a key of a node's settings, which
// are lower-case.
func isSourceName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}
