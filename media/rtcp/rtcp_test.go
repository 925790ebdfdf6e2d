package rtcp

import (
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

// TestAppend: what we write is what we read, and what pion/rtcp reads.
func TestAppend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawReport(t)
		name := strings.Repeat("x", rapid.IntRange(0, 64).Draw(t, "name"))
		b := Append(nil, want, name)
		if len(b) > MaxSize || len(b)%4 != 0 {
			t.Fatalf("%d bytes", len(b))
		}
		got, err := Parse(b, want.Block.SSRC)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		all, err := pion.Unmarshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := pion.CompoundPacket(all).Validate(); err != nil {
			t.Fatal(err)
		}
		if cname, err := pion.CompoundPacket(all).CNAME(); err != nil || cname != name {
			t.Fatalf("name %q, %v", cname, err)
		}
		if _, bye := all[len(all)-1].(*pion.Goodbye); bye != want.Bye {
			t.Fatalf("goodbye %v", bye)
		}
		switch r := all[0].(type) {
		case *pion.SenderReport:
			if !want.Sender || r.SSRC != want.SSRC || r.NTPTime != want.NTP || r.RTPTime != want.RTPTime ||
				r.PacketCount != want.Packets || r.OctetCount != want.Octets || (len(r.Reports) == 1) != want.HasBlock {
				t.Fatalf("%+v", r)
			}
		case *pion.ReceiverReport:
			if want.Sender || r.SSRC != want.SSRC || (len(r.Reports) == 1) != want.HasBlock {
				t.Fatalf("%+v", r)
			}
			if want.HasBlock && (r.Reports[0].TotalLost != uint32(want.Block.Lost)&0xffffff || r.Reports[0].Jitter != want.Block.Jitter) {
				t.Fatalf("%+v", r.Reports[0])
			}
		}
	})
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

func TestParseRefuses(t *testing.T) {
	good := Append(nil, Report{SSRC: 1, Sender: true, HasBlock: true}, "somebody")
	for what, b := range map[string][]byte{
		"nothing":                        nil,
		"4 bytes":                        {0x80, 201, 0, 0},
		"version 0":                      {0x00, 201, 0, 1, 0, 0, 0, 1},
		"cut":                            good[:len(good)-4],
		"stray bytes":                    append(append([]byte(nil), good...), 1, 2),
		"length beyond the end":          {0x80, 201, 0, 9, 0, 0, 0, 1},
		"31 blocks that are not there":   {0x9f, 201, 0, 1, 0, 0, 0, 1},
		"sender report without its body": {0x80, 200, 0, 1, 0, 0, 0, 1},
		"receiver report without SSRC":   {0x80, 201, 0, 0, 0x80, 201, 0, 0},
		"goodbye to 31":                  {0x9f, 203, 0, 1, 0, 0, 0, 1},
		"extended report that lies":      {0x80, 207, 0xff, 0xff, 0, 0, 0, 1},
	} {
		if _, err := Parse(b, 1); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Append(nil, Report{SSRC: 1, Sender: true, HasBlock: true, Bye: true}, "somebody"), uint32(0))
	f.Add([]byte{0x9f, 201, 0, 1, 0, 0, 0, 1}, uint32(1))
	f.Add([]byte{0x8e, 207, 0, 3, 0, 0, 0, 1, 7, 7, 0xff, 0xff, 0, 0, 0, 0}, uint32(1))
	f.Fuzz(func(t *testing.T, b []byte, ours uint32) {
		r, err := Parse(b, ours)
		if err == nil && r.HasBlock && r.Block.SSRC != ours {
			t.Fatalf("somebody else's block: %+v", r)
		}
		_ = Is(b)
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
