package sipua_test

import (
	"strconv"
	"testing"
	"time"

	"tierline/call/sipua"
)

// Somebody sends INVITEs that get a refusal and never acknowledges one. Each
// is repeated to him for 32 s; others found no room meanwhile.
func TestRefusalsThatNobodyAcknowledgesLeaveRoomForCalls(t *testing.T) {
	onBench(t, func(b *bench) {
		b.desk.invite = func(in *sipua.Incoming) { _ = in.Reject(404, "Not Found", 0, nil) }
		flood := b.join("10.0.9.1:5060")
		first := flood.text(ask{method: "INVITE", body: offerSDP, branch: "z9hG4bKf0"})
		flood.write(first)
		for i := 1; i < 6000; i++ {
			flood.callID = "flood" + strconv.Itoa(i)
			flood.write(flood.text(ask{method: "INVITE", body: offerSDP, branch: "z9hG4bKf" + strconv.Itoa(i)}))
			if i%100 == 0 {
				flood.drain(time.Millisecond)
			}
		}
		flood.drain(time.Millisecond)
		b.called()
		flood.write(first)
		flood.next("404") // who asks again still hears it
	})
}
