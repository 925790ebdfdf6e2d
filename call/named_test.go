package call

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"tierline/call/resolve"
	"tierline/call/sipua"
)

const namedAddress = "sip:089212345678@sbc.example.net"

func hosts(list ...string) (out []resolve.Hop) {
	for _, s := range list {
		out = append(out, resolve.Hop{Transport: "udp", Addr: netip.MustParseAddrPort(s)})
	}
	return out
}

// A target that is a name is all its hosts, in the order of DNS, then comes the
// next target.
func TestHostsOfANameAreTriedOneAfterTheOther(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.hosts = map[string][]resolve.Hop{"sbc.example.net": hosts("192.0.2.51:5060", "192.0.2.52:5070")}
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.habits[namedAddress+" at udp:192.0.2.51:5060"] = habit{after: time.Second, status: 504}
		l.phone.habits[namedAddress+" at udp:192.0.2.52:5070"] = habit{after: time.Second, status: 200}
		l.ask("+8689212345678")
		time.Sleep(10 * time.Second)
		l.saw("call "+namedAddress+" at udp:192.0.2.51:5060", "192.0.2.51:5060 is good: true",
			"call "+namedAddress+" at udp:192.0.2.52:5070", "bridge")
		l.never("@192.0.2.41")
	})
}

func TestNameThatNobodyKnowsIsFollowedByTheNextTarget(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.habits["sip:089212345678@192.0.2.41;transport=udp"] = habit{after: time.Second, status: 200}
		l.ask("+8689212345678")
		time.Sleep(10 * time.Second)
		l.saw("call sip:089212345678@192.0.2.41;transport=udp", "bridge")
		if v := l.line("named"); !strings.Contains(v.LastError, "sbc.example.net: no such name") {
			t.Errorf("last error %q", v.LastError)
		}
	})
}

// Whoever gives up while the name is looked up is not called.
func TestAgentHangsUpDuringTheLookup(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.hosts = map[string][]resolve.Hop{"sbc.example.net": hosts("192.0.2.51:5060")}
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.ask("+8689212345678")
		time.Sleep(2050 * time.Millisecond) // the agent has heard what it is about
		l.phoneSays(sipua.Hungup{Q850: 16})
		time.Sleep(5 * time.Second)
		l.never("call sip:")
		l.gone()
	})
}
