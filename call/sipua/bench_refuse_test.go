package sipua_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	"tierline/call/gate"
	"tierline/call/sipua"
)

// BenchmarkRefuse is INVITE, 503, ACK at a node that can't keep up: what it
// costs to do nothing decides what is left for those who are let in.
func BenchmarkRefuse(b *testing.B) {
	g := gate.New(slog.New(slog.DiscardHandler))
	ua, err := sipua.Open(sipua.Config{
		Listen: []sipua.Listen{{Transport: sipua.UDP, Addr: "127.0.0.1:0"}}, Logger: slog.New(slog.DiscardHandler),
		Handler: &desk{}, Gate: g, UserAgent: "tierline",
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(ua.Close)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	busy := make(chan struct{})
	go func() { // and stays so
		_ = g.Run(ctx, func() { g.Counted(gate.Sound, 100, 100) })
		close(busy)
	}()
	for !g.Limited() {
		time.Sleep(10 * time.Millisecond)
	}
	to := ua.Addr(sipua.UDP).String()
	c, err := net.Dial("udp", to)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	text := func(method string, n int, toTag, sdp string) []byte {
		return fmt.Appendf(nil, "%s sip:10001@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d;rport\r\nMax-Forwards: 70\r\n"+
			"From: <sip:13800138000@%s>;tag=f%d\r\nTo: <sip:10001@%s>%s\r\nCall-ID: %d@caller\r\nCSeq: 1 %s\r\n"+
			"Contact: <sip:13800138000@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
			method, to, c.LocalAddr(), n, c.LocalAddr(), n, to, toTag, n, method, c.LocalAddr(), len(sdp), sdp)
	}
	buf := make([]byte, 4096)
	n, refused := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		_, _ = c.Write(text("INVITE", n, "", offerSDP))
		k, err := c.Read(buf)
		if err != nil {
			b.Fatal(err)
		}
		if bytes.HasPrefix(buf[:k], []byte("SIP/2.0 503")) {
			refused++
		}
		_, _ = c.Write(text("ACK", n, ";tag=x", ""))
	}
	b.ReportMetric(float64(refused)/float64(n), "refused/op")
	cancel()
	<-busy
}
