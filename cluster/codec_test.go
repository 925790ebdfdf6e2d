package cluster

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/routing"
)

var rewrite = flag.Bool("rewrite", false, "rewrite golden files")

// everyKind has one event of each kind, in the order of their numbers, with
// every field set.
func everyKind() []acd.Event {
	quality := &acd.Quality{
		Codec: "PCMA", Cipher: "AEAD_AES_128_GCM", Sent: 1, Received: 2, Lost: 3, JitterMS: 4, MaxGapMS: 5, Strangers: 6, Malformed: 7,
		RemoteLost: -8, RemoteJitter: 9, RoundTripMS: 10, DigitsHeard: 11, Late: 3, MOS: 412, RemoteMOS: 398,
	}
	return []acd.Event{
		acd.ConfigPublished{Hash: "ab12", By: "ops", Note: "more <agents>", Bundle: []byte{0, 1, 255}, Config: acd.Config{
			Policy:    acd.PolicyRatio,
			HeadStart: [routing.TierCount]int64{1, 2, 3, 4},
			Objective: [routing.TierCount]int64{120_000, 60_000, 30_000, 15_000},
			Reasons:   []string{"lunch"},
			LookBack:  600_000,
			KeepIdle:  [routing.TierCount]int{2, 1}, KeepIdleFor: [routing.TierCount]int64{60_000, 30_000},
			Queues: []acd.QueueConfig{{
				Name: "human", Requirement: "billing>=3", RingTime: 15_000, WrapUp: 10_000,
				MaxWait: 600_000, MaxLength: 50, ReofferAfter: 30_000, Fit: acd.FitMost,
				HeadStart: &[routing.TierCount]int64{0, 0, 0, 1_800_000}, PreserveGeneralists: true,
				WrapUpManual: true, WrapUpMax: 600_000, Dispositions: []string{"sold"},
				Steps:     []acd.Step{{After: 30_000, Requirement: "billing>=2"}},
				RingGroup: 3, MaxEstimate: 900_000, NoStaffRefuse: true, NoStaffLeave: 30_000, LastAgent: 86_400_000,
				Callback: acd.CallbackConfig{Attempts: 2, Spacing: 600_000, Expires: 86_400_000, Max: 100},
			}},
			Agents: []acd.AgentConfig{{
				ID: "1001", Name: "王芳", Skills: []routing.SkillLevel{{Skill: "billing", Level: 5}},
				MaxMisses: 2, BackOff: 5_000, Contact: "sip:1001@127.0.0.1:5070", SignedIn: true,
				Groups: []string{"north"}, Supervises: []string{"1002", "south"},
			}},
		}},
		acd.AgentCommanded{Agent: "1001", Command: acd.GoNotReady, Reason: "lunch", By: "1001", For: 1_800_000},
		acd.PhoneRegistered{Agent: "1001", TTL: 60_000, Binding: acd.Binding{
			Contact: "sip:1001@192.0.2.7:5062", Received: "198.51.100.4:40111", Transport: "udp", CallID: "x@y", CSeq: 7,
			Node: "n1", UserAgent: "baresip", Fixed: true, Expires: 9,
		}},
		acd.PhoneUnregistered{Agent: "1001", Contact: "*", CallID: "x@y", CSeq: 8},
		acd.CallArrived{
			Call: "c1", Node: "n1", Trunk: "ct-sh-1", From: "+8613800138000", To: "10000", Flow: "svc10000", Generation: 3,
			Customer:  acd.Customer{ID: "u7", Name: "李雷", Tier: 3, Language: "zh"},
			SIPCallID: "abc@trunk", Leg: []byte("leg"), Home: "n2",
			Caps: []acd.Cap{{Name: "trunk ct-sh-1", Calls: 30, Rate: 5, Burst: 10, Hour: 1000, Day: 5000}},
		},
		acd.CallStepped{Call: "c1", Step: "main", Milestone: "menu", Language: "zh", Key: "1", Menu: []byte("menu"), Outcome: "key", TookMS: 2_500},
		acd.CallQueued{
			Call: "c1", Queue: "human", Tier: 2, Language: "en", Requirement: "lang.en>=1", MaxWait: 1,
			Attach: []acd.Attribute{{Name: "intent", Value: "bill"}}, Preferred: "1001", PreferredFor: 20_000,
			Keep: true, Credit: 90_000, PreferLast: true, Refused: acd.LeftLong,
		},
		acd.QueueLeft{Call: "c1", Cause: acd.LeftKey},
		acd.CallOffered{Call: "c1", Agent: "1001", More: []string{"1002"}, Why: "deadline 5"},
		acd.OfferRang{Offer: 12, Agent: "1001"},
		acd.OfferAnswered{Offer: 12, Agent: "1001", Leg: []byte("leg")},
		acd.OfferFailed{Offer: 12, Agent: "1001", Outcome: acd.Busy, SIP: 486},
		acd.AgentReleased{Offer: 12, By: acd.SideAgent, Quality: quality, Lost: true},
		acd.CallEnded{
			Call: "c1", Cause: "normal", By: acd.SideCaller, SIP: 200, Quality: quality, AgentQuality: quality,
		},
		acd.NodeRestarted{Node: "n1", Resume: true},
		acd.TimePassed{},
		acd.CallMoved{Call: "c1", Band: -1, By: "lead"},
		acd.AgentDisposed{Agent: "1001", Call: "c1", Code: "sold", By: "1001"},
		acd.CallbackRequested{
			Callback: "b1", Call: "c1", Node: "n1", Number: "13800138000", Queue: "human", Requirement: "lang.en>=1",
			Tier: 2, Language: "en", Customer: acd.Customer{ID: "u7", Name: "李雷", Tier: 3, Language: "zh"},
			Attach:    []acd.Attribute{{Name: "intent", Value: "bill"}},
			NotBefore: 1_790_000_600_000, NotAfter: 1_790_004_200_000, Generation: 3, By: "lead",
		},
		acd.CallbackReached{Offer: 12, Trunk: "ct-sh-1", SIPCallID: "def@n1", Leg: []byte("leg")},
		acd.CallbackMissed{Offer: 12, Outcome: acd.NoAnswer, SIP: 480},
		acd.CallbackCancelled{Callback: "b1", By: "lead", Cause: "solved by mail"},
		acd.AuthTried{Policy: "account", Key: "5e884898", Max: 5, Window: 86_400_000, Call: "c1"},
		acd.AuthEnded{Policy: "account", Key: "5e884898", Outcome: acd.AuthFailed, Call: "c1"},
		acd.AuthCleared{Policy: "account", Key: "5e884898", By: "lead"},
		acd.CallSurveyed{Call: "c1", Question: "satisfaction", Value: "5"},
		acd.CallRecorded{
			Call: "c1", Ref: "2026/11/23/c1-1.wav", LengthMS: 12_300, Kind: "message", Agent: "1001", SHA256: "9f86d081", Failed: "disk",
		},
		acd.CallTransferred{Call: "c1", To: "hotline", Result: "answered"},
		acd.RecordingMarked{Call: "c1", Ref: "2026/11/23/c1-1", Mark: "mark", AtMS: 1500, Text: "complaint", By: "1001"},
		acd.RecordingUsed{Ref: "2026/11/23/c1-1", Use: "heard", By: "api"},
		acd.CallPlaced{
			Call: "c2", Node: "n1", Agent: "1001", To: "+8613800138000", Outside: true, Trunk: "ct-sh-1", Generation: 3,
			Customer:  acd.Customer{ID: "u7", Name: "李雷", Tier: 3, Language: "zh"},
			SIPCallID: "abc@phone", Leg: []byte("leg"), Home: "n2",
		},
		acd.AgentCalled{Call: "c1", Agent: "1002", Role: acd.RoleConsult, By: "1001", For: 20_000, Mode: acd.ModeListen},
		acd.CallHandedOver{Call: "c1", To: 14, By: acd.SideAgent, Quality: quality},
		acd.MemberJoined{Offer: 14, By: "1001"},
		acd.TalkChanged{Offer: 12, Held: true, Muted: true, By: "1001", HeldMS: 60_000},
		acd.OutsideChanged{
			Call: "c1", Leg: 1, To: "+8613800138000", Role: acd.RoleConsult, By: "1001", State: acd.OutsideFailed,
			Trunk: "ct-sh-1", SIP: 486, Quality: quality,
		},
		acd.CallRerouted{Call: "c1", Flow: "survey", By: "1001"},
		acd.SupervisionChanged{Offer: 14, Mode: acd.ModeWhisper, By: "9001"},
		acd.NodeDown{Node: "n1", Heir: "n2", Process: 7, Away: true, Gone: true, Term: 3, Said: 5000},
		acd.NodeReady{Node: "n1", Listen: []string{"udp:192.0.2.1:5060"}, Host: "sip1"},
		acd.AddressMoved{Home: "n1", From: "n2", To: "n1", Away: true},
		acd.LegChanged{Call: "c1", Offer: 12, Leg: []byte("leg"), Name: "out:1", About: []byte("who")},
		acd.OutwardTaken{
			Place: "c1-1", Call: "c1", Node: "n1", Urgent: true,
			Caps: []acd.Cap{{Name: "agent 1001", Calls: 2, Rate: 1, Burst: 3, Hour: 20, Day: 100}},
		},
		acd.OutwardLeft{Place: "c1-1"},
		acd.TestPlaced{Call: "c3", Node: "n1", Trunk: "ct-sh-1", To: "+8613800138000", By: "lead", Generation: 3},
		acd.CallRequeued{
			Released: acd.AgentReleased{Offer: 12, By: acd.SideAgent, Quality: quality, Lost: true},
			Queued: acd.CallQueued{
				Call: "c1", Queue: "human", Tier: 2, Language: "en", Requirement: "lang.en>=1", MaxWait: 1,
				Attach: []acd.Attribute{{Name: "intent", Value: "bill"}}, Preferred: "1001", PreferredFor: 20_000,
				Keep: true, Credit: 90_000, PreferLast: true, Refused: acd.LeftLong,
			},
		},
	}
}

func encodeRecord(t testing.TB, r record) []byte {
	t.Helper()
	k, body, err := encodeEvent(r.Event)
	if err != nil {
		t.Fatal(err)
	}
	return encode(r.At, r.Wall, r.Origin, k, body)
}

// TestStoredBytes keeps the format of the log from changing by accident:
// entries written by a release are read by all later ones. Add lines, never
// change one.
func TestStoredBytes(t *testing.T) {
	const file = "testdata/entries.txt"
	var b strings.Builder
	records := make([]record, 0, 16)
	for i, ev := range everyKind() {
		r := record{
			At: int64(i) * 1000, Wall: 1_790_000_000_000 + int64(i),
			Origin: origin{Node: "n1", Start: 300, Seq: uint64(i), After: uint64(i * 2)}, Event: ev,
		}
		if kindOf(ev) != kind(i+1) {
			t.Errorf("%T has number %d, want %d", ev, kindOf(ev), i+1)
		}
		records = append(records, r)
		fmt.Fprintf(&b, "%T %s\n", ev, hex.EncodeToString(encodeRecord(t, r)))
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("stored bytes have changed (-stored +now):\n%s", diff)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(want)), "\n") {
		name, text, _ := strings.Cut(line, " ")
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(records[i], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestEveryFieldIsStored makes sure that everyKind sets every field, so that
// the golden file covers it.
func TestEveryFieldIsStored(t *testing.T) {
	var check func(path string, v reflect.Value)
	check = func(path string, v reflect.Value) {
		switch v.Kind() { //nolint:exhaustive // the rest is one case
		case reflect.Struct:
			for i := range v.NumField() {
				check(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		case reflect.Pointer:
			if !v.IsNil() {
				check(path, v.Elem())
				return
			}
			t.Errorf("%s is not set", path)
		default:
			if v.IsZero() {
				t.Errorf("%s is not set", path)
			}
			if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct {
				check(path+"[0]", v.Index(0))
			}
		}
	}
	for _, ev := range everyKind() {
		check(fmt.Sprintf("%T", ev), reflect.ValueOf(ev))
	}
}

func TestDamagedEntries(t *testing.T) {
	good := encodeRecord(t, record{
		At: 5, Wall: 6, Origin: origin{Node: "n1", Start: 1, Seq: 2}, Event: acd.CallEnded{Call: "c1", Cause: "normal"},
	})
	for i := range good {
		for bit := range 8 {
			bad := append([]byte(nil), good...)
			bad[i] ^= 1 << bit
			if r, err := decode(bad); err == nil {
				t.Errorf("byte %d bit %d flipped: decoded as %+v", i, bit, r)
			}
		}
		if r, err := decode(good[:i]); err == nil {
			t.Errorf("cut after %d bytes: decoded as %+v", i, r)
		}
	}
}

func TestEntriesOfANewerRelease(t *testing.T) {
	o := origin{Node: "n1", Start: 1}
	newFormat := encode(1, 2, o, kindTimePassed, []byte("{}"))
	newFormat[0] = entryFormat + 1
	tests := map[string][]byte{
		"format":      newFormat,
		"kind":        encode(1, 2, o, kindBeyond, []byte("{}")),
		"kind 0":      encode(1, 2, o, 0, []byte("{}")),
		"field":       encode(1, 2, o, kindOfferRang, []byte(`{"offer":1,"volume":11}`)),
		"inner field": encode(1, 2, o, kindCallArrived, []byte(`{"call":"c","customer":{"tier":1,"mood":"bad"}}`)),
		"type":        encode(1, 2, o, kindOfferRang, []byte(`{"offer":"one"}`)),
		"two values":  encode(1, 2, o, kindOfferRang, []byte(`{"offer":1} {"offer":2}`)),
	}
	for name, b := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := decode(b); !errors.Is(err, ErrNewer) {
				t.Errorf("error %v, want ErrNewer", err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for i, ev := range everyKind() {
		f.Add(encodeRecord(f, record{At: int64(i), Wall: -1, Origin: origin{Node: "n1", Start: 1, Seq: 9}, Event: ev}))
	}
	f.Add([]byte{})
	f.Add([]byte{1, 16, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4 { // give the rest of the parser a chance
			sum := checksum(b[:len(b)-4])
			b = append(b[:len(b)-4:len(b)-4], byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
		}
		r, err := decode(b)
		if err != nil {
			return
		}
		again, err := decode(encodeRecord(t, r))
		if err != nil {
			t.Fatalf("%+v was decoded, but not what it encodes to: %v", r, err)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Errorf("decode and encode differ (-first +second):\n%s", diff)
		}
	})
}
