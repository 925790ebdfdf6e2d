package cluster

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"tierline/acd"
)

// entryFormat is the first byte of every stored entry.
const entryFormat = 1

// kind names an event in a stored entry.
type kind byte

// Kinds of stored events. The numbers are part of the log format: new kinds
// are appended, none is ever reused.
const (
	kindConfigPublished kind = iota + 1
	kindAgentCommanded
	kindPhoneRegistered
	kindPhoneUnregistered
	kindCallArrived
	kindCallStepped
	kindCallQueued
	kindQueueLeft
	kindCallOffered
	kindOfferRang
	kindOfferAnswered
	kindOfferFailed
	kindAgentReleased
	kindCallEnded
	kindNodeRestarted
	kindTimePassed
	kindCallMoved
	kindAgentDisposed
	kindCallbackRequested
	kindCallbackReached
	kindCallbackMissed
	kindCallbackCancelled
	kindAuthTried
	kindAuthEnded
	kindAuthCleared
	kindCallSurveyed
	kindCallRecorded
	kindCallTransferred
	kindRecordingMarked
	kindRecordingUsed
	kindCallPlaced
	kindAgentCalled
	kindCallHandedOver
	kindMemberJoined
	kindTalkChanged
	kindOutsideChanged
	kindCallRerouted
	kindSupervisionChanged
	kindNodeDown
	kindNodeReady
	kindAddressMoved
	kindLegChanged
	kindOutwardTaken
	kindOutwardLeft
	kindTestPlaced
	kindCallRequeued

	kindBeyond // keep it last
)

// lastKind is the newest kind that this release knows.
const lastKind = kindBeyond - 1

// origin says who wrote an entry, so that an entry that was sent again is
// applied once, and none overtakes an earlier one of the same author.
type origin struct {
	Node  string
	Start uint64 // which process of the node: a count kept in the data directory
	Seq   uint64 // posted events are numbered from 1; 0 for proposed ones
	After uint64 // proposed events: the last posted event that must come first
}

// record is one stored entry.
type record struct {
	At, Wall int64
	Origin   origin
	Event    acd.Event
}

// A stored entry is
//
//	format   1 byte, 1
//	kind     1 byte
//	At       varint (zigzag), log time in ms
//	Wall     varint (zigzag), Unix time in ms
//	node     uvarint length, bytes
//	start    uvarint
//	seq      uvarint
//	after    uvarint
//	event    JSON
//	checksum 4 bytes, CRC-32C of all before, little endian
//
// The checksum is there because bolt has none of its own.
func encode(at, wall int64, o origin, k kind, body []byte) []byte {
	b := make([]byte, 0, 2+2*binary.MaxVarintLen64+4*binary.MaxVarintLen32+len(o.Node)+len(body)+crc32.Size)
	b = append(b, entryFormat, byte(k))
	b = binary.AppendVarint(b, at)
	b = binary.AppendVarint(b, wall)
	b = binary.AppendUvarint(b, uint64(len(o.Node)))
	b = append(b, o.Node...)
	b = binary.AppendUvarint(b, o.Start)
	b = binary.AppendUvarint(b, o.Seq)
	b = binary.AppendUvarint(b, o.After)
	b = append(b, body...)
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// encodeEvent is separate from encode because the author's goroutine does it,
// while time and order are given later by the feeder.
func encodeEvent(ev acd.Event) (kind, []byte, error) {
	k := kindOf(ev)
	body, err := json.Marshal(ev)
	if err != nil {
		return 0, nil, fmt.Errorf("encode %T: %w", ev, err)
	}
	return k, body, nil
}

func decode(b []byte) (record, error) {
	if len(b) < 2+crc32.Size {
		return record{}, errors.New("entry is too short")
	}
	if b[0] != entryFormat {
		return record{}, fmt.Errorf("entry format %d: %w", b[0], ErrNewer)
	}
	sum := binary.LittleEndian.Uint32(b[len(b)-crc32.Size:])
	b = b[:len(b)-crc32.Size]
	if sum != checksum(b) {
		return record{}, errors.New("checksum does not match")
	}
	r := reader{rest: b[2:]}
	rec := record{At: r.varint(), Wall: r.varint()}
	rec.Origin.Node = string(r.bytes(r.uvarint()))
	rec.Origin.Start, rec.Origin.Seq, rec.Origin.After = r.uvarint(), r.uvarint(), r.uvarint()
	if r.short {
		return record{}, errors.New("entry header is cut off")
	}
	ev, err := decodeEvent(kind(b[1]), r.rest)
	if err != nil {
		return record{}, err
	}
	rec.Event = ev
	return rec, nil
}

// reader takes an entry's header apart; the first missing byte makes it short.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	r.skip(n)
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.skip(n)
	return v
}

func (r *reader) skip(n int) {
	if n <= 0 {
		r.short, r.rest = true, nil
		return
	}
	r.rest = r.rest[n:]
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.short, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}
