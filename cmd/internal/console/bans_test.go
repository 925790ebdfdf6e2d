package console_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd/report"
	"tierline/call/registrar"
	"tierline/cmd/internal/console/wire"
)

// police knows one suspect by each state.
type police struct{ lifted []string }

func (p *police) Suspects() []registrar.Suspect {
	at := time.UnixMilli(base)
	from := netip.MustParsePrefix("192.0.2.7/32")
	return []registrar.Suspect{
		{Source: from, Last: at, Banned: at.Add(10 * time.Minute)},
		{Source: from, User: "1001", Failures: 4, Last: at, Held: at.Add(20 * time.Second)},
		{Source: netip.MustParsePrefix("2001:db8::/64"), Failures: 1, Last: at},
	}
}

func (p *police) Lift(from netip.Addr, user string) bool {
	p.lifted = append(p.lifted, from.String()+" "+user)
	return user != "1009"
}

func TestBansOverTheAPI(t *testing.T) {
	b := newBed(t)
	if list := get[wire.Bans](b, "/api/v1/bans").Bans; len(list) != 0 {
		t.Errorf("without any: %+v", list)
	}
	b.problem("POST", "/api/v1/bans/lift", `{"source":"192.0.2.7"}`, 404)
	p := &police{}
	b.config.Suspects = p
	b.config.Now = func() time.Time { return time.UnixMilli(base) }
	b.start()
	at := report.TimeOf(time.UnixMilli(base))
	want := wire.Bans{Node: "n1", Bans: []wire.Ban{
		{Source: "192.0.2.7/32", State: "banned", EndsInMS: 600_000, LastFailed: &at},
		{Source: "192.0.2.7/32", User: "1001", State: "held", Failures: 4, EndsInMS: 20_000, LastFailed: &at},
		{Source: "2001:db8::/64", State: "watched", Failures: 1, LastFailed: &at},
	}}
	if d := cmp.Diff(want, get[wire.Bans](b, "/api/v1/bans")); d != "" {
		t.Errorf("bans (-want +got):\n%s", d)
	}
	for body, want := range map[string]int{
		`{"source":"192.0.2.7","user":"1001","by":"Ann"}`: 204, `{"source":"192.0.2.7","user":"1009"}`: 404,
		`{"source":"elsewhere"}`: 422,
	} {
		if got, text := b.do("POST", "/api/v1/bans/lift", body); got != want {
			t.Errorf("%s: %d, not %d %s", body, got, want, text)
		}
	}
	if got, text := b.do("POST", "/api/v1/bans/lift", `{"source":"2001:db8::/64"}`); got != 204 {
		t.Errorf("%d %s", got, text)
	}
	slices.Sort(p.lifted)
	if d := cmp.Diff([]string{"192.0.2.7 1001", "192.0.2.7 1009", "2001:db8:: "}, p.lifted); d != "" {
		t.Error(d)
	}
}
