package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// streams are 6 and 46 to 50: what TCP connections may do.
func streams(ctx context.Context, l *lab) error {
	return errors.Join(hugeLength(ctx, l), split(ctx, l), pipelined(ctx, l), idlers(ctx, l), abrupt(ctx, l), deaf(ctx, l))
}

// overTCP makes a request for a connection.
func overTCP(l *lab, c net.Conn, method, number string) *draft {
	d := newDraft(method, number, c.LocalAddr().String(), l.node.Address())
	d.set("Via", strings.Replace(d.get("Via"), "/UDP", "/TCP", 1))
	return d
}

// heardUntilClosed returns what comes until the switch closes.
func heardUntilClosed(c *net.TCPConn) (string, error) {
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	b, err := io.ReadAll(c)
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return string(b), errors.New("the connection is still open")
	}
	return string(b), nil // a reset is an end as well
}

func hugeLength(ctx context.Context, l *lab) error {
	c, err := l.connect(ctx, l.callerIP)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	d := overTCP(l, c, "INVITE", keyNumber)
	d.set("Content-Length", "4294967295")
	_, _ = c.Write([]byte(d.text())) // the switch may be faster
	if _, err = heardUntilClosed(c); err != nil {
		return fmt.Errorf("#6: %w", err)
	}
	return nil
}

// split is 49: the end of a line, and nothing else, in a packet of its own.
func split(ctx context.Context, l *lab) error {
	c, err := l.connect(ctx, l.callerIP)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	text := overTCP(l, c, "OPTIONS", "").text()
	first, second, _ := strings.Cut(text, "\r\n")
	for _, part := range []string{first, "\r\n", second} {
		if _, err = c.Write([]byte(part)); err != nil {
			return fmt.Errorf("#49: %w", err)
		}
		time.Sleep(50 * time.Millisecond) // each shall be read alone
	}
	if got := reply(c); !strings.HasPrefix(got, "SIP/2.0 200 ") {
		return fmt.Errorf("#49: answered with %q", got)
	}
	return nil
}

// reply is what is read next, "" if nothing comes.
func reply(c net.Conn) string {
	buf := make([]byte, 65535)
	_ = c.SetReadDeadline(time.Now().Add(patience)) // then the read fails
	n, _ := c.Read(buf)                             // what came, came
	return string(buf[:n])
}

// pipelined is 50: a length that eats the beginning of the next request.
func pipelined(ctx context.Context, l *lab) error {
	c, err := l.connect(ctx, l.callerIP)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	d, hidden := overTCP(l, c, "OPTIONS", ""), overTCP(l, c, "OPTIONS", "")
	d.set("Content-Length", "10")
	_, _ = c.Write([]byte(d.text() + hidden.text())) // the switch may be faster
	got, err := heardUntilClosed(c)
	if err != nil {
		return fmt.Errorf("#50: %w", err)
	}
	if strings.Contains(got, hidden.get("Call-ID")) {
		return fmt.Errorf("#50: the hidden request was answered: %s", got)
	}
	return nil
}

// idlers is 46: a stranger holds no more connections than one may, and others
// get theirs.
func idlers(ctx context.Context, l *lab) error {
	const all, most = 100, 64
	var conns []*net.TCPConn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for range all {
		c, err := l.connect(ctx, l.stranger())
		if err != nil {
			return err
		}
		conns = append(conns, c)
	}
	open := 0
	one := make([]byte, 1)
	for _, c := range conns {
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			return fmt.Errorf("#46: %w", err)
		}
		_, err := c.Read(one)
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
			open++
		}
	}
	if open == 0 || open > most {
		return fmt.Errorf("#46: %d of %d idle connections are open", open, all)
	}
	return split(ctx, l)
}

// abrupt is 47: ten callers whose connection breaks.
func abrupt(ctx context.Context, l *lab) error {
	c, err := l.connect(ctx, l.callerIP)
	if err != nil {
		return err
	}
	for range 10 {
		if _, err = c.Write([]byte(overTCP(l, c, "INVITE", keyNumber).text())); err != nil {
			return fmt.Errorf("#47: %w", err)
		}
	}
	return errors.Join(c.SetLinger(0), c.Close())
}

// deaf is 48: somebody asks and asks and never reads.
func deaf(ctx context.Context, l *lab) error {
	c, err := l.connect(ctx, l.callerIP)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetReadBuffer(4096) // a larger one only takes longer
	for range 4000 {
		_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)) // then the write fails
		if _, err = c.Write([]byte(overTCP(l, c, "INVITE", "404").text())); err != nil {
			break // the switch has had enough of it, or doesn't read more
		}
	}
	return split(ctx, l)
}
