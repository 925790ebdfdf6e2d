package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"tierline/.ci/bed"
)

// sngrepPort is where sngrep takes HEP.
const sngrepPort = 9061

// sngrep is a HEP collector that others have written. It writes the SIP that
// it was told of into a capture.
type sngrep struct {
	cmd  *exec.Cmd
	file string
	done chan error
}

// sngrep starts one, which gets what comes to the lab's collector.
func (l *lab) sngrep(ctx context.Context) (*sngrep, error) {
	at := fmt.Sprintf("%s:%d", l.agentIP, sngrepPort)
	s := &sngrep{file: filepath.Join(l.work, "sngrep.pcap"), done: make(chan error, 1)}
	s.cmd = exec.CommandContext(ctx, "sngrep", "-L", "udp:"+at, "-N", "-q", "-O", s.file)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start sngrep: %w", err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	err := bed.Eventually(10*time.Second, func() error { // it listens when nobody else can
		var lc net.ListenConfig
		conn, err := lc.ListenPacket(ctx, "udp", at)
		if err != nil {
			return nil //nolint:nilerr // see above
		}
		return errors.Join(errors.New("sngrep doesn't listen"), conn.Close())
	})
	if err != nil {
		return nil, errors.Join(err, s.cmd.Process.Kill())
	}
	return s, l.collector.copyTo(at)
}

// understood waits until it has written texts into its capture, and ends it.
func (s *sngrep) understood(words ...string) error {
	err := bed.Eventually(10*time.Second, func() error {
		b, err := os.ReadFile(s.file)
		for _, w := range words {
			if err == nil && !bytes.Contains(b, []byte(w)) {
				err = fmt.Errorf("sngrep's capture of %d bytes lacks %q", len(b), w)
			}
		}
		return err
	})
	if killed := s.cmd.Process.Kill(); killed != nil {
		return errors.Join(err, fmt.Errorf("stop sngrep: %w", killed))
	}
	if <-s.done == nil { // whoever is killed ends with an error
		err = errors.Join(err, errors.New("sngrep has ended by itself"))
	}
	return err
}
