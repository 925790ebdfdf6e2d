package sipua

import (
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Ping asks a peer by OPTIONS whether it lives, and returns at once. on gets
// the status of the answer, once; 0 says that there was none within patience,
// or no way to ask.
func (u *UA) Ping(target string, patience time.Duration, on func(status int)) {
	go u.guarded("ping", func() { u.ping(target, patience, on) })
}

func (u *UA) ping(target string, patience time.Duration, on func(status int)) {
	var once sync.Once
	done := func(status int) { once.Do(func() { on(status) }) }
	defer done(0)
	req, f, err := u.question(target)
	if err != nil {
		u.log.Info("no way to send OPTIONS", "target", target, "err", err)
		return
	}
	answered := make(chan struct{})
	tx := u.request(req, f, func(res *sip.Response, _ error) {
		if res != nil && res.StatusCode < 200 {
			return // patience still counts
		}
		if res != nil {
			done(res.StatusCode)
		}
		close(answered)
	})
	silent := time.NewTimer(patience)
	defer silent.Stop()
	select {
	case <-answered:
	case <-silent.C:
		tx.silence()
	}
}

// question composes an OPTIONS outside of any dialog and finds its way.
func (u *UA) question(target string) (*sip.Request, *flow, error) {
	l, uri, err := u.newOutbound(DialRequest{Target: target})
	if err != nil {
		return nil, nil, err
	}
	dst, _, literal := hopOf(uri, l.ep.network)
	if !literal {
		if dst, err = u.lookup(uri, l.ep.network); err != nil {
			return nil, nil, err
		}
	}
	f, err := u.flowTo(l.ep, dst, l.d.ServerName)
	if err != nil {
		return nil, nil, err
	}
	l.d.Peer = dst
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
