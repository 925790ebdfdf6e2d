package sipua

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"
)

// clientTx is a request of ours that waits for its answer. sipgo's state
// machine repeats the request and acknowledges refusals. It sees the first
// provisional and the refusal only: a 2xx would make it keep the request for
// 32 s more, and a repeated refusal would make it sleep with its lock held.
type clientTx struct {
	ua     *UA
	key    string
	invite bool
	flow   *flow
	on     func(res *sip.Response, err error) // err: nobody answered; nothing follows

	tx    *sip.ClientTx
	final atomic.Bool

	mu    sync.Mutex
	heard bool // a provisional
}

// request sends a request. on gets all its responses; of an INVITE also
// repeated and forked 2xx, for half a minute after the first.
func (u *UA) request(req *sip.Request, f *flow, on func(*sip.Response, error)) *clientTx {
	b, _ := req.Via().Params.Get("branch")
	c := &clientTx{
		ua: u, key: b + "|" + string(req.Method), invite: req.Method == sip.INVITE, flow: f, on: on,
	}
	req.SetTransport("UDP")
	if f.conn != nil {
		req.SetTransport("TCP")
	}
	c.tx = sip.NewClientTx(c.key, req, f, u.quiet)
	u.table.addClient(c)
	c.tx.OnTerminate(func(_ string, err error) {
		if !c.final.Load() {
			go c.ended(err) // it is called with the machine's lock held
		}
	})
	if err := c.tx.Init(); err != nil {
		go c.ended(err) // on wants the lock that our caller holds
	}
	return c
}

// ended reports that there will be no answer.
func (c *clientTx) ended(err error) {
	if !c.final.CompareAndSwap(false, true) {
		return
	}
	c.tx.Terminate()
	c.ua.table.retire(c, false)
	if c.flow.conn != nil {
		err = c.flow.conn.reason(err)
	}
	c.ua.guarded("transaction", func() { c.on(nil, err) })
}

// silence ends the transaction without telling anybody.
func (c *clientTx) silence() {
	if c.final.CompareAndSwap(false, true) {
		c.tx.Terminate()
	}
	c.ua.table.retire(c, false)
}

// receive takes a response.
func (c *clientTx) receive(res *sip.Response) {
	if c.final.Load() {
		c.again(res)
		return
	}
	if res.StatusCode < 200 {
		c.mu.Lock()
		first := !c.heard
		c.heard = true
		c.mu.Unlock()
		if first {
			c.feed(res)
		}
		c.on(res, nil)
		return
	}
	if !c.final.CompareAndSwap(false, true) {
		c.again(res)
		return
	}
	if c.invite && res.StatusCode >= 300 {
		c.feed(res) // it sends the ACK
	}
	c.tx.Terminate()
	c.tx = nil // it holds the request
	c.ua.table.retire(c, c.invite)
	c.on(res, nil)
}

// again takes what comes after the final response.
func (c *clientTx) again(res *sip.Response) {
	switch {
	case !c.invite || res.StatusCode < 200:
	case res.StatusCode < 300:
		c.on(res, nil)
	case c.flow.ack != nil:
		_ = c.flow.resend(c.flow.ack, callIDOf(res)) // the peer will ask again
	}
}

// feed passes a response through the state machine, which hands it back on a
// channel nobody else reads.
func (c *clientTx) feed(res *sip.Response) {
	go func() {
		select {
		case <-c.tx.Responses():
		case <-c.tx.Done():
		}
	}()
	c.tx.Receive(res)
}

// troubleOf says why there was no answer.
func troubleOf(err error) string {
	switch {
	case err == nil:
		return "no answer"
	case errors.Is(err, sip.ErrTransactionTimeout):
		return "no answer within 32s"
	}
	return err.Error()
}

// statusOf turns the end of a transaction without answer into a status.
func statusOf(err error) (status int, reason string) {
	if errors.Is(err, sip.ErrTransactionTimeout) {
		return sip.StatusRequestTimeout, "Request Timeout"
	}
	return sip.StatusServiceUnavailable, "Transport Failure"
}
