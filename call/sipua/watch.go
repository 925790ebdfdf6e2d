package sipua

import (
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Sighting is a message as it passes, for whoever keeps traces. Text belongs to
// the UA again when the function that gets it returns.
type Sighting struct {
	At            time.Time
	Out           bool
	Transport     string
	Local, Remote netip.AddrPort
	CallID        string
	Call          bool   // of a call, or wants to be one; else it registers or asks for options
	From, To      string // users of the headers
	Text          []byte
}

// seen shows a message that came in and belongs to somebody we know. What came
// in a stream is written again as it was understood.
func (u *UA) seen(m sip.Message, o origin) {
	if u.watch == nil {
		return
	}
	text := o.raw
	if text == nil {
		text = []byte(m.String())
	}
	u.show(m, o.ep, o.from, false, text)
}

// show hands a message to whoever watches.
func (u *UA) show(m sip.Message, ep *endpoint, peer netip.AddrPort, out bool, text []byte) {
	s := Sighting{
		At: time.Now(), Out: out, Transport: ep.network, Local: ep.shown(), Remote: peer, Text: text,
	}
	s.CallID = callIDOf(m)
	if h := m.CSeq(); h != nil {
		s.Call = h.MethodName != sip.REGISTER && h.MethodName != sip.OPTIONS
	}
	if h := m.From(); h != nil {
		s.From = h.Address.User
	}
	if h := m.To(); h != nil {
		s.To = h.Address.User
	}
	u.guarded("watcher", func() { u.watch(s) }) // who only looks on breaks no call
}

func callIDOf(m sip.Message) string {
	if h := m.CallID(); h != nil {
		return h.Value()
	}
	return ""
}

// resend writes a message of a call once more.
func (f *flow) resend(b []byte, callID string) error {
	if u := f.ep.ua; u.watch != nil {
		u.watch(Sighting{
			At: time.Now(), Out: true, Transport: f.ep.network, Local: f.ep.shown(), Remote: f.dst,
			CallID: callID, Call: true, Text: b,
		})
	}
	return f.write(b)
}

// shown is the endpoint's address as peers see it.
func (e *endpoint) shown() netip.AddrPort {
	if !e.local.Addr().IsUnspecified() {
		return e.local
	}
	if a, err := netip.ParseAddr(e.host); err == nil {
		return netip.AddrPortFrom(a.Unmap(), e.local.Port())
	}
	return e.local
}
