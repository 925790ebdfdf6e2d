package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"tierline/media/tone"
	"tierline/media/wav"
)

// linphone is one running linphonec, led by its standard input. It plays a tone
// from a file and records what it hears.
type linphone struct {
	dir  string
	keys io.WriteCloser
	cmd  *exec.Cmd
	done chan error
}

// wavHeader is what stands in front of the samples of a recording.
const wavHeader = 44

// linphoneConfig trusts our authority. Its TLS library looks for addresses in
// names only, so whether the certificate is ours is checked and not for whom.
const linphoneConfig = `[sip]
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-1
root_ca=%s
verify_server_certs=1
verify_server_cn=0
media_encryption=%s
`

// linphone starts a phone for an agent.
func (l *lab) linphone(ctx context.Context, id, transport, encryption string) (*linphone, error) {
	dir, err := os.MkdirTemp(l.work, "linphone-")
	if err != nil {
		return nil, fmt.Errorf("make linphone's directory: %w", err)
	}
	for _, sub := range []string{".local/share/linphone", ".config/linphone"} {
		if err = os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, fmt.Errorf("make linphone's directory: %w", err)
		}
	}
	w, err := os.Create(filepath.Join(dir, "tone.wav"))
	if err != nil {
		return nil, fmt.Errorf("write tone: %w", err)
	}
	if err = errors.Join(wav.Write(w, wav.FromSamples(tone.Make(time.Minute, -12, agentHz))), w.Close()); err != nil {
		return nil, err
	}
	rc := filepath.Join(dir, "linphonerc")
	text := fmt.Sprintf(linphoneConfig, filepath.Join(l.node.Certs, "ca.pem"), encryption)
	if err = os.WriteFile(rc, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write linphone's settings: %w", err)
	}
	p := &linphone{dir: dir, done: make(chan error, 1)}
	p.cmd = exec.CommandContext(ctx, "linphonec", "-a", "-c", rc, "-d", "3", "-l", filepath.Join(dir, "log"))
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), "HOME="+dir)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if p.keys, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start linphone: %w", err)
	}
	if err = p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start linphone: %w", err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	server := l.node.Address()
	if transport == "tls" {
		server = fmt.Sprintf("%s:%d", l.switchIP, l.node.SIP+1)
	}
	_, err = fmt.Fprintf(p.keys, "soundcard use files\nplay tone.wav\nrecord heard.wav\n"+
		"register sip:%s@%s <sip:%s;transport=%s> demo-%s\n", id, l.switchIP, server, transport, id)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tell linphone: %w", err), p.stop())
	}
	return p, nil
}

func (p *linphone) stop() error {
	_, _ = io.WriteString(p.keys, "quit\n") // perhaps it ended by itself
	select {
	case err := <-p.done:
		_ = err // it ends with what it likes
		return nil
	case <-time.After(5 * time.Second):
		return errors.Join(errors.New("linphone does not stop"), p.cmd.Process.Kill())
	}
}

// hangup ends the call that it is in.
func (p *linphone) hangup(context.Context) error {
	if _, err := io.WriteString(p.keys, "terminate\n"); err != nil {
		return fmt.Errorf("tell linphone: %w", err)
	}
	return nil
}

// heard returns for how long linphone's recording holds a frequency.
func (p *linphone) heard(hz float64) (time.Duration, error) {
	data, err := os.ReadFile(filepath.Join(p.dir, "heard.wav"))
	if err != nil {
		return 0, fmt.Errorf("read recording: %w", err)
	}
	if len(data) < wavHeader || binary.LittleEndian.Uint32(data[24:]) != wav.Rate {
		return 0, errors.New("linphone's recording is none")
	}
	data = data[wavHeader:] // whose lengths are wrong
	pcm := make([]int16, len(data)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(data[2*i:])) //nolint:gosec // a sample
	}
	d := tone.NewDetector(hz)
	d.Feed(pcm)
	return d.Heard()[0].Longest, nil
}

func linphoneBy(transport, id, encryption string) func(context.Context, *lab) error {
	return func(ctx context.Context, l *lab) error {
		p, err := l.linphone(ctx, id, transport, encryption)
		if err != nil {
			return err
		}
		return l.withPhone(ctx, p, id, transport != "tls") // it hangs up itself but once: the survey takes its time
	}
}
