package sipua_test

import (
	"fmt"
	"runtime"
	"testing"

	"tierline/call/sipua"
)

// BenchmarkCall is INVITE, 180, 200, ACK, BYE, 200 between two UAs of one
// process over loopback.
func BenchmarkCall(b *testing.B) {
	for _, transport := range []string{sipua.UDP, sipua.TCP} {
		b.Run(transport, func(b *testing.B) {
			caller := realUA(b, &desk{}, transport)
			callee := realUA(b, &desk{invite: func(in *sipua.Incoming) {
				_ = in.Ringing()
				_, _ = in.Answer([]byte(ourSDP), func(sipua.LegEvent) {})
			}}, transport)
			r := sipua.DialRequest{
				Target: fmt.Sprintf("sip:1@%s;transport=%s", callee.Addr(transport), transport), From: "2", SDP: []byte(offerSDP),
			}
			slots := make(chan struct{}, 50)
			b.ReportAllocs()
			for b.Loop() {
				slots <- struct{}{}
				ready := make(chan *sipua.Leg, 1)
				l, err := caller.Dial(r, func(ev sipua.LegEvent) {
					switch ev.(type) {
					case sipua.Answered:
						l := <-ready
						l.Hangup(16, "")
						<-slots
					case sipua.Failed:
						b.Errorf("%+v", ev)
						<-slots
					default:
					}
				})
				if err != nil {
					b.Fatal(err)
				}
				ready <- l
			}
			for range cap(slots) {
				slots <- struct{}{}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			if s := callee.Stats(); s.Repeated > 0 {
				b.Logf("%d repeated", s.Repeated)
			}
		})
	}
}

// BenchmarkLeg shows what an established leg costs in memory.
func BenchmarkLeg(b *testing.B) {
	caller := realUA(b, &desk{}, sipua.UDP)
	callee := realUA(b, &desk{invite: func(in *sipua.Incoming) {
		_, _ = in.Answer([]byte(ourSDP), func(sipua.LegEvent) {})
	}}, sipua.UDP)
	r := sipua.DialRequest{Target: "sip:1@" + callee.Addr(sipua.UDP).String(), From: "2", SDP: []byte(offerSDP)}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := 0
	for b.Loop() {
		up := make(chan struct{})
		if _, err := caller.Dial(r, func(ev sipua.LegEvent) {
			if _, ok := ev.(sipua.Answered); ok {
				close(up)
			}
		}); err != nil {
			b.Fatal(err)
		}
		<-up
		n++
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/float64(2*n), "B/leg")
}
