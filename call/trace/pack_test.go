package trace

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func someAddress(t *rapid.T, name string) netip.AddrPort {
	port := rapid.Uint16().Draw(t, name+" port")
	switch rapid.IntRange(0, 3).Draw(t, name) {
	case 0:
		return netip.AddrPort{}
	case 1:
		return netip.AddrPortFrom(netip.MustParseAddr("2001:db8::7"), port)
	case 2:
		return netip.AddrPortFrom(netip.MustParseAddr("fe80::1%eth0"), port)
	}
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)
}

func someSound(t *rapid.T) *Sound {
	length := func(name string) time.Duration { return time.Duration(rapid.Int64().Draw(t, name)) }
	return &Sound{
		Final: rapid.Bool().Draw(t, "final"), Codec: rapid.StringN(0, 8, 300).Draw(t, "codec"),
		Local: someAddress(t, "local"), Remote: someAddress(t, "remote"),
		Sent: rapid.Uint64().Draw(t, "sent"), Received: rapid.Uint64().Draw(t, "received"),
		Lost: rapid.Uint64().Draw(t, "lost"), Late: rapid.Uint64().Draw(t, "late"),
		RemoteLost: rapid.Int64().Draw(t, "remote lost"), MOS: rapid.Int64().Draw(t, "mos"),
		RemoteMOS: rapid.Int64().Draw(t, "remote mos"),
		Jitter:    length("jitter"), RemoteShake: length("remote jitter"), MaxGap: length("gap"), RoundTrip: length("trip"),
	}
}

func someEntry(t *rapid.T) Entry {
	e := Entry{Seq: rapid.Uint64().Draw(t, "seq"), Leg: rapid.IntRange(-1, maxLegs).Draw(t, "leg")}
	if rapid.Bool().Draw(t, "timed") {
		e.At = time.Unix(0, rapid.Int64Range(never+1, 1<<62).Draw(t, "at"))
	}
	switch e.Kind = rapid.SampledFrom([]Kind{KindSIP, KindRTP, KindKey, KindEvent, KindLog}).Draw(t, "kind"); e.Kind {
	case KindSIP:
		e.SIP = &Message{
			Out: rapid.Bool().Draw(t, "out"), Transport: rapid.String().Draw(t, "transport"),
			Local: someAddress(t, "local"), Remote: someAddress(t, "remote"),
			Text: []byte(rapid.String().Draw(t, "text")),
		}
	case KindRTP:
		e.RTP = someSound(t)
	case KindKey:
		e.Key = &Key{
			Source: rapid.String().Draw(t, "source"), Digit: rapid.Rune().Draw(t, "digit"),
			Held: time.Duration(rapid.Int64().Draw(t, "held")),
		}
	case KindEvent:
		e.Event = []byte(rapid.String().Draw(t, "event"))
	case KindLog:
		e.Log = &Line{Level: rapid.String().Draw(t, "level"), Text: rapid.String().Draw(t, "line")}
	}
	return e
}

// What is kept of an entry is all of it.
func TestPackedEntriesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := someEntry(t)
		p := pack(&want)
		got := p.entry()
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
			t.Fatal(diff)
		}
		if final := want.Kind == KindRTP && !want.RTP.Final; p.passing() != final {
			t.Fatalf("passing: %t", p.passing())
		}
	})
}

// A bridged call's trace took 14 kB; two thirds of that was room around what it
// says.
func TestTraceOfACallIsSmall(t *testing.T) {
	s := New(Config{Bytes: 1 << 20, CallBytes: 64 << 10, Calls: 10})
	s.Begin("call-1", "13800138000", "10000")
	said := 0
	for _, leg := range []string{"caller", "agent"} {
		s.Claim("call-1", Leg{CallID: leg, Role: Caller})
		for range 6 {
			m := sip(leg, "INVITE "+strings.Repeat("x", 400), false)
			said += len(m.Text)
			s.SIP(m)
		}
		for i := range 10 {
			s.RTP("call-1", leg, Sound{
				Codec: "PCMA", Sent: uint64(i) * 250, Received: uint64(i) * 250, Jitter: 1234 * time.Microsecond,
				MaxGap: 23 * time.Millisecond, MOS: 441, RemoteMOS: 441,
				Local: netip.MustParseAddrPort("127.0.0.31:10000"), Remote: netip.MustParseAddrPort("127.0.0.1:40000"),
			})
		}
	}
	if around := s.bytes - recordSize - said; around > 5000 {
		t.Errorf("%d bytes of messages take %d more", said, around)
	}
}

// Whatever becomes of a call's first messages, each that is still there is what
// came.
func TestMessagesToldByTheFirstComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New(Config{Bytes: 1 << 20, CallBytes: rapid.SampledFrom([]int{900, 4_000, 64_000}).Draw(t, "room"), Calls: 3})
		s.Begin("call-1", "a", "b")
		s.Claim("call-1", Leg{CallID: "leg-0", Role: Caller})
		came := map[uint64]string{}
		line := rapid.SampledFrom([]string{"\r\n", "Via: x\r\n", "From: 1\r\n", "\n", "a=rtpmap:8 PCMA/8000\r\n", "To: 2", "x"})
		for range rapid.IntRange(1, 80).Draw(t, "messages") {
			leg := rapid.SampledFrom([]string{"leg-0", "leg-1", "leg-2"}).Draw(t, "leg")
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				s.Claim("call-1", Leg{CallID: leg, Role: Agent})
			case 1:
				s.RTP("call-1", leg, Sound{Received: 5})
			default:
				text := "INVITE sip:1@h SIP/2.0\r\n" + strings.Join(rapid.SliceOfN(line, 0, 30).Draw(t, "lines"), "")
				s.SIP(Sighting{CallID: leg, Call: true, Transport: "udp", Text: []byte(text)})
				came[s.seq] = string(Clean([]byte(text)))
			}
		}
		for _, what := range []string{"leg-0", "leg-1", "leg-2"} {
			found, _ := s.Find(what, 0)
			for _, e := range found.Entries {
				if e.Kind == KindSIP && string(e.SIP.Text) != came[e.Seq] {
					t.Fatalf("%s: message %d is %q, was %q", what, e.Seq, e.SIP.Text, came[e.Seq])
				}
			}
		}
	})
}
