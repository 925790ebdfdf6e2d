package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"tierline/.ci/bed"
)

// listens waits until the peer has its port: sipp doesn't say when it listens,
// and what is sent to it before that is lost.
func (p peer) listens(s *sipp) error {
	table, ip := "/proc/net/udp", netip.MustParseAddr(p.ip).As4()
	if p.by != "" {
		if p.target != "" {
			return nil // it connects
		}
		table = "/proc/net/tcp"
	}
	// The kernel writes addresses as the machine holds them.
	want := fmt.Appendf(nil, ": %08X:%04X ", binary.NativeEndian.Uint32(ip[:]), p.port)
	return bed.Eventually(20*time.Second, func() error {
		select {
		case err := <-s.done: // it failed, or had nothing to do any more
			s.done <- err
			return nil // who waits for it is told
		default:
		}
		open, err := os.ReadFile(table)
		if err == nil && !bytes.Contains(open, want) {
			err = errors.New("sipp " + s.name + " does not listen at " + fmt.Sprint(p.ip, ":", p.port))
		}
		return err //nolint:wrapcheck // says which file
	})
}
