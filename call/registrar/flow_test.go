package registrar_test

import (
	"net/netip"
	"testing"

	"tierline/acd"
	"tierline/call/registrar"
)

func TestBindingsOfAConnection(t *testing.T) {
	at := netip.MustParseAddrPort("192.0.2.7:40000")
	for name, tt := range map[string]struct {
		b           acd.Binding
		lives, some bool
	}{
		"browser": {
			acd.Binding{Contact: "sip:abc@x1y2.invalid;transport=ws", Transport: "wss", Received: "192.0.2.7:40000"}, true, true,
		},
		"another's":        {acd.Binding{Contact: "sip:a@x.invalid", Transport: "wss", Received: "192.0.2.7:40001"}, false, true},
		"other transport":  {acd.Binding{Contact: "sip:a@x.invalid", Transport: "ws", Received: "192.0.2.7:40000"}, false, true},
		"TCP behind NAT":   {acd.Binding{Contact: "sip:a@10.0.0.7:5060", Transport: "tcp", Received: "192.0.2.7:40000"}, false, true},
		"TCP that listens": {acd.Binding{Contact: "sip:a@192.0.2.7:5060", Transport: "tcp", Received: "192.0.2.7:40000"}, false, false},
		"UDP":              {acd.Binding{Contact: "sip:a@192.0.2.7", Transport: "udp", Received: "192.0.2.7:40000"}, false, false},
		"fixed":            {acd.Binding{Contact: "sip:a@192.0.2.7", Fixed: true}, false, false},
	} {
		if got := registrar.Lives(tt.b, "wss", at); got != tt.lives {
			t.Errorf("%s: lives %v", name, got)
		}
		if got := tt.b.Lives(); got != tt.some {
			t.Errorf("%s: lives on some connection: %v", name, got)
		}
	}
	nat := acd.Binding{Contact: "sip:a@10.0.0.7:5060", Transport: "tcp", Received: "192.0.2.7:40000"}
	if !registrar.Lives(nat, "tcp", at) {
		t.Error("a phone behind NAT can't be called without its connection")
	}
}
