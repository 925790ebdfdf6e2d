package call

import (
	"crypto/md5"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/registrar"
	"tierline/call/sipua"
)

// tries asks for a challenge and answers it.
func (l *lab) tries(source, realm, user, password string) (first, second sipua.Verdict) {
	l.t.Helper()
	p := sipua.Proof{Source: netip.MustParseAddrPort(source), URI: "sip:10000@tierline", Number: "10000"}
	first = l.sw.Prove(p)
	nonce := ""
	for _, c := range first.Challenge {
		if strings.Contains(c, "MD5") && strings.Contains(c, `realm="`+realm+`"`) {
			_, rest, _ := strings.Cut(c, `nonce="`)
			nonce, _, _ = strings.Cut(rest, `"`)
		}
	}
	hash := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	ha1, _ := registrar.HA1(user, realm, password)
	response := hash(ha1 + ":" + nonce + ":00000001:abc:auth:" + hash("INVITE:"+p.URI))
	p.Authorization = []string{fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", `+
		`algorithm=MD5, cnonce="abc", nc=00000001, qop=auth`, user, realm, nonce, p.URI, response)}
	return first, l.sw.Prove(p)
}

func TestTrunksProveThemselves(t *testing.T) {
	for name, tt := range map[string]struct {
		source, realm, user, password string
		first, second                 int
		trunk                         string
	}{
		"source and proof":         {"192.0.2.70:5060", "branch", "seven", "hunter7", 401, 0, "proven"},
		"wrong password":           {"192.0.2.70:5060", "branch", "seven", "hunter8", 401, 401, ""},
		"proof from elsewhere":     {"192.0.2.99:5060", "branch", "seven", "hunter7", 401, 401, ""},
		"proof alone":              {"192.0.2.99:5060", "anywhere", "eight", "hunter8", 401, 0, "roaming"},
		"another trunk's source":   {"192.0.2.70:5060", "anywhere", "eight", "hunter8", 401, 401, ""},
		"by an account":            {"192.0.2.71:5060", "r", "u", "hunter2", 401, 0, "by-account"},
		"by an account we lack":    {"192.0.2.72:5060", "r", "u", "hunter2", 403, 403, ""},
		"unknown user":             {"192.0.2.99:5060", "anywhere", "nine", "hunter8", 401, 401, ""},
		"a source that is enough":  {"192.0.2.9:5060", "anywhere", "nine", "hunter8", 0, 0, ""},
		"seven is not of anywhere": {"192.0.2.99:5060", "anywhere", "seven", "hunter7", 401, 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				first, second := l.tries(tt.source, tt.realm, tt.user, tt.password)
				if first.Status != tt.first || second.Status != tt.second || second.Trunk != tt.trunk {
					t.Errorf("%+v, then %+v", first, second)
				}
				ours := slices.Contains([]string{"wrong password", "unknown user", "seven is not of anywhere"}, name)
				if first.Judged || second.Judged != ours {
					t.Error("whether it was judged:", first.Judged, second.Judged)
				}
				if first.Status == 401 && len(first.Challenge) != 2 {
					t.Errorf("%d challenges, want SHA-256 and MD5", len(first.Challenge))
				}
			})
		})
	}
}

// Agents prove themselves as agents when they call from their phones, whatever
// trunks want.
func TestAgentsPhoneIsNotAskedForATrunksPassword(t *testing.T) {
	inLab(t, func(l *lab) {
		p := sipua.Proof{Source: netip.MustParseAddrPort("192.0.2.51:5060"), From: "1001", Number: "2001"}
		if v := l.sw.Prove(p); v.Status != 0 || v.Trunk != "" {
			t.Errorf("%+v", v)
		}
		p.From = "1002" // whose phone is elsewhere
		if v := l.sw.Prove(p); v.Status != 401 {
			t.Errorf("somebody else from there: %+v", v)
		}
	})
}

// A call that proved itself is its trunk's; one that should have is nobody's.
func TestCallOfATrunkThatProvedItself(t *testing.T) {
	inLab(t, func(l *lab) {
		if !l.sw.Known(netip.MustParseAddrPort("198.51.100.9:5060"), "INVITE") ||
			l.sw.Known(netip.MustParseAddrPort("198.51.100.9:5060"), "OPTIONS") {
			t.Error("a stranger may try to prove himself by INVITE, and by nothing else")
		}
		c := l.from("198.51.100.9:5060", Invite{Number: "10000", Trunk: "roaming"})
		time.Sleep(time.Second)
		if v := l.line("roaming"); c.refused != 0 || v.In != 1 {
			t.Errorf("refused with %d; %+v", c.refused, v)
		}
		c.hangUp()
		if c = l.from("192.0.2.70:5060", Invite{Number: "10000"}); c.refused != 403 {
			t.Errorf("without its proof: %d", c.refused)
		}
	})
}

func TestGuessedPasswordsBanTheGuesser(t *testing.T) {
	inLab(t, func(l *lab) {
		var last sipua.Verdict
		for range 12 {
			_, last = l.tries("192.0.2.70:5060", "branch", "seven", "guess")
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if last.Status != 403 {
			t.Errorf("%+v after twelve wrong passwords", last)
		}
		v := l.line("proven")
		if v.Refused["unproven"] != 12+2 || v.LastError != "caller refused: too many wrong passwords" {
			t.Errorf("%v %q", v.Refused, v.LastError)
		}
		if _, other := l.tries("192.0.2.99:5060", "anywhere", "eight", "hunter8"); other.Status != 0 {
			t.Errorf("somebody else: %+v", other)
		}
	})
}
