package resolve_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tierline/call/resolve"
)

// records is a carrier's domain with everything, and some with less.
const records = `
carrier.test.            300 NAPTR 20 10 s SIP+D2U _sip._udp.carrier.test.
carrier.test.            300 NAPTR 10 10 S sip+d2t _sip._tcp.carrier.test.
carrier.test.            300 NAPTR 5 10 s SIPS+D2T _sips._tcp.carrier.test.
carrier.test.            300 NAPTR 1 10 u E2U+sip other.test.
_sip._udp.carrier.test.  300 SRV 20 0 5070 c.carrier.test.
_sip._udp.carrier.test.  300 SRV 10 60 5060 a.carrier.test.
_sip._udp.carrier.test.  300 SRV 10 40 5060 b.carrier.test.
_sip._tcp.carrier.test.  300 SRV 10 0 5080 a.carrier.test.
_sips._tcp.carrier.test. 300 SRV 10 0 5061 a.carrier.test.
a.carrier.test.          300 A 192.0.2.1
b.carrier.test.          300 A 192.0.2.2
c.carrier.test.          300 CNAME d.carrier.test.
d.carrier.test.          300 A 192.0.2.3
d.carrier.test.          300 AAAA 2001:db8::3
plain.test.              1 A 192.0.2.9
plain.test.              1 A 192.0.2.10
srv.test.                300 A 192.0.2.20
_sip._udp.srv.test.      300 SRV 0 0 5062 plain.test.
half.test.               300 A 192.0.2.21
_sip._udp.half.test.     300 SRV 0 0 5060 gone.test.
_sip._udp.half.test.     300 SRV 1 0 5060 half.test.
never.test.              300 A 192.0.2.22
_sip._udp.never.test.    300 SRV 0 0 0 .
only-tls.test.           300 NAPTR 10 10 s SIPS+D2T _sips._tcp.only-tls.test.
`

func udpOnly(host string) resolve.Query {
	return resolve.Query{Host: host, Transports: []string{"udp"}}
}

// in runs a test in virtual time, with a resolver whose chance picks the first.
func in(t *testing.T, f func(t *testing.T, z *zone, r *resolve.Resolver)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, records)
		r := resolve.New(resolve.Config{
			Servers:  []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")},
			Exchange: z.exchange, Intn: func(int) int { return 0 },
			Hosts: func(name string) []netip.Addr {
				if name == "pbx" {
					return []netip.Addr{netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("fd00::7")}
				}
				return nil
			},
		})
		f(t, z, r)
	})
}

func list(hops []resolve.Hop) string {
	var words []string
	for _, h := range hops {
		words = append(words, h.Transport+":"+h.Addr.String())
	}
	return strings.Join(words, " ")
}

func TestHops(t *testing.T) {
	both := []string{"udp", "tcp"}
	for name, tt := range map[string]struct {
		q    resolve.Query
		want string
		err  error
	}{
		"an address":                {q: udpOnly("192.0.2.5"), want: "udp:192.0.2.5:5060"},
		"an address and all":        {q: resolve.Query{Host: "[2001:db8::1]", Port: 5070, Transport: "TCP"}, want: "tcp:[2001:db8::1]:5070"},
		"TLS has a port of its own": {q: resolve.Query{Host: "192.0.2.5", Transport: "tls"}, want: "tls:192.0.2.5:5061"},
		"a port means no SRV":       {q: resolve.Query{Host: "srv.test", Port: 5099}, want: "udp:192.0.2.20:5099"},
		"SRV of the transport":      {q: resolve.Query{Host: "Carrier.Test.", Transport: "tcp"}, want: "tcp:192.0.2.1:5080"},
		"SRV over TLS":              {q: resolve.Query{Host: "carrier.test", Transport: "tls"}, want: "tls:192.0.2.1:5061"},
		"priorities": {
			q:    resolve.Query{Host: "carrier.test", Transport: "udp"},
			want: "udp:192.0.2.1:5060 udp:192.0.2.2:5060 udp:192.0.2.3:5070",
		},
		"NAPTR chooses, of what we have": {
			q:    resolve.Query{Host: "carrier.test", Transports: both},
			want: "tcp:192.0.2.1:5080 udp:192.0.2.1:5060 udp:192.0.2.2:5060 udp:192.0.2.3:5070",
		},
		"NAPTR with nothing for us": {q: resolve.Query{Host: "only-tls.test", Transports: both}, err: resolve.ErrNoSIP},
		"SRV without NAPTR":         {q: udpOnly("srv.test"), want: "udp:192.0.2.9:5062 udp:192.0.2.10:5062"},
		"neither":                   {q: resolve.Query{Host: "plain.test", Transports: both}, want: "udp:192.0.2.9:5060 udp:192.0.2.10:5060"},
		"one server of two unknown": {q: udpOnly("half.test"), want: "udp:192.0.2.21:5060"},
		"decidedly no SIP":          {q: udpOnly("never.test"), err: resolve.ErrNoSIP},
		"unknown":                   {q: udpOnly("nobody.test"), err: resolve.ErrNotFound},
		"no name at all":            {q: udpOnly(strings.Repeat("x", 300)), err: resolve.ErrNotFound},
		"hosts file":                {q: udpOnly("PBX"), want: "udp:10.0.0.7:5060"},
		"both families": {
			q:    resolve.Query{Host: "c.carrier.test", Port: 5060, IPv6: true},
			want: "udp:192.0.2.3:5060 udp:[2001:db8::3]:5060",
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, _ *zone, r *resolve.Resolver) {
				hops, err := r.Hops(t.Context(), tt.q)
				if got := list(hops); got != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("%s, %v; want %s, %v", got, err, tt.want, tt.err)
				}
			})
		})
	}
}

// Of one priority each comes first as often as its weight says.
func TestWeights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, records)
		turn := 0
		r := resolve.New(resolve.Config{
			Servers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}, Exchange: z.exchange,
			Intn: func(n int) int { turn++; return turn % n },
		})
		first := map[string]int{}
		for range 2020 {
			hops, err := r.Hops(t.Context(), resolve.Query{Host: "carrier.test", Transport: "udp"})
			if err != nil || len(hops) != 3 || hops[2].Addr.Port() != 5070 {
				t.Fatalf("%v %v", hops, err)
			}
			first[hops[0].Addr.String()]++
		}
		if a := first["192.0.2.1:5060"]; a < 1100 || a > 1320 {
			t.Errorf("weight 60 of 100 came first %d times of 2020: %v", a, first)
		}
	})
}

func TestAnswersAreRemembered(t *testing.T) {
	in(t, func(t *testing.T, z *zone, r *resolve.Resolver) {
		ask := func(host string) error {
			_, err := r.Hops(t.Context(), resolve.Query{Host: host, Port: 5060})
			return err
		}
		for range 3 {
			if err := errors.Join(ask("plain.test"), ask("a.carrier.test")); err != nil {
				t.Fatal(err)
			}
			if err := ask("nobody.test"); !errors.Is(err, resolve.ErrNotFound) {
				t.Fatal(err)
			}
		}
		counts := func() string {
			return fmt.Sprint(z.count("plain.test. A"), z.count("a.carrier.test. A"), z.count("nobody.test. A"))
		}
		if got := counts(); got != "1 1 1" {
			t.Errorf("asked %s times", got)
		}
		time.Sleep(2 * time.Second) // the first lives for a second
		_ = errors.Join(ask("plain.test"), ask("a.carrier.test"), ask("nobody.test"))
		if got := counts(); got != "2 1 1" {
			t.Errorf("two seconds later asked %s times", got)
		}
		time.Sleep(time.Minute) // that there is no such name holds for a minute
		_ = errors.Join(ask("plain.test"), ask("a.carrier.test"), ask("nobody.test"))
		if got := counts(); got != "3 1 2" {
			t.Errorf("a minute later asked %s times", got)
		}
	})
}

func TestServersThatFail(t *testing.T) {
	in(t, func(t *testing.T, z *zone, r *resolve.Resolver) {
		q := resolve.Query{Host: "plain.test", Port: 5060}
		if _, err := r.Hops(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		z.silent(true)
		time.Sleep(time.Minute)
		began := time.Now()
		if hops, err := r.Hops(t.Context(), q); err != nil || len(hops) != 2 {
			t.Errorf("what was known is gone: %v %v", hops, err)
		}
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("waited %v for a silent server, twice 1.5 s wanted", d)
		}
		if _, err := r.Hops(t.Context(), q); err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("waited again: %v %v", time.Since(began), err)
		}
		other := resolve.Query{Host: "b.carrier.test", Port: 5060}
		if _, err := r.Hops(t.Context(), other); !errors.Is(err, resolve.ErrSilent) {
			t.Errorf("never known: %v", err)
		}
		began = time.Now()
		if _, err := r.Hops(t.Context(), other); !errors.Is(err, resolve.ErrSilent) || time.Since(began) != 0 {
			t.Errorf("asked again at once: %v after %v", err, time.Since(began))
		}
		z.silent(false)
		time.Sleep(6 * time.Second)
		if _, err := r.Hops(t.Context(), other); err != nil {
			t.Errorf("servers are back: %v", err)
		}
		z.rcode = dnsmessage.RCodeServerFailure
		if _, err := r.Hops(t.Context(), resolve.Query{Host: "srv.test", Port: 1}); !errors.Is(err, resolve.ErrRefused) {
			t.Errorf("a server that fails: %v", err)
		}
	})
}

// Many callers at once ask once, and one who leaves takes nothing away.
func TestOneQuestionForMany(t *testing.T) {
	in(t, func(t *testing.T, z *zone, r *resolve.Resolver) {
		z.silent(true)
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := r.Hops(ctx, resolve.Query{Host: "a.carrier.test", Port: 5060})
			left <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, resolve.ErrSilent) {
			t.Errorf("who leaves: %v", err)
		}
		z.silent(false)
		results := make(chan error, 50)
		for range 50 {
			go func() {
				_, err := r.Hops(t.Context(), resolve.Query{Host: "a.carrier.test", Port: 5060})
				results <- err
			}()
		}
		for range 50 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if n := z.count("a.carrier.test. A"); n != 2 { // the first was lost
			t.Errorf("asked %d times", n)
		}
	})
}

func TestWhatFailedComesLast(t *testing.T) {
	in(t, func(t *testing.T, _ *zone, r *resolve.Resolver) {
		q := resolve.Query{Host: "plain.test", Port: 5060}
		expect := func(want string) {
			t.Helper()
			hops, err := r.Hops(t.Context(), q)
			if got := list(hops); got != want || err != nil {
				t.Errorf("%s, %v; want %s", got, err, want)
			}
		}
		first, second := netip.MustParseAddrPort("192.0.2.9:5060"), netip.MustParseAddrPort("192.0.2.10:5060")
		usual, turned := "udp:192.0.2.9:5060 udp:192.0.2.10:5060", "udp:192.0.2.10:5060 udp:192.0.2.9:5060"
		expect(usual)
		r.Report(first, false)
		expect(turned)
		r.Report(first, true)
		expect(usual)
		r.Report(first, false)
		r.Report(second, false)
		expect(usual) // both have failed: as DNS says
		r.Report(second, true)
		expect(turned)
		time.Sleep(31 * time.Second)
		expect(usual)
	})
}
