package call

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"tierline/call/registration"
	"tierline/call/resolve"
	"tierline/call/sdp"
	"tierline/call/sipua"
)

// habit is how an agent's phone behaves.
type habit struct {
	after  time.Duration // from the INVITE to the final answer; 0 = never
	status int           // 200 or a refusal
}

// fakePhones are the phones of all agents.
type fakePhones struct {
	lab     *lab
	resumed *fakeDialog // of a caller, whom another process had
	waits   *caller     // who had no answer of it

	mu     sync.Mutex
	habits map[string]habit
	last   *fakeDialog            // of an agent
	of     map[string]*fakeDialog // the latest of each agent
	far    *fakeDialog            // of somebody outside, the latest
	out    map[string]*fakeDialog // of somebody outside, by address
	lives  map[string]int         // what targets answer to OPTIONS
	proofs []string               // accounts of calls outward
	asked  map[string]int         // how often they were asked
	hosts  map[string][]resolve.Hop
	tokens map[string]string // of trunks that have registered

	// told is what a leg that another process had answers to our offer, by its name;
	// nil: nothing has to be offered.
	told func(leg string) (status int, answer []byte)
}

func (f *fakePhones) Ping(target string, patience time.Duration, on func(sipua.Pong)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[target]++
	got, after := sipua.Pong{Status: f.lives[target], Reason: "As Said", Took: 20 * time.Millisecond}, 20*time.Millisecond
	if got.Status == 0 {
		got, after = sipua.Pong{Trouble: "no answer within " + patience.String(), Took: patience}, patience
	}
	time.AfterFunc(after, func() { on(got) })
}

// Resolve finds a tenth of a second later what the test put into hosts.
func (f *fakePhones) Resolve(target string, on func([]resolve.Hop, error)) {
	f.mu.Lock()
	hops := f.hosts[hostOf(target)]
	if at, err := netip.ParseAddr(hostOf(target)); err == nil {
		hops = []resolve.Hop{{Transport: "udp", Addr: netip.AddrPortFrom(at, 5060)}}
	}
	f.mu.Unlock()
	time.AfterFunc(100*time.Millisecond, func() {
		if len(hops) == 0 {
			on(nil, resolve.ErrNotFound)
			return
		}
		on(hops, nil)
	})
}

func (f *fakePhones) Report(addr netip.AddrPort, good bool) { f.lab.note("%s is good: %t", addr, good) }

// Enrol registers at once whoever the test doesn't refuse.
func (f *fakePhones) Enrol(_ context.Context, r registration.Request) registration.Result {
	f.lab.note("register %s at %s as %s@%s for %v", r.Trunk, r.Hop.Addr.Addr(), r.User, r.Domain, r.Expires)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens[r.Trunk] = r.Token
	if status := f.lives[r.Registrar]; status != 0 {
		return registration.Result{Status: status, Reason: "No"}
	}
	return registration.Result{Status: 200, Expires: r.Expires}
}

// answers says what a target answers to OPTIONS from now on.
func (f *fakePhones) answers(target string, status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lives[target] = status
}

// dialOut calls somebody outside, and returns by what name his habits are known.
func (f *fakePhones) dialOut(r sipua.DialRequest, d *fakeDialog) (who string) {
	d.name = "far"
	f.far = d
	f.proofs = append(f.proofs, r.Username+"@"+r.Realm+" "+r.Password)
	at := ""
	if r.Address.IsValid() {
		at = " at " + r.Transport + ":" + r.Address.String()
	}
	f.out[r.Target] = d
	f.lab.note("call %s%s as %s", r.Target, at, r.From+identities(r))
	return r.Target + at
}

func (f *fakePhones) Dial(r sipua.DialRequest, on func(sipua.LegEvent)) (Dialog, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	who := r.To
	d := &fakeDialog{lab: f.lab, name: "agent " + r.To, on: on, offered: r.SDP}
	if r.To == "" {
		who = f.dialOut(r, d)
	} else {
		f.last = d
		f.of[r.To] = d
		f.lab.note("invite %s as %s", r.To, displayed(r))
	}
	h := f.habits[who]
	if h.status == 503 {
		return nil, errors.New("no route")
	}
	if h.status < 500 {
		time.AfterFunc(20*time.Millisecond, func() { d.event(sipua.Ringing{Status: 180}) })
	}
	if r.Timeout > 0 && r.To == "" {
		time.AfterFunc(r.Timeout, func() {
			if !d.isUp() {
				d.event(sipua.Failed{Status: 408})
			}
		})
	}
	if h.after > 0 {
		time.AfterFunc(h.after, func() {
			if h.status >= 300 {
				d.event(sipua.Failed{Status: h.status})
				return
			}
			d.event(sipua.Answered{SDP: remoteSDP(40000)})
		})
	}
	return d, nil
}

// displayed is what a phone shows.
func displayed(r sipua.DialRequest) string {
	if strings.Contains(r.From, "@") {
		return r.FromName + " <" + r.From + ">"
	}
	return r.FromName
}

// identities is what the headers beside From say of who calls.
func identities(r sipua.DialRequest) (said string) {
	if r.Asserted != "" {
		said += " asserted " + r.Asserted
	}
	if r.Preferred != "" {
		said += " preferred " + r.Preferred
	}
	if r.Private {
		said += " private"
	}
	return said
}

// remoteSDP is what peers offer and answer.
func remoteSDP(port int) []byte {
	return sdp.Offer(sdp.LocalOptions{
		IP: netip.MustParseAddr("192.0.2.9"), Port: port, SessionID: 1, Version: 1, Codecs: []uint8{sdp.PCMA},
	})
}

// fakeDialog is a leg towards a peer that does what the test says.
type fakeDialog struct {
	lab  *lab
	name string

	mu   sync.Mutex
	on   func(sipua.LegEvent)
	over bool
	up   bool

	acked    atomic.Bool
	offered  []byte
	kept     sipua.Dialog                                   // of a leg that another process made
	reinvite func(offer []byte) (status int, answer []byte) // nil: nothing but what was agreed
}

func (d *fakeDialog) isUp() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.up
}

func (d *fakeDialog) event(ev sipua.LegEvent) {
	d.mu.Lock()
	over := d.over
	switch ev.(type) {
	case sipua.Failed, sipua.Hungup, sipua.NoAck:
		d.over = true
	case sipua.Answered:
		d.up = true
	case sipua.Confirmed, sipua.Info, sipua.Reinvited, sipua.Ringing, sipua.Referred, sipua.ReferredIn,
		sipua.Refreshed, sipua.Pracked:
	}
	d.mu.Unlock()
	if !over {
		d.on(ev)
	}
}

func (d *fakeDialog) Hangup(q850 int, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		d.over = true
		d.lab.note("hang up %s (%d %s)", d.name, q850, reason)
	}
}

func (d *fakeDialog) Check(patience time.Duration) { d.lab.note("check %s for %v", d.name, patience) }

func (d *fakeDialog) Refer(target string) error {
	d.lab.note("refer %s to %s", d.name, target)
	return nil
}

func (d *fakeDialog) Reinvite(offer []byte, done func(status int, answer []byte)) {
	d.mu.Lock()
	answer := d.reinvite
	d.mu.Unlock()
	d.lab.note("re-invite %s", d.name)
	if answer == nil {
		done(488, nil)
		return
	}
	done(answer(offer))
}

func (d *fakeDialog) Show(id sipua.Identity) error {
	d.lab.note("show %s: %s %s", d.name, id.Number, id.Name)
	return nil
}

func (d *fakeDialog) Acknowledge() { d.acked.Store(true) }

func (d *fakeDialog) Abandon() { d.lab.note("abandon %s", d.name) }

func (d *fakeDialog) Dialog() sipua.Dialog {
	if d.kept.CallID != "" {
		return d.kept
	}
	if d.offered != nil {
		kept := sipua.Dialog{
			CallID: d.name, Transport: "udp", Contact: "here", LocalSDP: d.offered, RemoteSDP: remoteSDP(40000),
			RemoteURI: "sip:13800138000@192.0.2.9",
		}
		if d.name == "far" && !d.isUp() {
			kept.Invite = []byte("INVITE far")
		}
		return kept
	}
	return sipua.Dialog{CallID: d.name, RemoteURI: "sip:13800138000@192.0.2.9"}
}

// caller is somebody who calls; its methods are what he does.
type caller struct {
	lab *lab
	dlg *fakeDialog

	mu       sync.Mutex
	onCancel func()
	refused  int
	retry    int           // seconds, with the refusal
	interval time.Duration // that it asks for
	prack    bool
}

// dial sends an INVITE and lets the switch take it.
func (l *lab) dial(number, from string) *caller {
	l.t.Helper()
	c := &caller{lab: l}
	go l.sw.Invite(Invite{
		Invitation: c, CallID: "sip-" + from, From: from, Number: number,
		Source: netip.MustParseAddrPort("192.0.2.9:5060"), Transport: "udp", Offer: remoteSDP(30000),
	})
	return c
}

func (c *caller) Ringing() error { return nil }
func (c *caller) Reliable() bool { return c.prack }

func (c *caller) Progress(_ []byte, on func(sipua.LegEvent)) error {
	c.lab.note("answer early")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dlg = &fakeDialog{lab: c.lab, name: "caller", on: on}
	return nil
}

func (c *caller) Session(t sipua.SessionTimer) error {
	if t.Min > c.interval && c.interval > 0 {
		c.refused = 422
		return errors.New("interval too small")
	}
	return nil
}

func (c *caller) Dialog() sipua.Dialog {
	return sipua.Dialog{
		CallID: "caller", Transport: "udp", Contact: "here", RemoteSDP: remoteSDP(30000),
		Peer: netip.MustParseAddrPort("192.0.2.9:5060"), Invite: []byte("INVITE"),
	}
}

func (c *caller) Abandon() { c.lab.note("abandon the caller's INVITE") }

func (c *caller) Answer(body []byte, on func(sipua.LegEvent)) (Dialog, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused != 0 {
		return nil, errors.New("cancelled")
	}
	c.lab.note("answer")
	c.dlg = &fakeDialog{lab: c.lab, name: "caller", on: on, offered: body}
	time.AfterFunc(10*time.Millisecond, func() { c.dlg.event(sipua.Confirmed{}) })
	return c.dlg, nil
}

func (c *caller) Reject(status int, _ string, retry int, _ map[string][]string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused, c.retry = status, retry
	c.lab.note("refuse %d", status)
	return nil
}

func (c *caller) OnCancel(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onCancel = f
}

// says lets something happen on the caller's leg.
func (c *caller) says(ev sipua.LegEvent) {
	synctest.Wait()
	c.mu.Lock()
	d := c.dlg
	c.mu.Unlock()
	d.event(ev)
}

func (c *caller) hangUp() { c.says(sipua.Hungup{Q850: 16}) }

// press sends keys on the media leg of the only caller.
func (l *lab) press(keys string) {
	synctest.Wait()
	l.sw.mu.Lock()
	var leg MediaLeg
	for _, c := range l.sw.calls {
		leg = c.caller.media
	}
	l.sw.mu.Unlock()
	leg.(*fakeLeg).press(keys)
}
