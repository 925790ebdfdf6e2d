package sdp

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// connection is a c= line. A bad one matters only if the line that we use
// depends on it, so the objection waits.
type connection struct {
	line int // 0: none was given
	addr netip.Addr
	bad  string // why it can't be used
}

// parser collects a session line by line.
type parser struct {
	s         Session
	conn      connection // session level
	direction Direction  // session level
	security  security   // session level
	bundle    []string   // mids of the first group
	cur       *section   // nil before the first m= line
	sections  []*section
}

// section is an m= line while it is read.
type section struct {
	Media
	numbers  []string // the formats as written
	maps     map[uint8]Format
	maxPtime int
	rtcp     string // value of a=rtcp
	explicit bool   // it has a direction of its own
}

// Parse reads an offer or answer. The error is always an [*Error].
func Parse(b []byte) (*Session, error) {
	if len(b) > MaxSize {
		return nil, unacceptable(0, "longer than %d bytes", MaxSize)
	}
	p := parser{s: Session{Raw: bytes.Clone(b)}}
	n := 0
	for raw := range bytes.SplitSeq(b, []byte("\n")) {
		n++
		line := string(bytes.TrimSuffix(raw, []byte("\r")))
		if line == "" {
			continue // some peers end with an empty line, some put one before m=
		}
		if err := p.line(n, line); err != nil {
			return nil, err
		}
	}
	if p.s.Origin == "" && len(p.sections) == 0 {
		return nil, malformed(0, "no session description")
	}
	return p.finish()
}

// line dispatches one line. The first must be the version.
func (p *parser) line(n int, line string) *Error {
	if len(line) < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z' {
		return malformed(n, "not of the form x=value")
	}
	value := line[2:]
	if n == 1 || line[0] == 'v' {
		return version(n, line[0], value)
	}
	switch line[0] {
	case 'o':
		if p.s.Origin == "" && p.cur == nil {
			p.s.Origin = value
		}
	case 'c':
		return p.connection(n, value)
	case 'm':
		return p.media(n, value)
	case 'a':
		p.attribute(value)
	}
	return nil
}

func version(n int, kind byte, value string) *Error {
	switch {
	case kind != 'v' || n != 1:
		return malformed(n, "the version does not stand first")
	case strings.TrimSpace(value) != "0":
		return unacceptable(n, "not version 0")
	}
	return nil
}

// connection reads c=<nettype> <addrtype> <address>.
func (p *parser) connection(n int, value string) *Error {
	c := &p.conn
	if p.cur != nil {
		c = &p.cur.conn
	}
	if c.line != 0 {
		c.bad = "two addresses"
		return nil
	}
	*c = parseConnection(value)
	c.line = n
	return nil
}

func parseConnection(value string) connection {
	f := strings.Fields(value)
	if len(f) != 3 || f[0] != "IN" || f[1] != "IP4" && f[1] != "IP6" {
		return connection{bad: "not IN IP4 or IP6 with an address"}
	}
	addr, err := netip.ParseAddr(f[2])
	if err != nil || addr.Zone() != "" || addr.Is4() != (f[1] == "IP4") {
		return connection{bad: "no address literal of that type"}
	}
	addr = addr.Unmap()
	if !addr.IsUnspecified() && !unicast(addr) {
		return connection{bad: "not a unicast address"}
	}
	return connection{addr: addr}
}

// unicast excludes multicast, the reserved 240/4 with the broadcast address,
// and "this network" 0/8.
func unicast(a netip.Addr) bool {
	if a.IsMulticast() || a.IsUnspecified() {
		return false
	}
	if a.Is4() {
		first := a.As4()[0]
		return first != 0 && first < 240
	}
	return true
}

// media reads m=<kind> <port>[/<n>] <protocol> <format>...
func (p *parser) media(n int, value string) *Error {
	if len(p.sections) == maxLines {
		return unacceptable(n, "more than %d media lines", maxLines)
	}
	f := strings.Fields(value)
	if len(f) < 4 {
		return unacceptable(n, "a media line needs kind, port, protocol and format")
	}
	for _, word := range f[:min(len(f), 4)] {
		if len(word) > maxWord || !printable(word) {
			return unacceptable(n, "a word of the media line is too long or not text")
		}
	}
	number, count, several := strings.Cut(f[1], "/")
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil || several && !digits(count) {
		return unacceptable(n, "the port is not a number from 0 to 65535")
	}
	p.cur = &section{
		Media: Media{
			Kind: f[0], Port: int(port), Protocol: f[2],
			firstFormat: f[3], line: n,
		},
		numbers: f[3:min(len(f), 3+maxFormats)],
		maps:    make(map[uint8]Format),
	}
	p.sections = append(p.sections, p.cur)
	return nil
}

// attribute reads what we know and passes over the rest, NUL bytes and all.
func (p *parser) attribute(value string) {
	name, value, _ := strings.Cut(value, ":")
	if d, ok := parseDirection(name); ok {
		if p.cur == nil {
			p.direction = d
		} else {
			p.cur.Direction, p.cur.explicit = d, true
		}
		return
	}
	if p.cur == nil {
		p.security.read(name, value)
		if group, ok := strings.CutPrefix(value, "BUNDLE "); ok && name == "group" && p.bundle == nil {
			p.bundle = strings.Fields(group)
		}
		return
	}
	p.cur.read(name, value)
	p.cur.attribute(name, value)
}

// attribute reads one of a line.
func (sec *section) attribute(name, value string) {
	switch name {
	case "rtpmap":
		if f, ok := parseMap(value); ok {
			sec.maps[f.PT] = f
		}
	case "ptime":
		sec.Ptime = parsePtime(value)
	case "maxptime":
		sec.maxPtime = parsePtime(value)
	case "rtcp":
		sec.rtcp = value
	case "rtcp-mux":
		sec.RTCPMux = true
	case "mid":
		if v := strings.TrimSpace(value); len(v) <= maxWord && printable(v) {
			sec.mid = v
		}
	}
}

func parseDirection(name string) (Direction, bool) {
	for d := SendRecv; d <= Inactive; d++ {
		if name == d.String() {
			return d, true
		}
	}
	return SendRecv, false
}

// parseMap reads rtpmap:<pt> <name>/<rate>[/<channels>]; nonsense is passed
// over, so that a static payload type keeps its meaning.
func parseMap(value string) (Format, bool) {
	f := strings.Fields(value)
	if len(f) != 2 {
		return Format{}, false
	}
	pt, err := strconv.ParseUint(f[0], 10, 7)
	if err != nil {
		return Format{}, false
	}
	parts := strings.Split(f[1], "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || len(parts[0]) > maxWord || !printable(parts[0]) {
		return Format{}, false
	}
	rate, err := strconv.ParseUint(parts[1], 10, 20)
	if err != nil || rate == 0 {
		return Format{}, false
	}
	channels := uint64(1)
	if len(parts) == 3 {
		if channels, err = strconv.ParseUint(parts[2], 10, 4); err != nil || channels == 0 {
			return Format{}, false
		}
	}
	return Format{PT: uint8(pt), Name: strings.ToUpper(parts[0]), Rate: int(rate), Channels: int(channels)}, true
}

// parsePtime returns milliseconds within what we can send, in steps of 10;
// 0 for what is not a time.
func parsePtime(value string) int {
	v := strings.TrimSpace(value)
	if !digits(v) || strings.Trim(v, "0") == "" {
		return 0
	}
	ms, err := strconv.Atoi(v)
	if err != nil {
		return maxPtime // more digits than an int holds
	}
	return max(minPtime, min(ms, maxPtime)/10*10)
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
