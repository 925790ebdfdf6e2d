package sipua

import (
	"container/list"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// table holds transactions and legs, so that each message finds what it
// belongs to.
type table struct {
	mu     sync.Mutex
	server map[string]*serverTx
	client map[string]*clientTx
	legs   map[legKey]*Leg
	closed bool
	shed   *list.List // *serverTx: refused INVITEs without their ACK, the longest ago first

	graves [graveyards]map[string]grave
	turn   int
	turned time.Time
}

// legKey is a Call-ID and our tag. The peer's tag is compared by the leg: of
// a call we placed it may not be known yet.
type legKey struct{ callID, tag string }

// grave answers what still comes of a finished transaction. It lasts 32 to
// 40 s, without a timer of its own: 64*T1 is 32 s.
type grave struct {
	answer []byte // to send again; nil: only absorb
	flow   *flow
	client *clientTx // an INVITE of ours that has its final response
	key    string    // of a merged request: the transaction that was first
}

const (
	graveyards = 5
	graveTurn  = 8 * time.Second
	gravesMost = 200_000

	serversMost = 8192 // an INVITE counts twice
)

// serverTx is a request of a peer that has no final answer yet. For an INVITE
// sipgo's state machine repeats what was answered.
type serverTx struct {
	key, merge string
	method     sip.RequestMethod
	source     netip.Addr
	flow       *flow
	tx         *sip.ServerTx // INVITE only
	leg        *Leg
	over       atomic.Bool
	refusal    *sip.Response // that is repeated until its ACK
	place      *list.Element // among those
}

func newTable() *table {
	t := &table{
		server: map[string]*serverTx{}, client: map[string]*clientTx{}, legs: map[legKey]*Leg{}, turned: time.Now(),
		shed: list.New(),
	}
	for i := range t.graves {
		t.graves[i] = map[string]grave{}
	}
	return t
}

func (t *table) sizes() (legs, transactions int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.client)
	for k, s := range t.server {
		if k == s.key {
			n++
		}
	}
	return len(t.legs), n
}

// addServer enters a transaction. It returns false if the request is there
// already, or came another way before.
func (t *table) addServer(s *serverTx) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.server[s.key] != nil || s.merge != "" && t.server[s.merge] != nil {
		return false
	}
	t.server[s.key] = s
	if s.merge != "" {
		t.server[s.merge] = s
	}
	return true
}

// refused notes that an INVITE has its refusal, which is repeated until its ACK.
func (t *table) refused(s *serverTx, res *sip.Response) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.server[s.key] == s && s.place == nil {
		s.refusal, s.place = res, t.shed.PushBack(s)
	}
}

// room makes room for another INVITE: who was refused longest ago and never
// acknowledged it hears it only when he asks again. It returns false if too many
// wait for an answer.
func (t *table) room() bool {
	for {
		t.mu.Lock()
		full, oldest := len(t.server) >= serversMost, t.shed.Front()
		t.mu.Unlock()
		if !full || oldest == nil {
			return !full
		}
		s, _ := oldest.Value.(*serverTx)
		b, _ := s.flow.render(s.refusal) // it was sent: there is no error
		t.finish(s, b)
	}
}

func (t *table) findServer(key string) *serverTx {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.server[key]
}

// finish replaces a server transaction by its grave.
func (t *table) finish(s *serverTx, answer []byte) {
	if !s.over.CompareAndSwap(false, true) {
		return
	}
	if s.tx != nil {
		s.tx.Terminate() // before taking the lock: it calls back
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.server, s.key)
	if s.place != nil {
		t.shed.Remove(s.place)
	}
	t.bury(s.key, grave{answer: answer, flow: s.flow})
	if s.merge != "" {
		delete(t.server, s.merge)
		t.bury(s.merge, grave{key: s.key})
	}
}

// answered digs the grave of a request that was answered without ever being a
// transaction.
func (t *table) answered(key string, answer []byte, f *flow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bury(key, grave{answer: answer, flow: f})
}

func (t *table) addClient(c *clientTx) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.client[c.key] = c
}

// retire takes a client transaction out; if it may still get responses, they
// find its grave.
func (t *table) retire(c *clientTx, buried bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.client, c.key)
	if buried {
		t.bury(c.key, grave{client: c})
	}
}

func (t *table) findClient(key string) *clientTx {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.client[key]; c != nil {
		return c
	}
	g, _ := t.dig(key)
	return g.client
}

// lost fails the requests that wait for an answer on a connection.
func (t *table) lost(c *conn) {
	t.mu.Lock()
	var failed []*clientTx
	for _, tx := range t.client {
		if tx.flow.conn == c {
			failed = append(failed, tx)
		}
	}
	t.mu.Unlock()
	for _, tx := range failed {
		tx.ended(errConn)
	}
}

func (t *table) addLeg(l *Leg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.legs[legKey{l.d.CallID, l.d.LocalTag}] = l
}

func (t *table) dropLeg(callID, tag string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.legs, legKey{callID, tag})
}

func (t *table) findLeg(callID, tag string) *Leg {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.legs[legKey{callID, tag}]
}

func (t *table) findGrave(key string) (grave, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dig(key)
}

func (t *table) dig(key string) (grave, bool) {
	for i := range t.graves {
		if g, ok := t.graves[i][key]; ok {
			return g, true
		}
	}
	return grave{}, false
}

// bury puts a grave into the newest yard. A new yard takes the place of the
// oldest each graveTurn, or earlier if there are too many graves.
func (t *table) bury(key string, g grave) {
	now := time.Now()
	for now.Sub(t.turned) >= graveTurn || len(t.graves[t.turn]) >= gravesMost/graveyards {
		t.turn = (t.turn + 1) % graveyards
		t.graves[t.turn] = map[string]grave{}
		if t.turned = t.turned.Add(graveTurn); now.Sub(t.turned) >= graveyards*graveTurn || t.turned.After(now) {
			t.turned = now
		}
	}
	t.graves[t.turn][key] = g
}

// close ends all transactions and forgets the legs.
func (t *table) close() {
	t.mu.Lock()
	t.closed = true
	servers, clients, legs := t.server, t.client, t.legs
	t.server, t.client, t.legs = map[string]*serverTx{}, map[string]*clientTx{}, map[legKey]*Leg{}
	t.mu.Unlock()
	for _, s := range servers {
		if s.over.CompareAndSwap(false, true) && s.tx != nil {
			s.tx.Terminate()
		}
	}
	for _, c := range clients {
		c.silence()
	}
	for _, l := range legs {
		l.silence()
	}
}
