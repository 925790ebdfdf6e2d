package trace

import (
	"bytes"
	"encoding/binary"
)

// Messages of a dialog repeat one another's headers and SDP. All but the first of
// a leg that is kept are told by it: a line that it has, too, is a number.

// first finds the message by which others of a leg are told; -1: there is none.
func (r *record) first(leg int16) int {
	for i := range r.entries {
		if e := &r.entries[i]; e.kind == codeSIP && e.leg == leg {
			return i
		}
	}
	return -1
}

// shorten tells a message by the first of its leg, if that is shorter.
func (r *record) shorten(p *packed) {
	at := r.first(p.leg)
	if p.kind != codeSIP || at < 0 {
		return
	}
	head, text := split(p.data)
	_, by := split(r.entries[at].data)
	short := appendLines(append(make([]byte, 0, len(p.data)), head...), text, by)
	if len(short) < len(p.data) {
		p.kind, p.data = codeLines, bytes.Clone(short)
	}
}

// whole is an entry that needs no other.
func (r *record) whole(i int) packed {
	p := r.entries[i]
	if p.kind == codeLines {
		head, lines := split(p.data)
		_, by := split(r.entries[r.first(p.leg)].data)
		p.kind, p.data = codeSIP, appendWhole(bytes.Clone(head), lines, by)
	}
	return p
}

// needed tells whether others are told by an entry.
func (r *record) needed(i int) bool {
	e := &r.entries[i]
	if e.kind != codeSIP || r.first(e.leg) != i {
		return false
	}
	for j := i + 1; j < len(r.entries); j++ {
		if o := &r.entries[j]; o.kind == codeLines && o.leg == e.leg {
			return true
		}
	}
	return false
}

// split parts what a message's data say of its way from its text.
func split(data []byte) (head, text []byte) {
	r := unpacker{data}
	_, _, _, _ = r.number(), r.text(), r.address(), r.address()
	return data[:len(data)-len(r.rest)], r.rest
}

// appendLines writes each line of a text: twice its length and itself, or twice
// its number in another text plus one.
func appendLines(b, text, by []byte) []byte {
	for line := range bytes.Lines(text) {
		if n := lineOf(by, line); n >= 0 {
			b = binary.AppendUvarint(b, uint64(n)<<1|1)
			continue
		}
		b = append(binary.AppendUvarint(b, uint64(len(line))<<1), line...)
	}
	return b
}

func lineOf(text, line []byte) int {
	n := 0
	for l := range bytes.Lines(text) {
		if bytes.Equal(l, line) {
			return n
		}
		n++
	}
	return -1
}

// appendWhole is the inverse of appendLines.
func appendWhole(b, lines, by []byte) []byte {
	r := unpacker{lines}
	for len(r.rest) > 0 {
		n := r.count()
		if n&1 == 0 {
			b = append(b, r.bytes(n>>1)...)
			continue
		}
		n >>= 1
		for l := range bytes.Lines(by) {
			if n == 0 {
				b = append(b, l...)
				break
			}
			n--
		}
	}
	return b
}
