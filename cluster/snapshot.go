package cluster

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"tierline/acd"
)

// A snapshot is
//
//	"tierline snapshot 1\n"
//	header  uvarint length, JSON
//	stories that nobody acknowledged yet, each uvarint length, JSON
//	state   as acd writes it, to the end
//
// Raft's file store keeps a CRC-64 over all of it.
const snapshotMagic = "tierline snapshot 1\n"

// snapshotPart bounds what a damaged length can make us allocate.
const snapshotPart = 256 << 20

// snapshotContents is what was read of a snapshot.
type snapshotContents struct {
	state    *acd.State
	last     position
	sessions sessions
	stories  []Story
	floor    uint64
}

type snapshotHeader struct {
	Last     position `json:"last"`
	Sessions sessions `json:"sessions"`
	Floor    uint64   `json:"floor"`
	Stories  int      `json:"stories"`
}

// write encodes a snapshot.
func (c *snapshotContents) write(w io.Writer) error { return c.writeWith(w, c.state.Encode) }

// writeWith is write with another state.
func (c *snapshotContents) writeWith(w io.Writer, state func(io.Writer) error) error {
	b := bufio.NewWriter(w)
	_, _ = b.WriteString(snapshotMagic) // Flush tells
	h := snapshotHeader{Last: c.last, Sessions: c.sessions, Floor: c.floor, Stories: len(c.stories)}
	if err := writePart(b, h); err != nil {
		return err
	}
	for i := range c.stories {
		if err := writePart(b, &c.stories[i]); err != nil {
			return err
		}
	}
	if err := state(b); err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	return b.Flush()
}

func writePart(b *bufio.Writer, v any) error {
	j, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %T: %w", v, err)
	}
	_, _ = b.Write(binary.AppendUvarint(nil, uint64(len(j)))) // the next write tells
	_, err = b.Write(j)
	return err
}

func readSnapshot(r io.Reader) (snapshotContents, error) {
	in := bufio.NewReader(r)
	magic := make([]byte, len(snapshotMagic))
	if _, err := io.ReadFull(in, magic); err != nil {
		return snapshotContents{}, fmt.Errorf("read snapshot: %w", err)
	}
	if string(magic) != snapshotMagic {
		return snapshotContents{}, errors.New("read snapshot: not a snapshot of this release or an older one")
	}
	var h snapshotHeader
	if err := readPart(in, &h); err != nil {
		return snapshotContents{}, err
	}
	c := snapshotContents{last: h.Last, sessions: h.Sessions, floor: h.Floor}
	for range h.Stories {
		var s Story
		if err := readPart(in, &s); err != nil {
			return snapshotContents{}, err
		}
		c.stories = append(c.stories, s)
	}
	state, err := acd.Decode(in)
	if err != nil {
		return snapshotContents{}, fmt.Errorf("read snapshot: state: %w", err)
	}
	c.state = state
	return c, nil
}

func readPart(in *bufio.Reader, v any) error {
	n, err := binary.ReadUvarint(in)
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	if n > snapshotPart {
		return fmt.Errorf("read snapshot: a part of %d bytes", n)
	}
	b, err := io.ReadAll(io.LimitReader(in, int64(n)))
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("read snapshot: %T: %w", v, err)
	}
	return nil
}

// snapshot implements raft.FSMSnapshot. What it holds is its own: it is encoded
// while further entries are applied.
type snapshot struct {
	snapshotContents

	frozen *acd.Frozen
	spare  *atomic.Pointer[acd.Frozen]
}

// Persist implements raft.FSMSnapshot.
func (s *snapshot) Persist(sink raft.SnapshotSink) error { return s.writeWith(sink, s.frozen.Encode) }

// Release implements raft.FSMSnapshot. The memory is used for the next one.
func (s *snapshot) Release() {
	s.frozen.Clear()
	s.spare.Store(s.frozen)
}
