package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"
)

//go:embed scenarios/*.xml
var scenarios embed.FS

// sipp is one running sipp.
type sipp struct {
	name string
	dir  string
	cmd  *exec.Cmd
	done chan error
	out  bytes.Buffer
}

// peer describes a sipp to start.
type peer struct {
	scenario  string // without .xml
	sound     []part // what it plays
	plain     bool   // no telephone events are offered
	late      bool   // its ACK holds the SDP
	kind      string // for scenarios that have several
	headers   []string
	infos     []info // what it tells by INFO, one after the other
	hang      time.Duration
	ring      time.Duration
	ip        string
	port      int
	by        string // transport as sipp calls it: u1 if it is empty, t1
	mediaPort int
	number    string // -s: the number dialled, or the phone's user
	lines     []string
	calls     int
	rate      int
	target    string
}

// info is one INFO request.
type info struct {
	Type, Body string
	Answer     int
}

// args are sipp's options for the peer.
func (p peer) args() []string {
	args := []string{
		"-sf", "scenario.xml", "-i", p.ip, "-mi", p.ip, "-p", strconv.Itoa(p.port), "-nostdin", "-nd",
		"-trace_err", "-error_file", "errors.txt", "-m", strconv.Itoa(p.calls),
	}
	for flag, value := range map[string]int{"-mp": p.mediaPort, "-r": p.rate} {
		if value > 0 {
			args = append(args, flag, strconv.Itoa(value))
		}
	}
	if p.number != "" {
		args = append(args, "-s", p.number)
	}
	if p.by != "" {
		args = append(args, "-t", p.by)
	}
	return args
}

// startSipp writes what the peer needs into a directory of its own, starts it
// and waits until it listens.
func startSipp(ctx context.Context, work string, p peer) (*sipp, error) {
	dir, err := os.MkdirTemp(work, p.scenario+"-")
	if err != nil {
		return nil, fmt.Errorf("make sipp directory: %w", err)
	}
	src, err := scenarios.ReadFile("scenarios/" + p.scenario + ".xml")
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	t, err := template.New(p.scenario).Parse(string(src))
	if err != nil {
		return nil, fmt.Errorf("parse scenario: %w", err)
	}
	var xml bytes.Buffer
	fields := map[string]any{
		"Hang": p.hang.Milliseconds(), "Ring": p.ring.Milliseconds(), "Plain": p.plain, "Infos": p.infos,
		"Late": p.late, "Kind": p.kind, "Headers": p.headers,
	}
	if err := t.Execute(&xml, fields); err != nil {
		return nil, fmt.Errorf("fill in scenario: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "scenario.xml"), xml.Bytes(), 0o600); err != nil {
		return nil, fmt.Errorf("write scenario: %w", err)
	}
	if err := writePcap(filepath.Join(dir, p.scenario+".pcap"), p.sound...); err != nil {
		return nil, err
	}
	args := p.args()
	if len(p.lines) > 0 {
		inf := "SEQUENTIAL\n" + strings.Join(p.lines, "\n") + "\n"
		if err := os.WriteFile(filepath.Join(dir, "lines.csv"), []byte(inf), 0o600); err != nil {
			return nil, fmt.Errorf("write injection file: %w", err)
		}
		args = append(args, "-inf", "lines.csv")
	}
	if p.target != "" {
		args = append(args, p.target)
	}
	s := &sipp{name: p.scenario, dir: dir, done: make(chan error, 1)}
	s.cmd = exec.CommandContext(ctx, "sipp", args...)
	s.cmd.Dir = dir
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start sipp: %w", err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	if err := p.listens(s); err != nil {
		return nil, errors.Join(err, s.kill())
	}
	return s, nil
}

// wait returns when all calls are over; a failed one is an error.
func (s *sipp) wait(limit time.Duration) error {
	select {
	case err := <-s.done:
		s.done <- err
		if err != nil {
			return fmt.Errorf("sipp %s: %w\n%s", s.name, err, s.complaint())
		}
		return nil
	case <-time.After(limit):
		return errors.Join(fmt.Errorf("sipp %s: not over after %s\n%s", s.name, limit, s.complaint()), s.kill())
	}
}

// kill ends it, whatever it does.
func (s *sipp) kill() error {
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill sipp: %w", err)
	}
	s.done <- <-s.done
	return nil
}

// complaint is the beginning of what sipp said of its errors.
func (s *sipp) complaint() string {
	b, err := os.ReadFile(filepath.Join(s.dir, "errors.txt"))
	if err != nil {
		return "" // there were none
	}
	return string(b[:min(len(b), 1500)])
}
