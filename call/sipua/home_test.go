package sipua

import (
	"net/netip"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// A phone that comes again over another connection is the same one, if its contact
// is, whatever port that connection has; another phone of the host is another.
func TestContactsByTheConnectionsPortAreOnePhone(t *testing.T) {
	at := func(contact, conn string) home {
		var u sip.Uri
		if err := sip.ParseUri(contact, &u); err != nil {
			t.Fatal(err)
		}
		return homeOf("1001", &u, netip.MustParseAddrPort(conn))
	}
	before := at("sip:1001@10.0.0.2:41234;transport=tls", "10.0.0.2:41234")
	for contact, same := range map[string]bool{
		"sip:1001@10.0.0.2:41500;transport=tls": true,  // of this connection
		"sip:1001@10.0.0.2:5061;transport=tls":  false, // where it listens
		"sip:1001@10.0.0.3:41500;transport=tls": false,
		"sip:x7@10.0.0.2:41500;transport=tls":   false,
	} {
		if got := at(contact, "10.0.0.2:41500") == before; got != same {
			t.Errorf("%s: the same phone: %t, want %t", contact, got, same)
		}
	}
}
