package registrar

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// guess tries wrong passwords; the first request is for the nonce.
func guess(p *phone, times int) {
	p.password, p.nonce = "guess", ""
	for range times + 1 {
		p.send(p.request(60, p.contact))
	}
}

func TestSuspectsAreSeenAndLifted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRegistrar(t)
		began := time.Now()
		few := newPhone(r, "1002")
		few.source = netip.MustParseAddrPort("198.51.100.9:5060")
		guess(few, 2)
		time.Sleep(time.Second)
		thief := newPhone(r, "1001")
		guess(thief, 10)
		thief.send(thief.request(60, thief.contact))
		from, other := netip.MustParsePrefix("192.0.2.50/32"), netip.MustParsePrefix("198.51.100.9/32")
		if got := thief.source.Addr(); got != from.Addr() {
			t.Fatalf("phones are at %s", got)
		}
		second := began.Add(time.Second)
		want := []Suspect{
			{Source: from, Last: second, Banned: second.Add(banTime)},
			{Source: from, User: "1001", Last: second, Banned: second.Add(banTime)},
			{Source: other, Failures: 2, Last: began},
			{Source: other, User: "1002", Failures: 2, Last: began},
		}
		equal := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
		if d := cmp.Diff(want, r.Suspects(), equal); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(Stats{Failures: 12, Bans: 2, Refused: 1, Banned: 2}, r.Stats()); d != "" {
			t.Error(d)
		}
		if r.Lift(netip.MustParseAddr("203.0.113.1"), "") || r.Lift(from.Addr(), "1009") {
			t.Error("lifted what was not there")
		}
		if !r.Lift(from.Addr(), "") {
			t.Error("not lifted")
		}
		thief.password, thief.nonce = password("1001"), ""
		if res := thief.register(60); res.Status != 200 {
			t.Errorf("after the ban was lifted: %+v", res)
		}
		if !r.Lift(other.Addr(), "1002") || len(r.Suspects()) != 1 {
			t.Errorf("%+v", r.Suspects())
		}
		time.Sleep(forgetAfter + time.Second)
		if got := r.Suspects(); got != nil {
			t.Errorf("remembered for ever: %+v", got)
		}
	})
}
