package publish

import (
	"fmt"
	"maps"
	"slices"

	"tierline/call/service"
	"tierline/routing/document"
)

// Service is how a centre's documents are understood: by call/service.
type Service struct{}

// Compile implements Documents.
func (Service) Compile(data []byte) (Compiled, []document.Problem) {
	bundle, err := service.DecodeBundle(data)
	if err != nil {
		return Compiled{}, []document.Problem{{File: ".", Line: 1, Col: 1, Severity: document.Error, Text: err.Error()}}
	}
	ready, problems := service.Compile(bundle)
	if ready == nil {
		return Compiled{}, problems
	}
	return Compiled{
		Hash: bundle.Hash(), Config: ready.Config, Prompts: slices.Sorted(maps.Values(bundle.Prompts)),
	}, problems
}

// Changes implements Documents.
func (Service) Changes(old, fresh []byte) ([]string, error) {
	before, after, err := both(old, fresh)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, c := range service.Diff(before, after) {
		lines = append(lines, c.String())
	}
	return lines, nil
}

// Flows implements Documents.
func (Service) Flows(old, fresh []byte) ([]Flow, error) {
	before, after, err := both(old, fresh)
	if err != nil {
		return nil, err
	}
	var out []Flow
	for _, c := range service.DiffFlows(before, after) {
		out = append(out, Flow{
			Name: c.Flow, New: c.New, Gone: c.Gone, Changed: c.Changed, Added: c.Added, Removed: c.Removed,
		})
	}
	return out, nil
}

// both decodes two generations; without old data the first is nil.
func both(old, fresh []byte) (before, after *service.Bundle, err error) {
	if old != nil {
		if before, err = service.DecodeBundle(old); err != nil {
			return nil, nil, fmt.Errorf("read the old documents: %w", err)
		}
	}
	if after, err = service.DecodeBundle(fresh); err != nil {
		return nil, nil, fmt.Errorf("read the new documents: %w", err)
	}
	return before, after, nil
}
