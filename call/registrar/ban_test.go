package registrar

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestBackOffAndBan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRegistrar(t)
		thief := newPhone(r, "1001")
		thief.password = "guess"
		thief.send(thief.request(60, thief.contact)) // for a nonce
		for range 3 {
			if res := thief.send(thief.request(60, thief.contact)); res.Status != 401 || isStale(res) {
				t.Fatalf("guess: %+v", res)
			}
		}
		// In the back-off even the right password looks wrong.
		thief.password = password("1001")
		if res := thief.send(thief.request(60, thief.contact)); res.Status != 401 || isStale(res) {
			t.Fatalf("right password in the back-off: %+v", res)
		}
		// Another user at the same address is not held up.
		if res := newPhone(r, "1002").register(60); res.Status != 200 {
			t.Fatalf("neighbour: %+v", res)
		}
		time.Sleep(10 * time.Second)
		if res := thief.send(thief.request(60, thief.contact)); res.Status != 200 {
			t.Fatalf("right password after the back-off: %+v", res)
		}
		thief.password = "guess"
		for range 10 {
			thief.send(thief.request(60, thief.contact))
		}
		res := thief.send(thief.request(60, thief.contact))
		if res.Status != 403 || res.RetryAfter != 600 || len(res.Challenge) != 0 {
			t.Fatalf("after ten more: %+v", res)
		}
		time.Sleep(10*time.Minute + time.Second)
		thief.password = password("1001")
		if res := thief.register(60); res.Status != 200 {
			t.Fatalf("after the ban: %+v", res)
		}
	})
}

// Ten wrong passwords of one phone ban its address, but not the agents who are
// at work behind the same address, and nobody elsewhere.
func TestBanSparesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRegistrar(t)
		atWork := newPhone(r, "1002")
		atWork.register(3600)
		wrong := newPhone(r, "1001")
		wrong.password = "guess"
		for range 12 {
			wrong.send(wrong.request(60, wrong.contact))
		}
		if res := atWork.send(atWork.request(3600, atWork.contact)); res.Status != 200 {
			t.Errorf("agent at work behind the same address: %+v", res)
		}
		stranger := newPhone(r, "1003")
		if res := stranger.register(60); res.Status != 403 {
			t.Errorf("another user of the banned address: %+v", res)
		}
		elsewhere := newPhone(r, "1001")
		elsewhere.source = netip.MustParseAddrPort("198.51.100.9:5060")
		if res := elsewhere.register(60); res.Status != 200 {
			t.Errorf("the same user elsewhere: %+v", res)
		}
	})
}

// Old failures don't add up to a ban.
func TestStrikesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRegistrar(t)
		p := newPhone(r, "1001")
		p.password = "typo"
		for range 5 {
			time.Sleep(11 * time.Minute)
			p.nonce = ""
			for range 3 { // one asks for the nonce, two are wrong
				p.send(p.request(60, p.contact))
			}
		}
		p.password, p.nonce = password("1001"), ""
		if res := p.register(60); res.Status != 200 {
			t.Errorf("%+v", res)
		}
	})
}

// Whoever proves himself starts afresh: typing errors don't add up over a day.
func TestSuccessClearsTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRegistrar(t)
		p := newPhone(r, "1001")
		for range 4 {
			p.nonce, p.password = "", "typo"
			for range 3 {
				p.send(p.request(60, p.contact))
			}
			p.password = password("1001")
			if res := p.send(p.request(60, p.contact)); res.Status != 200 {
				t.Fatalf("%+v", res)
			}
		}
	})
}

// Somebody who forges source addresses can't make the owner look guilty: his
// requests carry no nonce that was sent to that address.
func TestForgedSourcesDontCount(t *testing.T) {
	r, _ := newRegistrar(t)
	thief := newPhone(r, "1001")
	thief.password = "guess"
	thief.source = netip.MustParseAddrPort("198.51.100.66:5060")
	thief.send(thief.request(60, thief.contact))
	for range 50 {
		q := thief.request(60, thief.contact)
		q.Authorization = []string{thief.authorization()}
		q.Source = netip.MustParseAddrPort("192.0.2.50:5060") // the victim's
		if res := r.Register(context.Background(), q); res.Status != 401 {
			t.Fatalf("%+v", res)
		}
	}
	if res := newPhone(r, "1001").register(60); res.Status != 200 {
		t.Errorf("victim: %+v", res)
	}
}

// A flood of sources can't grow the tables, and can't hurt anybody else.
func TestFloodOfSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRegistrar(t)
		for i := range maxSuspects + 500 {
			p := newPhone(r, fmt.Sprint("guess-", i))
			p.source = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 5060)
			p.register(60)
		}
		if n, m := len(r.pairs.byKey), len(r.sources.byKey); n != maxSuspects || m != maxSuspects {
			t.Errorf("tables hold %d and %d", n, m)
		}
		if r.pairs.order.Len() != maxSuspects {
			t.Errorf("order holds %d", r.pairs.order.Len())
		}
		if res := newPhone(r, "1001").register(60); res.Status != 200 {
			t.Errorf("an honest phone: %+v", res)
		}
	})
}

// One household has a whole /64: its addresses are one source.
func TestIPv6NetworksAreOneSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRegistrar(t)
		for i := range 12 {
			p := newPhone(r, "1001")
			p.password = "guess"
			p.source = netip.MustParseAddrPort(fmt.Sprintf("[2001:db8::%x]:5060", i+1))
			p.register(60)
		}
		p := newPhone(r, "1001")
		p.source = netip.MustParseAddrPort("[2001:db8::ffff]:5060")
		if res := p.register(60); res.Status != 403 {
			t.Errorf("%+v", res)
		}
	})
}
