package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// corpus returns malformed and strange SIP messages: the RFC 4475 set that
// comes with sipgo, what TIERLINE_E2E_CORPUS names (a directory of files, one
// datagram each), and noise.
func corpus(ctx context.Context) ([][]byte, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		return nil, fmt.Errorf("find sipgo's test data: %w", err)
	}
	dirs := []string{filepath.Join(strings.TrimSpace(string(out)), "sip", "testdata", "torture")}
	if more := os.Getenv("TIERLINE_E2E_CORPUS"); more != "" {
		dirs = append(dirs, more)
	}
	var all [][]byte
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			all = append(all, b[:min(len(b), 60000)])
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read messages: %w", err)
		}
	}
	if len(all) < 40 {
		return nil, fmt.Errorf("only %d messages in %v", len(all), dirs)
	}
	for _, good := range all[:40] { // broken in one place each
		for range 20 {
			b := append([]byte(nil), good...)
			if len(b) > 0 {
				b[rand.IntN(len(b))] = byte(rand.IntN(256))
				all = append(all, b[:1+rand.IntN(len(b))])
			}
		}
	}
	for range 500 {
		b := make([]byte, rand.IntN(1400))
		for i := range b {
			b[i] = byte(rand.IntN(256))
		}
		all = append(all, b)
	}
	return all, nil
}

func garbage(ctx context.Context, l *lab) error {
	messages, err := corpus(ctx)
	if err != nil {
		return err
	}
	return l.beside(ctx, 5*time.Second, 200<<20, func() error { return l.litter(ctx, messages) })
}

// litter sends messages to SIP and media ports, and over connections.
func (l *lab) litter(ctx context.Context, messages [][]byte) error {
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, "udp", l.callerIP+":0")
	if err != nil {
		return fmt.Errorf("open socket: %w", err)
	}
	defer func() { _ = conn.Close() }()
	sip := &net.UDPAddr{IP: net.ParseIP(l.switchIP), Port: l.node.SIP}
	for _, m := range messages {
		if _, err = conn.WriteTo(m, sip); err != nil && len(m) > 0 {
			return fmt.Errorf("spray: %w", err)
		}
		media := &net.UDPAddr{IP: sip.IP, Port: l.node.RTPMin + rand.IntN(400)}
		_, _ = conn.WriteTo(m[:min(len(m), 1400)], media) // most of these ports are closed
		if rand.IntN(20) == 0 {
			time.Sleep(10 * time.Millisecond)
		}
	}
	return stream(ctx, l, messages)
}

// stream sends the messages over TCP connections, some of them never ended.
func stream(ctx context.Context, l *lab, messages [][]byte) error {
	var d net.Dialer
	for i := range 50 {
		c, err := d.DialContext(ctx, "tcp", l.node.Address())
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		for _, m := range messages[i*10 : min(len(messages), i*10+10)] {
			if _, err := c.Write(m); err != nil {
				break // the switch has had enough of this connection
			}
		}
		if err := c.Close(); err != nil {
			return fmt.Errorf("close: %w", err)
		}
	}
	return nil
}
