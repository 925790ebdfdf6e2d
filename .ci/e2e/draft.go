package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"tierline/.ci/bed"
)

// draft is a request that is right until somebody spoils it.
type draft struct {
	start   string
	headers [][2]string
	body    string
	raw     string // sent as it is instead of all that
}

// newDraft makes a request from a local address to the switch.
func newDraft(method, number, local, target string) *draft {
	host, _, _ := strings.Cut(local, ":")
	d := &draft{start: fmt.Sprintf("%s sip:%s@%s SIP/2.0", method, number, target)}
	d.add("Via", fmt.Sprintf("SIP/2.0/UDP %s;branch=z9hG4bK%x;rport", local, rand.Uint64()))
	d.add("Max-Forwards", "70")
	d.add("From", fmt.Sprintf("<sip:%s@%s>;tag=%x", standard, host, rand.Uint64()))
	d.add("To", fmt.Sprintf("<sip:%s@%s>", number, target))
	d.add("Call-ID", fmt.Sprintf("%x@%s", rand.Uint64(), host))
	d.add("CSeq", "1 "+method)
	d.add("Contact", fmt.Sprintf("<sip:%s@%s>", standard, local))
	if method == "INVITE" {
		d.add("Content-Type", "application/sdp")
		d.body = bed.SDP(host, 30998)
	}
	d.add("Content-Length", "")
	return d
}

func (d *draft) get(name string) string {
	for _, h := range d.headers {
		if h[0] == name {
			return h[1]
		}
	}
	return ""
}

// set replaces the value of a header.
func (d *draft) set(name, value string) {
	for i := range d.headers {
		if d.headers[i][0] == name {
			d.headers[i][1] = value
		}
	}
}

func (d *draft) add(name, value string) { d.headers = append(d.headers, [2]string{name, value}) }

func (d *draft) remove(names ...string) {
	var rest [][2]string
	for _, h := range d.headers {
		keep := true
		for _, name := range names {
			keep = keep && h[0] != name
		}
		if keep {
			rest = append(rest, h)
		}
	}
	d.headers = rest
}

// uri replaces the request URI.
func (d *draft) uri(uri string) {
	method, _, _ := strings.Cut(d.start, " ")
	d.start = method + " " + uri + " SIP/2.0"
}

// line replaces the line of the SDP that begins as this one does, or adds it.
func (d *draft) line(text string) {
	lines := strings.Split(strings.TrimSuffix(d.body, "\r\n"), "\r\n")
	for i, l := range lines {
		if len(text) > 1 && !strings.HasPrefix(text, "a=") && strings.HasPrefix(l, text[:2]) {
			lines[i] = text
			d.body = strings.Join(lines, "\r\n") + "\r\n"
			return
		}
	}
	d.body += text + "\r\n"
}

// text writes the request; a Content-Length without a value is the right one.
func (d *draft) text() string {
	if d.raw != "" {
		return d.raw
	}
	var b strings.Builder
	b.WriteString(d.start + "\r\n")
	for _, h := range d.headers {
		if h[0] == "Content-Length" && h[1] == "" {
			h[1] = fmt.Sprint(len(d.body))
		}
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	return b.String() + "\r\n" + d.body
}
