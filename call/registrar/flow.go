package registrar

import (
	"net/netip"
	"strings"

	"tierline/acd"
)

// Lives says whether a binding lives on the connection from remote: its phone
// can't be called when that is closed. A phone that registered over TCP and
// names the address it was seen at listens for others.
func Lives(b acd.Binding, transport string, remote netip.AddrPort) bool {
	return !b.Fixed && strings.EqualFold(b.Transport, transport) && b.Received == remote.String() && !listens(b)
}

// Orphan says whether a binding lived on a connection of a process that is no
// more.
func Orphan(b acd.Binding) bool {
	return !b.Fixed && b.Transport != "" && !strings.EqualFold(b.Transport, "udp") && !listens(b)
}

func listens(b acd.Binding) bool {
	if !strings.EqualFold(b.Transport, "tcp") {
		return false
	}
	_, host, _, _ := splitURI(b.Contact)
	at, err := netip.ParseAddr(strings.Trim(host, "[]"))
	seen, bad := netip.ParseAddrPort(b.Received)
	return err == nil && bad == nil && at.Unmap() == seen.Addr().Unmap()
}
