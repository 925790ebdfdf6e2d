package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sealedAgent is an agent whose sound must be encrypted.
const sealedAgent = "1021"

// srtpDocuments adds an agent whose phones must encrypt.
func srtpDocuments(to string) error {
	file := filepath.Join(to, "agents.yaml")
	agents, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read agents: %w", err)
	}
	return replace(file, strings.TrimRight(string(agents), "\n")+fmt.Sprintf(`
  %q:
    name: 密 Sealed
    skills: {billing: 8, sales: 9, complaint: 9, vip: 8, lang.zh: 10, lang.en: 7}
    secret: demo-%s
    srtp: required
`, sealedAgent, sealedAgent))
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
