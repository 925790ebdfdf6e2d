package cluster

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"

	"tierline/acd"
)

// On a connection for events a member sends what it wants to be written, and
// the leader answers each in the order they came:
//
//	request   length 4 bytes; kind 1 byte, 0 for a barrier; uvarint length and
//	          bytes of the author's node; start, seq, after uvarints; event JSON
//	answer    length 4 bytes; index uvarint; error text, empty for none
//
// A barrier is answered with the leader's last index once all before it is
// applied there. Time is given by the leader: there is one clock of the log.

// forwardLimit bounds one frame: an event and its header.
const forwardLimit = maxEvent + 1<<10

// errLink says that the connection to the leader broke: what was sent and not
// answered has an unknown fate.
var errLink = errors.New("connection to the leader lost")

// pending is an event on its way, as raft.ApplyFuture is for a leader.
type pending interface {
	Error() error // waits
	Index() uint64
	Response() any
}

// forwarded is an event that the leader was asked to write.
type forwarded struct {
	own     *ownEntries
	barrier bool
	answer  chan struct{} // closed once index and err are set
	index   uint64
	err     error
}

// Error waits for the leader's answer and then until this node has applied the
// entry too, so that whoever proposed it finds its effect in the state.
func (f *forwarded) Error() error {
	<-f.answer
	if f.err != nil || f.barrier {
		return f.err
	}
	return f.own.await(f.index)
}

// Index is that of the entry, or of a barrier.
func (f *forwarded) Index() uint64 { return f.index }

// Response says nothing of an event: its outcome is what this node saw when it
// applied the entry.
func (f *forwarded) Response() any {
	if f.barrier {
		return applied{}
	}
	return applied{fate: fateGap}
}

// link is a connection to the leader.
type link struct {
	leader  string
	conn    net.Conn
	out     *bufio.Writer
	own     *ownEntries
	pending chan *forwarded // in the order sent
	broken  chan struct{}   // closed when nothing more can be sent
	once    sync.Once
	done    sync.WaitGroup
}

func newLink(ctx context.Context, w *wires, leader string, own *ownEntries) (*link, error) {
	c, err := w.dial(ctx, leader, forEvents)
	if err != nil {
		return nil, err
	}
	l := &link{
		leader: leader, conn: c, out: bufio.NewWriter(c), own: own,
		pending: make(chan *forwarded, window), broken: make(chan struct{}),
	}
	l.done.Go(l.read)
	return l, nil
}

// send asks the leader to write an event. Only one goroutine may call it.
func (l *link) send(o origin, k kind, body []byte) pending {
	f := &forwarded{own: l.own, barrier: k == 0, answer: make(chan struct{})}
	select {
	case <-l.broken:
		f.err = errLink
		close(f.answer)
		return f
	case l.pending <- f:
	}
	b := make([]byte, 4, 4+1+len(o.Node)+4*binary.MaxVarintLen64+len(body))
	b = append(b, byte(k))
	b = binary.AppendUvarint(b, uint64(len(o.Node)))
	b = append(b, o.Node...)
	b = binary.AppendUvarint(b, o.Start)
	b = binary.AppendUvarint(b, o.Seq)
	b = binary.AppendUvarint(b, o.After)
	b = append(b, body...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4)) //nolint:gosec // forwardLimit is far below
	if _, err := l.out.Write(b); err != nil {
		l.close()
	}
	return f
}

// flush sends what was gathered.
func (l *link) flush() {
	if l.out.Buffered() > 0 && l.out.Flush() != nil {
		l.close()
	}
}

// read hands answers to whoever waits, until the connection ends.
func (l *link) read() {
	defer l.fail()
	in := bufio.NewReader(l.conn)
	var buf []byte
	for {
		b, err := readFrame(in, buf, 1<<16)
		if err != nil {
			return
		}
		buf = b
		r := reader{rest: b}
		index := r.uvarint()
		if r.short {
			return
		}
		select {
		case f := <-l.pending:
			f.index = index
			if len(r.rest) > 0 {
				f.err = errors.New(string(r.rest))
			}
			close(f.answer)
		default:
			return // an answer to nothing
		}
	}
}

// fail tells everybody who waits that they wait in vain.
func (l *link) fail() {
	l.close()
	for {
		select {
		case f := <-l.pending:
			f.err = errLink
			close(f.answer)
		default:
			return
		}
	}
}

// close ends the connection; what waits is told by the reader.
func (l *link) close() {
	l.once.Do(func() {
		close(l.broken)
		_ = l.conn.Close() // the reader sees it
	})
}

// stop ends the link and waits for its reader.
func (l *link) stop() {
	l.close()
	l.done.Wait()
	l.fail() // what a sender put there between the reader's last look and the end
}

// ownEntries are the outcomes of this process's entries as this node applied
// them, until whoever proposed them takes them.
type ownEntries struct {
	node  string
	start uint64

	mu      sync.Mutex               // guards what follows
	done    map[uint64]applied       // by sequence number
	settled uint64                   // outcomes up to here are no longer needed
	last    uint64                   // the last index applied
	waiting map[uint64]chan struct{} // by index
	closed  bool
}

func newOwnEntries(node string) *ownEntries {
	return &ownEntries{node: node, done: map[uint64]applied{}, waiting: map[uint64]chan struct{}{}}
}

// begins reports whether an entry is this process's word that it has begun.
func (e *ownEntries) begins(rec record) bool {
	_, restarted := rec.Event.(acd.NodeRestarted)
	return restarted && e != nil && rec.Origin.Node == e.node && rec.Origin.Start == e.start
}

// note keeps the outcome of an entry of this process, and how far the log is
// applied. Sent twice, an entry keeps the outcome it had the first time.
func (e *ownEntries) note(o origin, a applied) {
	if e == nil || o.Node != e.node || o.Start != e.start || o.Seq == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if o.Seq > e.settled && a.fate != fateDuplicate && a.fate != fateGap {
		e.done[o.Seq] = a
	}
}

// reached says that everything up to index has been applied, or has come in a
// snapshot.
func (e *ownEntries) reached(index uint64) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = max(e.last, index)
	for at, ch := range e.waiting {
		if at <= e.last {
			close(ch)
			delete(e.waiting, at)
		}
	}
}

// errUnseen is the outcome of an entry that came to this node in a snapshot.
var errUnseen = errors.New("the outcome is not known here")

// await returns once this node has applied the entry. One goroutine waits for
// an index.
func (e *ownEntries) await(index uint64) error {
	e.mu.Lock()
	if index <= e.last || e.closed {
		defer e.mu.Unlock()
		if index > e.last {
			return ErrClosed
		}
		return nil
	}
	ch := make(chan struct{})
	e.waiting[index] = ch
	e.mu.Unlock()
	<-ch
	return nil
}

// take returns the outcome of an entry by its number, if it was applied here.
// Outcomes are asked for in their order.
func (e *ownEntries) take(seq uint64) (applied, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a, ok := e.done[seq]
	delete(e.done, seq)
	if ok {
		e.settled = seq
	}
	return a, ok
}

// close lets nobody wait any more.
func (e *ownEntries) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for at, ch := range e.waiting {
		close(ch)
		delete(e.waiting, at)
	}
}
