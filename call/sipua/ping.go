package sipua

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"

	"tierline/call/resolve"
)

// Ping asks a peer by OPTIONS whether it lives, and returns at once. If it is a
// name of several hosts, they are asked one after the other until one answers.
// on gets what came of it, once.
func (u *UA) Ping(target string, patience time.Duration, on func(Pong)) {
	go u.guarded("ping", func() {
		var got Pong
		defer func() { on(got) }()
		hops, err := u.hops(target)
		if err != nil {
			u.log.Info("no way to send OPTIONS", "target", target, "err", err)
			got.Trouble = err.Error()
			return
		}
		for _, h := range hops {
			got = u.ping(target, h, patience)
			u.Report(h.Addr, alive(got.Status))
			if alive(got.Status) {
				return
			}
		}
	})
}

// Pong is what came of a question whether a peer lives.
type Pong struct {
	Status  int            // 0: no answer
	Reason  string         // of the answer
	Trouble string         // why there was none
	Host    netip.AddrPort // that was asked last
	Took    time.Duration  // the answer, or until there was none
}

// alive says whether a status comes from a peer that takes calls.
func alive(status int) bool {
	return status != 0 && status != sip.StatusRequestTimeout && status != sip.StatusServiceUnavailable
}

// ping asks one host.
func (u *UA) ping(target string, h resolve.Hop, patience time.Duration) Pong {
	began := time.Now()
	req, f, err := u.question(target, h)
	if err != nil {
		u.log.Info("no way to send OPTIONS", "target", target, "err", err)
		return Pong{Host: h.Addr, Trouble: err.Error()}
	}
	answered := make(chan Pong, 1)
	tx := u.request(req, f, func(res *sip.Response, err error) {
		switch {
		case res == nil:
			answered <- Pong{Host: h.Addr, Trouble: troubleOf(err), Took: time.Since(began)}
		case res.StatusCode >= 200: // until then patience counts
			answered <- Pong{Host: h.Addr, Status: res.StatusCode, Reason: res.Reason, Took: time.Since(began)}
		}
	})
	silent := time.NewTimer(patience)
	defer silent.Stop()
	select {
	case got := <-answered:
		return got
	case <-silent.C:
		tx.silence()
		return Pong{Host: h.Addr, Trouble: fmt.Sprintf("no answer within %v", patience), Took: patience}
	}
}

// question composes an OPTIONS outside of any dialog and finds its way.
func (u *UA) question(target string, h resolve.Hop) (*sip.Request, *flow, error) {
	l, _, err := u.newOutbound(DialRequest{Target: target, Transport: h.Transport})
	if err != nil {
		return nil, nil, err
	}
	f, err := u.flowTo(l.ep, h.Addr, l.d.ServerName)
	if err != nil {
		return nil, nil, err
	}
	l.d.Peer = h.Addr
	p, err := l.d.path()
	if err != nil {
		return nil, nil, err
	}
	req, err := u.write(&l.d, p, f, sip.OPTIONS, l.d.LocalCSeq)
	if err != nil {
		return nil, nil, err
	}
	req.AppendHeader(sip.NewHeader("Accept", sdpType))
	return req, f, nil
}
