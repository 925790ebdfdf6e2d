package trace

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Blocks and options of pcapng (the format's draft RFC, draft-ietf-opsawg-pcapng).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 6
	byteOrder      = 0x1a2b3c4d
	linkRaw        = 101 // packets begin with their IP header
	optEnd         = 0
	optComment     = 1
	optUserApp     = 4

	ipHead, udpHead = 20, 8
	maxText         = 65_000 // of a message in one datagram
)

// Capture returns the SIP messages of a call as a capture file (pcapng) that any
// analyser opens. Each is a datagram with the addresses it had, whatever carried
// it; what happened between two messages is the comment of the later one.
func Capture(c Call) []byte {
	out := section(c)
	out = block(out, blockInterface, append([]byte{linkRaw, 0, 0, 0}, 0, 0, 0, 0))
	var between []string
	last := len(c.Entries) - 1
	for last >= 0 && c.Entries[last].Kind != KindSIP {
		last--
	}
	for i := range c.Entries {
		e := &c.Entries[i]
		if e.Kind != KindSIP {
			between = append(between, e.tell(c.Legs))
			continue
		}
		if i == last {
			for j := range c.Entries[i+1:] {
				between = append(between, "after it: "+c.Entries[i+1+j].tell(c.Legs))
			}
		}
		carrier := strings.ToUpper(e.SIP.Transport)
		comment := strings.Join(append([]string{carrier + ", " + e.who(c.Legs)}, between...), "\n")
		out = packetBlock(out, e.At, datagram(e.SIP), comment)
		between = nil
	}
	return out
}

func section(c Call) []byte {
	b := binary.LittleEndian.AppendUint32(nil, byteOrder)
	b = append(b, 1, 0, 0, 0) // version 1.0
	b = binary.LittleEndian.AppendUint64(b, 1<<64-1)
	b = option(b, optComment, fmt.Sprintf("call %s from %s to %s", c.ID, c.From, c.To))
	b = option(b, optUserApp, "tierline")
	return block(nil, blockSection, option(b, optEnd, ""))
}

func packetBlock(out []byte, at time.Time, packet []byte, comment string) []byte {
	micros := uint64(at.UnixMicro()) //nolint:gosec // after 1970
	b := binary.LittleEndian.AppendUint32(nil, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(micros>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(micros))      //nolint:gosec // the low half
	b = binary.LittleEndian.AppendUint32(b, uint32(len(packet))) //nolint:gosec // bounded by maxText
	b = binary.LittleEndian.AppendUint32(b, uint32(len(packet))) //nolint:gosec // the same
	b = padded(append(b, packet...))
	b = option(b, optComment, comment)
	return block(out, blockPacket, option(b, optEnd, ""))
}

func block(out []byte, kind uint32, body []byte) []byte {
	n := uint32(12 + len(body)) //nolint:gosec // bounded by maxText
	out = binary.LittleEndian.AppendUint32(out, kind)
	out = binary.LittleEndian.AppendUint32(out, n)
	return binary.LittleEndian.AppendUint32(append(out, body...), n)
}

func option(b []byte, code uint16, text string) []byte {
	text = text[:min(len(text), 60_000)]
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(text))) //nolint:gosec // just bounded
	return padded(append(b, text...))
}

func padded(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// datagram puts IP and UDP headers before a message.
func datagram(m *Message) []byte {
	from, to := m.Remote, m.Local
	if m.Out {
		from, to = to, from
	}
	text := m.Text[:min(len(m.Text), maxText)]
	udp := binary.BigEndian.AppendUint16(nil, from.Port())
	udp = binary.BigEndian.AppendUint16(udp, to.Port())
	udp = binary.BigEndian.AppendUint16(udp, uint16(udpHead+len(text))) //nolint:gosec // bounded
	udp = append(append(udp, 0, 0), text...)
	if from.Addr().Is4() && to.Addr().Is4() {
		return ip4(from, to, udp)
	}
	return ip6(wide(from), wide(to), udp)
}

func ip4(from, to netip.AddrPort, udp []byte) []byte {
	h := []byte{0x45, 0}
	h = binary.BigEndian.AppendUint16(h, uint16(ipHead+len(udp))) //nolint:gosec // bounded
	h = append(h, 0, 0, 0, 0, 64, protoUDP, 0, 0)
	h = append(append(h, from.Addr().AsSlice()...), to.Addr().AsSlice()...)
	binary.BigEndian.PutUint16(h[10:], checksum(0, h))
	return append(h, sealed(h[12:], udp)...)
}

func ip6(from, to netip.AddrPort, udp []byte) []byte {
	h := []byte{0x60, 0, 0, 0}
	h = binary.BigEndian.AppendUint16(h, uint16(len(udp))) //nolint:gosec // bounded
	h = append(h, protoUDP, 64)
	h = append(append(h, from.Addr().AsSlice()...), to.Addr().AsSlice()...)
	return append(h, sealed(h[8:], udp)...)
}

// sealed puts in the checksum of UDP, over the addresses too.
func sealed(addresses, udp []byte) []byte {
	sum := checksum(protoUDP+uint32(len(udp)), addresses, udp) //nolint:gosec // bounded
	if sum == 0 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(udp[6:], sum)
	return udp
}

// checksum is the Internet's (RFC 1071).
func checksum(sum uint32, parts ...[]byte) uint16 {
	for _, b := range parts {
		for ; len(b) > 1; b = b[2:] {
			sum += uint32(b[0])<<8 | uint32(b[1])
		}
		if len(b) > 0 {
			sum += uint32(b[0]) << 8
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
