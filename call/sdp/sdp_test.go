package sdp

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pion "github.com/pion/sdp/v3"
)

var ours = LocalOptions{
	IP: netip.MustParseAddr("192.0.2.1"), Port: 20000, SessionID: 77, Version: 3, Codecs: []uint8{PCMA, PCMU},
}

const head = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"

// body turns readable lines into a body.
func body(lines ...string) string { return head + strings.Join(lines, "\r\n") + "\r\n" }

func answer(t *testing.T, offer string) (string, Negotiated, error) {
	t.Helper()
	s, err := Parse([]byte(offer))
	if err != nil {
		return "", Negotiated{}, err
	}
	b, n, err := Answer(s, ours)
	return string(b), n, err
}

func TestAnswerOfGoodOffers(t *testing.T) {
	remote := netip.MustParseAddrPort("192.0.2.7:4000")
	rtcp := netip.MustParseAddrPort("192.0.2.7:4001")
	plain := Negotiated{Remote: remote, RTCP: rtcp, Codec: PCMA, PT: 8, Ptime: 20, Send: true, Receive: true}
	with := func(change func(*Negotiated)) Negotiated {
		n := plain
		change(&n)
		return n
	}
	tests := map[string]struct {
		offer string
		want  Negotiated
		line  string // of our answer
	}{
		"our preference wins": {body("m=audio 4000 RTP/AVP 0 8"), plain, "m=audio 20000 RTP/AVP 8"},
		"static types need no map": {
			body("m=audio 4000 RTP/AVP 0"),
			with(func(n *Negotiated) { n.Codec, n.PT = PCMU, 0 }), "m=audio 20000 RTP/AVP 0",
		},
		"names in lower case, dynamic numbers": {
			body("m=audio 4000 RTP/AVP 97 98", "a=rtpmap:97 pcma/8000/1", "a=rtpmap:98 Telephone-Event/8000"),
			with(func(n *Negotiated) { n.PT, n.EventPT = 97, 98 }), "m=audio 20000 RTP/AVP 97 98",
		},
		"a static number given another meaning": {
			body("m=audio 4000 RTP/AVP 8 0", "a=rtpmap:8 G726-32/8000"),
			with(func(n *Negotiated) { n.Codec, n.PT = PCMU, 0 }), "m=audio 20000 RTP/AVP 0",
		},
		"wideband events are not ours": {
			body("m=audio 4000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/16000"), plain, "m=audio 20000 RTP/AVP 8",
		},
		"sendonly is a hold": {
			body("m=audio 4000 RTP/AVP 8", "a=sendonly"),
			with(func(n *Negotiated) { n.Send, n.Hold = false, true }), "a=recvonly",
		},
		"inactive": {
			body("m=audio 4000 RTP/AVP 8", "a=inactive"),
			with(func(n *Negotiated) { n.Send, n.Receive, n.Hold = false, false, true }), "a=inactive",
		},
		"recvonly": {
			body("m=audio 4000 RTP/AVP 8", "a=recvonly"),
			with(func(n *Negotiated) { n.Receive = false }), "a=sendonly",
		},
		"direction of the session": {
			head + "a=sendonly\r\nm=audio 4000 RTP/AVP 8\r\n",
			with(func(n *Negotiated) { n.Send, n.Hold = false, true }), "a=recvonly",
		},
		"direction of the line before that of the session": {
			head + "a=inactive\r\nm=audio 4000 RTP/AVP 8\r\na=sendrecv\r\n", plain, "a=sendrecv",
		},
		"last line without an end": {
			body("m=audio 4000 RTP/AVP 8") + "a=sendonly",
			with(func(n *Negotiated) { n.Send, n.Hold = false, true }), "a=recvonly",
		},
		"bare line feeds": {
			strings.ReplaceAll(body("m=audio 4000 RTP/AVP 8", "a=sendonly"), "\r\n", "\n"),
			with(func(n *Negotiated) { n.Send, n.Hold = false, true }), "a=recvonly",
		},
		"#3 an empty line with a bare line feed": {body("\n\nm=audio 4000 RTP/AVP 8", "", ""), plain, "a=sendrecv"},
		"address of the line before that of the session": {
			body("m=audio 4000 RTP/AVP 8", "c=IN IP4 198.51.100.9"),
			with(func(n *Negotiated) {
				n.Remote, n.RTCP = netip.MustParseAddrPort("198.51.100.9:4000"), netip.MustParseAddrPort("198.51.100.9:4001")
			}), "m=audio 20000 RTP/AVP 8",
		},
		"a host name nobody needs": {
			strings.Replace(head, "c=IN IP4 192.0.2.7", "c=IN IP4 pc33.example.com", 1) +
				"m=audio 4000 RTP/AVP 8\r\nc=IN IP4 192.0.2.7\r\n", plain, "m=audio 20000 RTP/AVP 8",
		},
		"#19 the hold of RFC 2543": {
			body("m=audio 4000 RTP/AVP 8", "c=IN IP4 0.0.0.0"),
			with(func(n *Negotiated) {
				n.Remote, n.RTCP, n.Send, n.Hold = netip.AddrPort{}, netip.AddrPort{}, false, true
			}), "a=recvonly",
		},
		"#16 port 0": {
			body("m=audio 0 RTP/AVP 8 0"),
			Negotiated{Codec: PCMA, PT: 8, Ptime: 20, Hold: true, Disabled: true},
			"m=audio 0 RTP/AVP 8",
		},
		"session ids beyond int64 and names as ids": {
			strings.Replace(head, "o=- 1 1", "o=joe 17198305611136993760 NTP", 1) + "m=audio 4000 RTP/AVP 8\r\n", plain,
			"o=- 77 3 IN IP4 192.0.2.1",
		},
		"a video line is refused in its place": {
			body("m=video 9 UDP/TLS/RTP/SAVPF 96 97", "c=IN IP4 0.0.0.0", "m=audio 4000 RTP/AVP 8"), plain,
			"m=video 0 UDP/TLS/RTP/SAVPF 96\r\nm=audio 20000 RTP/AVP 8",
		},
		"secure line refused, plain line taken": {
			body("m=audio 4002 RTP/SAVP 8", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x", "m=audio 4000 RTP/AVP 8"), plain,
			"m=audio 0 RTP/SAVP 8\r\nm=audio 20000 RTP/AVP 8",
		},
		"the first usable of several audio lines": {
			body("m=audio 4002 RTP/AVP 18", "m=audio 4000 RTP/AVP 8", "m=audio 4004 RTP/AVP 0"), plain,
			"m=audio 0 RTP/AVP 18\r\nm=audio 20000 RTP/AVP 8",
		},
		"a live line before one that is off": {
			body("m=audio 0 RTP/AVP 8", "m=audio 4000 RTP/AVP 8"), plain, "m=audio 0 RTP/AVP 8\r\nm=audio 20000 RTP/AVP 8",
		},
		"rtcp elsewhere": {
			body("m=audio 4000 RTP/AVP 8", "a=rtcp:5000 IN IP4 198.51.100.9"),
			with(func(n *Negotiated) { n.RTCP = netip.MustParseAddrPort("198.51.100.9:5000") }), "a=sendrecv",
		},
		"rtcp nowhere sensible":  {body("m=audio 4000 RTP/AVP 8", "a=rtcp:22 IN IP4 224.0.0.1"), plain, "a=sendrecv"},
		"rtcp to a system port":  {body("m=audio 4000 RTP/AVP 8", "a=rtcp:22"), plain, "a=sendrecv"},
		"rtcp to a broadcast":    {body("m=audio 4000 RTP/AVP 8", "a=rtcp:5000 IN IP4 255.255.255.255"), plain, "a=sendrecv"},
		"rtcp on the same port":  {body("m=audio 4000 RTP/AVP 8", "a=rtcp-mux"), with(func(n *Negotiated) { n.RTCP, n.RTCPMux = remote, true }), "a=rtcp-mux"},
		"#13 fmtp with a NUL":    {body("m=audio 4000 RTP/AVP 8 101", "a=fmtp\x00:101 0-16"), plain, "m=audio 20000 RTP/AVP 8"},
		"#26 empty attribute":    {body("a=", "m=audio 4000 RTP/AVP 8", "a=", "a=:"), plain, "a=sendrecv"},
		"#27 nonsensical rtpmap": {body("m=audio 4000 RTP/AVP 0 8", "a=rtpmap:", "a=rtpmap:0", "a=rtpmap:8 PCMA/0", "a=rtpmap:8 PCMA/-8000", "a=rtpmap:300 X/8000", "a=rtpmap:8 /8000"), plain, "a=sendrecv"},
		"#28 ptime 0":            {body("m=audio 4000 RTP/AVP 8", "a=ptime:0"), plain, "a=ptime:20"},
		"#28 ptime -20":          {body("m=audio 4000 RTP/AVP 8", "a=ptime:-20"), plain, "a=ptime:20"},
		"#28 ptime 99999999999":  {body("m=audio 4000 RTP/AVP 8", "a=ptime:99999999999"), with(func(n *Negotiated) { n.Ptime = 60 }), "a=ptime:20"},
		"#28 ptime beyond int64": {body("m=audio 4000 RTP/AVP 8", "a=ptime:99999999999999999999999"), with(func(n *Negotiated) { n.Ptime = 60 }), "a=ptime:20"},
		"#28 ptime 3":            {body("m=audio 4000 RTP/AVP 8", "a=ptime:3"), with(func(n *Negotiated) { n.Ptime = 10 }), "a=ptime:20"},
		"ptime 35":               {body("m=audio 4000 RTP/AVP 8", "a=ptime:35"), with(func(n *Negotiated) { n.Ptime = 30 }), "a=ptime:20"},
		"maxptime":               {body("m=audio 4000 RTP/AVP 8", "a=maxptime:10"), with(func(n *Negotiated) { n.Ptime = 10 }), "a=ptime:20"},
		"#24 more formats than looked at": {
			body("m=audio 4000 RTP/AVP 8" + strings.Repeat(" 96", 5000)), plain, "m=audio 20000 RTP/AVP 8",
		},
		"the highest port": {
			body("m=audio 65535 RTP/AVP 8"),
			with(func(n *Negotiated) {
				n.Remote, n.RTCP = netip.MustParseAddrPort("192.0.2.7:65535"), netip.AddrPort{}
			}), "m=audio 20000 RTP/AVP 8",
		},
		"an IPv4 address in IPv6 clothes": {body("m=audio 4000 RTP/AVP 8", "c=IN IP6 ::ffff:192.0.2.7"), plain, "a=sendrecv"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, n, err := answer(t, tt.offer)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, n, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); d != "" {
				t.Errorf("negotiated (-want +got):\n%s", d)
			}
			if !strings.Contains(got, tt.line+"\r\n") {
				t.Errorf("answer lacks %q:\n%s", tt.line, got)
			}
			if strings.Count(got, "m=") != strings.Count(tt.offer, "m=") {
				t.Errorf("answer has another number of lines:\n%s", got)
			}
			var read pion.SessionDescription
			if err := read.UnmarshalString(got); err != nil {
				t.Errorf("another parser can't read our answer: %v\n%s", err, got)
			}
		})
	}
}

func TestRefusedOffers(t *testing.T) {
	audio := "m=audio 4000 RTP/AVP 8"
	many := make([]string, 2000)
	for i := range many {
		many[i] = "m=audio 4000 RTP/AVP 8"
	}
	tests := map[string]struct {
		offer  string
		status int
	}{
		"#1 c=IN":                          {body(audio, "c=IN"), 488},
		"#1 c=IN of the session":           {strings.Replace(body(audio), "c=IN IP4 192.0.2.7", "c=IN", 1), 488},
		"#2 c=IN IP4":                      {body(audio, "c=IN IP4"), 488},
		"c= empty":                         {body(audio, "c="), 488},
		"#14 payload type 4294967296":      {body("m=audio 17002 RTP/AVP 4294967296"), 488},
		"#15 payload type -5":              {body("m=audio 4000 RTP/AVP -5"), 488},
		"#15 payload type 128":             {body("m=audio 4000 RTP/AVP 8 128"), 488},
		"#15 payload type 256":             {body("m=audio 4000 RTP/AVP 256"), 488},
		"#17 port -1":                      {body("m=audio -1 RTP/AVP 8"), 488},
		"#18 port 99999":                   {body("m=audio 99999 RTP/AVP 8"), 488},
		"#18 port 2^63":                    {body("m=audio 9223372036854775808 RTP/AVP 8"), 488},
		"port of a system service":         {body("m=audio 22 RTP/AVP 8"), 488},
		"port 1023":                        {body("m=audio 1023 RTP/AVP 8"), 488},
		"port with nonsense behind it":     {body("m=audio 4000/x RTP/AVP 8"), 488},
		"#20 multicast":                    {body(audio, "c=IN IP4 224.2.0.1"), 488},
		"#20 multicast with time to live":  {body(audio, "c=IN IP4 224.2.0.1/127"), 488},
		"#20 broadcast":                    {body(audio, "c=IN IP4 255.255.255.255"), 488},
		"#20 our own address and port":     {body("m=audio 20000 RTP/AVP 8", "c=IN IP4 192.0.2.1"), 488},
		"#20 loopback from outside":        {body(audio, "c=IN IP4 127.0.0.1"), 488},
		"#20 loopback in IPv6 clothes":     {body(audio, "c=IN IP6 ::ffff:127.0.0.1"), 488},
		"reserved 240/4":                   {body(audio, "c=IN IP4 240.0.0.1"), 488},
		"this network 0/8":                 {body(audio, "c=IN IP4 0.1.2.3"), 488},
		"IPv6 multicast":                   {body(audio, "c=IN IP6 ff02::1"), 488},
		"IPv6 with a zone":                 {body(audio, "c=IN IP6 fe80::1%eth0"), 488},
		"IPv6 where we have IPv4":          {body(audio, "c=IN IP6 2001:db8::7"), 488},
		"IPv6 called IP4":                  {body(audio, "c=IN IP4 2001:db8::7"), 488},
		"IPv4 called IP6":                  {body(audio, "c=IN IP6 192.0.2.7"), 488},
		"another network type":             {body(audio, "c=ATM NSAP 47.0091"), 488},
		"#21 host name":                    {body(audio, "c=IN IP4 media.example.com"), 488},
		"#22 address of 512 digits":        {body(audio, "c=IN IP4 1.2.3."+strings.Repeat("4", 512)), 488},
		"two addresses for one line":       {body(audio, "c=IN IP4 192.0.2.7", "c=IN IP4 192.0.2.8"), 488},
		"no address":                       {"v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n", 488},
		"#23 media type of 1 kB":           {body("m=" + strings.Repeat("a", 1024) + " 4000 RTP/AVP 8"), 488},
		"media type with a NUL":            {body("m=aud\x00io 4000 RTP/AVP 8"), 488},
		"#24 10,000 payload types":         {body("m=audio 4000 RTP/AVP" + strings.Repeat(" 8", 10000)), 488},
		"#25 2,000 lines":                  {body(many...), 488},
		"17 lines":                         {body(many[:17]...), 488},
		"line without formats":             {body("m=audio 4000 RTP/AVP"), 488},
		"empty line of media":              {body("m="), 488},
		"no line at all":                   {head, 488},
		"video only":                       {body("m=video 4000 RTP/AVP 96"), 488},
		"fax only":                         {body("m=image 4000 udptl t38"), 488},
		"no codec of ours":                 {body("m=audio 4000 RTP/AVP 18 96", "a=rtpmap:96 opus/48000/2"), 488},
		"wideband A-law":                   {body("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 PCMA/16000"), 488},
		"stereo A-law":                     {body("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 PCMA/8000/2"), 488},
		"secure only":                      {body("m=audio 4000 RTP/SAVP 8", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x"), 488},
		"DTLS only":                        {body("m=audio 9 UDP/TLS/RTP/SAVPF 8", "a=fingerprint:sha-256 00"), 488},
		"version 1":                        {strings.Replace(body(audio), "v=0", "v=1", 1), 488},
		"too long":                         {body(audio) + strings.Repeat("a=x\r\n", 4000), 488},
		"empty":                            {"", 400},
		"no version":                       {"o=- 1 1 IN IP4 192.0.2.7\r\n" + "m=audio 4000 RTP/AVP 8\r\n", 400},
		"version twice":                    {head + "v=0\r\nm=audio 4000 RTP/AVP 8\r\n", 400},
		"version only":                     {"v=0\r\n", 400},
		"not SDP":                          {"<?xml version='1.0'?>", 400},
		"a line without =":                 {body(audio, "hello"), 400},
		"a line with one character":        {body(audio, "m"), 400},
		"a line type that is no letter":    {body(audio, "1=x"), 400},
		"a line type in upper case":        {body(audio, "M=audio 4000 RTP/AVP 8"), 400},
		"a line of NULs":                   {body(audio, "\x00\x00\x00"), 400},
		"a body of line feeds":             {"\n\n\n\n", 400},
		"multipart with a broken boundary": {"--++=AAA\r\nContent-Type: application/sdp\r\n\r\n" + body(audio), 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := answer(t, tt.offer)
			if err == nil {
				t.Fatal("accepted")
			}
			var e *Error
			if !errors.As(err, &e) || e.Status != tt.status || StatusOf(err) != tt.status {
				t.Errorf("error %v (%d), want %d", err, StatusOf(err), tt.status)
			}
			if len(e.Error()) > 200 || strings.ContainsAny(e.Error(), "\r\n\x00") {
				t.Errorf("error text is not for a log: %q", e.Error())
			}
		})
	}
}

func TestRepeatedFormatsCountOnce(t *testing.T) {
	s, err := Parse([]byte(body("m=audio 4000 RTP/AVP" + strings.Repeat(" 8 0", 12))))
	if err != nil || len(s.Audio.Formats) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

// A switch on loopback, as in the demo, speaks to peers on loopback.
func TestLoopbackAmongOurselves(t *testing.T) {
	o := ours
	o.IP = netip.MustParseAddr("127.0.0.1")
	s, err := Parse([]byte(body("m=audio 4000 RTP/AVP 8", "c=IN IP4 127.0.0.2")))
	if err != nil {
		t.Fatal(err)
	}
	if _, n, err := Answer(s, o); err != nil || n.Remote.String() != "127.0.0.2:4000" {
		t.Errorf("Answer = %v, %v", n.Remote, err)
	}
}

func TestIPv6(t *testing.T) {
	o := ours
	o.IP = netip.MustParseAddr("2001:db8::1")
	s, err := Parse(Offer(o))
	if err != nil {
		t.Fatal(err)
	}
	o.Port = 30000
	b, n, err := Answer(s, o)
	if err != nil || n.Remote.String() != "[2001:db8::1]:20000" {
		t.Fatalf("Answer = %v, %v", n.Remote, err)
	}
	if !bytes.Contains(b, []byte("c=IN IP6 2001:db8::1\r\n")) {
		t.Errorf("answer:\n%s", b)
	}
}

func TestAcceptOfAnswers(t *testing.T) {
	audio := "m=audio 4000 RTP/AVP 8 101"
	events := "a=rtpmap:101 telephone-event/8000"
	tests := map[string]struct {
		answer string
		want   string // of the error; "" is accepted
		check  func(Negotiated) bool
	}{
		"ordinary": {body(audio, events), "", func(n Negotiated) bool {
			return n.Codec == PCMA && n.EventPT == 101 && n.Send && n.Receive && !n.Hold
		}},
		"their first choice":        {body("m=audio 4000 RTP/AVP 0 8"), "", func(n Negotiated) bool { return n.Codec == PCMU && n.EventPT == 0 }},
		"held":                      {body(audio, "a=recvonly"), "", func(n Negotiated) bool { return n.Send && !n.Receive && !n.Hold }},
		"held the old way":          {body(audio, "c=IN IP4 0.0.0.0"), "", func(n Negotiated) bool { return !n.Send && n.Hold && !n.Remote.IsValid() }},
		"multiplexed unasked":       {body(audio, "a=rtcp-mux"), "", func(n Negotiated) bool { return !n.RTCPMux && !n.RTCP.IsValid() }},
		"refused":                   {body("m=audio 0 RTP/AVP 8"), "refused", nil},
		"another codec":             {body("m=audio 4000 RTP/AVP 18"), "none of our codecs", nil},
		"another number":            {body("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 PCMA/8000"), "was not offered", nil},
		"a line too many":           {body(audio, "m=video 0 RTP/AVP 96"), "2 media lines", nil},
		"no line":                   {head, "0 media lines", nil},
		"video":                     {body("m=video 4000 RTP/AVP 96"), "no audio line", nil},
		"turned into a secure line": {body("m=audio 4000 RTP/SAVP 8"), "plain RTP", nil},
		"our own address":           {body("m=audio 20000 RTP/AVP 8", "c=IN IP4 192.0.2.1"), "our own", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := Parse([]byte(tt.answer))
			if err != nil {
				t.Fatal(err)
			}
			n, err := Accept(s, ours)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil || !tt.check(n) {
				t.Errorf("Accept = %+v, %v", n, err)
			}
		})
	}
}

func TestOfferIsReadByOthers(t *testing.T) {
	var d pion.SessionDescription
	if err := d.Unmarshal(Offer(ours)); err != nil {
		t.Fatal(err)
	}
	m := d.MediaDescriptions[0]
	if diff := cmp.Diff([]string{"8", "0", "101"}, m.MediaName.Formats); diff != "" {
		t.Error(diff)
	}
	if m.MediaName.Port.Value != 20000 || d.Origin.SessionID != 77 || d.Origin.SessionVersion != 3 {
		t.Errorf("read %+v %+v", m.MediaName, d.Origin)
	}
}

// Strict peers read session ids into signed integers.
func TestSessionIDFitsASignedInteger(t *testing.T) {
	o := ours
	o.SessionID = 1<<63 | 5
	if b := Offer(o); !bytes.Contains(b, []byte("o=- 5 3 ")) {
		t.Errorf("offer:\n%s", b)
	}
}
