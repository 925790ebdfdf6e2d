package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"tierline/.ci/bed"
	"tierline/media/tone"
	"tierline/media/wav"
)

// jssip is a SIP phone for browsers. npm brings it when the check runs, and
// esbuild makes one file of it.
const (
	jssipVersion   = "3.13.8"
	esbuildVersion = "0.28.2"
)

//go:embed page/phone.html
var phonePage []byte

// browserPhone is a page in Chromium that is an agent's phone.
type browserPhone struct {
	*chrome
	web *http.Server
}

// bundle installs JsSIP into a directory and returns it as one script.
func bundle(ctx context.Context, dir string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a directory for npm: %w", err)
	}
	for name, text := range map[string]string{
		"package.json": `{"name": "phone", "version": "1.0.0", "private": true}`,
		"entry.js":     `globalThis.JsSIP = require("jssip")`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
	}
	for _, args := range [][]string{
		{"npm", "install", "--no-audit", "--no-fund", "jssip@" + jssipVersion, "esbuild@" + esbuildVersion},
		{filepath.Join("node_modules", ".bin", "esbuild"), "entry.js", "--bundle", "--outfile=jssip.js"},
	} {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%v: %w\n%s", args, err, out)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "jssip.js"))
	if err != nil {
		return nil, fmt.Errorf("read JsSIP: %w", err)
	}
	return b, nil
}

// keyHash names the key of a certificate as Chromium wants it.
func keyHash(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read certificate: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return "", errors.New("no certificate")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("read certificate: %w", err)
	}
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

// browser opens the page of an agent.
func (l *lab) browser(ctx context.Context, id string) (*browserPhone, error) {
	dir, err := os.MkdirTemp(l.work, "chrome-")
	if err != nil {
		return nil, fmt.Errorf("make chromium's directory: %w", err)
	}
	script, err := bundle(ctx, filepath.Join(dir, "npm"))
	if err != nil {
		return nil, err
	}
	key, err := keyHash(filepath.Join(l.node.Certs, "node.pem"))
	if err != nil {
		return nil, err
	}
	microphone := filepath.Join(dir, "tone.wav")
	w, err := os.Create(microphone)
	if err != nil {
		return nil, fmt.Errorf("write tone: %w", err)
	}
	if err = errors.Join(wav.Write(w, wav.FromSamples(tone.Make(time.Minute, -12, agentHz))), w.Close()); err != nil {
		return nil, err
	}
	page, web, err := servePage(ctx, l.agentIP, script)
	if err != nil {
		return nil, err
	}
	b := &browserPhone{web: web}
	if b.chrome, err = startChrome(ctx, dir, microphone, key); err != nil {
		return nil, errors.Join(err, web.Close())
	}
	query := url.Values{
		"server": {fmt.Sprintf("wss://%s:%d/", l.desk.IP, l.desk.SIP+2)}, "uri": {"sip:" + id + "@" + l.desk.IP},
		"password": {"demo-" + id},
	}
	if err = b.tell("Page.navigate", map[string]any{"url": page + "/?" + query.Encode()}, nil); err != nil {
		return nil, errors.Join(err, b.stop())
	}
	return b, nil
}

// servePage serves the phone's page and JsSIP on loopback, where browsers give
// out the microphone without TLS.
func servePage(ctx context.Context, ip string, script []byte) (at string, web *http.Server, err error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", ip+":0")
	if err != nil {
		return "", nil, fmt.Errorf("serve the phone's page: %w", err)
	}
	mux := http.NewServeMux()
	answer := func(kind string, b []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(b) // a browser that left isn't our problem
		}
	}
	mux.HandleFunc("/", answer("text/html; charset=utf-8", phonePage))
	mux.HandleFunc("/jssip.js", answer("text/javascript; charset=utf-8", script))
	web = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = web.Serve(ln) }() // ends with Close
	return "http://" + ln.Addr().String(), web, nil
}

func (b *browserPhone) stop() error { return errors.Join(b.close(), b.web.Close()) }

// seen is what the page has seen so far.
type seen struct {
	Registered   bool
	Calls, Ended int
	Trouble      string
	Heard        map[string]int // ms by frequency
}

func (b *browserPhone) seen() (s seen, err error) {
	err = b.run("({...phone, session: null})", &s)
	return s, err
}

// registered waits until the page and the switch agree that the phone is there.
func (b *browserPhone) registered(ctx context.Context, l *lab, id string) error {
	return bed.Eventually(15*time.Second, func() error {
		s, err := b.seen()
		if err != nil {
			return err
		}
		a, err := l.agent(ctx, id)
		if err == nil && (!s.Registered || len(a.Phones) != 1) {
			err = fmt.Errorf("the browser is not registered: %+v, %+v", s, a)
		}
		return err
	})
}

// browserAgent is a day in the life of an agent whose phone is a page.
func browserAgent(ctx context.Context, l *lab) (err error) {
	const id = "1002"
	b, err := l.browser(ctx, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	if err = errors.Join(b.registered(ctx, l, id), l.rest(ctx, id), l.readyByBrowser(ctx, b, id)); err != nil {
		return err
	}
	if err = l.talkToBrowser(ctx, b, id); err != nil {
		return err
	}
	if err = l.socketLost(ctx, b, id); err != nil {
		return fmt.Errorf("a connection lost in a call: %w", err)
	}
	if err = b.tell("Page.reload", nil, nil); err != nil {
		return err
	}
	if err = b.registered(ctx, l, id); err != nil {
		return fmt.Errorf("after a reload: %w", err)
	}
	return l.expect(ctx, id, "ready")
}

// rest lets nobody but the one agent be ready.
func (l *lab) rest(ctx context.Context, id string) error {
	if err := l.onDuty(ctx, id); err != nil {
		return err
	}
	return errors.Join(l.command(ctx, id, "not_ready"), l.expect(ctx, id, "not_ready"))
}

// readyByBrowser dials *11 in the page, which gets an answer and a voice.
func (l *lab) readyByBrowser(ctx context.Context, b *browserPhone, id string) error {
	var said string
	if err := b.run("dial('*11')", &said); err != nil || said != "answered" {
		return fmt.Errorf("*11: %q, %w", said, err)
	}
	return errors.Join(l.expect(ctx, id, "ready"), bed.Eventually(8*time.Second, func() error {
		s, err := b.seen()
		if err == nil && (s.Ended != 1 || len(s.Heard) == 0) {
			err = fmt.Errorf("the page hears no voice or is not hung up: %+v", s)
		}
		return err
	}))
}

// talkToBrowser brings a caller to the page, which holds him, takes him back
// and hangs up.
func (l *lab) talkToBrowser(ctx context.Context, b *browserPhone, id string) error {
	l.tap.reset()
	caller, err := l.call(ctx, []string{gold}, 1, 0, '1')
	if err != nil {
		return err
	}
	if err = l.expect(ctx, id, "talking"); err == nil {
		time.Sleep(3 * time.Second)
		err = errors.Join(l.callersHeard(1, 1500*time.Millisecond), b.hears(callerHz, 1500))
	}
	if err == nil {
		err = l.holdInBrowser(b)
	}
	if err == nil {
		err = b.run("phone.session.terminate()", nil)
	}
	if err != nil {
		s, _ := b.seen()
		return errors.Join(fmt.Errorf("%w (page: %+v)", err, s), caller.kill())
	}
	return errors.Join(caller.wait(20*time.Second), l.expect(ctx, id, "ready"))
}

// socketLost cuts the page's WebSocket in a call. It comes back over another
// one, and so does the end of the call.
func (l *lab) socketLost(ctx context.Context, b *browserPhone, id string) error {
	before, err := b.seen()
	if err != nil {
		return err
	}
	caller, err := l.call(ctx, []string{gold}, 1, 10*time.Second, '1')
	if err != nil {
		return err
	}
	if err = l.expect(ctx, id, "talking"); err == nil {
		err = b.run("ua._transport.socket._ws.close()", nil)
	}
	if err == nil {
		err = l.expectPhones(ctx, id, 0)
	}
	if err == nil {
		err = b.registered(ctx, l, id)
	}
	if err != nil {
		return errors.Join(err, caller.kill())
	}
	if err = caller.wait(20 * time.Second); err != nil {
		return err
	}
	return errors.Join(l.expect(ctx, id, "ready"), bed.Eventually(3*time.Second, func() error {
		s, err := b.seen()
		if err == nil && s.Ended != before.Ended+1 {
			err = fmt.Errorf("the page did not hear of the end: %+v", s)
		}
		return err
	}))
}

// expectPhones waits until an agent has so many phones.
func (l *lab) expectPhones(ctx context.Context, id string, n int) error {
	return bed.Eventually(5*time.Second, func() error {
		a, err := l.agent(ctx, id)
		if err == nil && len(a.Phones) != n {
			err = fmt.Errorf("agent %s has %d phones, not %d", id, len(a.Phones), n)
		}
		return err
	})
}

// holdInBrowser lets the page hold the caller, who then hears anything but the
// agent, and take him back.
func (l *lab) holdInBrowser(b *browserPhone) error {
	var said string
	if err := b.run("hold()", &said); err != nil || said != "held" {
		return fmt.Errorf("hold: %q, %w", said, err)
	}
	time.Sleep(300 * time.Millisecond) // what was under way
	l.tap.reset()
	time.Sleep(2 * time.Second)
	for _, heard := range l.tap.toPort(callerPort, agentPort-1, agentHz) {
		if heard > 200*time.Millisecond {
			return fmt.Errorf("the held caller hears the agent for %s", heard)
		}
	}
	if err := b.run("unhold()", &said); err != nil || said != "back" {
		return fmt.Errorf("take back: %q, %w", said, err)
	}
	time.Sleep(300 * time.Millisecond)
	if err := b.run("phone.heard = {}, 0", nil); err != nil {
		return err
	}
	l.tap.reset()
	time.Sleep(3 * time.Second)
	return errors.Join(l.callersHeard(1, 1500*time.Millisecond), b.hears(callerHz, 1500))
}

// hears checks for how many milliseconds the page has heard a tone.
func (b *browserPhone) hears(hz float64, ms int) error {
	s, err := b.seen()
	if err != nil {
		return err
	}
	if got := s.Heard[fmt.Sprint(int(hz))]; got < ms {
		return fmt.Errorf("the browser heard %v Hz for %d ms of %d: %v", hz, got, ms, s.Heard)
	}
	return nil
}
