package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tierline/.ci/bed"
)

func traceSteps() []step {
	return []step{
		{"tls: the ladder of a call with keys in its SDP, its capture, its copies at HEP collectors (sngrep)", tracedByTLS},
		{"a PIN is in no trace, capture or copy", tracedSecret},
		{"a call is followed while it runs, until it is over", followed},
		{"a caller whose packets get lost sounds worse, in record, metrics and trace", tracedLoss},
	}
}

// collector is a HEP collector that keeps what it gets.
type collector struct {
	conn net.PacketConn
	mu   sync.Mutex
	got  []byte
	to   net.Addr // another collector, who gets the same; nil: nobody
}

const collectorPort = 9060

func openCollector(ctx context.Context, ip string) (*collector, error) {
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, "udp", fmt.Sprintf("%s:%d", ip, collectorPort))
	if err != nil {
		return nil, fmt.Errorf("listen for HEP: %w", err)
	}
	c := &collector{conn: conn}
	go func() {
		b := make([]byte, 1<<16)
		for {
			n, _, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			c.mu.Lock()
			if len(c.got) < 8<<20 && n > 6 && string(b[:4]) == "HEP3" && int(binary.BigEndian.Uint16(b[4:])) == n {
				c.got = append(c.got, b[:n]...)
			}
			if c.to != nil {
				_, _ = conn.WriteTo(b[:n], c.to) // who lacks something will say so
			}
			c.mu.Unlock()
		}
	}()
	return c, nil
}

// copyTo sends what comes from now on to another collector, too.
func (c *collector) copyTo(at string) error {
	to, err := net.ResolveUDPAddr("udp", at)
	if err != nil {
		return fmt.Errorf("find the other collector: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.to = to
	return nil
}

func (c *collector) close() {
	if c != nil {
		_ = c.conn.Close() // it carried copies only
	}
}

// has wants all of some texts among what came.
func (c *collector) has(words ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return contains("the collector's packets", string(c.got), words...)
}

func contains(where, text string, words ...string) error {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return fmt.Errorf("%s lacks %q:\n%s", where, w, text[:min(len(text), 6000)])
		}
	}
	return nil
}

// newest returns the newest call's id.
func (l *lab) newest(ctx context.Context) (string, error) {
	var found struct {
		CDRs []struct {
			Call string `json:"call"`
		} `json:"cdrs"`
	}
	if err := l.node.Get(ctx, "/api/v1/cdrs?limit=1", &found); err != nil || len(found.CDRs) == 0 {
		return "", errors.Join(err, errors.New("no call record"))
	}
	return found.CDRs[0].Call, nil
}

func tracedByTLS(ctx context.Context, l *lab) error {
	h := handset{id: sealedAgent, by: "tls", account: ";mediaenc=srtp-mand", modules: "srtp"}
	others, err := l.sngrep(ctx)
	if err != nil {
		return err
	}
	if err = l.withBaresip(ctx, h, false); err != nil {
		return err
	}
	if _, err = l.count(ctx); err != nil {
		return err
	}
	err = others.understood("REGISTER sip:", "INVITE sip:"+sealedAgent, "SIP/2.0 180 Ringing", "BYE sip:", "inline:***")
	if err != nil {
		return err
	}
	id, err := l.newest(ctx)
	if err != nil {
		return err
	}
	ladder, err := l.cli(ctx, "trace", id, "--sip", "--width", "160")
	if err != nil {
		return err
	}
	err = contains("the ladder", ladder, "agent "+sealedAgent, " tls", "INVITE 10000", "INVITE "+sealedAgent,
		"180 Ringing", "200 OK (INVITE)", "ACK", "BYE", "(BYE)", "menu: now at", "waits in queue",
		"agent "+sealedAgent+" is chosen", "are connected",
		"caller: RTP in all PCMA: heard", "agent "+sealedAgent+": RTP in all", "MOS 4.",
		"call is over: normal", "inline:***")
	if err != nil {
		return err
	}
	for line := range strings.Lines(ladder) {
		if strings.Contains(line, "inline:") && !strings.Contains(line, "inline:***") {
			return fmt.Errorf("a key of SRTP is in the trace: %s", line)
		}
	}
	if err = l.captured(ctx, id); err != nil {
		return err
	}
	return bed.Eventually(5*time.Second, func() error {
		return l.collector.has("BYE sip:", "INVITE sip:"+sealedAgent, "REGISTER sip:", "inline:***", `"packets_lost":0`)
	})
}

// captured writes a call's capture, and has tshark read it where there is one.
func (l *lab) captured(ctx context.Context, id string) error {
	file := filepath.Join(l.work, "call.pcapng")
	if _, err := l.cli(ctx, "trace", id, "--pcap", file); err != nil {
		return err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the capture: %w", err)
	}
	if len(b) < 2000 || !bytes.HasPrefix(b, []byte{0x0a, 0x0d, 0x0d, 0x0a}) {
		return fmt.Errorf("%d bytes are no capture", len(b))
	}
	tool, err := exec.LookPath("tshark")
	if err != nil {
		return nil //nolint:nilerr // its blocks are read by call/trace's tests
	}
	out, err := exec.CommandContext(ctx, tool, "-r", file, "-Y", "sip", "-T", "fields", "-e", "sip.CSeq.method").Output()
	if err != nil {
		return fmt.Errorf("tshark: %w", err)
	}
	if n, byes := strings.Count(string(out), "INVITE"), strings.Count(string(out), "BYE"); n < 6 || byes < 4 {
		return fmt.Errorf("tshark sees %d messages of INVITE and %d of BYE", n, byes)
	}
	return nil
}

func tracedSecret(ctx context.Context, l *lab) error {
	const wrong = "907315"
	if _, err := l.dial(ctx, forgetful, "10001", "1,"+wrong, 9*time.Second); err != nil {
		return err
	}
	if _, err := l.count(ctx); err != nil {
		return err
	}
	for _, args := range [][]string{{"--sip"}, {"--json"}} {
		out, err := l.cli(ctx, append([]string{"trace", forgetful}, args...)...)
		if err != nil {
			return err
		}
		if err = contains("the trace", out, "BYE", "which one isn't shown", "now at main"); err != nil {
			return err
		}
		if strings.Contains(out, wrong) {
			return errors.New("the PIN is in the trace")
		}
		for _, digit := range wrong[2:] { // the menu has 1 only, the PIN begins with 9 and 0
			if strings.Contains(out, fmt.Sprintf("key %c,", digit)) && digit != '1' {
				return fmt.Errorf("a digit of the PIN is in the trace: %c\n%s", digit, out)
			}
		}
	}
	if l.collector.has(wrong) == nil {
		return errors.New("the PIN went to the collector")
	}
	return nil
}

// tracedLoss has every eighth packet of a caller lost on its way.
func tracedLoss(ctx context.Context, l *lab) error {
	lossy := func(d time.Duration) part { return part{d: d, nth: 8} }
	err := l.keys(ctx, "rfc4733", peer{sound: []part{
		lossy(1500 * time.Millisecond), press('2'), lossy(1500 * time.Millisecond), press('3'), lossy(5 * time.Second),
	}})
	if err != nil {
		return err
	}
	all, err := l.records(ctx)
	if err != nil {
		return err
	}
	if q := all[0].Quality; q.MOS < 200 || q.MOS > 390 || q.Lost < 10 {
		return fmt.Errorf("lost %d packets, MOS %d hundredths", q.Lost, q.MOS)
	}
	bad, err := l.node.Metric(ctx, `tierline_leg_mos_bucket{direction="in",side="caller",le="3.8"}`)
	if err != nil || bad < 1 {
		return errors.Join(err, fmt.Errorf("%v legs below 3.8", bad))
	}
	id, err := l.newest(ctx)
	if err != nil {
		return err
	}
	out, err := l.cli(ctx, "trace", id)
	if err != nil {
		return err
	}
	out = strings.Join(strings.Fields(out), " ") // lines are broken anywhere
	return contains("the trace", out, "key 2", "key 3", "MOS 3.")
}
