package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"tierline/.ci/bed"
)

// patience is how long an answer may take, hush how long silence is listened
// to.
const (
	patience = 3 * time.Second
	hush     = 600 * time.Millisecond
)

// prober is a socket that says one bad thing.
type prober struct {
	conn *net.UDPConn
	to   *net.UDPAddr
}

func newProber(ip, target string) (*prober, error) { return newProberAt(ip, 0, target) }

func newProberAt(ip string, port int, target string) (*prober, error) {
	to, err := net.ResolveUDPAddr("udp4", target)
	if err != nil {
		return nil, fmt.Errorf("resolve switch: %w", err)
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(ip), Port: port})
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	return &prober{conn, to}, nil
}

func (p *prober) close() { _ = p.conn.Close() } // nothing is buffered

func (p *prober) local() string { return p.conn.LocalAddr().String() }

func (p *prober) draft(method, number string) *draft {
	return newDraft(method, number, p.local(), p.to.String())
}

func (p *prober) send(text string) error {
	if _, err := p.conn.WriteToUDP([]byte(text), p.to); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// next returns the next message, "" if none comes in time.
func (p *prober) next(d time.Duration) bed.Message {
	buf := make([]byte, 65535)
	if p.conn.SetReadDeadline(time.Now().Add(d)) != nil {
		return ""
	}
	n, _, err := p.conn.ReadFromUDP(buf)
	if err != nil {
		return ""
	}
	return bed.Message(buf[:n])
}

// final returns the next final answer, "" if there is none in time.
func (p *prober) final(d time.Duration) bed.Message {
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		if m := p.next(time.Until(end)); m.Status() >= 200 {
			return m
		}
	}
	return ""
}

// follow makes the next request of the dialog that an INVITE began.
func (p *prober) follow(d *draft, answer bed.Message, method string, cseq int) *draft {
	uri := bed.URI(answer.Header("Contact"))
	if uri == "" {
		_, uri, _ = strings.Cut(d.start, " ")
		uri, _, _ = strings.Cut(uri, " ")
	}
	f := p.draft(method, "x")
	f.uri(uri)
	for _, name := range []string{"From", "Call-ID"} {
		f.set(name, d.get(name))
	}
	f.set("To", answer.Header("To"))
	f.set("CSeq", fmt.Sprintf("%d %s", cseq, method))
	if method == "ACK" && answer.Status() >= 300 {
		f.set("Via", d.get("Via"))
	}
	return f
}

// try says one bad thing, hears the answer and ends what it began.
func (p *prober) try(b badInput) error {
	d := p.draft(b.method, keyNumber)
	b.spoil(d)
	wait := patience
	if b.want == "-" {
		wait = hush
	}
	if err := p.send(d.text()); err != nil {
		return fmt.Errorf("#%d %s: %w", b.number, b.name, err)
	}
	answer := p.final(wait)
	got := "-"
	if answer != "" {
		got = fmt.Sprint(answer.Status())
	}
	if d.raw == "" && b.method == "INVITE" && answer != "" {
		_ = p.send(p.follow(d, answer, "ACK", 1).text()) // lost or not, what counts is the answer
		if answer.Status() < 300 {
			_ = p.send(p.follow(d, answer, "BYE", 2).text())
			p.final(patience)
		}
	}
	if !slices.Contains(strings.Fields(b.want), got) {
		return fmt.Errorf("#%d %s: answered with %s, not %s", b.number, b.name, got, b.want)
	}
	return nil
}

// tryAll says everything on the list, much of it at once.
func (l *lab) tryAll(list []badInput, from string) error {
	var mu sync.Mutex
	var all []error
	var wg sync.WaitGroup
	room := make(chan struct{}, 48)
	for _, b := range list {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			p, err := newProber(from, l.node.Address())
			if err == nil {
				err = p.try(b)
				p.close()
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, err)
		})
	}
	wg.Wait()
	return errors.Join(all...)
}

func badMessages(ctx context.Context, l *lab) error {
	return l.beside(ctx, 15*time.Second, 64<<20, func() error {
		return errors.Join(
			l.tryAll(badInputs(), l.callerIP), tampered(l), leaked(l), leakedInvite(ctx, l), smuggled(ctx, l), ownPort(l),
			badMedia(ctx, l), streams(ctx, l), lyingFrames(ctx, l),
		)
	})
}
