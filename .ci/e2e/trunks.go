package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tierline/.ci/bed"
)

func trunkSteps() []step {
	t := &trunkLab{}
	return []step{
		{"start again: trunks of all kinds, a second switch of ours as carrier", t.begin},
		{"inward digest: sipp proves itself; wrong and missing passwords don't get in", t.inwardDigest},
		{"registration: 401, 423, granted for 4 s and refreshed; calls for our contact come in", t.registration},
		{"outward digest, fail-over: 503 of the first target, then the second, its codec, sound both ways", t.failOver},
		{"limits: one too many gets 486, one too fast 503, both with Retry-After; outward the cause is said", t.limits},
		{"agents: a call outward beyond their limit is refused, one for help isn't", t.agents},
		{"numbers: prefix, format, domain and caller id as the carrier wants them", t.numbers},
		{"DNS: SRV by priority; a host out of service, then the next", t.srv},
		{"TLS: the name of the trunk is proved, another one is refused", t.tls},
		{"end", t.end},
	}
}

// trunkLab is what stands beside the switch of this lane.
type trunkLab struct {
	far  *bed.Node // a switch of ours that plays a carrier
	fake *fakeCarrier
	zone *zone
}

// Ports of the carrier that registers us, and of DNS.
const (
	fakePort = 5070
	zonePort = 5353
)

// at are the addresses of the carriers: 24 is the other switch, 25 the fake one.
func (l *lab) at(host int) string { return fmt.Sprintf("127.0.%d.%d", l.block, host) }

func (t *trunkLab) begin(ctx context.Context, l *lab) (err error) {
	password := filepath.Join(l.work, "password")
	if err = os.WriteFile(password, []byte(carrierSecret+"\n"), 0o600); err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	l.node.More += fmt.Sprintf(`accounts:
  far: {realm: far.test, username: main, password_file: %[1]s}
  ims: {realm: %[2]s, username: "%[3]s", password_file: %[1]s}
dns: {servers: ["%[4]s:%[5]d"]}
`, password, carrierRealm, carrierUser, l.at(25), zonePort)
	if t.fake, err = openFakeCarrier(l.at(25), fakePort, 503); err != nil {
		return err
	}
	t.zone, err = openZone(l.at(25), zonePort, map[string]string{
		"a.carrier.test.": l.at(25), "b.carrier.test.": l.at(24), "secure.test.": l.at(24),
	}, map[string][]dnsmessage.SRVResource{"_sip._udp.carrier.test.": {
		{Priority: 20, Weight: 1, Port: 5060, Target: dnsmessage.MustNewName("b.carrier.test.")},
		{Priority: 10, Weight: 1, Port: fakePort, Target: dnsmessage.MustNewName("a.carrier.test.")},
	}, "carrier.test.": nil})
	if err != nil {
		return err
	}
	far := filepath.Join(l.work, "far")
	if err = os.CopyFS(filepath.Join(far, "service"), os.DirFS(l.node.Service)); err != nil {
		return fmt.Errorf("copy documents: %w", err)
	}
	if err = errors.Join(
		limitAgents(l.node.Service),
		replace(filepath.Join(far, "service", "trunks.yaml"), fmt.Sprintf(farTrunks, l.switchIP)),
		replace(filepath.Join(l.node.Service, "trunks.yaml"), fmt.Sprintf(mainTrunks,
			l.callerIP, l.agentIP, l.at(26), l.at(24), l.at(25), fakePort)),
		privateTrunk(filepath.Join(far, "service"), l.callerIP), // other documents name it
		privateTrunk(l.node.Service, l.callerIP),
	); err != nil {
		return err
	}
	t.far = &bed.Node{
		Binary: l.node.Binary, Dir: filepath.Join(far, "node"), Service: filepath.Join(far, "service"), IP: l.at(24),
		SIP: 5060, HTTP: 8080, RTPMin: 40000, RTPMax: 49999, Certs: l.node.Certs,
	}
	if err = errors.Join(l.node.Kill(), l.node.Start(ctx)); err != nil {
		return err
	}
	return t.far.Start(ctx)
}

func (t *trunkLab) end(context.Context, *lab) error {
	if t.fake != nil {
		t.fake.close()
	}
	if t.zone != nil {
		t.zone.close()
	}
	if t.far != nil && t.far.Running() {
		return t.far.Kill()
	}
	return nil
}

// inwardDigest lets sipp call with a password; only the right one lets it in.
func (t *trunkLab) inwardDigest(ctx context.Context, l *lab) error {
	for password, hang := range map[string]time.Duration{"s1pp": time.Second, "guess": 0} {
		caller, err := startSipp(ctx, l.work, peer{
			scenario: "prover", ip: l.callerIP, port: l.port(), mediaPort: l.media(callerPort), number: "10001",
			lines: []string{standard + ";[authentication username=sipp password=" + password + "];"}, calls: 1, rate: 1,
			target: l.node.Address(), hang: hang, kind: "401",
		})
		if err != nil {
			return err
		}
		if err = caller.wait(10 * time.Second); err != nil {
			return fmt.Errorf("with the password %s: %w", password, err)
		}
	}
	k, err := l.trunk(ctx, "sipp")
	if err != nil {
		return err
	}
	if k.Refused["unproven"] != 1 || !strings.Contains(k.Error, "credentials") {
		return fmt.Errorf("trunk %+v", k)
	}
	return nil
}

// seenTrunk is what the API says of a trunk.
type seenTrunk struct {
	Name          string         `json:"name"`
	State         string         `json:"state"`
	Refused       map[string]int `json:"refused"`
	Error         string         `json:"last_error"`
	Registrations []struct {
		State string `json:"state"`
	} `json:"registrations"`
}

func (l *lab) trunk(ctx context.Context, name string) (seenTrunk, error) {
	var all struct {
		Trunks []seenTrunk `json:"trunks"`
	}
	if err := l.node.Get(ctx, "/api/v1/trunks", &all); err != nil {
		return seenTrunk{}, err
	}
	i := slices.IndexFunc(all.Trunks, func(k seenTrunk) bool { return k.Name == name })
	if i < 0 {
		return seenTrunk{}, fmt.Errorf("no trunk %s", name)
	}
	return all.Trunks[i], nil
}

func (t *trunkLab) registration(ctx context.Context, l *lab) error {
	err := bed.Eventually(15*time.Second, func() error { // by then it was refreshed more than once
		good, contact := t.fake.seen(200)
		brief, _ := t.fake.seen(423)
		asked, _ := t.fake.seen(401)
		if good < 3 || brief != 1 || asked == 0 || contact == "" {
			return fmt.Errorf("%d registrations at %q, %d too brief, %d challenged", good, contact, brief, asked)
		}
		return nil
	})
	if err != nil {
		return err
	}
	k, err := l.trunk(ctx, "ims")
	if err != nil {
		return err
	}
	if k.State != "ok" || len(k.Registrations) != 1 || k.Registrations[0].State != "registered" {
		return fmt.Errorf("trunk %+v", k)
	}
	_, contact := t.fake.seen(200)
	p, err := newProber(l.at(25), l.node.Address())
	if err != nil {
		return err
	}
	defer p.close()
	d := p.draft("INVITE", "10001")
	d.uri(contact)
	return p.expects(d, 200)
}

// expects sends an INVITE and checks its answer; a call is ended.
func (p *prober) expects(d *draft, status int) error {
	if err := p.send(d.text()); err != nil {
		return err
	}
	m := p.final(patience)
	if m == "" || m.Status() != status {
		return fmt.Errorf("%s: answered with %q, not %d", d.start, firstLine(m), status)
	}
	if err := p.send(p.follow(d, m, "ACK", 1).text()); err != nil || status >= 300 {
		return err
	}
	return p.send(p.follow(d, m, "BYE", 2).text())
}

func firstLine(m bed.Message) string {
	line, _, _ := strings.Cut(string(m), "\r\n")
	return line
}

// trial is what a test of a trunk tells.
type trial struct {
	Tries []struct {
		Host    string `json:"host"`
		Status  int    `json:"status"`
		Trouble string `json:"trouble"`
	} `json:"tries"`
	Call struct {
		Call     string   `json:"call"`
		Outcome  string   `json:"outcome"`
		Codec    string   `json:"codec"`
		Sent     int      `json:"sent"`
		Received int      `json:"received"`
		Findings []string `json:"findings"`
	} `json:"call"`
}

// try calls a number through a trunk.
func (l *lab) try(ctx context.Context, name, number string) (got trial, err error) {
	return got, l.node.Post(ctx, "/api/v1/trunks/"+name+"/test", map[string]any{"number": number, "talk_ms": 600}, &got)
}

// works checks a test call that went through, and what each target said.
func (got trial) works(statuses ...int) error {
	var said []int
	for _, try := range got.Tries {
		said = append(said, try.Status)
	}
	sound := len(got.Call.Findings) == 0 && got.Call.Received > 10 // of 30
	if got.Call.Outcome != "answered" || !sound || !slices.Equal(said, statuses) {
		return fmt.Errorf("%+v", got)
	}
	return nil
}

func (t *trunkLab) failOver(ctx context.Context, l *lab) error {
	got, err := l.try(ctx, "far", "10001")
	if err != nil {
		return err
	}
	if got.Call.Codec != "PCMU" {
		return fmt.Errorf("they prefer PCMU: %+v", got)
	}
	if _, err = l.cli(ctx, "trunks", "test", "far"); err != nil {
		return err
	}
	return errors.Join(got.works(503, 200), l.testRecorded(ctx, got.Call.Call))
}

// testRecorded looks for the record of a test call.
func (l *lab) testRecorded(ctx context.Context, call string) error {
	return bed.Eventually(5*time.Second, func() error {
		var c cdr
		if err := l.node.Get(ctx, "/api/v1/cdrs/"+call, &c); err != nil {
			return err
		}
		if c.Direction != "test" || c.Cause != "normal" || c.Answered || c.From == "" || c.story() != "dial ; outside ; " {
			return fmt.Errorf("the record says %s %+v", c.story(), c)
		}
		return nil
	})
}

// agents calls outside from an agent's phone: the fake carrier refuses the first
// call, the second never gets there, and the other switch knows no 110.
func (t *trunkLab) agents(ctx context.Context, l *lab) error {
	port := l.port()
	if err := errors.Join(l.register(ctx, port, "1001"), l.onDuty(ctx, "1001")); err != nil {
		return err
	}
	for _, c := range []struct{ number, status string }{{"13800138000", "480"}, {"13800138000", "480"}, {"110", "404"}} {
		phone, err := startSipp(ctx, l.work, peer{
			scenario: "prover", kind: c.status, ip: l.agentIP, port: port, mediaPort: l.media(agentPort), number: c.number,
			lines: []string{"1001;[authentication username=1001 password=demo-1001];"}, calls: 1, rate: 1,
			target: l.node.Address(),
		})
		if err != nil {
			return err
		}
		if err = phone.wait(10 * time.Second); err != nil {
			return fmt.Errorf("%s: %w", c.number, err)
		}
	}
	n, err := l.node.Metric(ctx, `tierline_calls_refused_total{reason="agent_limit"}`)
	if err != nil || n != 1 {
		return fmt.Errorf("%v calls beyond the limit: %w", n, err)
	}
	return nil
}

func (t *trunkLab) numbers(ctx context.Context, l *lab) error {
	got, err := l.try(ctx, "ims", "13800138000")
	if err != nil {
		return err
	}
	m := t.fake.invited()
	if !strings.HasPrefix(string(m), "INVITE sip:1790913800138000@") ||
		bed.URI(m.Header("From")) != "sip:+8657187650000@ims.test" || got.Call.Outcome != "switch_failed" {
		return fmt.Errorf("%s, From %s: %+v", firstLine(m), m.Header("From"), got)
	}
	return nil
}

func (t *trunkLab) srv(ctx context.Context, l *lab) error {
	got, err := l.try(ctx, "named", "10001")
	if err != nil {
		return err
	}
	if err = got.works(503, 200); err != nil {
		return err
	}
	if first, second := got.Tries[0].Host, got.Tries[1].Host; first != fmt.Sprintf("%s:%d", l.at(25), fakePort) ||
		second != l.at(24)+":5060" {
		return fmt.Errorf("went to %s, then %s", first, second)
	}
	return nil
}

func (t *trunkLab) tls(ctx context.Context, l *lab) error {
	got, err := l.try(ctx, "safe", "10001")
	if err != nil {
		return err
	}
	if err = got.works(200); err != nil {
		return err
	}
	if got, err = l.try(ctx, "unsafe", "10001"); err != nil {
		return err
	}
	k, err := l.trunk(ctx, "unsafe")
	if err != nil {
		return err
	}
	const want = `the certificate names somebody else`
	if len(got.Tries) != 1 || !strings.Contains(got.Tries[0].Trouble, want) || !strings.Contains(k.Error, want) {
		return fmt.Errorf("%+v, %+v", got, k)
	}
	return nil
}
