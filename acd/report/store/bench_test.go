package store

import (
	"syscall"
	"testing"
	"time"

	"tierline/acd/report"
)

// BenchmarkStories measures what one story costs, from the fold to the disk,
// in batches as full as the cursor makes them. The aim is 3,000 stories a
// second with less than 15 % of a core: 50 µs of CPU each.
func BenchmarkStories(b *testing.B) {
	s := newFile(b)
	stories := day(b.N/8 + 1)[:b.N]
	fold := report.NewFold()
	before := cpu(b)
	b.ResetTimer()
	for i := range stories {
		fold.Take(stories[i])
		if fold.Pending() >= 512 {
			commit(b, s, fold)
		}
	}
	commit(b, s, fold)
	b.StopTimer()
	perStory := (cpu(b) - before) / time.Duration(b.N)
	b.ReportMetric(float64(perStory.Nanoseconds())/1000, "cpu-µs/story")
	b.ReportMetric(100*3000*perStory.Seconds(), "%core@3000/s")
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
