package app

import (
	"testing"

	"tierline/media"
)

func TestTardyCountsSinceTheLastLook(t *testing.T) {
	var x tardy
	buckets := [media.LatenessBuckets + 1]uint64{100, 10, 5, 4, 3, 2, 1, 1, 1} // up to 1, 2, 5, 10, 20, 40, 100, 300 ms, later
	if all, above := x.since(buckets); all != 127 || above != 3 {              // 40 ms are late
		t.Errorf("%d of %d", above, all)
	}
	buckets[0] += 7
	buckets[8]++
	if all, above := x.since(buckets); all != 8 || above != 1 {
		t.Errorf("%d of %d", above, all)
	}
}
