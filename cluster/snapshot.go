package cluster

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

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

// snapshot implements raft.FSMSnapshot with bytes that are already final.
type snapshot struct{ data []byte }

func newSnapshot(c snapshotContents) (*snapshot, error) {
	var b bytes.Buffer
	b.WriteString(snapshotMagic)
	h := snapshotHeader{Last: c.last, Sessions: c.sessions, Floor: c.floor, Stories: len(c.stories)}
	if err := writePart(&b, h); err != nil {
		return nil, err
	}
	for i := range c.stories {
		if err := writePart(&b, &c.stories[i]); err != nil {
			return nil, err
		}
	}
	if err := c.state.Encode(&b); err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return &snapshot{data: b.Bytes()}, nil
}

func writePart(b *bytes.Buffer, v any) error {
	j, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %T: %w", v, err)
	}
	b.Write(binary.AppendUvarint(nil, uint64(len(j))))
	b.Write(j)
	return nil
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

// Persist implements raft.FSMSnapshot.
func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	_, err := sink.Write(s.data)
	return err
}

// Release implements raft.FSMSnapshot.
func (s *snapshot) Release() {}
