package sipua_test

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/call/registrar"
	"tierline/call/sipua"
)

// swap replaces the line of a header.
func swap(text, name, line string) string {
	before, rest, ok := strings.Cut(text, "\r\n"+name+":")
	if !ok {
		panic(name)
	}
	_, after, _ := strings.Cut(rest, "\r\n")
	if line == "" {
		return before + "\r\n" + after
	}
	return before + "\r\n" + line + "\r\n" + after
}

func header(line string) func(string) string {
	return func(s string) string { return strings.Replace(s, "\r\nCall-ID:", "\r\n"+line+"\r\nCall-ID:", 1) }
}

func changed(name, line string) func(string) string {
	return func(s string) string { return swap(s, name, line) }
}

func start(method, line string) func(string) string {
	return func(s string) string {
		_, rest, _ := strings.Cut(s, "\r\n")
		s = line + "\r\n" + rest
		return swap(s, "CSeq", "CSeq: 1 "+method)
	}
}

// TestGuard sends an INVITE that is right but for one thing. "" is silence.
func TestGuard(t *testing.T) {
	long := strings.Repeat("a", 5000)
	tests := map[string]struct {
		change func(string) string
		want   string
	}{
		"right":                     {func(s string) string { return s }, "404"},
		"no To":                     {changed("To", ""), "400"},
		"no From":                   {changed("From", ""), "400"},
		"no Call-ID":                {changed("Call-ID", ""), "400"},
		"no CSeq":                   {changed("CSeq", ""), "400"},
		"no Via":                    {changed("Via", ""), ""},
		"no Max-Forwards":           {changed("Max-Forwards", ""), "400"},
		"no Contact":                {changed("Contact", ""), "400"},
		"no Content-Type":           {changed("Content-Type", ""), "400"},
		"two To":                    {header("To: <sip:a@b>"), "400"},
		"two From":                  {header("f: <sip:a@b>;tag=x"), "400"},
		"two Call-ID":               {header("i: other"), "400"},
		"two CSeq":                  {header("CSeq: 1 INVITE"), "400"},
		"two Max-Forwards":          {header("Max-Forwards: 70"), "400"},
		"two Content-Length":        {header("l: 0"), "400"},
		"two Content-Type":          {header("c: application/sdp"), "400"},
		"two Contact":               {header("m: <sip:a@b>"), "400"},
		"Contact star":              {changed("Contact", "Contact: *"), "400"},
		"Contact tel":               {changed("Contact", "Contact: <tel:1>"), "400"},
		"no From tag":               {changed("From", "From: <sip:a@b>"), "400"},
		"CSeq of another method":    {changed("CSeq", "CSeq: 1 BYE"), "400"},
		"CSeq method of 1 KB":       {changed("CSeq", "CSeq: 0 "+long[:1024]), "400"},
		"CSeq 2^31":                 {changed("CSeq", "CSeq: 2147483648 INVITE"), "400"},
		"CSeq -1":                   {changed("CSeq", "CSeq: -1 INVITE"), "400"},
		"CSeq empty":                {changed("CSeq", "CSeq: "), "400"},
		"SIP/7.0":                   {start("INVITE", "INVITE sip:10000@10.0.0.1 SIP/7.0"), "505"},
		"SIP/1.0":                   {start("INVITE", "INVITE sip:10000@10.0.0.1 SIP/1.0"), "505"},
		"http":                      {start("INVITE", "INVITE http://10.0.0.1 SIP/2.0"), "416"},
		"sips":                      {start("INVITE", "INVITE sips:10000@10.0.0.1 SIP/2.0"), "416"},
		"urn":                       {start("INVITE", "INVITE urn:service:sos SIP/2.0"), "416"},
		"tel":                       {start("INVITE", "INVITE tel:+8610000 SIP/2.0"), "404"},
		"empty URI":                 {start("INVITE", "INVITE sip: SIP/2.0"), "400"},
		"slash URI":                 {start("INVITE", "INVITE sip:/ SIP/2.0"), "400"},
		"single slash":              {start("INVITE", "INVITE / SIP/2.0"), "400"},
		"URI with headers":          {start("INVITE", "INVITE sip:a@10.0.0.1?X=y SIP/2.0"), "400"},
		"URI with port 99999":       {start("INVITE", "INVITE sip:a@10.0.0.1:99999 SIP/2.0"), "400"},
		"URI of 2 KB":               {start("INVITE", "INVITE sip:"+long[:2000]+"@10.0.0.1 SIP/2.0"), "414"},
		"request line of 5 KB":      {start("INVITE", "INVITE sip:"+long+"@10.0.0.1 SIP/2.0"), ""},
		"Max-Forwards 0":            {changed("Max-Forwards", "Max-Forwards: 0"), "483"},
		"Max-Forwards 256":          {changed("Max-Forwards", "Max-Forwards: 256"), "400"},
		"Require":                   {header("Require: 100rel, x"), "420"},
		"Require replaces":          {header("Require: replaces"), "404"},
		"Replaces":                  {header("Replaces: a@b;to-tag=1;from-tag=2"), "404"},
		"Replaces without a tag":    {header("Replaces: a@b;to-tag=1"), "400"},
		"Replaces of two tags":      {header("Replaces: a@b;to-tag=1;to-tag=3;from-tag=2"), "400"},
		"two Replaces":              {header("Replaces: a;to-tag=1;from-tag=2\r\nReplaces: b;to-tag=1;from-tag=2"), "400"},
		"Replaces and Join":         {header("Replaces: a;to-tag=1;from-tag=2\r\nJoin: a;to-tag=1;from-tag=2"), "400"},
		"Require empty":             {header("Require: "), "404"},
		"Content-Type of text":      {changed("Content-Type", "Content-Type: text/plain"), "415"},
		"multipart":                 {changed("Content-Type", `Content-Type: multipart/mixed;boundary="--++=AAA"`), "415"},
		"SDP with parameter":        {changed("Content-Type", "Content-Type: Application/SDP ;charset=x"), "404"},
		"gzip":                      {header("Content-Encoding: gzip"), "415"},
		"Accept of text":            {header("Accept: text/plain"), "406"},
		"Accept nothing":            {header("Accept:"), "406"},
		"50 Accept":                 {header(strings.TrimSuffix(strings.Repeat("Accept: "+long[:100]+"/x\r\n", 50), "\r\n") + "\r\nAccept: */*"), "404"},
		"Call-ID of 256":            {changed("Call-ID", "Call-ID: "+long[:256]), "404"},
		"Call-ID of 257":            {changed("Call-ID", "Call-ID: "+long[:257]), "400"},
		"header of 9 KB":            {header("X: " + long + long[:4000]), "400"},
		"300 headers":               {header(strings.TrimSuffix(strings.Repeat("X: y\r\n", 300), "\r\n")), "400"},
		"Via of 1000 values":        {header("Via: " + strings.TrimSuffix(strings.Repeat("SIP/2.0/UDP a;branch=x,", 1000), ",")), "400"},
		"Via with a port in words":  {changed("Via", "Via: SIP/2.0/UDP 10.0.0.2:abc;branch=z9hG4bKx"), "400"},
		"Via with % in its host":    {changed("Via", "Via: SIP/2.0/UDP %s%n;rport;branch=z9hG4bKx"), "400"},
		"Via with a colon too many": {changed("Via", "Via: SIP/2.0/UDP [2001:db8:::1]:5060;rport;branch=z9hG4bKx"), "404"},
		"quote without end in To":   {changed("To", `To: "Joe <sip:10000@10.0.0.1>`), "400"},
		"tag of 255":                {changed("From", "From: <sip:a@b>;tag="+long[:255]), "404"},
		"tag of 1000":               {changed("From", "From: <sip:a@b>;tag="+long[:1000]), "400"},
		"quote without end":         {changed("Contact", `Contact: "Joe <sip:a@b>`), "400"},
		"control in a header":       {header("Subject: a\x00b"), "400"},
		"line feed in a header":     {header("Subject: a\nVia: SIP/2.0/UDP evil"), "400"},
		"line feed in From":         {changed("From", "From: \"a\nX: y\" <sip:a@b>;tag=t"), ""},
		"NUL in To":                 {changed("To", "To: \"a\x00b\" <sip:10000@10.0.0.1>"), ""},
		"NUL in Call-ID":            {changed("Call-ID", "Call-ID: a\x00b"), ""},
		"folded header":             {header("Subject: a\r\n b"), "404"},
		"blank before the colon":    {header("X-Tier : diamond"), "404"},
		"Content-Length 4294967295": {changed("Content-Length", "Content-Length: 4294967295"), "400"},
		"Content-Length 2147483648": {changed("Content-Length", "Content-Length: 2147483648"), "400"},
		"Content-Length one more":   {changed("Content-Length", fmt.Sprintf("Content-Length: %d", len(offerSDP)+1)), "400"},
		"MESSAGE":                   {start("MESSAGE", "MESSAGE sip:10000@10.0.0.1 SIP/2.0"), "405"},
		"SUBSCRIBE":                 {start("SUBSCRIBE", "SUBSCRIBE sip:10000@10.0.0.1 SIP/2.0"), "405"},
		"PUBLISH":                   {start("PUBLISH", "PUBLISH sip:10000@10.0.0.1 SIP/2.0"), "405"},
		"REFER":                     {start("REFER", "REFER sip:10000@10.0.0.1 SIP/2.0"), "403"},
		"NOTIFY":                    {start("NOTIFY", "NOTIFY sip:10000@10.0.0.1 SIP/2.0"), "481"},
		"UPDATE":                    {start("UPDATE", "UPDATE sip:10000@10.0.0.1 SIP/2.0"), "481"},
		"BYE":                       {start("BYE", "BYE sip:10000@10.0.0.1 SIP/2.0"), "481"},
		"CANCEL":                    {start("CANCEL", "CANCEL sip:10000@10.0.0.1 SIP/2.0"), "481"},
		"INFO":                      {start("INFO", "INFO sip:10000@10.0.0.1 SIP/2.0"), "481"},
		"ACK":                       {start("ACK", "ACK sip:10000@10.0.0.1 SIP/2.0"), ""},
		"FROB":                      {start("FROB", "FROB sip:10000@10.0.0.1 SIP/2.0"), "501"},
		"lower-case method":         {start("invite", "invite sip:10000@10.0.0.1 SIP/2.0"), "400"},
		"nothing":                   {func(string) string { return "" }, ""},
		"keep-alive":                {func(string) string { return "\r\n\r\n" }, ""},
		"blanks":                    {func(string) string { return strings.Repeat(" ", 500) }, ""},
		"three bytes":               {func(string) string { return "abc" }, ""},
		"STUN":                      {func(string) string { return "\x00\x01\x00\x00\x21\x12\xa4\x42" + long[:100] }, ""},
		"RTP":                       {func(string) string { return "\x80\x08\x00\x01" + long[:168] }, ""},
		"HTTP":                      {func(string) string { return "GET / HTTP/1.1\r\nHost: a\r\nX: " + long[:50] + "\r\n\r\n" }, ""},
		"zeros":                     {func(string) string { return strings.Repeat("\x00", 100) }, ""},
		"only a start line":         {func(string) string { return "INVITE sip:10000@10.0.0.1 SIP/2.0\r\n\r\n" }, ""},
		"a response to nobody":      {func(s string) string { _, r, _ := strings.Cut(s, "\r\n"); return "SIP/2.0 200 OK\r\n" + r }, ""},
		"CRLF in front":             {func(s string) string { return "\r\n\r\n" + s }, "404"},
	}
	for name, tt := range tests {
		onBench(t, func(b *bench) {
			p := b.peer
			text := tt.change(p.text(ask{method: "INVITE", body: offerSDP, branch: "z9hG4bKg"}))
			p.write(text)
			synctest.Wait()
			p.write(text) // again: the same answer
			var got []string
			for _, m := range p.drain(100 * time.Millisecond) {
				if m.what() != "100" {
					got = append(got, m.what())
				}
			}
			want := []string(nil)
			if tt.want != "" {
				want = []string{tt.want, tt.want}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: %s", name, d)
			}
			if s := b.ua.Stats(); s.Legs != 0 {
				t.Errorf("%s: %d legs", name, s.Legs)
			}
		})
	}
}

// Of a request that lacks a header there is enough for 400 or there is not;
// in no case for a panic.
func TestMissingHeaders(t *testing.T) {
	onBench(t, func(b *bench) {
		b.desk.register = func(context.Context, registrar.Request) registrar.Response {
			return registrar.Response{Status: 200, Reason: "OK"}
		}
		p := b.peer
		all := []string{"Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Contact", "Content-Type", "Content-Length"}
		for _, method := range []string{"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "UPDATE", "FROB"} {
			for i := range 1 << len(all) {
				text := p.text(ask{method: method, body: offerSDP})
				for j, name := range all {
					if i>>j&1 == 1 {
						text = swap(text, name, "")
					}
				}
				p.write(text)
			}
			time.Sleep(time.Minute)
			p.drain(time.Millisecond)
		}
	})
}

func TestStrangersGetNothing(t *testing.T) {
	onBench(t, func(b *bench) {
		var asked []string
		b.desk.known = func(from netip.AddrPort, method, user string) bool {
			asked = append(asked, fmt.Sprint(from, method, user))
			return false
		}
		b.desk.invite = func(*sipua.Incoming) { t.Error("invited") }
		p := b.peer
		for _, m := range []string{"INVITE", "OPTIONS", "REGISTER", "MESSAGE", "FROB", "BYE", "CANCEL"} {
			p.send(ask{method: m, body: offerSDP})
			p.remote = "x"
			p.send(ask{method: m, body: offerSDP})
			p.remote = ""
		}
		p.write(swap(p.text(ask{method: "INVITE"}), "To", ""))
		p.write(swap(p.text(ask{method: "INVITE"}), "Content-Length", "Content-Length: 9"))
		p.silence(time.Minute)
		synctest.Wait()
		if len(asked) != 16 || asked[0] != "10.0.0.2:5060INVITE13812345678" {
			t.Errorf("%d %v", len(asked), asked)
		}
		if s := b.ua.Stats(); s.Drops["stranger"] != 14 || s.Legs != 0 || s.Transactions != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestOptions(t *testing.T) {
	onBench(t, func(b *bench) {
		p := b.peer
		p.send(ask{method: "OPTIONS"})
		ok := p.next("200")
		if ok.get("Allow") == "" || ok.get("Accept") != "application/sdp" || ok.all("Supported") == nil ||
			len(param(ok.get("To"), "tag")) != 32 || ok.get("Server") != "tierline" {
			t.Errorf("%+v", ok)
		}
		b.desk.options = func() (int, int) { return 503, 9 }
		p.send(ask{method: "OPTIONS"})
		if no := p.next("503"); no.get("Retry-After") != "9" {
			t.Errorf("%+v", no)
		}
	})
}

func TestRegister(t *testing.T) {
	onBench(t, func(b *bench) {
		var got []registrar.Request
		response := registrar.Response{
			Status: 401, Reason: "Who Are You", Challenge: []string{"Digest one", "Digest two"}, RetryAfter: 3,
		}
		b.desk.register = func(ctx context.Context, q registrar.Request) registrar.Response {
			got = append(got, q)
			if _, ok := ctx.Deadline(); !ok {
				t.Error("no deadline")
			}
			time.Sleep(100 * time.Millisecond)
			return response
		}
		p := b.peer
		p.target = "sip:tierline.example"
		text := p.text(ask{
			method: "REGISTER", branch: "z9hG4bKr", without: []string{"Contact"},
			headers: []string{
				"Contact: <sip:1@10.0.0.2:5060;ob>;expires=60, <sip:2@10.0.0.3>;Expires = 7;q=0.5", "m: <sip:3@10.0.0.4>;expires=x",
				"Expires: 99999999999999999999", "Authorization: Digest a", "Authorization: Digest b", "User-Agent: phone 1.0",
			},
		})
		p.write(text)
		p.write(text) // while the first is in work
		no := p.next("401")
		if d := cmp.Diff(response.Challenge, no.all("WWW-Authenticate")); d != "" || no.get("Retry-After") != "3" ||
			no.get("Server") != "" {
			t.Error(d, no)
		}
		p.write(text) // its answer was lost
		p.next("401")
		want := []registrar.Request{{
			User: "10000", Domain: "10.0.0.1", CallID: p.callID, CSeq: 1, Method: "REGISTER", URI: "sip:tierline.example",
			Contacts: []registrar.Contact{
				{URI: "sip:1@10.0.0.2:5060;ob", Expires: 60}, {URI: "sip:2@10.0.0.3", Expires: 7}, {URI: "sip:3@10.0.0.4", Expires: -1},
			},
			Expires: math.MaxInt32, Authorization: []string{"Digest a", "Digest b"}, Transport: "udp",
			Source: netip.MustParseAddrPort(peerAddr), UserAgent: "phone 1.0",
		}}
		if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); d != "" {
			t.Error(d)
		}

		got = nil
		response = registrar.Response{Status: 423, Reason: "Interval Too Brief", MinExpires: 60}
		p.send(ask{method: "REGISTER", without: []string{"Contact"}, headers: []string{"Contact: *", "Expires: 0"}})
		if no = p.next("423"); no.get("Min-Expires") != "60" || no.get("Date") != "" {
			t.Errorf("%+v", no)
		}
		if !got[0].Star || got[0].Expires != 0 || got[0].Contacts != nil {
			t.Errorf("%+v", got)
		}
		response = registrar.Response{Status: 200, Reason: "OK", Contacts: []string{"<sip:1@x>;expires=60", "bad\r\nX: y"}}
		p.send(ask{method: "REGISTER"})
		ok := p.next("200")
		if d := cmp.Diff([]string{"<sip:1@x>;expires=60"}, ok.all("Contact")); d != "" || !strings.HasSuffix(ok.get("Date"), " GMT") {
			t.Error(d, ok)
		}
		for name, to := range map[string]string{"isbn": "To: isbn:2983792873", "nobody": "To: <sip:10.0.0.1>"} {
			p.write(swap(p.text(ask{method: "REGISTER"}), "To", to))
			if m := p.within(time.Second); m == nil || m.what() != "404" {
				t.Errorf("%s: %+v", name, m)
			}
		}
	})
}

func TestRegisterPanicsAndFloods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, net: newNet(), desk: &desk{}, began: time.Now()}
		b.ua = b.open(ourAddr, b.desk)
		b.peer = b.join(peerAddr)
		p := b.peer
		b.desk.register = func(context.Context, registrar.Request) registrar.Response { panic("bug") }
		p.send(ask{method: "REGISTER"})
		p.next("500")
		b.desk.register = func(ctx context.Context, _ registrar.Request) registrar.Response {
			<-ctx.Done() // as slow as it may be
			return registrar.Response{Status: 200, Reason: "OK"}
		}
		for range 400 {
			p.send(ask{method: "REGISTER"})
		}
		got := map[string]int{}
		for _, m := range p.drain(10 * time.Second) {
			got[m.what()]++
		}
		if d := cmp.Diff(map[string]int{"200": 256, "503": 144}, got); d != "" {
			t.Error(d)
		}
	})
}

// Callers whom nobody answers don't pile up without bound.
func TestInviteFlood(t *testing.T) {
	onBench(t, func(b *bench) {
		b.desk.invite = func(*sipua.Incoming) {}
		p := b.peer
		got := map[string]int{}
		for i := range 6000 {
			p.callID = fmt.Sprint("flood", i)
			p.send(ask{method: "INVITE", body: offerSDP})
			m := p.within(time.Second)
			got[m.what()]++
			if wait := m.get("Retry-After"); m.what() == "503" && (wait == "" || len(wait) > 2) {
				t.Fatalf("Retry-After %q", wait)
			}
		}
		if got["100"] != 4096 || got["503"] != 6000-4096 {
			t.Errorf("%v", got)
		}
	})
}

// The figures by which an operator sees an attack.
func TestDropCounters(t *testing.T) {
	onBench(t, func(b *bench) {
		p := b.peer
		p.write("not SIP at all, but long enough to be looked at")
		p.write(swap(p.text(ask{method: "INVITE"}), "CSeq", "CSeq: x"))
		p.write(swap(p.text(ask{method: "OPTIONS"}), "To", "To: \"\x00\" <sip:a@b>"))
		p.send(ask{method: "ACK"})
		synctest.Wait()
		want := map[string]uint64{"not_sip": 1, "broken": 1, "unsafe": 1, "stray": 1}
		if d := cmp.Diff(want, b.ua.Stats().Drops); d != "" {
			t.Error(d)
		}
	})
}
