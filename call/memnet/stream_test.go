package memnet_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/memnet"
)

// connected returns both ends of a stream from a to b.
func connected(t *testing.T, w *memnet.Wires) (a, b net.Conn) {
	t.Helper()
	l, err := w.At("b").Listen(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	came := make(chan net.Conn, 1)
	go func() {
		if c, no := l.Accept(); no == nil {
			came <- c
		}
	}()
	if a, err = w.At("a").Dial(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	return a, <-came
}

func take(t *testing.T, c net.Conn) (string, error) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, err := c.Read(b)
	return string(b[:n]), err
}

func put(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := c.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
}

func TestStreamsKeepTheOrderWhateverTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memnet.NewWires()
		w.Delay(1, func(d *rand.Rand) time.Duration { return time.Duration(d.IntN(50)) * time.Millisecond })
		a, b := connected(t, w)
		for _, s := range []string{"one ", "two ", "three"} {
			put(t, a, s)
		}
		_ = a.Close()
		if all, err := io.ReadAll(b); err != nil || string(all) != "one two three" {
			t.Errorf("read %q, %v", all, err)
		}
	})
}

func TestACutLinkHoldsBackAndHealingDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memnet.NewWires()
		a, b := connected(t, w)
		w.Cut(func(from, _ string) bool { return from == "a" })
		put(t, a, "held")
		put(t, b, "through")
		if s, err := take(t, a); s != "through" {
			t.Errorf("the other direction: %q, %v", s, err)
		}
		if s, err := take(t, b); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("through a cut link: %q, %v", s, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.At("a").Dial(ctx, "b"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial through a cut link: %v", err)
		}
		w.Cut(nil)
		if s, err := take(t, b); s != "held" {
			t.Errorf("after healing: %q, %v", s, err)
		}
	})
}

func TestWhoIsKilledRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memnet.NewWires()
		a, b := connected(t, w)
		var seen []bool
		w.Watch(func(_, _ string, sent bool) {
			if seen = append(seen, sent); sent {
				w.Kill("b")
			}
		})
		put(t, a, "last words")
		if len(seen) != 2 || seen[0] || !seen[1] {
			t.Errorf("watched %v", seen)
		}
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the dead reads: %v", err)
		}
		if _, err := take(t, a); !errors.Is(err, io.EOF) {
			t.Errorf("its peer reads: %v", err)
		}
		if _, err := w.At("a").Dial(t.Context(), "b"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v", err)
		}
	})
}

func TestTheNewestSocketOfAnAddressGetsWhatComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		from := n.Listen("10.0.0.9:1")
		var at []net.PacketConn
		for range 3 {
			c, err := n.Share("10.0.0.1:5060")
			if err != nil {
				t.Fatal(err)
			}
			at = append(at, c)
		}
		closeAll(t, append(at, from)...)
		hears := func(want int) {
			t.Helper()
			if _, err := from.WriteTo([]byte("x"), at[0].LocalAddr()); err != nil {
				t.Fatal(err)
			}
			if s, err := read(t, at[want], time.Second); s != "x" {
				t.Errorf("socket %d: %q, %v", want, s, err)
			}
		}
		hears(2)
		_ = at[1].Close()
		hears(2)
		_ = at[2].Close()
		hears(0)
	})
}
