package rtcp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pion "github.com/pion/rtcp"
	"pgregory.net/rapid"
)

func drawReport(t *rapid.T) Report {
	r := Report{SSRC: rapid.Uint32().Draw(t, "ssrc"), Bye: rapid.Bool().Draw(t, "bye")}
	if r.Sender = rapid.Bool().Draw(t, "sender"); r.Sender {
		r.NTP, r.RTPTime = rapid.Uint64().Draw(t, "ntp"), rapid.Uint32().Draw(t, "rtp")
		r.Packets, r.Octets = rapid.Uint32().Draw(t, "packets"), rapid.Uint32().Draw(t, "octets")
	}
	if r.HasBlock = rapid.Bool().Draw(t, "block"); r.HasBlock {
		r.Block = Block{
			SSRC: rapid.Uint32().Draw(t, "of"), Fraction: rapid.Uint8().Draw(t, "fraction"),
			Lost: rapid.Int32Range(-1<<23, 1<<23-1).Draw(t, "lost"), Highest: rapid.Uint32().Draw(t, "highest"),
			Jitter: rapid.Uint32().Draw(t, "jitter"), LastSR: rapid.Uint32().Draw(t, "lsr"), Delay: rapid.Uint32().Draw(t, "delay"),
		}
	}
	return r
}

func marshal(t testing.TB, r Report, cname string) []byte {
	t.Helper()
	b, err := Marshal(r, cname)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawReport(t)
		b, err := Marshal(want, strings.Repeat("x", rapid.IntRange(0, 255).Draw(t, "name")))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(b, want.Block.SSRC)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestMarshal has the octets of RFC 3550 §6.4 to §6.6.
func TestMarshal(t *testing.T) {
	block := Block{SSRC: 0x0a0b0c0d, Fraction: 64, Lost: -2, Highest: 0x10203, Jitter: 9, LastSR: 0xb7052000, Delay: 0x54000}
	const blockHex = "0a0b0c0d 40fffffe 00010203 00000009 b7052000 00054000"
	for _, c := range []struct {
		what string
		r    Report
		want string
	}{
		{
			"sender with a block",
			Report{SSRC: 7, Sender: true, NTP: 0x1111222233334444, RTPTime: 160, Packets: 3, Octets: 480, HasBlock: true, Block: block},
			"81c8000c 00000007 11112222 33334444 000000a0 00000003 000001e0" + blockHex + "81ca0003 00000007 01036d65 2e000000",
		},
		{"receiver", Report{SSRC: 7, HasBlock: true, Block: block}, "81c90007 00000007" + blockHex + "81ca0003 00000007 01036d65 2e000000"},
		{"goodbye", Report{SSRC: 7, Bye: true}, "80c90001 00000007 81ca0003 00000007 01036d65 2e000000 81cb0001 00000007"},
	} {
		if got := marshal(t, c.r, "me."); hex.EncodeToString(got) != strings.ReplaceAll(c.want, " ", "") {
			t.Errorf("%s: % x", c.what, got)
		}
	}
	if _, err := Marshal(Report{}, strings.Repeat("x", 256)); err == nil {
		t.Error("a name of 256 bytes was written")
	}
}

func TestParseTakesTheBlockAboutUs(t *testing.T) {
	b, err := pion.Marshal([]pion.Packet{
		&pion.ReceiverReport{SSRC: 9, Reports: []pion.ReceptionReport{
			{SSRC: 1, TotalLost: 5}, {SSRC: 2, TotalLost: 0xffffff, FractionLost: 7, Jitter: 40}, {SSRC: 3, TotalLost: 6},
		}},
		&pion.SourceDescription{}, &pion.ApplicationDefined{Name: "abcd", SSRC: 3}, &pion.PictureLossIndication{},
		&pion.ExtendedReport{SenderSSRC: 9, Reports: []pion.ReportBlock{&pion.DLRRReportBlock{}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(b, 2)
	want := Report{SSRC: 9, HasBlock: true, Block: Block{SSRC: 2, Fraction: 7, Lost: -1, Jitter: 40}}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestParseKeepsWhatPeersSend: compounds that the library refuses as a whole,
// or the RFC in its strict reading.
func TestParseKeepsWhatPeersSend(t *testing.T) {
	report := marshal(t, Report{SSRC: 9, HasBlock: true, Block: Block{SSRC: 2, Jitter: 40}}, "peer")
	want := Report{SSRC: 9, HasBlock: true, Block: Block{SSRC: 2, Jitter: 40}}
	for _, c := range []struct {
		what, hex string
		before    bool // the report
		want      Report
	}{
		{"names with a word of zeros too much", "81ca0004 00000009 01036d65 2e000000 00000000", false, want},
		{"names with a length that lies", "81ca0002 00000009 01ff6d65", false, want},
		{"an extended report with a length that lies", "80cf0002 00000009 0706ffff", false, want},
		{"an extended report of a future kind", "80cf0003 00000009 c8000001 00000000", false, want},
		{"reference picture selection cut off", "83ce0001 00000009", false, want},
		{"intra frame request of RFC 2032", "80c00001 00000009", false, want},
		{"a kind nobody knows, first", "80df0000", true, want},
		{"names first", "81ca0003 00000009 01036d65 2e000000", true, want},
		{"goodbye with a reason", "81cb0003 00000009 06686169 72637574", false, func() Report { r := want; r.Bye = true; return r }()},
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		all := append(bytes.Clone(report), b...)
		if c.before {
			all = append(bytes.Clone(b), report...)
		}
		got, err := Parse(all, 2)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", c.what, err, diff)
		}
	}
	for what, b := range map[string][]byte{ // RFC 5506: alone
		"a report without a name": report[:32],
		"an indication":           {0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 2},
		"a goodbye":               {0x81, 203, 0, 1, 0, 0, 0, 9},
	} {
		if _, err := Parse(b, 2); err != nil {
			t.Errorf("%s alone: %v", what, err)
		}
	}
}

// TestParseHearsBaresip has the datagrams of one call of baresip 1.0.
func TestParseHearsBaresip(t *testing.T) {
	const name = "81ca0007 57d533df 01157369 703a6140 3132372e 302e302e 313a3135 39303100"
	for _, c := range []struct {
		what, hex string
		want      Report
	}{
		{"what opens the port in a NAT", "80cc0003 57d533df 50494e47 504f4e47", Report{}},
		{
			"report", "80c80006 57d533df eeae390f 16830a0b 00000001 00000002 00000003" + name,
			Report{SSRC: 0x57d533df, Sender: true, NTP: 0xeeae390f16830a0b, RTPTime: 1, Packets: 2, Octets: 3},
		},
		{"goodbye before the name, without a report", "81cb0003 57d533df 0441646a 6f000000" + name, Report{Bye: true}},
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(b, 1)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", c.what, err, diff)
		}
	}
}

// lies are bad input 53 of the list, and its relatives.
func lies(t testing.TB) map[string][]byte {
	t.Helper()
	good := marshal(t, Report{SSRC: 1, Sender: true, HasBlock: true}, "somebody")
	return map[string][]byte{
		"nothing":                        nil,
		"4 bytes":                        {0x80, 201, 0, 0},
		"version 0":                      {0x00, 201, 0, 1, 0, 0, 0, 1},
		"cut":                            good[:len(good)-4],
		"stray bytes":                    append(bytes.Clone(good), 1, 2),
		"length beyond the end":          {0x80, 201, 0, 9, 0, 0, 0, 1},
		"31 blocks that are not there":   {0x9f, 201, 0, 1, 0, 0, 0, 1},
		"31 blocks of a sender":          append([]byte{0x9f, 200, 0, 6}, make([]byte, 24)...),
		"sender report without its body": {0x80, 200, 0, 1, 0, 0, 0, 1},
		"receiver report without SSRC":   {0x80, 201, 0, 0, 0x80, 201, 0, 0},
		"goodbye to 31":                  {0x9f, 203, 0, 1, 0, 0, 0, 1},
		"goodbye with a reason that lies": {
			0x81, 203, 0, 2, 0, 0, 0, 1, 0xff, 'b', 'y', 'e',
		},
		"goodbye beyond the end":            append(bytes.Clone(good), 0x81, 203, 0xff, 0xff, 0, 0, 0, 1),
		"extended report that lies":         {0x80, 207, 0xff, 0xff, 0, 0, 0, 1},
		"reference picture that lies":       {0x83, 206, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 2},
		"larger than a packet of a network": bytes.Repeat([]byte{0x80, 201, 0, 1, 0, 0, 0, 1}, 188),
	}
}

func TestParseRefuses(t *testing.T) {
	for what, b := range lies(t) {
		if _, err := Parse(b, 1); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestPanicIsMalformed(t *testing.T) {
	err := func() (err error) {
		defer survive(&err)
		panic("a fault of the library")
	}()
	if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "a fault of the library") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, b := range lies(f) {
		f.Add(b, uint32(1))
	}
	f.Add(marshal(f, Report{SSRC: 1, Sender: true, HasBlock: true, Bye: true}, "somebody"), uint32(0))
	f.Add([]byte{0x8e, 207, 0, 3, 0, 0, 0, 1, 7, 7, 0xff, 0xff, 0, 0, 0, 0}, uint32(1))
	f.Fuzz(func(t *testing.T, b []byte, ours uint32) {
		before := bytes.Clone(b)
		r, err := Parse(b, ours)
		switch {
		case !bytes.Equal(before, b):
			t.Fatalf("% x became % x", before, b)
		case err != nil && strings.Contains(err.Error(), "runtime error"):
			t.Fatalf("the library panics: %v", err)
		case err == nil && r.HasBlock && r.Block.SSRC != ours:
			t.Fatalf("somebody else's block: %+v", r)
		}
		if err != nil {
			return
		}
		// What was understood can be said, and means the same.
		again, err := Parse(marshal(t, r, "x"), ours)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestNTP(t *testing.T) {
	// RFC 5905: 1 January 1970 is second 2,208,988,800 of its first era.
	if got := NTP(time.Unix(0, 500_000_000)); got != 2_208_988_800<<32|1<<31 {
		t.Errorf("%x", got)
	}
	if got := Middle(0x1111_2222_3333_4444); got != 0x2222_3333 {
		t.Errorf("%x", got)
	}
}

func TestRoundTrip(t *testing.T) {
	// The example of RFC 3550 §6.4.1: A - LSR - DLSR = 6.125 s.
	k := Block{LastSR: 0xb705_2000, Delay: 0x0005_4000}
	if d, ok := k.RoundTrip(0xb710_8000); !ok || d != 6125*time.Millisecond {
		t.Errorf("%v, %v", d, ok)
	}
	for _, k := range []Block{{}, {LastSR: 5, Delay: 0}, {LastSR: 0xb710_8000, Delay: 1}} {
		if d, ok := k.RoundTrip(0xb710_8000); ok {
			t.Errorf("%+v gives %v", k, d)
		}
	}
}
