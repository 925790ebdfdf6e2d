package trace

import (
	"encoding/binary"
	"encoding/json"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// Chunks of HEPv3, generic ones (vendor 0), as the specification of the Homer
// Encapsulation Protocol numbers them.
const (
	chunkFamily     = 0x01
	chunkProtocol   = 0x02
	chunkSource4    = 0x03
	chunkTarget4    = 0x04
	chunkSource6    = 0x05
	chunkTarget6    = 0x06
	chunkSourcePort = 0x07
	chunkTargetPort = 0x08
	chunkSeconds    = 0x09
	chunkMicros     = 0x0a
	chunkKind       = 0x0b
	chunkNode       = 0x0c
	chunkPassword   = 0x0e
	chunkPayload    = 0x0f
	chunkCallID     = 0x11 // correlation

	familyIP4 = 2
	familyIP6 = 10
	protoTCP  = 6
	protoUDP  = 17
	kindSIP   = 1
	kindRTCP  = 5 // as JSON

	chunkHead = 6
	maxHEP    = 65_000 // what fits into a datagram, with all that is around it
)

// CollectorConfig says where copies go.
type CollectorConfig struct {
	Address  string // host:port
	Node     uint32 // the number that the collector knows us by
	Password string // what it asks for; "" = nothing
}

// Collector sends copies to a collector of SIP traffic. A nil Collector sends
// nothing.
type Collector struct {
	c          CollectorConfig
	packets    chan []byte
	sent, lost atomic.Uint64
}

const (
	backlog   = 1024 // packets that wait for the socket
	dialAgain = 10 * time.Second
)

// NewCollector returns a collector that sends once Run is called.
func NewCollector(c CollectorConfig) *Collector {
	return &Collector{c: c, packets: make(chan []byte, backlog)}
}

// Run sends until done is closed. A name is looked up when the first packet
// goes, and again after errors.
func (c *Collector) Run(done <-chan struct{}) {
	var conn net.Conn
	var again time.Time
	defer func() {
		if conn != nil {
			_ = conn.Close() // nothing is buffered
		}
	}()
	for {
		select {
		case <-done:
			return
		case b := <-c.packets:
			if conn == nil && time.Now().After(again) {
				again = time.Now().Add(dialAgain)
				conn, _ = (&net.Dialer{Timeout: time.Second}).Dial("udp", c.c.Address)
			}
			if conn == nil {
				c.lost.Add(1)
				continue
			}
			if _, err := conn.Write(b); err != nil { // nobody listens there; UDP tells the next one who sends
				c.lost.Add(1)
				continue
			}
			c.sent.Add(1)
		}
	}
}

func (c *Collector) figures() (sent, lost uint64) {
	if c == nil {
		return 0, 0
	}
	return c.sent.Load(), c.lost.Load()
}

// give queues a packet, or loses it.
func (c *Collector) give(b []byte) {
	select {
	case c.packets <- b:
	default:
		c.lost.Add(1)
	}
}

// message sends a SIP message.
func (c *Collector) message(at time.Time, callID string, m *Message) {
	if c == nil {
		return
	}
	protocol := byte(protoTCP)
	if m.Transport == "udp" {
		protocol = protoUDP
	}
	from, to := m.Remote, m.Local
	if m.Out {
		from, to = to, from
	}
	c.give(c.packet(at, protocol, kindSIP, from, to, callID, m.Text))
}

// rtcpReport is RTCP in the JSON that collectors read.
type rtcpReport struct {
	Sender struct {
		Packets uint64 `json:"packets"`
	} `json:"sender_information"`
	Type   int         `json:"type"` // 200: sender report
	Count  int         `json:"report_count"`
	Blocks []rtcpBlock `json:"report_blocks"`
	MOS    float64     `json:"mos,omitempty"`
}

type rtcpBlock struct {
	Lost     uint64 `json:"packets_lost"`
	Fraction uint64 `json:"fraction_lost"` // of 256
	Jitter   int64  `json:"ia_jitter"`     // timestamp units of 8 kHz
}

// sound sends how a leg's RTP went so far, as the report that we would make.
func (c *Collector) sound(at time.Time, callID string, s *Sound) {
	if c == nil || !s.Local.IsValid() || !s.Remote.IsValid() {
		return
	}
	r := rtcpReport{Type: 200, Count: 1, MOS: float64(s.MOS) / 100}
	r.Sender.Packets = s.Sent
	k := rtcpBlock{Lost: s.Lost, Jitter: s.Jitter.Milliseconds() * 8}
	if all := s.Lost + s.Received; all > 0 {
		k.Fraction = min(255, 256*s.Lost/all)
	}
	r.Blocks = []rtcpBlock{k}
	text, err := json.Marshal(r)
	if err != nil { // numbers
		return
	}
	c.give(c.packet(at, protoUDP, kindRTCP, s.Local, s.Remote, callID, text))
}

// packet encodes one packet.
func (c *Collector) packet(
	at time.Time, protocol, kind byte, from, to netip.AddrPort, callID string, payload []byte,
) []byte {
	payload = payload[:min(len(payload), maxHEP)]
	b := append(make([]byte, 0, len(payload)+len(callID)+len(c.c.Password)+160), "HEP3\x00\x00"...)
	family, source, target := byte(familyIP4), uint16(chunkSource4), uint16(chunkTarget4)
	if !from.Addr().Is4() || !to.Addr().Is4() {
		family, source, target = familyIP6, chunkSource6, chunkTarget6
		from, to = wide(from), wide(to)
	}
	b = chunk(b, chunkFamily, []byte{family})
	b = chunk(b, chunkProtocol, []byte{protocol})
	b = chunk(b, source, from.Addr().AsSlice())
	b = chunk(b, target, to.Addr().AsSlice())
	b = chunk(b, chunkSourcePort, binary.BigEndian.AppendUint16(nil, from.Port()))
	b = chunk(b, chunkTargetPort, binary.BigEndian.AppendUint16(nil, to.Port()))
	b = chunk(b, chunkSeconds, binary.BigEndian.AppendUint32(nil, uint32(at.Unix()))) //nolint:gosec // until 2106
	b = chunk(b, chunkMicros, binary.BigEndian.AppendUint32(nil, uint32(at.Nanosecond()/1000)))
	b = chunk(b, chunkKind, []byte{kind})
	b = chunk(b, chunkNode, binary.BigEndian.AppendUint32(nil, c.c.Node))
	if c.c.Password != "" {
		b = chunk(b, chunkPassword, []byte(c.c.Password))
	}
	if callID != "" {
		b = chunk(b, chunkCallID, []byte(callID))
	}
	b = chunk(b, chunkPayload, payload)
	binary.BigEndian.PutUint16(b[4:], uint16(len(b))) //nolint:gosec // payload is bounded
	return b
}

// wide makes an address of IPv6 of any.
func wide(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(a.Addr().As16()), a.Port())
}

func chunk(b []byte, kind uint16, data []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, 0) // vendor: none
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(chunkHead+len(data))) //nolint:gosec // bounded by the caller
	return append(b, data...)
}
