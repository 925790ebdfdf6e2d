package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tierline/.ci/bed"
	"tierline/media/tone"
	"tierline/media/wav"
)

// baresip is one running baresip: it speaks a tone from a file and records
// what it hears.
type baresip struct {
	dir     string
	control string
	cmd     *exec.Cmd
	done    chan error
}

// config is for baresip 1.0 of Debian 12 and newer ones.
const config = `%[6]ssip_listen %[1]s:%[2]d
call_max_calls 4
audio_player aubridge,sink
audio_alert aubridge,sink
audio_source aufile,%[3]s/tone.wav
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports 31000-31100
snd_path %[3]s/heard
module_path %[4]s
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app ctrl_tcp.so
module_app menu.so
ctrl_tcp_listen %[5]s
`

// modules is where Debian keeps baresip's.
const modules = "/usr/lib/baresip/modules"

// handset is what a baresip is to be like.
type handset struct {
	id      string
	by      string  // transport: UDP if it is empty
	far     bool    // takes the address of another interface for its SDP, as a phone behind a NAT does
	account string  // parameters of its account
	modules string  // beside the usual ones
	codecs  string  // PCMA,PCMU if it is empty
	hz      float64 // what it says; 0 = agentHz
	caller  bool    // calls, and does not register
	rtp     int     // first of ten ports for its media; 0 = any of baresip's
}

// accountAt is the line of baresip's accounts file.
func (h handset) accountAt(server string) string {
	interval := 60
	if h.caller {
		interval = 0
	}
	return fmt.Sprintf("<sip:%s@%s>;auth_user=%s;auth_pass=demo-%s;regint=%d;answermode=auto;"+
		"audio_codecs=%s%s\n", h.id, server, h.id, h.id, interval, h.codecs, h.account)
}

// network is what stands first in baresip's settings: of several lines of a
// name the first counts.
func (h handset) network() string {
	text := "net_interface " + baresipIP + "\n"
	if h.far {
		text = ""
	}
	if h.rtp > 0 {
		text += fmt.Sprintf("rtp_ports %d-%d\n", h.rtp, h.rtp+9)
	}
	for name := range strings.FieldsSeq(h.modules) {
		text += "module " + name + ".so\n"
	}
	return text
}

// baresip starts a phone for an agent.
func (l *lab) baresip(ctx context.Context, h handset) (*baresip, error) {
	dir, err := os.MkdirTemp(l.work, "baresip-")
	if err != nil {
		return nil, fmt.Errorf("make baresip directory: %w", err)
	}
	if h.hz == 0 {
		h.hz = agentHz
	}
	h.codecs = cmp.Or(h.codecs, "PCMA,PCMU")
	network := h.network()
	port := 20000 + 40*l.block + (l.port()-5061)%40
	b := &baresip{dir: dir, control: fmt.Sprintf("%s:%d", baresipIP, port-10000), done: make(chan error, 1)}
	server := l.desk.Address()
	if h.by == "tls" {
		server = fmt.Sprintf("%s:%d", l.desk.IP, l.desk.SIP+1)
		network += "sip_cafile " + filepath.Join(l.node.Certs, "ca.pem") + "\nsip_verify_server yes\n"
	}
	if h.by != "" {
		server += ";transport=" + h.by
	}
	settings := fmt.Sprintf(config, baresipIP, port, dir, modules, b.control, network)
	for name, text := range map[string]string{"config": settings, "accounts": h.accountAt(server), "contacts": ""} {
		if err = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("write baresip's %s: %w", name, err)
		}
	}
	if err = b.sounds(h.hz); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor
	b.cmd = exec.CommandContext(ctx, "baresip", "-f", dir)
	b.cmd.Stdout, b.cmd.Stderr = log, log
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start baresip: %w", err)
	}
	l.phones = append(l.phones, b)
	go func() { b.done <- b.cmd.Wait() }()
	return b, nil
}

// sounds makes what it says, and room for what it hears.
func (b *baresip) sounds(hz float64) error {
	if err := os.Mkdir(filepath.Join(b.dir, "heard"), 0o755); err != nil {
		return fmt.Errorf("make baresip directory: %w", err)
	}
	w, err := os.Create(filepath.Join(b.dir, "tone.wav"))
	if err != nil {
		return fmt.Errorf("write tone: %w", err)
	}
	return errors.Join(wav.Write(w, wav.FromSamples(tone.Make(time.Minute, -12, hz))), w.Close())
}

func (b *baresip) stop() error {
	if err := b.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop baresip: %w", err)
	}
	select {
	case err := <-b.done:
		_ = err // interrupted programs end with what they like
	case <-time.After(5 * time.Second):
		return errors.Join(errors.New("baresip does not stop"), b.cmd.Process.Kill())
	}
	return nil
}

// hangup presses baresip's button.
func (b *baresip) hangup(ctx context.Context) error { return b.press(ctx, "hangup", "") }

// press presses a button by baresip's control port (netstrings of JSON).
func (b *baresip) press(ctx context.Context, command, parameters string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", b.control)
	if err != nil {
		return fmt.Errorf("reach baresip: %w", err)
	}
	text := fmt.Sprintf(`{"command":%q,"params":%q,"token":"e2e"}`, command, parameters)
	_, err = fmt.Fprintf(c, "%d:%s,", len(text), text)
	if err == nil { // it answers; a connection closed before is not heard
		err = c.SetReadDeadline(time.Now().Add(2 * time.Second))
		_, _ = c.Read(make([]byte, 1024)) // what it says does not matter
	}
	if err = errors.Join(err, c.Close()); err != nil {
		return fmt.Errorf("tell baresip: %w", err)
	}
	return nil
}

// heard returns how long baresip's recordings hold a frequency, together.
func (b *baresip) heard(hz float64) (sum time.Duration, err error) {
	files, err := filepath.Glob(filepath.Join(b.dir, "heard", "*-dec.wav"))
	if err != nil {
		return 0, fmt.Errorf("find recordings: %w", err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return 0, fmt.Errorf("read recording: %w", err)
		}
		a, err := wav.DecodeWide(data)
		if err != nil {
			return 0, fmt.Errorf("recording %s: %w", filepath.Base(f), err)
		}
		d := tone.NewDetector(hz)
		for i := 0; i < len(a.Samples); i += a.Rate / wav.Rate {
			d.Feed([]int16{int16(a.Samples[i] * math.MaxInt16)})
		}
		sum += d.Heard()[0].Longest
	}
	return sum, nil
}

func baresipAgent(ctx context.Context, l *lab) error {
	return l.withBaresip(ctx, handset{id: "1002"}, true, false)
}

// baresipFar is a phone whose SDP names an address that its RTP does not come
// from; the switch must take it from where its SIP comes.
func baresipFar(ctx context.Context, l *lab) error {
	return l.withBaresip(ctx, handset{id: "1002", far: true}, true, false)
}

// withBaresip makes calls to a phone; the agent ends those that are true.
func (l *lab) withBaresip(ctx context.Context, h handset, calls ...bool) error {
	b, err := l.baresip(ctx, h)
	if err != nil {
		return err
	}
	return l.withPhone(ctx, b, h.id, calls...)
}

// softphone is a program that answers by itself, speaks a tone and keeps what
// it hears.
type softphone interface {
	hangup(ctx context.Context) error
	stop() error
	heard(hz float64) (time.Duration, error)
}

func (l *lab) withPhone(ctx context.Context, b softphone, id string, calls ...bool) error {
	err := bed.Eventually(5*time.Second, func() error {
		a, asked := l.agent(ctx, id)
		if asked == nil && len(a.Phones) == 0 {
			return errors.New("the phone did not register")
		}
		return asked
	})
	if err == nil {
		err = l.onDuty(ctx, id)
	}
	for i, agentEnds := range calls {
		if err == nil {
			err = l.talkToPhone(ctx, b, id, agentEnds)
		}
		if err != nil {
			err = fmt.Errorf("call %s: %w", strconv.Itoa(i+1), err)
			break
		}
	}
	if stopped := b.stop(); err != nil || stopped != nil {
		return errors.Join(err, stopped)
	}
	heard, err := b.heard(callerHz)
	if err != nil {
		return err
	}
	if heard < time.Duration(len(calls))*1500*time.Millisecond {
		return fmt.Errorf("the phone recorded %s of the caller", heard)
	}
	return nil
}

func (l *lab) talkToPhone(ctx context.Context, b softphone, id string, agentEnds bool) error {
	hang := 7 * time.Second
	if agentEnds {
		hang = 0
	}
	l.tap.reset()
	caller, err := l.call(ctx, []string{gold}, 1, hang, '1')
	if err != nil {
		return err
	}
	if err := l.expect(ctx, id, "talking"); err != nil {
		return errors.Join(err, caller.kill())
	}
	if agentEnds {
		time.Sleep(3 * time.Second)
		if err := b.hangup(ctx); err != nil {
			return errors.Join(err, caller.kill())
		}
	}
	if err := caller.wait(20 * time.Second); err != nil {
		return err
	}
	return errors.Join(l.callersHeard(1, 1500*time.Millisecond),
		l.expect(ctx, id, "ready"))
}
