package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// byeNumber is answered by a flow that hangs up at once.
const (
	byeNumber = "1901"
	byeFlow   = "version: 1\nflow: e2e_bye\nlanguages: [en]\nstart: bye\nnodes:\n  bye: {type: hangup}\n"
)

// strangerDocuments leaves half of the loopback addresses to strangers, and
// adds the flow of byeNumber.
func strangerDocuments(to string) error {
	if err := os.WriteFile(filepath.Join(to, "flows", "e2e_bye.yaml"), []byte(byeFlow), 0o600); err != nil {
		return fmt.Errorf("write flow: %w", err)
	}
	for name, change := range map[string]func(string) string{
		"trunks.yaml": func(s string) string { return strings.Replace(s, "[127.0.0.0/8]", "[127.0.0.0/9]", 1) },
		"numbers.yaml": func(s string) string {
			return strings.TrimRight(s, "\n") + fmt.Sprintf("\n  - {number: %q, flow: e2e_bye}\n", byeNumber)
		},
	} {
		b, err := os.ReadFile(filepath.Join(to, name))
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		text := change(string(b))
		if text == string(b) {
			return fmt.Errorf("the demo's %s has changed: where are strangers?", name)
		}
		if err = replace(filepath.Join(to, name), text); err != nil {
			return err
		}
	}
	return nil
}

// stranger is an address that no trunk has and no phone registered from.
func (l *lab) stranger() string { return fmt.Sprintf("127.200.%d.21", l.block) }

// dialog is a call of a prober.
type dialog struct {
	*prober
	invite *draft
	answer bed.Message
	cseq   int
}

func (l *lab) openDialog(number string, spoil func(d *draft)) (*dialog, error) {
	p, err := newProber(l.callerIP, l.node.Address())
	if err != nil {
		return nil, err
	}
	d := &dialog{prober: p, invite: p.draft("INVITE", number), cseq: 1}
	spoil(d.invite)
	if err = p.send(d.invite.text()); err != nil {
		return nil, err
	}
	if d.answer = p.final(patience); d.answer.Status() != 200 {
		p.close()
		return nil, fmt.Errorf("call to %s: answered with %d", number, d.answer.Status())
	}
	return d, p.send(d.follow(d.invite, d.answer, "ACK", 1).text())
}

// within sends a request of the dialog, spoilt, from p, and checks the answer.
func (d *dialog) within(p *prober, method, want string, spoil func(f *draft)) error {
	d.cseq++
	f := d.follow(d.invite, d.answer, method, d.cseq)
	f.set("Via", strings.Replace(f.get("Via"), d.local(), p.local(), 1))
	spoil(f)
	if err := p.send(f.text()); err != nil {
		return err
	}
	wait := patience
	if strings.Contains(want, "-") {
		wait = hush
	}
	m := p.final(wait)
	got := "-"
	if m != "" {
		got = fmt.Sprint(m.Status())
	}
	if method == "INVITE" && m != "" {
		if err := p.send(d.ackOf(f, m)); err != nil {
			return err
		}
	}
	if !slices.Contains(strings.Fields(want), got) {
		return fmt.Errorf("%s in a dialog: answered with %s, not %s", method, got, want)
	}
	return nil
}

// ackOf acknowledges a re-INVITE; late offers are answered.
func (d *dialog) ackOf(f *draft, m bed.Message) string {
	ack := d.follow(d.invite, d.answer, "ACK", d.cseq)
	if m.Status() >= 300 {
		ack.set("Via", f.get("Via"))
	}
	if m.Status() == 200 && f.body == "" {
		ack.add("Content-Type", "application/sdp")
		ack.body = d.invite.body
	}
	return ack.text()
}

func nothing(*draft) {}

// tampered is 56 and 57: what others say in a dialog, and what its own peer may.
func tampered(l *lab) error {
	d, err := l.openDialog(keyNumber, nothing)
	if err != nil {
		return err
	}
	defer d.close()
	neighbour, err := newProber(l.callerIP, l.node.Address())
	if err != nil {
		return err
	}
	defer neighbour.close()
	stranger, err := newProber(l.stranger(), l.node.Address())
	if err != nil {
		return err
	}
	defer stranger.close()
	wrongTag := func(f *draft) { f.set("From", f.get("From")+"x") }
	wrongOurs := func(f *draft) { f.set("To", f.get("To")+"x") }
	bare := func(f *draft) { f.remove("Content-Type"); f.body = "" }
	return errors.Join(
		d.within(neighbour, "BYE", "481", wrongTag),
		d.within(neighbour, "BYE", "481", wrongOurs),
		d.within(neighbour, "CANCEL", "481", nothing),
		d.within(neighbour, "INVITE", "481", wrongTag),
		d.within(stranger, "BYE", "-", nothing),
		d.within(stranger, "INVITE", "-", nothing),
		d.within(stranger, "CANCEL", "-", nothing),
		d.within(d.prober, "INVITE", "200 400", func(f *draft) { f.remove("Contact") }),
		d.within(d.prober, "INVITE", "200", bare),
		d.within(d.prober, "INVITE", "200", func(f *draft) { f.body += "a=inactive\r\n" }),
		d.within(d.prober, "INVITE", "488", func(f *draft) { f.line("c=IN") }),
		d.within(d.prober, "BYE", "200", nothing), // and it is still there
	)
}

// leaked is 33: whoever asks us for a digest in his own call gets none.
func leaked(l *lab) error {
	d, err := l.openDialog(byeNumber, nothing)
	if err != nil {
		return err
	}
	defer d.close()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		m := d.next(time.Until(end))
		if m.Header("Authorization")+m.Header("Proxy-Authorization") != "" {
			return fmt.Errorf("#33: a stranger was told %s", m)
		}
		if m.Method() != "BYE" {
			continue
		}
		no := m.Reply(407, "Proxy Authentication Required", "", "sip:x@"+d.local(), "")
		no = strings.Replace(no, "Contact:", `Proxy-Authenticate: Digest realm="thief", nonce="n"`+"\r\nContact:", 1)
		if err = d.send(no); err != nil {
			return err
		}
		end = time.Now().Add(hush)
	}
	return nil
}

// leakedInvite is 33 for a call of ours: a phone that wants our digest gets
// none, and no second INVITE.
func leakedInvite(ctx context.Context, l *lab) error {
	port := l.port()
	if err := errors.Join(l.register(ctx, port, wideAgent), l.command(ctx, wideAgent, "ready")); err != nil {
		return err
	}
	phone, err := newProberAt(l.agentIP, port, l.node.Address())
	if err != nil {
		return err
	}
	defer phone.close()
	d, err := l.openDialog(freeNumber, nothing)
	if err != nil {
		return err
	}
	defer d.close()
	calls := map[string]bool{}
	for end := time.Now().Add(patience); time.Now().Before(end); {
		m := phone.next(time.Until(end))
		if m.Header("Authorization")+m.Header("Proxy-Authorization") != "" {
			return fmt.Errorf("#33: a phone was told %s", m)
		}
		if m.Method() != "INVITE" {
			continue
		}
		calls[m.Header("Call-ID")] = true
		no := m.Reply(401, "Prove It", "t", "sip:x@"+phone.local(), "")
		no = strings.Replace(no, "Contact:", `WWW-Authenticate: Digest realm="thief", nonce="n"`+"\r\nContact:", 1)
		if err = phone.send(no); err != nil {
			return err
		}
		end = time.Now().Add(hush)
	}
	if len(calls) != 1 {
		return fmt.Errorf("#33: the phone was called %d times", len(calls))
	}
	return errors.Join(d.within(d.prober, "BYE", "200", nothing), l.command(ctx, wideAgent, "sign_out"))
}

// smuggled is 34: what an untrusted trunk says of its caller is not believed.
func smuggled(ctx context.Context, l *lab) error {
	const number, rich = "13900000034", gold
	d, err := l.openDialog(byeNumber, func(d *draft) {
		d.set("From", strings.Replace(d.get("From"), standard, number, 1))
		d.add("X-Tier ", "diamond")
		d.add("P-Asserted-Identity", fmt.Sprintf("<sip:+86%s@%s>", rich, l.callerIP))
	})
	if err != nil {
		return err
	}
	defer d.close()
	if err = d.hungUp(); err != nil {
		return err
	}
	return bed.Eventually(5*time.Second, func() error {
		all, err := l.records(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(c cdr) bool { return c.From == "+86"+number })
		if i < 0 || all[i].Tier != "standard" {
			return fmt.Errorf("#34: no record of %s as a standard caller", number)
		}
		return nil
	})
}

// hungUp waits for the BYE and answers it.
func (d *dialog) hungUp() error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if m := d.next(time.Until(end)); m.Method() == "BYE" {
			return d.send(m.Reply(200, "OK", "", "sip:x@"+d.local(), ""))
		}
	}
	return errors.New("no BYE came")
}

// ownPort is the rest of 20: our own sockets are nobody's media.
func ownPort(l *lab) error {
	d, err := l.openDialog(keyNumber, nothing)
	if err != nil {
		return err
	}
	defer d.close()
	loop := badInput{20, "a port of ours", "INVITE", func(f *draft) {
		f.body = bed.SDP(l.switchIP, d.answer.MediaPort())
	}, "488"}
	p, err := newProber(l.callerIP, l.node.Address())
	if err != nil {
		return err
	}
	defer p.close()
	return errors.Join(p.try(loop), d.within(d.prober, "BYE", "200", nothing))
}

// connect opens a TCP connection to the switch.
func (l *lab) connect(ctx context.Context, from string) (*net.TCPConn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.DialContext(ctx, "tcp", l.node.Address())
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil, errors.New("connect: no TCP connection")
	}
	return tcp, nil
}
