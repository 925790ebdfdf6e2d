package call

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/registration"
)

// from sends an INVITE from an address for a contact of ours.
func (l *lab) from(source string, in Invite) *caller {
	c := &caller{lab: l}
	in.Invitation, in.CallID, in.From, in.Offer = c, "reg", "13800138000", remoteSDP(30000)
	in.Source = netip.MustParseAddrPort(source)
	go l.sw.Invite(in)
	synctest.Wait()
	return c
}

// Trunks register at all their registrars, and calls for their contacts are
// theirs, whatever address of the carrier they come from.
func TestTrunksRegister(t *testing.T) {
	watching(t, func(l *lab) {
		time.Sleep(time.Second)
		l.saw("register enrolled at 192.0.2.60 as u@192.0.2.60 for 10m0s")
		l.forgetLines()
		for _, tt := range []struct {
			source, trunk string
			in            Invite
		}{
			{"192.0.2.60:5070", "enrolled", Invite{Number: "10000", Line: l.phone.tokens["enrolled"]}},
			{"192.0.2.60:5060", "enrolled-did", Invite{Number: "0571", To: "10000", Line: l.phone.tokens["enrolled-did"]}},
			{"192.0.2.61:5060", "enrolled", Invite{Number: "10000"}},
		} {
			if !l.sw.Known(netip.MustParseAddrPort(tt.source), "INVITE") {
				t.Errorf("%s is a stranger", tt.source)
			}
			c := l.from(tt.source, tt.in)
			time.Sleep(time.Second)
			v := l.line(tt.trunk)
			if c.refused != 0 || v.In != 1 {
				t.Errorf("%+v: refused with %d, %d calls of the trunk", tt, c.refused, v.In)
			}
			c.hangUp()
			time.Sleep(time.Second)
		}
		if c := l.from("192.0.2.62:5060", Invite{Number: "10000", Line: l.phone.tokens["enrolled"]}); c.refused != 403 {
			t.Errorf("who knows our contact and is not the carrier: %d", c.refused)
		}
		l.forgetLines()
		l.sw.Unregister(l.sw.root)
		l.saw("register enrolled at 192.0.2.60 as u@192.0.2.60 for 0s")
		if !l.sw.Known(netip.MustParseAddrPort("192.0.2.61:5060"), "INVITE") {
			t.Error("the carrier is a stranger while we drain")
		}
		if v := l.line("enrolled"); v.Lines[0].Phase == registration.Registered {
			t.Errorf("shown as registered: %+v", v.Lines)
		}
	})
}

func TestRegistrationThatFailsIsTheTrunksLastError(t *testing.T) {
	watching(t, func(l *lab) {
		l.phone.answers("sip:192.0.2.61;transport=udp", 403)
		time.Sleep(time.Second)
		v := l.line("enrolled")
		if len(v.Lines) != 2 || v.Lines[0].Phase.String() != "registered" || v.Lines[1].Phase.String() != "refused" ||
			v.LastError != "sip:192.0.2.61;transport=udp: not registered: 403 No" {
			t.Errorf("%+v", v)
		}
		if v = l.line("carrier"); len(v.Lines) != 0 {
			t.Errorf("%+v", v)
		}
	})
}
