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

// A trusted peer, which calls from one port and is called at another by a flow.
const (
	trustedPort   = 5097
	withholdPort  = 5096
	privateNumber = "1908"
)

// privacyDocuments adds that peer, at outward, and the flow.
func privacyDocuments(to, outward string) error {
	flow := strings.ReplaceAll(strings.ReplaceAll(earlyFlow, "e2e_early", "e2e_private"), "e2e_away", "e2e_private")
	if err := os.WriteFile(filepath.Join(to, "flows", "e2e_private.yaml"), []byte(flow), 0o600); err != nil {
		return fmt.Errorf("write flow: %w", err)
	}
	return errors.Join(
		extend(to, "transfers.yaml", "\n  e2e_private: {number: \"+86898123456\", trunk: e2e_private, ring_time: 20s}\n"),
		extend(to, "numbers.yaml", fmt.Sprintf("\n  - {number: %q, flow: e2e_private}\n", privateNumber)),
		privateTrunk(to, outward),
	)
}

func privateTrunk(to, outward string) error {
	return extend(to, "trunks.yaml", fmt.Sprintf(`
  e2e_private:
    sources: ["%s:%d"]
    trusted: true
    targets: ["sip:%[1]s:%[3]d"]
    allow: ["+86898"]
    caller_id: "+8657187650000"
    identity: asserted
    withhold: true
`, outward, trustedPort, withholdPort))
}

// withheldNumber has a trusted peer bring a caller who wants to be unknown, and
// one who doesn't.
func withheldNumber(ctx context.Context, l *lab) error {
	for _, c := range []struct {
		privacy, from, kind string
		tier                string
	}{{"id", "", "withheld", "standard"}, {"none", "+86" + gold, "", "gold"}} {
		before, err := l.count(ctx)
		if err != nil {
			return err
		}
		port := l.port()
		if err = errors.Join(l.register(ctx, port, "1001"), l.onDuty(ctx, "1001")); err != nil {
			return err
		}
		agent, err := startSipp(ctx, l.work, peer{
			scenario: "agent", kind: c.kind, sound: []part{hum(agentHz, 5*time.Second)}, hang: time.Second,
			ip: l.agentIP, port: port, mediaPort: l.media(agentPort), number: "agent", calls: 1,
		})
		if err != nil {
			return err
		}
		caller, err := startSipp(ctx, l.work, peer{
			scenario: "caller", headers: []string{"P-Asserted-Identity: <tel:+86" + gold + ">", "Privacy: " + c.privacy},
			ip: l.callerIP, port: trustedPort, mediaPort: l.media(callerPort), sound: []part{hum(callerHz, 5*time.Second)},
			lines: []string{standard + ";"}, calls: 1, rate: 1, number: freeNumber, target: l.node.Address(),
		})
		if err != nil {
			return errors.Join(err, agent.kill())
		}
		if err = errors.Join(caller.wait(15*time.Second), agent.wait(5*time.Second)); err != nil {
			return err
		}
		r, err := l.record(ctx, before+1)
		if err != nil {
			return err
		}
		if r.From != c.from || r.Tier != c.tier || r.Agent != "1001" {
			return fmt.Errorf("privacy %s: record %+v", c.privacy, r)
		}
	}
	return nil
}

// anonymousOutward sends a caller to somebody who doesn't see our number, by a
// carrier who does.
func anonymousOutward(ctx context.Context, l *lab) error {
	far, err := startSipp(ctx, l.work, peer{
		scenario: "agent", kind: "private", sound: []part{hum(agentHz, 5*time.Second)}, hang: time.Second,
		ip: l.callerIP, port: withholdPort, mediaPort: l.media(agentPort), number: "far", calls: 1,
	})
	if err != nil {
		return err
	}
	caller, err := l.caller(ctx, peer{
		scenario: "caller", number: privateNumber, sound: []part{hum(callerHz, 5*time.Second)},
	})
	if err != nil {
		return errors.Join(err, far.kill())
	}
	return errors.Join(far.wait(10*time.Second), caller.wait(5*time.Second))
}
