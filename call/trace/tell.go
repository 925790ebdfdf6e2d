package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tierline/acd"
)

// Text says an entry in one line, for people.
func (e *Entry) Text() string {
	switch e.Kind {
	case KindSIP:
		return e.SIP.Title()
	case KindRTP:
		return e.RTP.String()
	case KindKey:
		return e.Key.String()
	case KindLog:
		return e.Log.Level + ": " + e.Log.Text
	case KindEvent:
		var f acd.Fact
		if json.Unmarshal(e.Event, &f) == nil { // always: we wrote it
			return Tell(&f)
		}
	}
	return string(e.Event)
}

// tell is Text with whose it is.
func (e *Entry) tell(legs []Leg) string {
	if who := e.who(legs); who != "" {
		return who + ": " + e.Text()
	}
	return e.Text()
}

// who names the peer of an entry's leg.
func (e *Entry) who(legs []Leg) string {
	if e.Leg < 0 || e.Leg >= len(legs) {
		return ""
	}
	return legs[e.Leg].String()
}

// String names the peer: caller, agent 1003, outside 13800138000.
func (l Leg) String() string {
	if l.Role == Unknown {
		return "peer"
	}
	return strings.TrimSpace(string(l.Role) + " " + l.Name)
}

func (k *Key) String() string {
	what := "a key (which one isn't shown)"
	if k.Digit != 0 {
		what = "key " + string(k.Digit)
	}
	if k.Held > 0 {
		what += ", held " + k.Held.Round(time.Millisecond).String()
	}
	return what + ", by " + k.Source
}

func (s *Sound) String() string {
	var b strings.Builder
	b.WriteString("RTP")
	if s.Final {
		b.WriteString(" in all")
	}
	if s.Codec != "" {
		b.WriteString(" " + s.Codec)
	}
	all := s.Received + s.Lost
	fmt.Fprintf(&b, ": heard %d packets, lost %d (%s)", s.Received, s.Lost, share(s.Lost, all))
	if s.Late > 0 {
		fmt.Fprintf(&b, ", %d overtaken", s.Late)
	}
	if all > 0 {
		fmt.Fprintf(&b, ", jitter %d ms, longest gap %d ms, MOS %s",
			s.Jitter.Milliseconds(), s.MaxGap.Milliseconds(), score(s.MOS))
	}
	fmt.Fprintf(&b, "; sent %d", s.Sent)
	if s.RemoteMOS > 0 {
		fmt.Fprintf(&b, ", of which the peer lost %d, MOS %s there", s.RemoteLost, score(s.RemoteMOS))
	}
	if s.RoundTrip > 0 {
		fmt.Fprintf(&b, ", round trip %d ms", s.RoundTrip.Milliseconds())
	}
	return b.String()
}

func share(part, all uint64) string {
	if all == 0 {
		return "0 %"
	}
	return strconv.FormatFloat(100*float64(part)/float64(all), 'f', 1, 64) + " %"
}

func score(hundredths int64) string { return strconv.FormatFloat(float64(hundredths)/100, 'f', 2, 64) }

// Title is the message in a few words: INVITE 10000, 200 OK (INVITE), with what
// its SDP says of the sound.
func (m *Message) Title() string {
	start, rest, _ := bytes.Cut(m.Text, []byte("\r\n"))
	words := strings.SplitN(string(start), " ", 3)
	if len(words) < 3 {
		return string(start)
	}
	title := words[0] + " " + userOf(words[1])
	if strings.HasPrefix(words[0], "SIP/") {
		title = words[1] + " " + words[2]
		if _, method, ok := strings.Cut(header(rest, "cseq", ""), " "); ok {
			title += " (" + strings.TrimSpace(method) + ")"
		}
	}
	if sound := soundOf(rest); sound != "" {
		title += ", " + sound
	}
	return title
}

// userOf is the user of a URI, or its host.
func userOf(uri string) string {
	_, rest, ok := strings.Cut(uri, ":")
	if !ok {
		return uri
	}
	user, _, ok := strings.Cut(rest, "@")
	if !ok {
		user, _, _ = strings.Cut(rest, ";")
	}
	return user
}

// header returns the first value of a header, by its name or its short one.
func header(text []byte, name, short string) string {
	for line := range bytes.SplitSeq(text, []byte("\r\n")) {
		if len(line) == 0 {
			return ""
		}
		n, value, _ := bytes.Cut(line, []byte(":"))
		if word := strings.ToLower(strings.TrimSpace(string(n))); word == name || word == short && short != "" {
			return strings.TrimSpace(string(value))
		}
	}
	return ""
}

// soundOf reads the little of an SDP that tells where the sound is to go.
func soundOf(text []byte) string {
	_, body, ok := bytes.Cut(text, []byte("\r\n\r\n"))
	if !ok || !bytes.HasPrefix(body, []byte("v=0")) {
		return ""
	}
	address, port, security, direction := "", "", "", ""
	for line := range strings.Lines(string(body)) {
		line = strings.TrimRight(line, "\r\n")
		fields := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "c=") && len(fields) == 3 && address == "":
			address = fields[2]
		case strings.HasPrefix(line, "m=audio") && len(fields) > 2 && port == "":
			port = fields[1]
			if strings.Contains(fields[2], "SAVP") {
				security = " encrypted"
			}
		case line == "a=sendonly" || line == "a=recvonly" || line == "a=inactive":
			direction = " " + line[2:]
		}
	}
	if port == "" {
		return "SDP without sound"
	}
	return "sound to " + address + ":" + port + security + direction
}
