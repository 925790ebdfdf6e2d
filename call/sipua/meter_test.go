package sipua_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tierline/call/registrar"
)

// Whoever writes another one's address into his packets gets him a hundred
// answers and then twenty a second, not as many as he likes; who has registered
// is not counted.
func TestStrangersAreNotFloodedThroughUs(t *testing.T) {
	onBench(t, func(b *bench) {
		phone := netip.MustParseAddr("10.0.0.8")
		b.desk.known = func(from netip.AddrPort, method, _ string) bool {
			return method == "REGISTER" || from.Addr() == phone
		}
		b.desk.register = func(context.Context, registrar.Request) registrar.Response {
			return registrar.Response{Status: 401, Reason: "No"}
		}
		flood := func(from string, n int) (answers int) {
			p := b.join(from)
			for i := range n {
				p.send(ask{method: "REGISTER", branch: fmt.Sprint("z9hG4bKr", from, i)})
				if i%10 == 9 {
					time.Sleep(time.Millisecond)
				}
			}
			for p.within(time.Second) != nil {
				answers++
			}
			return answers
		}
		if got := flood("10.0.0.9:5060", 1000); got < 100 || got > 105 {
			t.Errorf("%d answers to a stranger", got)
		}
		if got := flood("10.0.0.7:5060", 50); got != 50 {
			t.Errorf("%d answers to another", got)
		}
		if got := flood("10.0.0.8:5060", 300); got != 300 {
			t.Errorf("%d answers to a phone", got)
		}
		time.Sleep(2 * time.Second)
		if got := flood("10.0.0.9:5062", 100); got < 40 {
			t.Errorf("%d answers after a while", got)
		}
	})
}
