package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"tierline/acd"
	"tierline/routing/document"
)

// Conditions that callers test.
var (
	ErrMoved    = errors.New("another generation was published meanwhile")
	ErrNoReturn = errors.New("there is no generation to return to")
)

// ProblemsError means that the documents are wrong; nothing was changed.
type ProblemsError struct{ Problems []document.Problem }

func (e *ProblemsError) Error() string {
	n := 0
	for _, p := range e.Problems {
		if p.Severity == document.Error {
			n++
		}
	}
	if n == 1 {
		return "1 mistake in the documents"
	}
	return fmt.Sprintf("%d mistakes in the documents", n)
}

// MissingPromptsError means that the documents name audio that this node
// doesn't have; nothing was changed.
type MissingPromptsError struct{ Prompts []string } // SHA-256 in hex

func (e *MissingPromptsError) Error() string {
	return fmt.Sprintf("%d prompts are not in the library", len(e.Prompts))
}

// Core is the part of the cluster that a publication needs.
type Core interface {
	Propose(ctx context.Context, ev acd.Event) (acd.Result, uint64, error)
	Read(view func(s *acd.State))
}

// Documents understands encoded documents.
type Documents interface {
	// Compile checks documents and returns what the core and the library need
	// of them; its result counts only if no problem is an error.
	Compile(data []byte) (Compiled, []document.Problem)
	// Changes describes, line by line, what differs between two generations.
	// No old data means that nothing ran before.
	Changes(old, fresh []byte) ([]string, error)
	// Flows describes which nodes of which flows differ.
	Flows(old, fresh []byte) ([]Flow, error)
}

// Flow is a flow that a publication changes.
type Flow struct {
	Name    string
	New     bool // there is none of this name yet
	Gone    bool
	Changed []string // nodes
	Added   []string
	Removed []string
	Calls   int // that are in it now and stay on their version
}

// Compiled is what documents come to outside of the calls.
type Compiled struct {
	Hash    string // of what the documents say, in hex
	Config  acd.Config
	Prompts []string // SHA-256 in hex of all audio they name
}

// Publisher publishes.
type Publisher struct {
	core      Core
	documents Documents
	hasPrompt func(sha string) bool
	spread    func(ctx context.Context, shas []string) // nil: there are no other nodes
	log       *slog.Logger

	turn sync.Mutex // one publication at a time; guards nothing but the order
}

// New returns a publisher. HasPrompt tells what audio this node has.
func New(core Core, d Documents, hasPrompt func(sha string) bool, log *slog.Logger) *Publisher {
	return &Publisher{core: core, documents: d, hasPrompt: hasPrompt, log: log}
}

// Spread says how sounds get to the other nodes: before documents that name
// them are current anywhere. It is called before the first publication.
func (p *Publisher) Spread(f func(ctx context.Context, shas []string)) { p.spread = f }

// Plan is what a publication would do.
type Plan struct {
	Current   uint64 // generation; 0: none yet
	Hash      string
	Unchanged bool
	Changes   []string
	Flows     []Flow
	Staying   int      // calls that go on with the generations they began on
	Missing   []string // SHA-256 of sounds that this node doesn't have yet
	Warnings  []document.Problem
}

// Published is what a publication did.
type Published struct {
	Plan

	Generation uint64
}

// Request asks for a publication.
type Request struct {
	Data []byte // encoded documents
	By   string
	Note string
	// Base, if not nil, is the generation that must still be current: what the
	// author saw in his plan.
	Base *uint64
}

// Plan checks documents and compares them with what runs.
func (p *Publisher) Plan(data []byte) (Plan, error) {
	plan, _, err := p.plan(data)
	return plan, err
}

func (p *Publisher) plan(data []byte) (Plan, Compiled, error) {
	compiled, problems := p.documents.Compile(data)
	if document.HasErrors(problems) {
		return Plan{}, compiled, &ProblemsError{Problems: problems}
	}
	plan := Plan{Hash: compiled.Hash, Warnings: problems}
	for _, sha := range compiled.Prompts {
		if !p.hasPrompt(sha) && !slices.Contains(plan.Missing, sha) {
			plan.Missing = append(plan.Missing, sha)
		}
	}
	var current acd.Bundle
	calls := map[string]int{} // by flow
	p.core.Read(func(s *acd.State) {
		current, _ = s.GenerationBundle(s.Generation())
		for _, c := range s.Calls() {
			plan.Staying++
			calls[c.Flow]++
		}
	})
	plan.Current, plan.Unchanged = current.Generation, current.Hash == plan.Hash
	if plan.Unchanged {
		return plan, compiled, nil
	}
	var err error
	if plan.Changes, err = p.documents.Changes(current.Data, data); err != nil {
		return Plan{}, compiled, fmt.Errorf("compare with generation %d: %w", current.Generation, err)
	}
	if plan.Flows, err = p.documents.Flows(current.Data, data); err != nil {
		return Plan{}, compiled, fmt.Errorf("compare with generation %d: %w", current.Generation, err)
	}
	for i := range plan.Flows {
		plan.Flows[i].Calls = calls[plan.Flows[i].Name]
	}
	return plan, compiled, nil
}

// Publish makes documents the current generation. The error is a
// *ProblemsError, a *MissingPromptsError, ErrMoved, or the cluster's.
func (p *Publisher) Publish(ctx context.Context, r Request) (Published, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	return p.publish(ctx, r)
}

func (p *Publisher) publish(ctx context.Context, r Request) (Published, error) {
	plan, compiled, err := p.plan(r.Data)
	if err != nil {
		return Published{}, err
	}
	if r.Base != nil && *r.Base != plan.Current {
		return Published{}, fmt.Errorf("%w: generation %d is current, not %d", ErrMoved, plan.Current, *r.Base)
	}
	if len(plan.Missing) > 0 {
		return Published{}, &MissingPromptsError{Prompts: plan.Missing}
	}
	if plan.Unchanged {
		return Published{Plan: plan, Generation: plan.Current}, nil
	}
	if p.spread != nil {
		p.spread(ctx, compiled.Prompts)
	}
	result, index, err := p.core.Propose(ctx, acd.ConfigPublished{
		Hash: plan.Hash, By: r.By, Note: r.Note, Bundle: r.Data, Config: compiled.Config,
	})
	if err != nil {
		return Published{}, fmt.Errorf("publish the documents: %w", err)
	}
	done := Published{Plan: plan}
	for _, f := range result.Facts {
		if f.Kind == acd.FactConfigPublished {
			done.Generation = f.Generation
		}
	}
	p.log.Info("service documents published",
		"generation", done.Generation, "index", index, "by", r.By, "changes", len(plan.Changes))
	return done, nil
}

// Rollback publishes the documents of an earlier generation again. With to 0
// that is the newest one whose documents differ from the current ones.
func (p *Publisher) Rollback(ctx context.Context, to uint64, by, note string) (Published, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	var old acd.Bundle
	found := false
	p.core.Read(func(s *acd.State) {
		current, _ := s.GenerationBundle(s.Generation())
		for _, b := range s.Generations() {
			if b.Generation == to || to == 0 && b.Generation != current.Generation && b.Hash != current.Hash {
				old, found = s.GenerationBundle(b.Generation)
				return
			}
		}
	})
	if !found {
		return Published{}, ErrNoReturn
	}
	if note == "" {
		note = fmt.Sprintf("back to generation %d", old.Generation)
	}
	return p.publish(ctx, Request{Data: old.Data, By: by, Note: note})
}
