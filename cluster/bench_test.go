package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tierline/acd"
)

func benchNode(b *testing.B, store string, effects func([]acd.Effect)) *Node {
	b.Helper()
	n, err := Open(context.Background(), Config{
		Node: "n1", Dir: b.TempDir(), LogStore: store, Logger: slog.New(slog.DiscardHandler), Effects: effects,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = n.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	go func() { // a story store that keeps up
		for s, err := range n.Follow(ctx, 0) {
			if err != nil {
				return
			}
			n.Acknowledge(s.Index)
		}
	}()
	return n
}

// BenchmarkPropose measures events a second with fsync on, for a number of
// goroutines that each wait for their event.
func BenchmarkPropose(b *testing.B) {
	for _, store := range []string{StoreWAL, StoreBolt} {
		for _, authors := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("%s/%d", store, authors), func(b *testing.B) {
				n := benchNode(b, store, nil)
				mustPropose(b, n, centre(0))
				for a := range authors {
					mustPropose(b, n, arrive(fmt.Sprint("c", a)))
				}
				var left atomic.Int64
				left.Store(int64(b.N))
				times := make([][]time.Duration, authors)
				var wg sync.WaitGroup
				b.ResetTimer()
				for a := range authors {
					ev := acd.CallStepped{Call: fmt.Sprint("c", a), Step: "main", Menu: make([]byte, 512)}
					wg.Go(func() {
						for left.Add(-1) >= 0 {
							began := time.Now()
							if _, _, err := n.Propose(context.Background(), ev); err != nil {
								b.Error(err)
								return
							}
							times[a] = append(times[a], time.Since(began))
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				report(b, slices.Concat(times...))
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// BenchmarkFreeToRing measures the time from proposing the event that frees an
// agent to the effect that rings the agent's phone for the next caller: two
// commits with fsync and a decision.
func BenchmarkFreeToRing(b *testing.B) {
	for _, store := range []string{StoreWAL, StoreBolt} {
		b.Run(store, func(b *testing.B) {
			rings := make(chan acd.RingAgent, 16)
			n := benchNode(b, store, func(list []acd.Effect) {
				for _, e := range list {
					if r, ok := e.(acd.RingAgent); ok {
						rings <- r
					}
				}
			})
			mustPropose(b, n, centre(1))
			next := 0
			enqueue := func() {
				call := fmt.Sprint("c", next)
				next++
				mustPropose(b, n, arrive(call))
				mustPropose(b, n, queue(call))
			}
			for range 50 { // callers are waiting
				enqueue()
			}
			ring := <-rings
			times := make([]time.Duration, 0, b.N)
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				mustPropose(b, n, acd.OfferAnswered{Offer: ring.Offer})
				enqueue()
				b.StartTimer()
				began := time.Now()
				n.Post(acd.CallEnded{Call: ring.Call, Cause: "normal", By: acd.SideCaller})
				ring = <-rings
				times = append(times, time.Since(began))
			}
			b.StopTimer()
			report(b, times)
		})
	}
}

func report(b *testing.B, times []time.Duration) {
	b.Helper()
	slices.Sort(times)
	at := func(q float64) float64 {
		return float64(times[min(len(times)-1, int(q*float64(len(times))))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
}

// BenchmarkReplay measures how many entries a second a start applies.
func BenchmarkReplay(b *testing.B) {
	c := Config{Node: "n1", Dir: b.TempDir(), LogStore: StoreWAL, SnapshotEvery: 1 << 30}
	n, err := Open(context.Background(), c)
	if err != nil {
		b.Fatal(err)
	}
	mustPropose(b, n, centre(0))
	mustPropose(b, n, arrive("c"))
	const entries = 20_000
	for range entries {
		n.Post(acd.CallStepped{Call: "c", Step: "main", Menu: make([]byte, 512)})
	}
	if err := n.Close(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		n, err := Open(context.Background(), c)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := n.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(entries*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
