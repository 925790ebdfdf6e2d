package memnet_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tierline/call/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func closeAll(t *testing.T, conns ...net.PacketConn) {
	t.Cleanup(func() {
		for _, c := range conns {
			_ = c.Close()
		}
	})
}

func read(t *testing.T, c net.PacketConn, wait time.Duration) (string, error) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, _, err := c.ReadFrom(b)
	return string(b[:n]), err
}

func TestDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := n.Listen("10.0.0.1:5060"), n.Listen("10.0.0.2:0")
		closeAll(t, a, b)
		if _, err := a.WriteTo([]byte("hello"), b.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 3) // the rest of a packet is lost, as with UDP
		k, from, err := b.ReadFrom(buf)
		if err != nil || string(buf[:k]) != "hel" || from.String() != "10.0.0.1:5060" {
			t.Errorf("read %q from %v, %v", buf[:k], from, err)
		}
	})
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a := n.Listen("10.0.0.1:5060")
		closeAll(t, a)
		began := time.Now()
		_, err := read(t, a, 3*time.Second)
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v, want a deadline after 3s", err, time.Since(began))
		}
		var ne net.Error
		if !errors.As(err, &ne) || !ne.Timeout() {
			t.Errorf("%v is no time-out", err)
		}
		// A longer deadline set meanwhile keeps the reader waiting.
		go func() {
			time.Sleep(time.Second)
			_ = a.SetReadDeadline(began.Add(20 * time.Second))
		}()
		if _, err = read(t, a, 5*time.Second); time.Since(began) != 20*time.Second {
			t.Errorf("%v after %v, want 20s", err, time.Since(began))
		}
		_ = a.SetReadDeadline(time.Time{})
		go func() {
			time.Sleep(time.Minute)
			_ = a.Close()
		}()
		if _, _, err = a.ReadFrom(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v, want closed", err)
		}
		if _, err = a.WriteTo([]byte("x"), a.LocalAddr()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v, want closed", err)
		}
	})
}

// receive sends 1000 numbered packets through the weather and returns what
// came out.
func receive(t *testing.T, w memnet.Weather) (out []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		n.SetWeather(w)
		a, b := n.Listen("10.0.0.1:1"), n.Listen("10.0.0.2:2")
		closeAll(t, a, b)
		for i := range 1000 {
			if _, err := a.WriteTo(fmt.Append(nil, i), b.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		for {
			s, err := read(t, b, time.Minute)
			if err != nil {
				return
			}
			out = append(out, s)
		}
	})
	return out
}

func TestWeather(t *testing.T) {
	lossy := memnet.Weather{Seed: 7, Loss: 0.1, Delay: 10 * time.Millisecond}
	first := receive(t, lossy)
	if got := len(first); got < 850 || got > 950 {
		t.Errorf("%d of 1000 arrived with a tenth lost", got)
	}
	if again := receive(t, lossy); fmt.Sprint(again) != fmt.Sprint(first) {
		t.Error("the same seed lost other packets")
	}
	if got := len(receive(t, memnet.Weather{Seed: 1, Duplicate: 0.5})); got < 1400 || got > 1600 {
		t.Errorf("%d arrived with half of 1000 doubled", got)
	}
	calm := receive(t, memnet.Weather{})
	stormy := receive(t, memnet.Weather{Seed: 1, Jitter: time.Second})
	if len(stormy) != 1000 || fmt.Sprint(stormy) == fmt.Sprint(calm) {
		t.Errorf("jitter: %d arrived, order changed: %v", len(stormy), fmt.Sprint(stormy) != fmt.Sprint(calm))
	}
}

func TestCutAndWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := n.Listen("10.0.0.1:1"), n.Listen("10.0.0.2:2")
		closeAll(t, a, b)
		seen := 0
		n.Watch(func(_, _ netip.AddrPort, _ []byte) { seen++ })
		n.Cut(func(_, to netip.AddrPort) bool { return to.Port() == 2 })
		_, _ = a.WriteTo([]byte("lost"), b.LocalAddr())
		_, _ = b.WriteTo([]byte("back"), a.LocalAddr())
		if s, err := read(t, a, time.Second); err != nil || s != "back" {
			t.Errorf("the open direction gave %q, %v", s, err)
		}
		n.Cut(nil)
		_, _ = a.WriteTo([]byte("healed"), b.LocalAddr())
		if s, err := read(t, b, time.Second); err != nil || s != "healed" {
			t.Errorf("after healing %q, %v", s, err)
		}
		if seen != 3 {
			t.Errorf("watched %d packets, want 3", seen)
		}
	})
}
