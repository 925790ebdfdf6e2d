package cluster

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// relay is the leader's side: it writes what other members ask for.
type relay struct {
	node *Node
	wall func() time.Time

	serving sync.WaitGroup // connections
	mu      sync.Mutex     // guards what follows
	open    map[net.Conn]struct{}
	closed  bool
}

// asked is a request that Raft has.
type asked struct {
	future raft.Future
	index  func() uint64
}

// enter counts a connection, unless there shall be none any more.
func (r *relay) enter(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.open[c] = struct{}{}
	r.serving.Add(1)
	return true
}

func (r *relay) leave(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, c)
	r.serving.Done()
}

// stop ends all connections and waits until Raft has answered what came by them:
// what comes to it when it stops itself it never answers.
func (r *relay) stop() {
	r.mu.Lock()
	r.closed = true
	for c := range r.open {
		_ = c.Close() // the reader sees it
	}
	r.mu.Unlock()
	r.serving.Wait()
}

// serve takes a member's events until the connection ends.
func (r *relay) serve(_ context.Context, peer string, c net.Conn) {
	if !r.enter(c) {
		return
	}
	defer r.leave(c)
	flights := make(chan asked, window)
	var answering sync.WaitGroup
	answering.Go(func() { r.answer(c, flights) })
	in := bufio.NewReaderSize(c, 64<<10)
	for {
		b, err := readFrame(in, nil, forwardLimit)
		if err != nil {
			break
		}
		a, err := r.write(peer, b)
		if err != nil {
			r.node.log.Warn("request of another node refused", "node", peer, "err", err)
			break
		}
		flights <- a
	}
	close(flights)
	answering.Wait()
}

// write gives one request to Raft.
func (r *relay) write(peer string, b []byte) (asked, error) {
	if len(b) == 0 {
		return asked{}, errors.New("empty request")
	}
	in := reader{rest: b[1:]}
	var o origin
	o.Node = string(in.bytes(in.uvarint()))
	o.Start, o.Seq, o.After = in.uvarint(), in.uvarint(), in.uvarint()
	if in.short || o.Node != peer {
		return asked{}, fmt.Errorf("malformed, or in the name of %q", o.Node)
	}
	if r.node.raft.State() != raft.Leader {
		return asked{}, raft.ErrNotLeader
	}
	if b[0] == 0 {
		f := r.node.raft.Barrier(r.node.timing.propose)
		return asked{f, r.node.raft.AppliedIndex}, nil
	}
	if _, err := decodeEvent(kind(b[0]), in.rest); err != nil {
		return asked{}, err // an entry that can't be read would stop every node
	}
	r.node.resume()
	data := encode(r.node.clock.now(), r.wall().UnixMilli(), o, kind(b[0]), in.rest)
	f := r.node.raft.Apply(data, 0)
	return asked{f, f.Index}, nil
}

// answer tells the member what became of its requests.
func (r *relay) answer(c net.Conn, flights <-chan asked) {
	out := bufio.NewWriter(c)
	for a := range flights {
		err := a.future.Error()
		b := make([]byte, 4, 64)
		b = binary.AppendUvarint(b, a.index())
		if err != nil {
			b = append(b, err.Error()...)
		}
		binary.BigEndian.PutUint32(b, uint32(len(b)-4)) //nolint:gosec // short
		_, failed := out.Write(b)
		if len(flights) == 0 {
			failed = errors.Join(failed, out.Flush())
		}
		if failed != nil || err != nil {
			_ = c.Close() // after an error the member sorts itself out anew
		}
	}
}
