package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"tierline/call/certs"
	"tierline/cluster"
	"tierline/cmd/internal/config"
)

// fleet is the nodes of a demo with several: a process each, started again some
// time after it died, as a machine's service manager would.
type fleet struct {
	nodes []*process
	desk  *http.Server
}

// process is one node.
type process struct {
	name      string
	sip, http netip.AddrPort
	wires     netip.AddrPort
	dir       string
	binary    string

	mu      sync.Mutex
	running *exec.Cmd
	stopped bool
}

const (
	// mourning is how long a killed node stays away.
	mourning = 8 * time.Second
	// readyWithin bounds the start of all.
	readyWithin = 60 * time.Second
	// wiresPort is where nodes of the demo take what the others send.
	wiresPort = 7400
	// deskPort is where the page with the buttons is, at the address before the
	// first node's.
	deskPort = 8080
)

// openFleet starts n nodes at addresses that follow one another.
func openFleet(ctx context.Context, s config.Settings, n int, dir string) (*fleet, error) {
	if n != 3 && n != 5 {
		return nil, fmt.Errorf("--nodes %d: three survive the loss of one, five of two", n)
	}
	binary, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program: %w", err)
	}
	f := &fleet{}
	sip, web := s.SIP.Listen[0].Address, s.HTTP.Listen
	at := sip.Addr()
	for i := range n {
		f.nodes = append(f.nodes, &process{
			name: fmt.Sprintf("n%d", i+1), binary: binary, dir: filepath.Join(dir, fmt.Sprintf("n%d", i+1)),
			sip: netip.AddrPortFrom(at, sip.Port()), http: netip.AddrPortFrom(at, web.Port()),
			wires: netip.AddrPortFrom(at, wiresPort),
		})
		at = at.Next()
	}
	for _, p := range f.nodes {
		if err = p.write(s, f.nodes, filepath.Join(dir, "tls")); err != nil {
			return nil, err
		}
	}
	for _, p := range f.nodes {
		if err = p.start(); err != nil {
			return nil, errors.Join(err, f.close())
		}
	}
	for _, p := range f.nodes {
		if err = p.ready(ctx); err != nil {
			return nil, errors.Join(err, f.close())
		}
	}
	if err = f.openDesk(ctx, sip.Addr().Prev()); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// write makes a node's settings.
func (p *process) write(s config.Settings, all []*process, tls string) error {
	files, err := certs.InitAs(tls, p.name+".pem", p.name+".key", []string{cluster.Identity("demo", p.name)})
	if err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	var members, sources []string
	for _, m := range all {
		members = append(members, fmt.Sprintf("%s: %q", m.name, m.wires))
	}
	for name, source := range s.Sources {
		sources = append(sources, fmt.Sprintf("%s: {url: %q}", name, source.URL))
	}
	text := fmt.Sprintf(`node: %s
data_dir: %q
service_dir: %q
sip: {listen: [{transport: udp, address: "%[4]s"}, {transport: tcp, address: "%[4]s"}]}
rtp: {ip: %s, port_min: 20000, port_max: 23999}
http: {listen: "%s"}
sources: {%s}
cluster:
  name: demo
  nodes: {%s}
  ca_file: %q
  cert_file: %q
  key_file: %q
`, p.name, filepath.Join(p.dir, "data"), s.ServiceDir, p.sip, p.sip.Addr(), p.http, strings.Join(sources, ", "),
		strings.Join(members, ", "), files.CA, files.Cert, files.Key)
	if err = os.MkdirAll(p.dir, 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	if err = os.WriteFile(filepath.Join(p.dir, "tierline.yaml"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return nil
}

// start runs the node, and again when it has died.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped || p.running != nil {
		return nil
	}
	log, err := os.OpenFile(filepath.Join(p.dir, "node.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }() // the node has its own
	settings := filepath.Join(p.dir, "tierline.yaml")
	cmd := exec.Command(p.binary, "serve", "--config", settings) //nolint:gosec,noctx // ourselves; ends by close
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the demo, which stops its nodes itself
	if err = cmd.Start(); err != nil {
		return fmt.Errorf("start node %s: %w", p.name, err)
	}
	p.running = cmd
	go p.mourn(cmd)
	return nil
}

// mourn waits for the end of a node, and some time more.
func (p *process) mourn(cmd *exec.Cmd) {
	_ = cmd.Wait() // however it ended
	p.mu.Lock()
	p.running = nil
	p.mu.Unlock()
	time.Sleep(mourning)
	_ = p.start() // without it the others go on; the page shows that
}

// kill is kill -9.
func (p *process) kill() bool { return p.signal(syscall.SIGKILL) }

func (p *process) signal(s syscall.Signal) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running != nil && p.running.Process.Signal(s) == nil
}

func (p *process) alive() bool { return p.signal(0) }

// ready waits until the node takes calls.
func (p *process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	a := api{base: "http://" + p.http.String(), client: &http.Client{}}
	for {
		var whatever struct{}
		if a.get(ctx, "/api/v1/nodes", &whatever) == nil && a.get(ctx, "/api/v1/agents", &whatever) == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("node %s doesn't start; see %s", p.name, filepath.Join(p.dir, "node.log"))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stopWithin is how long nodes may drain.
const stopWithin = 10 * time.Second

func (f *fleet) close() error {
	for _, p := range f.nodes {
		p.mu.Lock()
		p.stopped = true
		p.mu.Unlock()
		p.signal(syscall.SIGTERM)
	}
	for began := time.Now(); time.Since(began) < stopWithin && f.anyAlive(); {
		time.Sleep(50 * time.Millisecond)
	}
	for _, p := range f.nodes {
		p.kill()
	}
	if f.desk != nil {
		return f.desk.Close()
	}
	return nil
}

func (f *fleet) anyAlive() bool {
	for _, p := range f.nodes {
		if p.alive() {
			return true
		}
	}
	return false
}

// addresses are those of SIP and of the API.
func (f *fleet) addresses() (sip, web []string) {
	for _, p := range f.nodes {
		sip, web = append(sip, p.sip.String()), append(web, p.http.String())
	}
	return sip, web
}
