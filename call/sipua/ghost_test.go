package sipua_test

import (
	"net/netip"
	"testing"
	"time"

	"tierline/call/sipua"
)

// TestGhost: a phone rings for a process that is dead. Another one that knows
// what was asked of it stops the phone; one that has answered is hung up, also if
// the dead one heard it and didn't come to write it down.
func TestGhost(t *testing.T) {
	const never, late, early = 0, 1, 2
	for _, answers := range []int{never, late, early} {
		rings, over, picked := make(chan *sipua.Incoming, 1), make(chan bool, 1), newEvents()
		phone := realUA(t, &desk{invite: func(in *sipua.Incoming) {
			in.OnCancel(func() { over <- true })
			_ = in.Ringing()
			rings <- in
		}}, sipua.UDP)
		dead := realUA(t, &desk{}, sipua.UDP)
		ask := sipua.DialRequest{
			Target: "sip:1001@" + phone.Addr(sipua.UDP).String(), From: "13800138000", To: "1001", SDP: []byte(offerSDP),
			Seed: "c1/12/x", AckLater: true,
		}
		seen := newEvents()
		if _, err := dead.Dial(ask, seen.on); err != nil {
			t.Fatal(err)
		}
		in := <-rings
		if answers == early {
			if _, err := in.Answer([]byte(ourSDP), picked.on); err != nil {
				t.Fatal(err)
			}
			next[sipua.Ringing](t, seen)
			next[sipua.Answered](t, seen)
		}
		at := dead.Addr(sipua.UDP)
		dead.Close() // without a word, as after kill -9
		heir := realUA(t, &desk{}, sipua.UDP)
		if err := heir.Adopt([]sipua.Listen{{Transport: sipua.UDP, Addr: at.String()}}, ""); err != nil {
			t.Fatal(err)
		}
		ask.Local = at.Addr()
		switch {
		case answers != never:
			if answers == late {
				if _, err := in.Answer([]byte(ourSDP), picked.on); err != nil {
					t.Fatal(err)
				}
			}
			next[sipua.Confirmed](t, picked)
			if h := next[sipua.Hungup](t, picked); h.Reason != "too late" {
				t.Errorf("%+v", h)
			}
		default:
			if err := heir.CancelGhost(ask); err != nil {
				t.Fatal(err)
			}
			select {
			case <-over:
			case <-time.After(5 * time.Second):
				t.Error("the phone rings on")
			}
		}
		heir.Leave(at.Addr())
	}
}

// TestGhostOfAnAddressThatNobodyServes: the phone that rings for a dead process
// is stopped from another address, as where calls are taken over by re-INVITE.
func TestGhostOfAnAddressThatNobodyServes(t *testing.T) {
	rings, over := make(chan bool, 1), make(chan bool, 1)
	phone := realUA(t, &desk{invite: func(in *sipua.Incoming) {
		in.OnCancel(func() { over <- true })
		_ = in.Ringing()
		rings <- true
	}}, sipua.UDP)
	dead, heir := realUA(t, &desk{}, sipua.UDP), realUA(t, &desk{}, sipua.UDP)
	ask := sipua.DialRequest{
		Target: "sip:1001@" + phone.Addr(sipua.UDP).String(), From: "13800138000", To: "1001", SDP: []byte(offerSDP),
		Seed: "c1/13/x",
	}
	if _, err := dead.Dial(ask, newEvents().on); err != nil {
		t.Fatal(err)
	}
	<-rings
	ask.Sender = dead.Addr(sipua.UDP).String()
	dead.Close() // without a word, as after kill -9
	if err := heir.CancelGhost(ask); err != nil {
		t.Fatal(err)
	}
	select {
	case <-over:
	case <-time.After(5 * time.Second):
		t.Error("the phone rings on")
	}
	for _, sender := range []string{"nowhere", "127.0.0.1:x"} {
		if ask.Sender = sender; heir.CancelGhost(ask) == nil {
			t.Errorf("sender %q was taken", sender)
		}
	}
}

// TestResumeAtTheSameAddress: who serves in another's place goes on with its
// dialogs there, others from its own address.
func TestResumeAtTheSameAddress(t *testing.T) {
	one, two := realUA(t, &desk{}, sipua.UDP), realUA(t, &desk{}, sipua.UDP)
	d := sipua.Dialog{Transport: "udp", Contact: "sip:tierline@" + one.Addr(sipua.UDP).String()}
	if !one.Serves(d) || two.Serves(d) {
		t.Errorf("serves: %t, %t", one.Serves(d), two.Serves(d))
	}
	at := one.Addr(sipua.UDP)
	one.Close()
	if err := two.Adopt([]sipua.Listen{{Transport: sipua.UDP, Addr: at.String()}}, ""); err != nil || !two.Serves(d) {
		t.Errorf("adopted: %v, serves %t", err, two.Serves(d))
	}
	two.Leave(netip.MustParseAddr("192.0.2.1")) // nobody's
	if !two.Serves(d) {
		t.Error("it has left what it had not")
	}
}
