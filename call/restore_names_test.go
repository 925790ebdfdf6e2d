package call

import (
	"testing"
	"time"
)

// A call that goes on in another process doesn't write over what was recorded
// before.
func TestRecordingsOfATakenOverCallHaveNewNames(t *testing.T) {
	const arrived = 1_790_000_000_000
	at := func(age time.Duration) int { return recordingsBefore(arrived, time.UnixMilli(arrived).Add(age)) }
	var tapes Tapes
	seen := map[string]bool{tapes.Ref("c", 1, time.UnixMilli(arrived)): true}
	for _, age := range []time.Duration{-time.Hour, time.Second, 1400 * time.Millisecond, time.Minute, time.Hour} {
		ref := tapes.Ref("c", at(age)+1, time.UnixMilli(arrived))
		if seen[ref] || !isTape(ref) {
			t.Errorf("after %v: %s", age, ref)
		}
		seen[ref] = true
	}
	if ref := tapes.Ref("c", at(100*365*24*time.Hour)+1, time.UnixMilli(arrived)); !isTape(ref) {
		t.Error(ref)
	}
}
