package bed

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Node is one switch, run as a process.
type Node struct {
	Binary    string
	Name      string // "": n1
	Dir       string // data, settings and log are kept here over restarts
	Service   string // directory of service documents
	IP        string // SIP, RTP and HTTP are on this address
	SIP       int
	HTTP      int
	RTPMin    int
	RTPMax    int
	Log       string // level
	Env       []string
	Certs     string   // directory of `certs init`; with it the two ports after SIP are TLS and WSS
	More      string   // further settings, YAML
	Admission string   // of the settings; "": the default
	Users     string   // file of users; "": nobody signs in, which needs a loopback address
	Token     string   // of one of them, who asks
	Data      string   // directory of its data; "": one in Dir
	Wrap      []string // program and words before the switch's, which it becomes

	cmd  *exec.Cmd
	done chan error
}

// Address is where the node takes SIP.
func (n *Node) Address() string { return fmt.Sprintf("%s:%d", n.IP, n.SIP) }

// URL makes an address of the node's API.
func (n *Node) URL(path string) string { return fmt.Sprintf("http://%s:%d%s", n.IP, n.HTTP, path) }

// LogFile is what the node wrote, over all its starts.
func (n *Node) LogFile() string { return filepath.Join(n.Dir, "log") }

func (n *Node) settings() string {
	return fmt.Sprintf(`node: %s
data_dir: %s
service_dir: %s
sip:
%s  listen:
    - {transport: udp, address: "%s:%d"}
    - {transport: tcp, address: "%s:%d"}
%srtp: {ip: %s, port_min: %d, port_max: %d}
http: {listen: "%s:%d", users_file: %q}
log: {level: %s}
drain: {timeout: 20s}
%s`, cmp.Or(n.Name, "n1"), cmp.Or(n.Data, filepath.Join(n.Dir, "data")), n.Service, n.admission(),
		n.IP, n.SIP, n.IP, n.SIP, n.safe(),
		n.IP, n.RTPMin, n.RTPMax, n.IP, n.HTTP, n.Users, n.Log, n.More)
}

// admission is the first line of sip.
func (n *Node) admission() string {
	if n.Admission == "" {
		return ""
	}
	return "  admission: " + n.Admission + "\n"
}

// safe is what the settings say of TLS, the end of sip.
func (n *Node) safe() string {
	if n.Certs == "" {
		return ""
	}
	return fmt.Sprintf(`    - {transport: tls, address: "%[1]s:%[2]d"}
    - {transport: wss, address: "%[1]s:%[3]d"}
  origins: ["*"]
tls: {cert_file: %[4]s/node.pem, key_file: %[4]s/node.key, ca_file: %[4]s/ca.pem}
`, n.IP, n.SIP+1, n.SIP+2, n.Certs)
}

// Settings is the file of the node's settings.
func (n *Node) Settings() string { return filepath.Join(n.Dir, "tierline.yaml") }

// Prepare writes the settings.
func (n *Node) Prepare() error {
	if n.Log == "" {
		n.Log = "info"
	}
	if err := os.MkdirAll(n.Dir, 0o755); err != nil {
		return fmt.Errorf("make node directory: %w", err)
	}
	if err := os.WriteFile(n.Settings(), []byte(n.settings()), 0o600); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return nil
}

// Start starts the node and returns when it takes calls.
func (n *Node) Start(ctx context.Context) error {
	if err := n.Prepare(); err != nil {
		return err
	}
	file := n.Settings()
	log, err := os.OpenFile(n.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor
	words := append(slices.Clone(n.Wrap), n.Binary, "serve", "--config", file)
	n.cmd = exec.CommandContext(context.WithoutCancel(ctx), words[0], words[1:]...)
	n.cmd.Stdout, n.cmd.Stderr = log, log
	n.cmd.Env = append(os.Environ(), n.Env...)
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.cmd.Start(); err != nil {
		return fmt.Errorf("start switch: %w", err)
	}
	n.done = make(chan error, 1)
	go func() { n.done <- n.cmd.Wait() }()
	return n.Ready(ctx)
}

// Ready returns when the node takes calls.
func (n *Node) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL("/readyz"), nil)
		if err != nil {
			return fmt.Errorf("make request: %w", err)
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-n.done:
			n.done <- err
			return fmt.Errorf("switch ended at its start: %w\n%s", err, n.Tail(20))
		case <-ctx.Done():
			return fmt.Errorf("switch is not ready: %w\n%s", ctx.Err(), n.Tail(20))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Tail returns the last lines of the log.
func (n *Node) Tail(lines int) string {
	b, err := os.ReadFile(n.LogFile())
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Running tells whether the process lives.
func (n *Node) Running() bool {
	if n.done == nil {
		return false
	}
	select {
	case err := <-n.done:
		n.done <- err
		return false
	default:
		return true
	}
}

// Kill is kill -9.
func (n *Node) Kill() error {
	if err := n.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill switch: %w", err)
	}
	n.done <- <-n.done
	return nil
}

// Signal sends the process a signal.
func (n *Node) Signal(s os.Signal) error {
	if err := n.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal switch: %w", err)
	}
	return nil
}

// Stop asks the node to drain and waits for its end; an exit status other
// than 0 is an error.
func (n *Node) Stop() error {
	if !n.Running() {
		return nil
	}
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop switch: %w", err)
	}
	select {
	case err := <-n.done:
		n.done <- err
		if err != nil {
			return fmt.Errorf("switch stopped: %w\n%s", err, n.Tail(20))
		}
		return nil
	case <-time.After(40 * time.Second):
		return errors.Join(errors.New("switch did not stop in 40 s"), n.Kill())
	}
}

// CPU is the processor time that the node's process has used.
func (n *Node) CPU() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	var ticks int
	for _, f := range fields[11:13] { // utime, stime, in hundredths of a second
		v, err := strconv.Atoi(string(f))
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		ticks += v
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// Memory is what the node's process holds in memory, in bytes, without the pages
// of its program: those are read as they are needed, whoever calls.
func (n *Node) Memory() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	_, rest, _ := bytes.Cut(b, []byte("\nRssAnon:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0, errors.New("read memory: the kernel doesn't tell it")
	}
	kilobytes, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	return kilobytes << 10, nil
}
