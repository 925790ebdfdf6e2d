package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// carrierPort is where a carrier takes SIP over TLS.
const carrierPort = 5098

// carrier stands in front of a sipp that speaks TCP, because Debian's knows no
// TLS.
type carrier struct {
	ln     net.Listener
	behind string
	proved atomic.Int32 // connections whose caller showed a certificate
	wg     sync.WaitGroup
}

// openCarrier proves its address by the lab's certificate, and wants one of
// whoever calls.
func (l *lab) openCarrier(ctx context.Context) (*carrier, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(l.node.Certs, "node.pem"), filepath.Join(l.node.Certs, "node.key"))
	if err != nil {
		return nil, fmt.Errorf("read the carrier's certificate: %w", err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", fmt.Sprintf("%s:%d", l.callerIP, carrierPort))
	if err != nil {
		return nil, fmt.Errorf("open the carrier: %w", err)
	}
	c := &carrier{behind: fmt.Sprintf("%s:%d", l.callerIP, outwardPort), ln: tls.NewListener(ln, &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert,
	})}
	c.wg.Go(func() {
		for {
			from, err := c.ln.Accept()
			if err != nil {
				return
			}
			c.wg.Go(func() { c.carry(ctx, from) })
		}
	})
	return c, nil
}

// carry passes on what comes, both ways.
func (c *carrier) carry(ctx context.Context, from net.Conn) {
	defer func() { _ = from.Close() }() // nothing is buffered
	safe, ok := from.(*tls.Conn)
	if !ok || safe.HandshakeContext(ctx) != nil {
		return
	}
	c.proved.Add(int32(len(safe.ConnectionState().PeerCertificates))) //nolint:gosec // one
	var d net.Dialer
	to, err := d.DialContext(ctx, "tcp", c.behind)
	if err != nil {
		return
	}
	c.wg.Go(func() {
		_, _ = io.Copy(from, to) // the end of one is the end of both
		_ = from.Close()
	})
	_, _ = io.Copy(to, from)
	_ = to.Close()
}

// trunkByTLS has a customer called back through a carrier that proves who it is,
// and to whom the switch does the same.
func trunkByTLS(ctx context.Context, l *lab) (err error) {
	c, err := l.openCarrier(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.ln.Close() }() // the last connections go with the peers
	if err = l.targets(ctx, fmt.Sprintf("sip:%s:%d;transport=tls", l.callerIP, carrierPort)); err != nil {
		return err
	}
	port := l.port()
	if err = errors.Join(l.register(ctx, port, "1004"), l.onDuty(ctx, "1004")); err != nil {
		return err
	}
	l.tap.reset()
	agent, err := l.phone(ctx, port, 1, 300*time.Millisecond, 0)
	if err != nil {
		return err
	}
	customer, err := startSipp(ctx, l.work, peer{
		scenario: "agent", sound: []part{hum(callerHz, 20*time.Second)}, ring: 300 * time.Millisecond, by: "t1",
		hang: 12 * time.Second, ip: l.callerIP, port: outwardPort, mediaPort: l.media(callerPort), number: "customer",
		calls: 1,
	})
	if err != nil {
		return errors.Join(err, agent.kill())
	}
	if _, err = l.cli(ctx, "callbacks", "request", "13900139000", "--queue", "human"); err != nil {
		return errors.Join(err, agent.kill(), customer.kill())
	}
	if err = errors.Join(customer.wait(30*time.Second), agent.wait(10*time.Second)); err != nil {
		return err
	}
	if c.proved.Load() != 1 {
		return fmt.Errorf("%d callers proved who they are, on one connection each", c.proved.Load())
	}
	return errors.Join(l.callersHeard(1, 1500*time.Millisecond), l.agentsHeard(1, 1500*time.Millisecond))
}

// targets has calls outward go elsewhere.
func (l *lab) targets(ctx context.Context, target string) error {
	file := filepath.Join(l.node.Service, "trunks.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read trunks: %w", err)
	}
	old := fmt.Sprintf("sip:%s:%d", l.callerIP, outwardPort)
	if !strings.Contains(string(b), old) {
		return errors.New("where do calls outward go?")
	}
	if err = replace(file, strings.Replace(string(b), old, target, 1)); err != nil {
		return err
	}
	_, err = l.cli(ctx, "apply", l.node.Service)
	return err
}
