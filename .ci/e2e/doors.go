package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// doors tries what strangers do at the ports of TLS and WSS; whoever knows how
// to knock is let in all the while.
func doors(ctx context.Context, l *lab) error {
	door, err := l.doorway()
	if err != nil {
		return err
	}
	var dialer net.Dialer
	silent, err := dialer.DialContext(ctx, "tcp", door.at(1)) // takes a place and says nothing
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = silent.Close() }() // it never carried anything
	request := newDraft("OPTIONS", "", l.callerIP+":5060", l.node.Address())
	for port := 1; port <= 2; port++ {
		if err = door.plain(ctx, port, request.text()); err != nil {
			return err
		}
		if err = door.garbage(ctx, port); err != nil {
			return err
		}
	}
	if err = door.oldVersion(ctx); err != nil {
		return err
	}
	return errors.Join(door.knockTLS(ctx, request), door.knockWSS(ctx, request), door.wrongProtocol(ctx))
}

type doorway struct {
	l      *lab
	config *tls.Config
}

func (l *lab) doorway() (*doorway, error) {
	door := &doorway{l: l, config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}}
	ca, err := os.ReadFile(filepath.Join(l.node.Certs, "ca.pem"))
	if err != nil || !door.config.RootCAs.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	return door, nil
}

func (d *doorway) at(port int) string { return fmt.Sprintf("%s:%d", d.l.switchIP, d.l.node.SIP+port) }

// enter shakes hands as it should be done.
func (d *doorway) enter(ctx context.Context, port int, config *tls.Config) (net.Conn, error) {
	dialer := tls.Dialer{NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(d.l.callerIP)}}, Config: config}
	c, err := dialer.DialContext(ctx, "tcp", d.at(port))
	if err != nil {
		return nil, fmt.Errorf("enter port %d: %w", port, err)
	}
	return c, c.SetDeadline(time.Now().Add(patience))
}

// plain speaks SIP where TLS is due: nothing but an alert comes back.
func (d *doorway) plain(ctx context.Context, port int, text string) error {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", d.at(port))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience)) // then reading fails
	_, _ = io.WriteString(c, text)
	b, err := io.ReadAll(c)
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() || strings.Contains(string(b), "SIP/2.0") {
		return fmt.Errorf("plain SIP at port %d: %q, %w", port, b, err)
	}
	return nil
}

// garbage comes through TLS; the connection is over.
func (d *doorway) garbage(ctx context.Context, port int) error {
	c, err := d.enter(ctx, port, d.config)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_, _ = c.Write([]byte(strings.Repeat("\x00\xff garbage \r\n\r\n", 8000)))
	b, err := io.ReadAll(c)
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return fmt.Errorf("garbage at port %d: still open after %q", port, b)
	}
	return nil
}

func (d *doorway) oldVersion(ctx context.Context) error {
	old := d.config.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	c, err := d.enter(ctx, 1, old)
	if err == nil {
		return errors.Join(errors.New("TLS 1.1 was accepted"), c.Close())
	}
	return nil
}

func (d *doorway) knockTLS(ctx context.Context, request *draft) error {
	c, err := d.enter(ctx, 1, d.config)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	request.set("Via", strings.Replace(request.get("Via"), "/UDP", "/TLS", 1))
	if _, err = io.WriteString(c, request.text()); err != nil {
		return fmt.Errorf("knock by TLS: %w", err)
	}
	if got := reply(c); !strings.HasPrefix(got, "SIP/2.0 200 ") {
		return fmt.Errorf("OPTIONS by TLS: %q", got)
	}
	return nil
}

// socket opens a WebSocket for a subprotocol.
func (d *doorway) socket(ctx context.Context, protocol string) (net.Conn, error) {
	dialer := ws.Dialer{
		Protocols: []string{protocol}, TLSConfig: d.config, Timeout: patience,
		NetDial: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(d.l.callerIP)}}).DialContext,
	}
	c, _, _, err := dialer.Dial(ctx, "wss://"+d.at(2)+"/")
	if err != nil {
		return nil, fmt.Errorf("open a WebSocket for %s: %w", protocol, err)
	}
	return c, c.SetDeadline(time.Now().Add(patience))
}

func (d *doorway) knockWSS(ctx context.Context, request *draft) error {
	c, err := d.socket(ctx, "sip")
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	request.set("Via", strings.NewReplacer("/TLS", "/WSS", "/UDP", "/WSS").Replace(request.get("Via"))+"w")
	if err = wsutil.WriteClientText(c, []byte(request.text())); err != nil {
		return fmt.Errorf("knock by WSS: %w", err)
	}
	got, err := wsutil.ReadServerText(c)
	if err != nil || !strings.HasPrefix(string(got), "SIP/2.0 200 ") {
		return fmt.Errorf("OPTIONS by WSS: %q, %w", got, err)
	}
	huge := ws.MaskFrame(ws.NewTextFrame(make([]byte, 1<<20)))
	_ = ws.WriteFrame(c, huge) // the switch is faster
	if got, err = wsutil.ReadServerText(c); err == nil {
		return fmt.Errorf("after a frame of a megabyte: %q", got)
	}
	return nil
}

// lyingFrames is 51: frames whose lengths nobody has room for, and a message
// without end. Each ends its connection.
func lyingFrames(ctx context.Context, l *lab) error {
	door, err := l.doorway()
	if err != nil {
		return err
	}
	piece := ws.MaskFrame(ws.NewFrame(ws.OpContinuation, false, make([]byte, 32<<10)))
	for name, say := range map[string]func(c net.Conn){
		"2^63": func(c net.Conn) {
			_, _ = c.Write([]byte{0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4})
		},
		"2^62": func(c net.Conn) {
			_, _ = c.Write([]byte{0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4})
		},
		"a ping of 126": func(c net.Conn) { _, _ = c.Write([]byte{0x89, 0xfe, 0, 126, 1, 2, 3, 4}) },
		"pieces without end": func(c net.Conn) {
			_ = ws.WriteHeader(c, ws.Header{OpCode: ws.OpText, Masked: true})
			for range 64 {
				if ws.WriteFrame(c, piece) != nil {
					return // it has had enough
				}
			}
		},
	} {
		c, err := door.socket(ctx, "sip")
		if err != nil {
			return err
		}
		say(c)
		_, err = wsutil.ReadServerText(c)
		_ = c.Close()
		if ne, ok := errors.AsType[net.Error](err); err == nil || ok && ne.Timeout() {
			return fmt.Errorf("#51: after a frame of %s the connection is open", name)
		}
	}
	return nil
}

func (d *doorway) wrongProtocol(ctx context.Context) error {
	c, err := d.socket(ctx, "chat")
	if err == nil {
		return errors.Join(errors.New("a WebSocket for chat was opened"), c.Close())
	}
	return nil
}
