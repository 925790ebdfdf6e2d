package sipua

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"tierline/call/resolve"
)

// Ping asks a peer by OPTIONS whether it lives, and returns at once. If it is a
// name of several hosts, they are asked one after the other until one answers.
// on gets the status of the answer, once; 0 says that there was none within
// patience of any, or no way to ask.
func (u *UA) Ping(target string, patience time.Duration, on func(status int)) {
	go u.guarded("ping", func() {
		status := 0
		defer func() { on(status) }()
		hops, err := u.hops(target)
		if err != nil {
			u.log.Info("no way to send OPTIONS", "target", target, "err", err)
			return
		}
		for _, h := range hops {
			status = u.ping(target, h, patience)
			u.Report(h.Addr, alive(status))
			if alive(status) {
				return
			}
		}
	})
}

// alive says whether a status comes from a peer that takes calls.
func alive(status int) bool {
	return status != 0 && status != sip.StatusRequestTimeout && status != sip.StatusServiceUnavailable
}

// ping asks one host and returns the status of its answer, 0 for none.
func (u *UA) ping(target string, h resolve.Hop, patience time.Duration) int {
	req, f, err := u.question(target, h)
	if err != nil {
		u.log.Info("no way to send OPTIONS", "target", target, "err", err)
		return 0
	}
	answered := make(chan int, 1)
	tx := u.request(req, f, func(res *sip.Response, _ error) {
		switch {
		case res == nil:
			answered <- 0
		case res.StatusCode >= 200: // until then patience counts
			answered <- res.StatusCode
		}
	})
	silent := time.NewTimer(patience)
	defer silent.Stop()
	select {
	case status := <-answered:
		return status
	case <-silent.C:
		tx.silence()
		return 0
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
