package resolve

import (
	"bufio"
	"bytes"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// rereadEvery is how old what we know of the machine's files may be.
const rereadEvery = 5 * time.Second

// system is what the machine's files say.
type system struct {
	mu    sync.Mutex
	at    time.Time
	list  []netip.AddrPort
	names map[string][]netip.Addr
}

func (s *system) servers() []netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	return slices.Clone(s.list)
}

func (s *system) hosts(name string) []netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	return slices.Clone(s.names[name])
}

// refresh reads the files again. What can't be read says nothing. mu is held.
func (s *system) refresh() {
	if now := time.Now(); s.at.IsZero() || now.Sub(s.at) >= rereadEvery {
		s.at = now
		conf, _ := os.ReadFile("/etc/resolv.conf")
		hosts, _ := os.ReadFile("/etc/hosts")
		s.list, s.names = readServers(conf), readHosts(hosts)
	}
}

// mostServers is how many are asked at all, as everywhere.
const mostServers = 3

// readServers reads the servers of a resolv.conf.
func readServers(b []byte) (out []netip.AddrPort) {
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan() && len(out) < mostServers; {
		f := strings.Fields(s.Text())
		if len(f) < 2 || f[0] != "nameserver" {
			continue
		}
		if ip, err := netip.ParseAddr(f[1]); err == nil {
			out = append(out, netip.AddrPortFrom(ip, 53))
		}
	}
	if len(out) == 0 { // what resolv.conf(5) says of an empty one
		out = append(out, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 53))
	}
	return out
}

// readHosts reads a hosts file. localhost is there whatever it says.
func readHosts(b []byte) map[string][]netip.Addr {
	out := map[string][]netip.Addr{}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		line, _, _ := strings.Cut(s.Text(), "#")
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		ip, err := netip.ParseAddr(f[0])
		if err != nil || ip.Zone() != "" {
			continue
		}
		for _, name := range f[1:] {
			name = strings.ToLower(strings.TrimSuffix(name, "."))
			out[name] = append(out[name], ip.Unmap())
		}
	}
	if len(out["localhost"]) == 0 {
		out["localhost"] = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	return out
}
