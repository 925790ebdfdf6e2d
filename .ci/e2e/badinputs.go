package main

import (
	"fmt"
	"strings"
)

// badInput is a message that must get a certain answer, or none. The numbers
// are those of the table of bad inputs in docs/explain/security.md.
type badInput struct {
	number int
	name   string
	method string
	spoil  func(d *draft)
	want   string // statuses that are right, "-" for silence
}

func sdpLine(text string) func(*draft) { return func(d *draft) { d.line(text) } }

func header(name, value string) func(*draft) { return func(d *draft) { d.set(name, value) } }

func extra(name, value string) func(*draft) { return func(d *draft) { d.add(name, value) } }

func target(uri string) func(*draft) { return func(d *draft) { d.uri(uri) } }

func timer(expires, least string) func(*draft) {
	return func(d *draft) {
		d.add("Supported", "timer")
		d.add("Session-Expires", expires)
		d.add("Min-SE", least)
	}
}

func whole(text string) func(*draft) { return func(d *draft) { d.raw = text } }

func badInputs() []badInput {
	var all []badInput
	for _, part := range [][]badInput{
		badBodies(), badNumbers(), missing(), badHeaders(), badIdentity(), badTargets(), noise(), strangeMethods(),
	} {
		all = append(all, part...)
	}
	return all
}

// badBodies are 1 to 3 and 13 to 29.
func badBodies() []badInput {
	const i = "INVITE"
	many := func(d *draft) { d.body += strings.Repeat("m=audio 30998 RTP/AVP 8\r\n", 2000) }
	return []badInput{
		{1, "c=IN", i, sdpLine("c=IN"), "488"},
		{2, "c=IN IP4", i, sdpLine("c=IN IP4"), "488"},
		{3, "an empty line with a bare LF", i, func(d *draft) { d.body += "\n\n" }, "200"},
		{13, "a=fmtp with a NUL", i, sdpLine("a=fmtp\x00:101 0-16"), "200"},
		{14, "payload type 2^32", i, sdpLine("m=audio 17002 RTP/AVP 4294967296"), "488"},
		{15, "payload type -5", i, sdpLine("m=audio 30998 RTP/AVP -5"), "488"},
		{15, "payload type 128", i, sdpLine("m=audio 30998 RTP/AVP 128"), "488"},
		{15, "payload type 256", i, sdpLine("m=audio 30998 RTP/AVP 8 256"), "488"},
		{16, "port 0", i, sdpLine("m=audio 0 RTP/AVP 8"), "200"},
		{17, "port -1", i, sdpLine("m=audio -1 RTP/AVP 8"), "488"},
		{18, "port 99999", i, sdpLine("m=audio 99999 RTP/AVP 8"), "488"},
		{18, "port 2^63", i, sdpLine("m=audio 9223372036854775808 RTP/AVP 8"), "488"},
		{19, "the old hold", i, sdpLine("c=IN IP4 0.0.0.0"), "200"},
		{20, "multicast", i, sdpLine("c=IN IP4 224.2.0.1"), "488"},
		{20, "broadcast", i, sdpLine("c=IN IP4 255.255.255.255"), "488"},
		{21, "a host name", i, sdpLine("c=IN IP4 media.example.com"), "488"},
		{22, "an address of 512 digits", i, sdpLine("c=IN IP4 1.2.3." + strings.Repeat("4", 512)), "488"},
		{23, "a media type of 1 KB", i, sdpLine("m=" + strings.Repeat("a", 1024) + " 30998 RTP/AVP 8"), "488"},
		{24, "10,000 payload types", i, sdpLine("m=audio 30998 RTP/AVP 8" + strings.Repeat(" 96", 9999)), "200 488"},
		{25, "2,000 lines of media", i, many, "488"},
		{26, "an empty attribute", i, sdpLine("a="), "200"},
		{27, "a=rtpmap:", i, sdpLine("a=rtpmap:\r\na=rtpmap:0\r\na=rtpmap:0 PCMU/0\r\na=rtpmap:0 PCMU/-8000"), "200"},
		{28, "ptime 0", i, sdpLine("a=ptime:0"), "200"},
		{28, "ptime -20", i, sdpLine("a=ptime:-20"), "200"},
		{28, "ptime 99999999999", i, sdpLine("a=ptime:99999999999"), "200"},
		{28, "a ptime that is no whole number", i, sdpLine("a=ptime:20.5"), "200"},
		{28, "a maxptime below the ptime", i, sdpLine("a=ptime:60\r\na=maxptime:10"), "200"},
		{29, "a broken boundary", i, header("Content-Type", `multipart/mixed;boundary="--++=AAA"`), "400 415"},
		{29, "a multipart without parts", i, func(d *draft) {
			d.set("Content-Type", "multipart/mixed;boundary=x")
			d.body = "--x--\r\n"
		}, "400 415"},
	}
}

// badNumbers are 4, 5, 10 to 12, 35, 39 and 58: figures and sizes out of range.
func badNumbers() []badInput {
	const i = "INVITE"
	long := strings.Repeat("a", 70000)
	return []badInput{
		{4, "Content-Length 4294967295", i, header("Content-Length", "4294967295"), "400"},
		{5, "Content-Length 2147483648", i, header("Content-Length", "2147483648"), "400"},
		{10, "a method of 1 KB in CSeq", i, header("CSeq", "0 "+long[:1100]), "400"},
		{11, "CSeq 2^31", i, header("CSeq", "2147483648 INVITE"), "400"},
		{11, "CSeq 2^32", i, header("CSeq", "4294967296 INVITE"), "400"},
		{11, "CSeq -1", i, header("CSeq", "-1 INVITE"), "400"},
		{11, "CSeq empty", i, header("CSeq", ""), "400"},
		{12, "50 Accept", i, func(d *draft) {
			for range 50 {
				d.add("Accept", long[:100]+"/x")
			}
		}, "200 406"},
		{35, "a header with CR", i, extra("Subject", "a\rb"), "400 -"},
		{35, "a header with LF", i, extra("Subject", "a\nVia: SIP/2.0/UDP evil"), "400"},
		{35, "a header with NUL", i, extra("Subject", "a\x00b"), "400"},
		{35, "a folded header", i, extra("Subject", "a\r\n b"), "200"},
		{38, "a request line of 60 KB", i, target("sip:" + long[:60000] + "@127.0.0.1"), "414 -"},
		{39, "a Call-ID of 4 KB", i, header("Call-ID", long[:4097]), "400"},
		{58, "Max-Forwards 0", i, header("Max-Forwards", "0"), "483"},
		{58, "Max-Forwards 256", i, header("Max-Forwards", "256"), "400"},
		{58, "Max-Forwards -1", i, header("Max-Forwards", "-1"), "400"},
		{58, "Session-Expires 0", i, timer("0", "90"), "422"},
		{58, "Session-Expires 1", i, timer("1", "90"), "422"},
		{58, "Session-Expires 2^31", i, timer("2147483648", "90"), "200"},
		{58, "Session-Expires 2^64", i, timer("18446744073709551616", "90"), "200 400"},
		{58, "Session-Expires in words", i, timer("soon", "90"), "200 400"},
		{58, "Min-SE huge", i, timer("1800", "4294967295"), "200 400"},
		{58, "Expires 2^32", "REGISTER", extra("Expires", "4294967296"), "401"},
	}
}

// missing are 7 and 8: every method without one of the headers that must be.
func missing() []badInput {
	out := []badInput{{7, "no To", "INVITE", func(d *draft) { d.remove("To") }, "400"}}
	for _, method := range []string{
		"INVITE", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "UPDATE", "PRACK", "REFER", "NOTIFY", "MESSAGE", "FROB",
	} {
		for _, name := range []string{"From", "Call-ID", "CSeq", "To"} {
			out = append(out, badInput{8, method + " without " + name, method, func(d *draft) { d.remove(name) }, "400"})
		}
		out = append(out, badInput{8, method + " without Via", method, func(d *draft) { d.remove("Via") }, "-"})
	}
	for _, name := range []string{"From", "Call-ID", "CSeq", "To", "Via"} {
		out = append(out, badInput{9, "ACK without " + name, "ACK", func(d *draft) { d.remove(name) }, "-"})
	}
	return out
}

// badHeaders are 40 to 42 and 45.
func badHeaders() []badInput {
	const i = "INVITE"
	out := []badInput{
		{40, "a Via of 1000 values", i, func(d *draft) {
			d.set("Via", d.get("Via")+strings.Repeat(",SIP/2.0/UDP a;branch=z9hG4bKx", 999))
		}, "400"},
		{40, "a Via that says received itself", i, func(d *draft) { d.set("Via", d.get("Via")+";received=%%%") }, "200"},
		{40, "a Via with % in its host", i, func(d *draft) {
			d.set("Via", strings.Replace(d.get("Via"), "127.", "%127.", 1))
		}, "400"},
		{40, "a Via with a port in words", i, func(d *draft) {
			head, tail, _ := strings.Cut(d.get("Via"), ";")
			d.set("Via", head[:strings.LastIndexByte(head, ':')]+":port;"+tail)
		}, "400"},
		{41, "a quote without an end in To", i, func(d *draft) { d.set("To", `"Joe `+d.get("To")) }, "400"},
		{41, "a quote without an end in From", i, func(d *draft) { d.set("From", d.get("From")+`;x="y`) }, "200 400"},
	}
	compact := map[string]string{"To": "t", "From": "f", "Call-ID": "i", "Content-Length": "l", "Contact": "m"}
	for _, name := range []string{"To", "From", "Call-ID", "CSeq", "Content-Length", "Contact", "Max-Forwards"} {
		twice := func(as string) func(*draft) {
			return func(d *draft) {
				value := d.get(name)
				if name == "Content-Length" {
					value = fmt.Sprint(len(d.body))
				}
				d.add(as, value)
			}
		}
		out = append(out, badInput{42, "two " + name, i, twice(name), "400"})
		if short := compact[name]; short != "" {
			out = append(out, badInput{45, name + " and " + short, i, twice(short), "400"})
		}
	}
	return out
}

// badIdentity are 30 to 32: registrations that prove nothing.
func badIdentity() []badInput {
	const r = "REGISTER"
	digest := func(values ...string) func(*draft) {
		return func(d *draft) {
			for _, v := range values {
				d.add("Authorization", v)
			}
		}
	}
	other := `Digest username="1001", realm="elsewhere", nonce="x", uri="sip:x", ` +
		`response="` + strings.Repeat("0", 32) + `"`
	var ten []string
	for range 10 {
		ten = append(ten, other)
	}
	out := []badInput{
		{31, "Digest and nothing", r, digest("Digest"), "400 401"},
		{31, "Digest username=", r, digest("Digest username="), "400 401"},
		{32, "another realm", r, digest(other), "401"},
		{32, "no nonce", r, digest(strings.Replace(other, `nonce="x", `, "", 1)), "401"},
		{32, "ten of them", r, digest(ten...), "401"},
	}
	for _, n := range []int{254, 255, 256} {
		tag := func(d *draft) { d.set("From", "<sip:1001@x>;tag="+strings.Repeat("t", n)) }
		out = append(out, badInput{30, fmt.Sprintf("a tag of %d", n), r, tag, "401"})
		branch := func(d *draft) { d.set("Via", d.get("Via")+";x="+strings.Repeat("b", n)) }
		out = append(out, badInput{30, fmt.Sprintf("a parameter of %d", n), r, branch, "401"})
	}
	return out
}

// badTargets are 43: addresses that are none.
func badTargets() []badInput {
	const i = "INVITE"
	var out []badInput
	for uri, want := range map[string]string{
		"sip:": "400 416 -", "sip:/": "400", "urn:service:sos": "416", "<<sip:>>": "400 -", "/": "400 416 -",
		"sip:a@127.0.0.1?X=y": "400", "sip:a@127.0.0.1:99999": "400", "http://127.0.0.1": "416",
	} {
		out = append(out, badInput{43, "to " + uri, i, target(uri), want})
	}
	return append(out, badInput{43, "tel in From", i, header("From", "<tel:+8613800138000>;tag=t"), "200"})
}

// noise is 44: what is no SIP.
func noise() []badInput {
	var out []badInput
	for name, text := range map[string]string{
		"blanks": strings.Repeat(" ", 500), "CRLF": "\r\n", "CRLF twice": "\r\n\r\n", "three bytes": "abc",
		"STUN": "\x00\x01\x00\x00\x21\x12\xa4\x42" + strings.Repeat("s", 100),
		"RTP":  "\x80\x08\x00\x01" + strings.Repeat("r", 168), "zeros": strings.Repeat("\x00", 100),
		"HTTP": "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: some scanner of the web\r\n\r\n",
	} {
		out = append(out, badInput{44, name, "INVITE", whole(text), "-"})
	}
	return out
}

// strangeMethods are 34, 36 and 37.
func strangeMethods() []badInput {
	mailbox := func(d *draft) {
		d.add("Event", "message-summary")
		d.body = "Messages-Waiting: yes\r\nMessage-Account: sip:" + strings.Repeat("m", 600) + "@x\r\n"
	}
	return []badInput{
		{34, "a control header with a blank before its colon", "INVITE", extra("X-Tier ", "diamond"), "200"},
		{36, "NOTIFY of a mailbox", "NOTIFY", mailbox, "405 481 489"},
		{37, "MESSAGE", "MESSAGE", func(*draft) {}, "401 405"},
		{37, "SUBSCRIBE", "SUBSCRIBE", func(*draft) {}, "401 405"},
		{37, "PUBLISH", "PUBLISH", func(*draft) {}, "401 405"},
		{37, "REFER", "REFER", func(*draft) {}, "401 403 405"},
	}
}
