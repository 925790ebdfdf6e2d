package registration_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tierline/call/registration"
	"tierline/call/resolve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// carrier is a registrar of two hosts, and what it does.
type carrier struct {
	t     *testing.T
	began time.Time

	mu      sync.Mutex
	status  map[string]int // by host; 0: silent
	grants  time.Duration
	least   time.Duration
	lines   []string
	unknown bool // DNS doesn't know it
}

func (c *carrier) Resolve(_ string, on func([]resolve.Hop, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unknown {
		go on(nil, resolve.ErrNotFound)
		return
	}
	go on([]resolve.Hop{
		{Transport: "udp", Addr: netip.MustParseAddrPort("192.0.2.1:5060")},
		{Transport: "udp", Addr: netip.MustParseAddrPort("192.0.2.2:5060")},
	}, nil)
}

func (c *carrier) Report(netip.AddrPort, bool) {}

func (c *carrier) Enrol(ctx context.Context, r registration.Request) registration.Result {
	c.mu.Lock()
	host := r.Hop.Addr.Addr().String()
	c.lines = append(c.lines, fmt.Sprintf("%v %s %s %d %v", time.Since(c.began).Round(time.Second), host, r.Trunk, r.CSeq+1, r.Expires))
	out := registration.Result{CallID: "id", CSeq: r.CSeq + 1, Status: c.status[host], Expires: min(r.Expires, c.grants)}
	if out.Status == 200 && r.Expires > 0 && r.Expires < c.least {
		out.Status, out.MinExpires = 423, c.least
	}
	c.mu.Unlock()
	if out.Status == 0 {
		<-ctx.Done()
	}
	return out
}

func (c *carrier) set(host string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status[host] = status
}

// want compares what was asked since the last time: when, whom, for whom, CSeq,
// for how long.
func (c *carrier) want(lines ...string) {
	c.t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if got, want := strings.Join(c.lines, "\n"), strings.Join(lines, "\n"); got != want {
		c.t.Errorf("asked\n%s\nwant\n%s", got, want)
	}
	c.lines = nil
}

func line(trunk, token string) registration.Line {
	return registration.Line{Trunk: trunk, Registrar: "sip:c.test", Token: token, Expires: time.Hour}
}

// keeping runs a test in virtual time, without chance.
func keeping(t *testing.T, f func(c *carrier, k *registration.Keeper)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := &carrier{t: t, began: time.Now(), status: map[string]int{"192.0.2.1": 200, "192.0.2.2": 200}, grants: time.Hour}
		k := registration.New(ctx, c, slog.New(slog.DiscardHandler), func() float64 { return 0 })
		f(c, k)
		cancel()
		k.Wait()
	})
}

func phases(k *registration.Keeper) string {
	synctest.Wait()
	var words []string
	for _, v := range k.Views() {
		words = append(words, v.Trunk+" "+v.Phase.String())
	}
	return strings.Join(words, ", ")
}

func TestRefreshAndTakeBack(t *testing.T) {
	keeping(t, func(c *carrier, k *registration.Keeper) {
		c.least = 2 * time.Hour
		c.grants = 3 * time.Hour
		k.Want([]registration.Line{line("a", "1")})
		k.Want([]registration.Line{line("a", "1")}) // nothing new
		c.want("0s 192.0.2.1 a 1 1h0m0s", "0s 192.0.2.1 a 2 2h0m0s")
		if got := phases(k); got != "a registered" {
			t.Error(got)
		}
		time.Sleep(2 * time.Hour)
		c.want("1h24m0s 192.0.2.1 a 3 2h0m0s")
		k.Want(nil) // it has left the documents
		c.want("2h0m0s 192.0.2.1 a 4 0s")
		if got := phases(k); got != "" {
			t.Error(got)
		}
		k.Want([]registration.Line{line("b", "2")})
		c.want("2h0m0s 192.0.2.1 b 1 1h0m0s", "2h0m0s 192.0.2.1 b 2 2h0m0s")
		k.Close(c.t.Context()) // drain
		c.want("2h0m0s 192.0.2.1 b 3 0s")
		k.Want([]registration.Line{line("c", "3")})
		c.want()
	})
}

func TestTheNextHostWhenOneIsSilent(t *testing.T) {
	keeping(t, func(c *carrier, k *registration.Keeper) {
		c.set("192.0.2.1", 0)
		k.Want([]registration.Line{line("a", "1")})
		time.Sleep(6 * time.Second)
		c.want("0s 192.0.2.1 a 1 1h0m0s", "5s 192.0.2.2 a 2 1h0m0s")
		if got := phases(k); got != "a registered" {
			t.Error(got)
		}
	})
}

// While nobody answers the old registration stays in use until its end; then
// pauses grow; one good answer and all is well.
func TestRegistrarThatGoesAway(t *testing.T) {
	keeping(t, func(c *carrier, k *registration.Keeper) {
		c.grants = 10 * time.Minute
		k.Want([]registration.Line{line("a", "1")})
		synctest.Wait()
		c.set("192.0.2.1", 503)
		c.set("192.0.2.2", 503)
		source := netip.MustParseAddr("192.0.2.2")
		for _, at := range []struct {
			after time.Duration
			want  string
			match bool
		}{{8 * time.Minute, "a registered", true}, {3 * time.Minute, "a failing", false}} {
			time.Sleep(at.after)
			if got := phases(k); got != at.want {
				t.Errorf("%s, want %s", got, at.want)
			}
			if _, ok := k.Match(source, "1"); ok != at.match {
				t.Errorf("matched: %t", ok)
			}
		}
		c.mu.Lock()
		asked := len(c.lines)
		c.mu.Unlock()
		if asked < 10 || asked > 30 {
			t.Errorf("asked %d times in 4 minutes", asked)
		}
		c.set("192.0.2.1", 200)
		time.Sleep(2 * time.Minute)
		if got := phases(k); got != "a registered" {
			t.Error(got)
		}
		if v := k.Views()[0]; v.Trouble != "" || !v.Until.After(time.Now()) {
			t.Errorf("%+v", v)
		}
	})
}

func TestWrongPasswordIsTriedSeldom(t *testing.T) {
	keeping(t, func(c *carrier, k *registration.Keeper) {
		c.set("192.0.2.1", 403)
		k.Want([]registration.Line{line("a", "1")})
		time.Sleep(10 * time.Minute)
		c.want("0s 192.0.2.1 a 1 1h0m0s", "30s 192.0.2.1 a 2 1h0m0s", "1m30s 192.0.2.1 a 3 1h0m0s",
			"3m30s 192.0.2.1 a 4 1h0m0s", "7m30s 192.0.2.1 a 5 1h0m0s")
		if v := k.Views()[0]; v.Phase != registration.Refused || v.Trouble != "403 " {
			t.Errorf("%+v", v)
		}
		k.Close(c.t.Context()) // nothing to take back
		c.want()
	})
}

func TestNameThatIsUnknown(t *testing.T) {
	keeping(t, func(c *carrier, k *registration.Keeper) {
		c.unknown = true
		k.Want([]registration.Line{line("a", "1")})
		time.Sleep(time.Second)
		c.want()
		if v := k.Views()[0]; v.Phase != registration.Failing || !strings.Contains(v.Trouble, "no such name") {
			t.Errorf("%+v", v)
		}
	})
}

func TestMatch(t *testing.T) {
	keeping(t, func(_ *carrier, k *registration.Keeper) {
		k.Want([]registration.Line{line("b", "2"), line("a", "1")})
		synctest.Wait()
		for _, tt := range []struct{ source, token, want string }{
			{"192.0.2.1", "1", "a"},
			{"192.0.2.2", "2", "b"},
			{"::ffff:192.0.2.2", "2", "b"},
			{"192.0.2.1", "", "a"},
			{"192.0.2.1", "guess", "a"}, // it is the carrier, whatever it calls us
			{"192.0.2.3", "1", ""},
			{"192.0.2.3", "", ""},
		} {
			if got, ok := k.Match(netip.MustParseAddr(tt.source), tt.token); got != tt.want || ok != (tt.want != "") {
				t.Errorf("%s %s: %q", tt.source, tt.token, got)
			}
		}
		k.Want(nil)
		synctest.Wait()
		if got, ok := k.Match(netip.MustParseAddr("192.0.2.1"), "1"); ok {
			t.Errorf("after the end: %q", got)
		}
	})
}
