package bed

import (
	"fmt"
	"strconv"
	"strings"
)

// Message is a SIP message as text; the peers here write and read what they
// need of it and nothing more.
type Message string

// Header returns the first header of a name, "" if there is none.
func (m Message) Header(name string) string {
	for _, v := range m.Headers(name) {
		return v
	}
	return ""
}

// Headers returns all headers of a name.
func (m Message) Headers(name string) []string {
	var out []string
	for line := range strings.SplitSeq(string(m), "\r\n") {
		if line == "" {
			break
		}
		if n := len(name); len(line) > n && line[n] == ':' && strings.EqualFold(line[:n], name) {
			out = append(out, strings.TrimSpace(line[n+1:]))
		}
	}
	return out
}

// Method returns a request's method, "" for a response.
func (m Message) Method() string {
	if strings.HasPrefix(string(m), "SIP/2.0 ") {
		return ""
	}
	method, _, _ := strings.Cut(string(m), " ")
	return method
}

// Status returns a response's status, 0 for a request.
func (m Message) Status() int {
	rest, ok := strings.CutPrefix(string(m), "SIP/2.0 ")
	if !ok || len(rest) < 3 {
		return 0
	}
	n, _ := strconv.Atoi(rest[:3]) // not a number: status 0, which nothing expects
	return n
}

// MediaPort returns the port of the first m= line, 0 if there is none.
func (m Message) MediaPort() int {
	_, rest, ok := strings.Cut(string(m), "\nm=audio ")
	if !ok {
		return 0
	}
	port, _, _ := strings.Cut(rest, " ")
	n, _ := strconv.Atoi(port) // 0 is what a refused line has
	return n
}

// URI returns the address in a name-addr header.
func URI(header string) string {
	if _, rest, ok := strings.Cut(header, "<"); ok {
		uri, _, _ := strings.Cut(rest, ">")
		return uri
	}
	uri, _, _ := strings.Cut(header, ";")
	return uri
}

// Reply builds a response to a request, with a To tag and a Contact.
func (m Message) Reply(status int, reason, tag, contact, sdp string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", status, reason)
	for _, name := range []string{"Via", "Record-Route"} {
		for _, v := range m.Headers(name) {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	to := m.Header("To")
	if !strings.Contains(to, ";tag=") && status > 100 {
		to += ";tag=" + tag
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <%s>\r\n",
		m.Header("From"), to, m.Header("Call-ID"), m.Header("CSeq"), contact)
	b.WriteString(body(sdp))
	return b.String()
}

func body(sdp string) string {
	if sdp == "" {
		return "Content-Length: 0\r\n\r\n"
	}
	return fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp)
}

// SDP offers or answers A-law and telephone events at an address.
func SDP(ip string, port int) string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/AVP 8 101\r\n"+
		"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n", ip, ip, port)
}
