package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Agents whose sound must be encrypted.
const (
	sealedAgent = "1021"
	tlsAgent    = "1029" // by TLS: his phone has to come again when its node dies
)

// srtpDocuments adds agents whose phones must encrypt.
func srtpDocuments(to string) error {
	file := filepath.Join(to, "agents.yaml")
	agents, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read agents: %w", err)
	}
	var text strings.Builder
	text.WriteString(strings.TrimRight(string(agents), "\n"))
	for _, id := range []string{sealedAgent, tlsAgent} {
		_, _ = fmt.Fprintf(&text, `
  %q:
    name: 密 Sealed
    skills: {billing: 8, sales: 9, complaint: 9, vip: 8, lang.zh: 10, lang.en: 7}
    secret: demo-%s
    srtp: required`, id, id) // a builder fails never
	}
	return replace(file, text.String()+"\n")
}

// plainIsRefused leaves its caller behind in the queue.
func plainIsRefused(ctx context.Context, l *lab) error {
	err := l.withBaresip(ctx, handset{id: sealedAgent}, false)
	if err == nil {
		return errors.New("a phone without keys was connected")
	}
	if !strings.Contains(err.Error(), "not talking") {
		return err
	}
	return nil
}
