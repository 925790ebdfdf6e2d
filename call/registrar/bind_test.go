package registrar

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
)

// come returns the phone of agent 1001, which has proved itself once.
func come(t *testing.T) (*phone, *fakeState) {
	t.Helper()
	r, state := newRegistrar(t)
	p := newPhone(r, "1001")
	p.send(p.request(60)) // a query without credentials: for the nonce
	return p, state
}

func TestExpiry(t *testing.T) {
	near, far := "sip:1001@192.0.2.50:5060", "sip:1001@10.0.0.9:5060"
	tests := map[string]struct {
		header  int
		contact Contact
		status  int
		want    string // of the Contact header
	}{
		"as asked":                  {300, Contact{near, -1}, 200, "<" + near + ">;expires=300"},
		"contact before header":     {300, Contact{near, 900}, 200, "<" + near + ">;expires=900"},
		"nothing said":              {-1, Contact{near, -1}, 200, "<" + near + ">;expires=3600"},
		"too long":                  {7200, Contact{near, -1}, 200, "<" + near + ">;expires=3600"},
		"2^32":                      {4294967296, Contact{near, -1}, 200, "<" + near + ">;expires=3600"},
		"2^62":                      {1 << 62, Contact{near, -1}, 200, "<" + near + ">;expires=3600"},
		"shortest":                  {60, Contact{near, -1}, 200, "<" + near + ">;expires=60"},
		"too short":                 {59, Contact{near, -1}, 423, ""},
		"contact too short":         {600, Contact{near, 1}, 423, ""},
		"behind NAT":                {3600, Contact{far, -1}, 200, "<" + far + ">;expires=120"},
		"behind NAT, nothing said":  {-1, Contact{far, -1}, 200, "<" + far + ">;expires=120"},
		"behind NAT, shorter":       {90, Contact{far, -1}, 200, "<" + far + ">;expires=90"},
		"other port of the same ip": {3600, Contact{"sip:1001@192.0.2.50:6060", -1}, 200, "<sip:1001@192.0.2.50:6060>;expires=120"},
		"default port":              {3600, Contact{"sip:1001@192.0.2.50", -1}, 200, "<sip:1001@192.0.2.50>;expires=3600"},
		"a name is not compared":    {3600, Contact{"sip:1001@pc.lan:6060", -1}, 200, "<sip:1001@pc.lan:6060>;expires=3600"},
		"remove what isn't there":   {0, Contact{near, -1}, 200, ""},
	}
	for name, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			p, state := come(t)
			q := p.request(tt.header)
			q.Contacts = []Contact{tt.contact}
			res := p.send(q)
			if res.Status != tt.status || strings.Join(res.Contacts, ", ") != tt.want {
				t.Errorf("%s: %d %q, want %d %q", name, res.Status, res.Contacts, tt.status, tt.want)
			}
			if tt.status == 423 && (res.MinExpires != 60 || state.writes != 0) {
				t.Errorf("%s: %+v with %d writes", name, res, state.writes)
			}
		})
	}
}

// A TCP connection has a port of its own; that is not NAT.
func TestStreamPortsAreNotNAT(t *testing.T) {
	p, _ := come(t)
	p.transport = "tcp"
	p.source = netip.MustParseAddrPort("192.0.2.50:49152")
	p.contact = "sip:1001@192.0.2.50:5060;transport=tcp"
	if res := p.register(3600); res.Status != 200 || !strings.HasSuffix(res.Contacts[0], "expires=3600") {
		t.Errorf("%+v", res)
	}
}

func TestSeveralContactsAndQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, state := come(t)
		state.agents["1001"] = []acd.Binding{{Contact: "sip:1001@gw", Fixed: true}}
		q := p.request(600, "sip:1001@192.0.2.50:5060", "sip:1001@192.0.2.50;transport=tcp")
		if res := p.send(q); res.Status != 200 || len(res.Contacts) != 2 {
			t.Fatalf("%+v", res)
		}
		time.Sleep(100 * time.Second)
		p.callID = "other phone"
		p.send(p.request(300, "sip:1001@192.0.2.50:5062"))
		want := []string{
			"<sip:1001@192.0.2.50:5060>;expires=500",
			"<sip:1001@192.0.2.50;transport=tcp>;expires=500",
			"<sip:1001@192.0.2.50:5062>;expires=120",
		}
		res := p.send(p.request(-1))
		if d := cmp.Diff(want, res.Contacts); res.Status != 200 || d != "" {
			t.Errorf("query: %d\n%s", res.Status, d)
		}
		time.Sleep(200 * time.Second)
		if res := p.send(p.request(-1)); res.Status == 401 {
			res = p.send(p.request(-1))
			if d := cmp.Diff([]string{
				"<sip:1001@192.0.2.50:5060>;expires=300",
				"<sip:1001@192.0.2.50;transport=tcp>;expires=300",
			}, res.Contacts); d != "" {
				t.Errorf("later:\n%s", d)
			}
		}
	})
}

func TestStar(t *testing.T) {
	p, state := come(t)
	fixed := acd.Binding{Contact: "sip:1001@gw", Fixed: true}
	state.agents["1001"] = []acd.Binding{fixed}
	p.register(600)
	for name, q := range map[string]Request{
		"with a time":         {Star: true, Expires: 60},
		"without a time":      {Star: true, Expires: -1},
		"with other contacts": {Star: true, Expires: 0, Contacts: []Contact{{"sip:a@b", -1}}},
	} {
		full := p.request(q.Expires)
		full.Star, full.Contacts = true, q.Contacts
		if res := p.send(full); res.Status != 400 || len(state.Of("1001")) != 2 {
			t.Errorf("%s: %+v", name, res)
		}
	}
	q := p.request(0)
	q.Star = true
	if res := p.send(q); res.Status != 200 || len(res.Contacts) != 0 {
		t.Errorf("%+v", res)
	}
	if d := cmp.Diff([]acd.Binding{fixed}, state.Of("1001")); d != "" {
		t.Error(d)
	}
}

func TestOrderOfRequests(t *testing.T) {
	p, state := come(t)
	p.cseq = 10
	p.register(600)
	writes := state.writes
	p.cseq = 5 // an older request overtaken on the way
	if res := p.send(p.request(0, p.contact)); res.Status != 500 || state.writes != writes {
		t.Errorf("older: %+v", res)
	}
	star := p.request(0)
	star.Star = true
	if res := p.send(star); res.Status != 500 || state.writes != writes {
		t.Errorf("older with *: %+v", res)
	}
	p.cseq = 10 // the same once more
	if res := p.send(p.request(600, p.contact)); res.Status != 200 || state.writes != writes || len(res.Contacts) != 1 {
		t.Errorf("same: %+v", res)
	}
	p.cseq, p.callID = 0, "after a restart"
	if res := p.send(p.request(0, p.contact)); res.Status != 200 || len(state.Of("1001")) != 0 {
		t.Errorf("another Call-ID: %+v", res)
	}
}

// The same address spelled otherwise is the same contact.
func TestContactsAreCompared(t *testing.T) {
	p, state := come(t)
	p.contact = "sip:1001@PC.lan;ob"
	p.register(600)
	p.contact = "SIP:1001@pc.LAN;line=2"
	if res := p.register(600); len(res.Contacts) != 1 || res.Contacts[0] != "<SIP:1001@pc.LAN;line=2>;expires=600" {
		t.Errorf("%+v", res)
	}
	if n := len(state.agents["1001"]); n != 1 {
		t.Errorf("%d bindings", n)
	}
	p.contact = "sip:1001@pc.lan"
	if res := p.register(0); len(res.Contacts) != 0 {
		t.Errorf("removed by another spelling: %+v", res)
	}
	for _, pair := range [][2]string{
		{"sip:a@h", "sip:A@h"},
		{"sip:a@h", "sip:a@h:5060"},
		{"sip:a@h", "sips:a@h"},
		{"sip:a@h;transport=tcp", "sip:a@h"},
		{"sip:a;x=1@h", "sip:a;x=2@h"},
		{"sip:[2001:db8::1]", "sip:[2001:db8::2]"},
	} {
		if sameContact(pair[0], pair[1]) {
			t.Errorf("%s and %s are the same", pair[0], pair[1])
		}
	}
}

func TestBadContacts(t *testing.T) {
	p, state := come(t)
	for _, uri := range []string{
		"", "1001@h", "tel:1001", "mailto:a@b", "sip:", "sip:a@", "sip:a@h\r\nX-Tier: diamond", "sip:a@h>;x=<sip:b@h",
		"sip:a b@h", "sip:a@h\x00", "sip:a@" + strings.Repeat("h", 600), "urn:service:sos",
	} {
		if res := p.send(p.request(600, p.contact, uri)); res.Status != 400 || state.writes != 0 {
			t.Errorf("%.40q: %+v", uri, res)
		}
	}
	many := make([]string, 6)
	for i := range many {
		many[i] = fmt.Sprintf("sip:1001@192.0.2.%d", i)
	}
	if res := p.send(p.request(600, many...)); res.Status != 403 || state.writes != 0 {
		t.Errorf("six contacts: %+v", res)
	}
}

// A phone that forgets who it was leaves contacts behind; the oldest give way.
func TestContactsPerAgentAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, state := come(t)
		for i := range 9 {
			p.callID = fmt.Sprint("run ", i)
			p.contact = fmt.Sprintf("sip:1001-%d@192.0.2.50:5060", i)
			if res := p.register(600); res.Status != 200 {
				t.Fatalf("%+v", res)
			}
			time.Sleep(time.Second)
		}
		var users []string
		for _, b := range state.Of("1001") {
			users = append(users, b.Contact[len("sip:1001-"):len("sip:1001-")+1])
		}
		slices.Sort(users)
		if d := cmp.Diff([]string{"4", "5", "6", "7", "8"}, users); d != "" {
			t.Error(d)
		}
	})
}

func TestNoQuorum(t *testing.T) {
	p, state := come(t)
	p.register(600)
	state.broken = errNoQuorum
	for _, expires := range []int{0, 600} {
		if res := p.send(p.request(expires, p.contact)); res.Status != 503 || res.RetryAfter == 0 {
			t.Errorf("expires %d: %+v", expires, res)
		}
	}
	star := p.request(0)
	star.Star = true
	if res := p.send(star); res.Status != 503 {
		t.Errorf("*: %+v", res)
	}
}

func TestUnusableRequests(t *testing.T) {
	r, _ := newRegistrar(t)
	p := newPhone(r, "1001")
	for name, change := range map[string]func(*Request){
		"no user":    func(q *Request) { q.User = "" },
		"no Call-ID": func(q *Request) { q.CallID = "" },
		"no source":  func(q *Request) { q.Source = netip.AddrPort{} },
	} {
		q := p.request(60, p.contact)
		change(&q)
		if res := r.Register(context.Background(), q); res.Status != 400 {
			t.Errorf("%s: %+v", name, res)
		}
	}
}
