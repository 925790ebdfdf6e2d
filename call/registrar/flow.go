package registrar

import (
	"net/netip"
	"strings"

	"tierline/acd"
)

// Lives says whether a binding lives on the connection from remote: its phone
// can't be called when that is closed.
func Lives(b acd.Binding, transport string, remote netip.AddrPort) bool {
	return b.Lives() && strings.EqualFold(b.Transport, transport) && b.Received == remote.String()
}
