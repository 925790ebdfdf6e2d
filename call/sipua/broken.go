package sipua

import (
	"bytes"
	"errors"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// broken answers a datagram that could not be parsed with 400, if it comes from
// a known peer and is a request with as much as an answer needs. A peer that
// gets no answer asks seven times and calls the trunk dead.
func (u *UA) broken(m sip.Message, b []byte, o origin, why error) {
	req, ok := m.(*sip.Request)
	onlyBody := errors.Is(why, sip.ErrParseReadBodyIncomplete) || errors.Is(why, sip.ErrMessageTooLarge)
	if !ok || !onlyBody || !complete(req) {
		u.brokenText(b, o)
		return
	}
	if req.Method == sip.ACK || !plainEnough(req) {
		return
	}
	if !u.handler.Known(o.from, string(req.Method), userOf(&req.From().Address)) {
		return
	}
	u.counters.count(inward, req)
	note(req, o)
	u.calm(req, o, refuse(sip.StatusBadRequest, "Bad Request"))
}

// brokenText does the same where a header can't be parsed: what the answer must
// repeat is repeated as it came. The answer goes to the source, with no
// regard to what such a Via wants.
func (u *UA) brokenText(b []byte, o origin) {
	method, echo, ok := echoed(b)
	if !ok || method == string(sip.ACK) || !u.handler.Known(o.from, method, "") {
		return
	}
	answer := append([]byte("SIP/2.0 400 Bad Request\r\n"), echo...)
	answer = append(answer, "Content-Length: 0\r\n\r\n"...)
	f := &flow{ep: o.ep, conn: o.conn, dst: o.from}
	if wellFormed(answer) {
		u.counters.responses[outward][sip.StatusBadRequest].Add(1)
		_ = f.write(answer) // counted; the peer will ask again
	}
}

// echoed takes from a request the lines that each answer repeats. ok is false
// for what is no request, and for one that lacks some of them.
func echoed(b []byte) (method string, echo []byte, ok bool) {
	start, rest, found := bytes.Cut(b, []byte("\r\n"))
	first, _, _ := bytes.Cut(start, []byte(" "))
	if !found || !isToken(string(first)) {
		return "", nil, false // a response begins with SIP/2.0
	}
	var seen [5]bool
	wanted := false
	for line := range bytes.SplitSeq(rest, []byte("\r\n")) {
		if len(line) == 0 {
			break
		}
		if line[0] != ' ' && line[0] != '\t' { // else it goes on with the one before
			var which int
			name, _, _ := strings.Cut(string(line[:min(len(line), 20)]), ":")
			if which, wanted = repeats(name); wanted {
				wanted = which == 0 || !seen[which] // Via may come more than once
				seen[which] = true
			}
		}
		if wanted {
			echo = append(append(echo, line...), "\r\n"...)
		}
	}
	return string(first), echo, seen == [5]bool{true, true, true, true, true} && len(echo) <= maxHeader
}

// repeats numbers the headers that an answer repeats.
func repeats(name string) (which int, ok bool) {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "via", "v":
		return 0, true
	case "from", "f":
		return 1, true
	case "to", "t":
		return 2, true
	case "call-id", "i":
		return 3, true
	case "cseq":
		return 4, true
	}
	return 0, false
}
