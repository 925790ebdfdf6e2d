package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/raft"

	"tierline/acd"
)

// Image is the state after one entry, with the stories that somebody's store
// doesn't have yet: what a node can begin from. Its data is a snapshot's.
type Image struct {
	Index uint64
	Term  uint64
	Data  []byte
}

// Image returns the state of this moment, with all stories after an index.
func (n *Node) Image(after uint64) (Image, error) {
	stories, err := n.tape.since(after)
	if err != nil {
		return Image{}, fmt.Errorf("copy the state: %w", err)
	}
	n.fsm.mu.RLock()
	last := n.fsm.last.Index
	// What was applied between the two is in both; what isn't in the state yet is
	// in neither.
	stories = slices.DeleteFunc(stories, func(s Story) bool { return s.Index > last })
	var frozen acd.Frozen
	n.fsm.state.Freeze(&frozen)
	c := snapshotContents{last: n.fsm.last, sessions: slices.Clone(n.fsm.sessions), stories: stories, floor: after}
	n.fsm.mu.RUnlock()
	var b bytes.Buffer
	if err = c.writeWith(&b, frozen.Encode); err != nil {
		return Image{}, fmt.Errorf("copy the state: %w", err)
	}
	return Image{Index: last, Term: n.raft.CurrentTerm(), Data: b.Bytes()}, nil
}

// Implant makes a data directory that begins with an image. Each member of a
// cluster does it with the same image, and with its own settings: what comes of
// it is the same everywhere. Calls of that time are over, and the stories say so.
func Implant(c Config, im Image) error {
	if err := c.validate(); err != nil {
		return err
	}
	d, err := openDirectory(c.Dir, c.Node, c.Members.name(), c.LogStore)
	if err != nil {
		return err
	}
	defer func() { _ = d.close() }() // a lock
	if d.id.Begun {
		return fmt.Errorf("%s: a node has begun there", d.path)
	}
	contents, err := readSnapshot(bytes.NewReader(im.Data))
	if err != nil {
		return err
	}
	layDown(&contents)
	if err = c.plant(contents, im.Term); err != nil {
		return fmt.Errorf("write %s: %w", c.Dir, err)
	}
	return d.begun()
}

// plant writes the snapshot and Raft's few values.
func (c *Config) plant(contents snapshotContents, term uint64) error {
	log := newBridge(c.Logger)
	st, err := openStore(c.LogStore, c.Dir, log)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }() // what matters is checked below
	last, err := st.LastIndex()
	if err != nil || last > 0 {
		return errors.Join(errors.New("there is a log already"), err)
	}
	// Processes of this node have written before: the next one is a later one.
	err = errors.Join(st.SetUint64([]byte(keyTerm), term),
		st.SetUint64([]byte(keyStart), contents.sessions.process(c.Node)))
	if err != nil {
		return err
	}
	keys, err := c.openVault()
	if err != nil {
		return err
	}
	snaps, err := newSnapshots(c.Dir, c.Logger)
	if err != nil {
		return err
	}
	snaps = sealSnapshots(snaps, keys)
	founders, err := c.founders()
	if err != nil {
		return err
	}
	_, nobody := raft.NewInmemTransport(raft.ServerAddress(c.Node)) // asked for nothing but its name
	sink, err := snaps.Create(raft.SnapshotVersionMax, contents.last.Index, term, founders, 1, nobody)
	if err != nil {
		return err
	}
	if err = contents.write(sink); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

// layDown ends what the nodes of the image held: none of their processes is
// there any more. It depends on nothing but the image.
func layDown(c *snapshotContents) {
	nodes := map[string]bool{}
	for _, m := range c.state.Members() {
		nodes[m.Node] = true
	}
	for _, v := range c.state.Calls() {
		nodes[v.Node] = true
	}
	for _, node := range slices.Sorted(maps.Keys(nodes)) {
		c.last.Index++
		r, err := acd.Apply(c.state, acd.Entry{
			Index: c.last.Index, At: c.last.At, Wall: c.last.Wall, Event: acd.NodeDown{Node: node},
		})
		if err == nil && len(r.Facts) > 0 { // refused: it was down before
			c.stories = append(c.stories, Story{Index: c.last.Index, At: c.last.At, Wall: c.last.Wall, Facts: r.Facts})
		}
	}
}
