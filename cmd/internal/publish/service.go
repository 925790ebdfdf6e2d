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
	var before *service.Bundle
	if old != nil {
		var err error
		if before, err = service.DecodeBundle(old); err != nil {
			return nil, fmt.Errorf("read the old documents: %w", err)
		}
	}
	after, err := service.DecodeBundle(fresh)
	if err != nil {
		return nil, fmt.Errorf("read the new documents: %w", err)
	}
	var lines []string
	for _, c := range service.Diff(before, after) {
		lines = append(lines, c.String())
	}
	return lines, nil
}
