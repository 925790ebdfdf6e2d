package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
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

func srtpSteps() []step {
	return []step{
		{"srtp: baresip by keys in the SDP, mandatory; tones both ways, none readable on the way", sealedBaresip("srtp-mand", "srtp")},
		{"srtp: baresip by keys in the SDP, best effort", sealedBaresip("srtp", "srtp")},
		{"srtp: baresip by DTLS", sealedBaresip("dtls_srtp", "dtls_srtp")},
		{"srtp: a phone that speaks plain RTP only is not connected where keys are required", plainIsRefused},
	}
}

// sealedBaresip calls a baresip that encrypts in a certain way.
func sealedBaresip(way, module string) func(context.Context, *lab) error {
	return func(ctx context.Context, l *lab) error {
		h := handset{id: sealedAgent, account: ";mediaenc=" + way + ";rtcp_mux=yes", modules: module}
		if err := l.withBaresip(ctx, h, true); err != nil {
			return err
		}
		flows := l.tap.toPort(31000, 31100, callerHz) // baresip's ports, not sipp's
		if len(flows) == 0 {
			return errors.New("nothing was seen on the way to the phone")
		}
		for _, heard := range flows {
			if heard > 100*time.Millisecond {
				return fmt.Errorf("the caller can be heard on the way to the phone, for %s", heard)
			}
		}
		return nil
	}
}

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
