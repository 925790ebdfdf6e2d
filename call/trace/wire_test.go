package trace

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net"
	"net/netip"
	"testing"
	"time"
)

// chunks reads a HEPv3 packet by the specification's words: the name, the length
// of all, then chunks of vendor, type, length and data.
func chunks(t *testing.T, b []byte) map[uint16][]byte {
	t.Helper()
	if string(b[:4]) != "HEP3" || int(binary.BigEndian.Uint16(b[4:])) != len(b) {
		t.Fatalf("% x of %d", b[:6], len(b))
	}
	out := map[uint16][]byte{}
	for b = b[6:]; len(b) > 0; {
		n := int(binary.BigEndian.Uint16(b[4:]))
		if vendor := binary.BigEndian.Uint16(b); vendor != 0 || n < 6 || n > len(b) {
			t.Fatalf("vendor %d, length %d of %d", vendor, n, len(b))
		}
		out[binary.BigEndian.Uint16(b[2:])] = b[6:n]
		b = b[n:]
	}
	return out
}

func TestCollectorGetsMessagesAndReports(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pc.Close() }()
	c := NewCollector(CollectorConfig{Address: pc.LocalAddr().String(), Node: 77, Password: "myHep"})
	done := make(chan struct{})
	defer close(done)
	go c.Run(done)
	s := New(Config{Bytes: 1 << 20, CallBytes: 1 << 16, Calls: 9, Collector: c})
	s.Begin("call-1", "a", "b")
	s.Claim("call-1", Leg{CallID: "x@h", Role: Caller})
	at := time.Unix(1_795_401_540, 123_456_000)
	here, there := netip.MustParseAddrPort("10.0.0.1:5061"), netip.MustParseAddrPort("[2001:db8::7]:40000")
	s.SIP(Sighting{
		At: at, Transport: "tls", Local: here, Remote: there, CallID: "x@h", Call: true,
		Text: []byte("BYE sip:x SIP/2.0\r\nAuthorization: Digest response=\"canary\"\r\n\r\n"),
	})
	media := netip.MustParseAddrPort("10.0.0.1:20000")
	s.RTP("call-1", "x@h", Sound{Local: media, Remote: media, Received: 75, Lost: 25, Sent: 9, Jitter: 3 * time.Millisecond, MOS: 250})
	read := func() map[uint16][]byte {
		b := make([]byte, 1<<16)
		if err := pc.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, _, err := pc.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		return chunks(t, b[:n])
	}
	got := read()
	for kind, want := range map[uint16][]byte{
		1: {10}, 2: {6}, 5: there.Addr().AsSlice(), 7: {0x9c, 0x40}, 8: {0x13, 0xc5}, 0xb: {1},
		9: binary.BigEndian.AppendUint32(nil, 1_795_401_540), 0xa: binary.BigEndian.AppendUint32(nil, 123_456),
		0xc: {0, 0, 0, 77}, 0xe: []byte("myHep"), 0x11: []byte("x@h"),
		0xf: []byte("BYE sip:x SIP/2.0\r\nAuthorization: Digest response=***\r\n\r\n"),
	} {
		if !bytes.Equal(got[kind], want) {
			t.Errorf("chunk %#x: %q, want %q", kind, got[kind], want)
		}
	}
	if mapped := netip.AddrFrom16([16]byte(got[6])).Unmap(); mapped != here.Addr() {
		t.Errorf("to %s", mapped)
	}
	got = read()
	var report struct {
		Sender struct{ Packets int } `json:"sender_information"`
		Blocks []struct {
			Lost     int `json:"packets_lost"`
			Fraction int `json:"fraction_lost"`
			Jitter   int `json:"ia_jitter"`
		} `json:"report_blocks"`
	}
	if err := json.Unmarshal(got[0xf], &report); err != nil || got[0xb][0] != 5 || string(got[0x11]) != "x@h" {
		t.Fatalf("%v: %v", err, got)
	}
	if k := report.Blocks[0]; report.Sender.Packets != 9 || k.Lost != 25 || k.Fraction != 64 || k.Jitter != 24 {
		t.Errorf("%+v", report)
	}
	if !bytes.Equal(got[3], []byte{10, 0, 0, 1}) || got[1][0] != 2 {
		t.Errorf("%v", got)
	}
}

func TestCollectorThatTakesNothingHoldsNobodyUp(t *testing.T) {
	c := NewCollector(CollectorConfig{Address: "127.0.0.1:9"}) // nobody runs it
	for range backlog + 5 {
		c.message(time.Now(), "x", &Message{})
	}
	if sent, lost := c.figures(); sent != 0 || lost != 5 {
		t.Errorf("sent %d, lost %d", sent, lost)
	}
}

// TestCaptureIsPcapng reads the blocks by their lengths, and the headers inside.
func TestCaptureIsPcapng(t *testing.T) {
	here, there := netip.MustParseAddrPort("10.0.0.1:5061"), netip.MustParseAddrPort("10.0.0.9:40000")
	wide := netip.MustParseAddrPort("[2001:db8::7]:40000")
	at := time.UnixMicro(1_795_401_540_123_456)
	b := Capture(Call{
		ID: "call-1", Legs: []Leg{{CallID: "x", Role: Caller}},
		Entries: []Entry{
			{Kind: KindSIP, At: at, SIP: &Message{Transport: "tls", Local: here, Remote: there, Text: []byte("INVITE sip:a@h SIP/2.0\r\n\r\n")}},
			{Kind: KindKey, Leg: 0, Key: &Key{Source: "info"}},
			{Kind: KindSIP, At: at, SIP: &Message{Out: true, Transport: "wss", Local: here, Remote: wide, Text: []byte("x")}},
			{Kind: KindLog, Leg: -1, Log: &Line{"warn", "late"}},
		},
	})
	var kinds []uint32
	var packets [][]byte
	for len(b) > 0 {
		kind, n := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
		if n%4 != 0 || int(n) > len(b) || binary.LittleEndian.Uint32(b[n-4:]) != n {
			t.Fatalf("block %#x of %d bytes", kind, n)
		}
		kinds = append(kinds, kind)
		if kind == 6 {
			size := binary.LittleEndian.Uint32(b[20:])
			packets = append(packets, b[28:28+size])
			if got := uint64(binary.LittleEndian.Uint32(b[12:]))<<32 | uint64(binary.LittleEndian.Uint32(b[16:])); got != uint64(at.UnixMicro()) {
				t.Errorf("at %d", got)
			}
			if rest := b[28+(size+3)/4*4 : n-4]; len(packets) == 2 &&
				!bytes.Contains(rest, []byte("WSS, caller\ncaller: a key (which one isn't shown), by info\nafter it: warn: late")) {
				t.Errorf("comment %q", rest)
			}
		}
		b = b[n:]
	}
	if len(kinds) != 4 || kinds[0] != 0x0a0d0d0a || kinds[1] != 1 || len(packets) != 2 {
		t.Fatalf("%#x", kinds)
	}
	p := packets[0]
	if p[0] != 0x45 || p[9] != 17 || !bytes.Equal(p[12:20], []byte{10, 0, 0, 9, 10, 0, 0, 1}) ||
		binary.BigEndian.Uint16(p[20:]) != 40000 || string(p[28:]) != "INVITE sip:a@h SIP/2.0\r\n\r\n" ||
		checksum(0, p[:20]) != 0 || checksum(17+uint32(len(p)-20), p[12:20], p[20:]) != 0 {
		t.Errorf("% x", p)
	}
	if p = packets[1]; p[0] != 0x60 || p[6] != 17 || !bytes.Equal(p[24:40], wide.Addr().AsSlice()) ||
		checksum(17+uint32(len(p)-40), p[8:40], p[40:]) != 0 || p[48] != 'x' {
		t.Errorf("% x", p)
	}
}
