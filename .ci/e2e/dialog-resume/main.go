// Command dialog-resume shows with a real baresip that a call survives the
// process that made it: process A calls or is called, writes its dialog down
// and dies by kill -9; process B, at the same address or at another one, goes
// on with a re-INVITE and ends the call with BYE.
//
//	go run ./.ci/e2e/dialog-resume
//
// It needs baresip and its modules, loopback only, and takes some seconds.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tierline/call/registrar"
	"tierline/call/sipua"
)

const (
	config = `net_interface 127.0.0.1
sip_listen %[1]s
audio_player aubridge,sink
audio_alert aubridge,sink
audio_source aubridge,sink
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports 31200-31300
module_path /usr/lib/baresip/modules
module g711.so
module aubridge.so
module_tmp account.so
module_app ctrl_tcp.so
module_app menu.so
ctrl_tcp_listen %[2]s
`
	account  = "<sip:phone@127.0.0.1>;regint=0;answermode=auto;audio_codecs=PCMA\n"
	patience = 10 * time.Second
)

func main() {
	role := flag.String("role", "", "of a child: a or b")
	addr := flag.String("addr", "", "where the child listens")
	phone := flag.String("phone", "", "whom process A calls; nobody: it waits to be called")
	file := flag.String("file", "", "where the dialog is written")
	flag.Parse()
	var err error
	switch *role {
	case "a":
		err = before(*addr, *phone, *file)
	case "b":
		err = after(*addr, *file)
	default:
		err = run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dialog-resume:", err)
		os.Exit(1)
	}
}

// run plays all variants.
func run() error {
	dir, err := os.MkdirTemp("", "dialog-resume-")
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, weCall := range []bool{true, false} {
		for _, move := range []bool{false, true} {
			name := fmt.Sprintf("baresip calls=%v, other address=%v", !weCall, move)
			seen, err := play(dir, weCall, move)
			if err != nil {
				log, _ := os.ReadFile(filepath.Join(dir, "log"))
				return fmt.Errorf("%s: %w\n%s", name, err, log)
			}
			fmt.Printf("ok  %s: %s\n", name, strings.Join(seen, ", "))
		}
	}
	return nil
}

// play plays one variant and returns what process B saw.
func play(dir string, weCall, move bool) ([]string, error) {
	phone, control, one, two := free(), free(), free(), free()
	if !move {
		two = one
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	stop, err := baresip(ctx, dir, phone, control)
	if err != nil {
		return nil, err
	}
	defer stop()
	file, called := filepath.Join(dir, "dialog"), ""
	if weCall {
		called = phone
	}
	if err = os.RemoveAll(file); err != nil {
		return nil, fmt.Errorf("remove old dialog: %w", err)
	}
	a, lines, err := child(ctx, "-role", "a", "-addr", one, "-phone", called, "-file", file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Process.Kill() }()
	if _, err = expect(lines, "listening"); err != nil {
		return nil, err
	}
	if !weCall {
		if err = dial(ctx, control, "sip:10000@"+one); err != nil {
			return nil, err
		}
	}
	if _, err = expect(lines, "established"); err != nil {
		return nil, err
	}
	time.Sleep(time.Second) // the call talks a moment
	if err = a.Process.Kill(); err != nil {
		return nil, fmt.Errorf("kill process A: %w", err)
	}
	_ = a.Wait() // killed
	b, lines, err := child(ctx, "-role", "b", "-addr", two, "-file", file)
	if err != nil {
		return nil, err
	}
	seen, err := expect(lines, "re-INVITE 200", "BYE answered")
	if err != nil {
		return nil, err
	}
	if err := b.Wait(); err != nil {
		return nil, fmt.Errorf("process B: %w", err)
	}
	return seen, nil
}

// free returns an address nobody uses now.
func free() string {
	var lc net.ListenConfig
	c, err := lc.ListenPacket(context.Background(), "udp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr().String()
}

func baresip(ctx context.Context, dir, phone, control string) (stop func(), err error) {
	for name, text := range map[string]string{
		"config": fmt.Sprintf(config, phone, control), "accounts": account, "contacts": "",
	} {
		if err = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("write baresip's %s: %w", name, err)
		}
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor
	cmd := exec.CommandContext(ctx, "baresip", "-f", dir)
	cmd.Stdout, cmd.Stderr = log, log
	if err = cmd.Start(); err != nil {
		return nil, fmt.Errorf("start baresip: %w", err)
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var d net.Dialer
		if c, refused := d.DialContext(ctx, "tcp", control); refused == nil {
			return stop, c.Close()
		}
	}
	stop()
	return nil, errors.New("baresip doesn't come up")
}

// dial has baresip call, by its control port: netstrings of JSON.
func dial(ctx context.Context, control, uri string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", control)
	if err != nil {
		return fmt.Errorf("reach baresip: %w", err)
	}
	defer func() { _ = c.Close() }()
	text := fmt.Sprintf(`{"command":"dial","params":"%s","token":"x"}`, uri)
	if _, err = fmt.Fprintf(c, "%d:%s,", len(text), text); err != nil {
		return fmt.Errorf("tell baresip: %w", err)
	}
	if err = c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("tell baresip: %w", err)
	}
	_, err = c.Read(make([]byte, 1024)) // it answers; a connection closed before is not heard
	if err != nil {
		return fmt.Errorf("hear from baresip: %w", err)
	}
	return nil
}

func child(ctx context.Context, args ...string) (*exec.Cmd, <-chan string, error) {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("start process: %w", err)
	}
	if err = cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start process: %w", err)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return cmd, lines, nil
}

func expect(lines <-chan string, want ...string) (seen []string, err error) {
	for _, w := range want {
		select {
		case got := <-lines:
			if !strings.HasPrefix(got, w) {
				return nil, fmt.Errorf("got %q, want %q", got, w)
			}
			seen = append(seen, got)
		case <-time.After(patience):
			return nil, fmt.Errorf("no %q in time", w)
		}
	}
	return seen, nil
}

// handler is what the two processes do with strangers' requests.
type handler struct{ invite func(*sipua.Incoming) }

func (h handler) Invite(in *sipua.Incoming) { h.invite(in) }

func (handler) Register(context.Context, registrar.Request) registrar.Response {
	return registrar.Response{Status: 403, Reason: "Forbidden"}
}
func (handler) Known(netip.AddrPort, string, string) bool { return true }
func (handler) Gone(string, netip.AddrPort)               {}

// Prove implements sipua.Handler.
func (handler) Prove(sipua.Proof) sipua.Verdict { return sipua.Verdict{} }

func (handler) Options() (status, retryAfter int) { return 200, 0 }

func open(addr string, h handler) (*sipua.UA, error) {
	ua, err := sipua.Open(sipua.Config{
		UserAgent: "tierline", Listen: []sipua.Listen{{Transport: sipua.UDP, Addr: addr}},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), Handler: h,
	})
	if err != nil {
		return nil, fmt.Errorf("open user agent: %w", err)
	}
	return ua, nil
}

// sdp is an offer or answer of a process; nobody listens at its RTP port.
func sdp(version int) []byte {
	return fmt.Appendf(nil, "v=0\r\no=- 4711 %d IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"+
		"m=audio 31400 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n", version)
}

// before is process A: it gets into a call, writes the dialog down and waits
// for its end.
func before(addr, phone, file string) error {
	legs := make(chan *sipua.Leg, 1)
	up := make(chan struct{}, 2)
	on := func(ev sipua.LegEvent) {
		switch ev.(type) {
		case sipua.Answered, sipua.Confirmed:
			up <- struct{}{}
		default:
		}
	}
	ua, err := open(addr, handler{invite: func(in *sipua.Incoming) {
		if l, err := in.Answer(sdp(1), on); err == nil {
			legs <- l
		}
	}})
	if err != nil {
		return err
	}
	fmt.Println("listening")
	if phone != "" {
		l, refused := ua.Dial(sipua.DialRequest{Target: "sip:phone@" + phone, From: "10000", SDP: sdp(1)}, on)
		if refused != nil {
			return fmt.Errorf("call baresip: %w", refused)
		}
		legs <- l
	}
	l := <-legs
	<-up
	b, err := l.Dialog().MarshalBinary()
	if err != nil {
		return fmt.Errorf("encode dialog: %w", err)
	}
	if err = os.WriteFile(file, b, 0o600); err != nil {
		return fmt.Errorf("write dialog: %w", err)
	}
	fmt.Println("established")
	select {} // until it is killed
}

// after is process B.
func after(addr, file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read dialog: %w", err)
	}
	var d sipua.Dialog
	if err = d.UnmarshalBinary(b); err != nil {
		return fmt.Errorf("decode dialog: %w", err)
	}
	ua, err := open(addr, handler{invite: func(*sipua.Incoming) {}})
	if err != nil {
		return err
	}
	defer ua.Close()
	l := ua.Resume(d, func(sipua.LegEvent) {})
	done := make(chan int, 1)
	began := time.Now()
	l.Reinvite(sdp(2), func(status int, _ []byte) { done <- status })
	fmt.Printf("re-INVITE %d after %v\n", <-done, time.Since(began).Round(100*time.Microsecond))
	before := ua.Stats().In["200"]
	l.Hangup(16, "moved")
	for end := time.Now().Add(patience); ua.Stats().Legs > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("no end of the BYE")
		}
	}
	if ua.Stats().In["200"] != before+1 {
		return errors.New("the BYE was refused")
	}
	fmt.Println("BYE answered")
	return nil
}
