package call

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// private calls in from a trunk with what its peer says of the caller.
func (l *lab) private(source, number, from, identity string, withheld bool) *caller {
	c := &caller{lab: l}
	in := Invite{
		Invitation: c, CallID: "x", From: from, Identity: identity, Withheld: withheld, Number: number,
		Offer: remoteSDP(30000), Source: netip.MustParseAddrPort(source + ":5060"),
	}
	go l.sw.Invite(in)
	return c
}

// Only a trunk that is trusted says by another header than From who calls.
func TestAssertedIdentityIsBelievedOfTrustedTrunksOnly(t *testing.T) {
	for source, want := range map[string]string{"192.0.2.9": "+8613900139000", "192.0.2.85": "+8613800138000"} {
		inLab(t, func(l *lab) {
			c := l.private(source, "10009", "13900139000", "13800138000", false)
			time.Sleep(time.Second)
			if got := l.calls()[0].From; got != want {
				t.Errorf("of %s: %q, want %q", source, got, want)
			}
			c.hangUp()
		})
	}
}

// Neither the agent nor the log nor our own log file learns a number that its
// owner withholds, whoever else knows it.
func TestWithheldNumberIsShownToNobody(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		c := l.private("192.0.2.85", "10009", "13900139000", "13800138000", true)
		time.Sleep(5 * time.Second)
		l.saw("invite 1001 as anonymous (standard) <sip:anonymous@anonymous.invalid>", "bridge")
		c.hangUp()
		time.Sleep(time.Second)
		l.log.mu.Lock()
		written := strings.Join(l.log.written, "\n")
		l.log.mu.Unlock()
		for _, digits := range []string{"13900139000", "13800138000"} {
			if strings.Contains(written, digits) || strings.Contains(l.said.String(), digits) {
				t.Errorf("%s was written down", digits)
			}
		}
		l.gone()
	})
}

// A carrier learns who calls by the header that the documents name. A number
// that is withheld is for him only; a call for help shows it.
func TestIdentityOfCallsOutward(t *testing.T) {
	for number, want := range map[string]string{
		"+86894123456": "as 057187650000 asserted 057187650000",
		"+86895123456": "as sip:anonymous@anonymous.invalid preferred sip:057187650000@ims.example.net private",
		"119":          "as sip:057187650000@ims.example.net preferred sip:057187650000@ims.example.net",
	} {
		inLab(t, func(l *lab) {
			c := l.dial("10000", "13800138000")
			time.Sleep(time.Second)
			call := l.sw.find(l.only(), 0)
			done := make(chan error, 1)
			call.later(func() {
				f := &far{limit: time.Now().Add(time.Minute), by: "1001"}
				done <- call.callOut(l.sw.root, "", number, "", f)
			})
			if err := <-done; err != nil {
				t.Error(err)
			}
			l.saw(want)
			c.hangUp()
		})
	}
}
