package call

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sdp"
	"tierline/call/sipua"
)

// polyglot answers our re-INVITEs in the first codec that we offer, and notes
// it.
func polyglot(l *lab, name string, port int) func([]byte) (int, []byte) {
	return func(offer []byte) (int, []byte) {
		s, err := sdp.Parse(offer)
		if err != nil {
			l.t.Errorf("our offer: %v", err)
			return 400, nil
		}
		body, n, err := sdp.Answer(s, peerOptions(port, sdp.Opus, sdp.PCMA))
		if err != nil {
			return 488, nil
		}
		l.note("%s speaks %d", name, n.Codec)
		return 200, body
	}
}

func peerOptions(port int, codecs ...uint8) sdp.LocalOptions {
	return sdp.LocalOptions{
		IP: netip.MustParseAddr("192.0.2.9"), Port: port, SessionID: 1, Version: 1, Codecs: codecs,
	}
}

// dialOpus calls from a phone that speaks Opus and A-law.
func (l *lab) dialOpus() *caller {
	c := &caller{lab: l}
	go l.sw.Invite(Invite{
		Invitation: c, CallID: "sip-1", From: "1", Number: "10009", Transport: "udp",
		Source: netip.MustParseAddrPort("192.0.2.9:5060"), Offer: sdp.Offer(peerOptions(30000, sdp.Opus, sdp.PCMA)),
	})
	return c
}

// reinvites says how the two phones answer our re-INVITEs.
func (l *lab) reinvites(c *caller, caller, agent func([]byte) (int, []byte)) {
	time.Sleep(settling / 2) // both have rung, and nothing is settled
	synctest.Wait()
	for d, f := range map[*fakeDialog]func([]byte) (int, []byte){c.dlg: caller, l.phone.last: agent} {
		d.mu.Lock()
		d.reinvite = f
		d.mu.Unlock()
	}
}

func TestTwoWhoSpeakOpusGoOverToIt(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		c := l.dialOpus()
		l.reinvites(c, polyglot(l, "caller", 30000), polyglot(l, "agent", 40000))
		time.Sleep(2 * time.Second)
		l.saw("bridge", "re-invite", "speaks 111", "speaks 111")
		l.forget()
		// The agent holds: the caller's music needs A-law.
		held := peerOptions(40000, sdp.Opus, sdp.PCMA)
		held.Direction = sdp.SendOnly
		reply := func(status int, body []byte) error {
			if status != 200 || !strings.Contains(string(body), "opus/48000/2") {
				t.Errorf("hold: %d\n%s", status, body)
			}
			return nil
		}
		l.phoneSays(sipua.Reinvited{Offer: sdp.Offer(held), Reply: reply})
		l.saw("unbridge", "music")
		l.saw("caller speaks 8")
		l.forget()
		held.Direction = sdp.SendRecv
		l.phoneSays(sipua.Reinvited{Offer: sdp.Offer(held), Reply: func(int, []byte) error { return nil }})
		time.Sleep(2 * time.Second)
		l.saw("bridge", "caller speaks 111")
		l.forget()
		// The agent hangs up: what the caller hears then is ours again.
		l.phoneSays(sipua.Hungup{Q850: 16})
		l.saw("caller speaks 8")
	})
}

func TestPhoneWithoutOpusLeavesBothAsTheyAre(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		c := l.dialOpus()
		l.reinvites(c, polyglot(l, "caller", 30000), func([]byte) (int, []byte) { return 488, nil })
		time.Sleep(10 * time.Second)
		l.saw("bridge", "caller speaks 111", "caller speaks 8")
		l.never("agent speaks")
		l.forget()
		time.Sleep(10 * time.Second)
		l.never("re-invite")
	})
}

func TestCallerWithoutOpusIsNotAsked(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.dial("10009", "1")
		time.Sleep(10 * time.Second)
		l.saw("bridge")
		l.never("re-invite")
	})
}

// forget clears the timeline.
func (l *lab) forget() {
	l.t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = nil
}
