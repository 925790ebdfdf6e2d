package call

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/call/service"
)

// Each phone is asked in the words of its maker.
func TestPhonesAreAskedToAnswer(t *testing.T) {
	four, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	for _, tt := range []struct {
		mode service.AutoAnswer
		host netip.Addr
		want map[string]string
	}{
		{service.AnswerByHand, four, nil},
		{service.AnswerByPhone, four, map[string]string{
			"Call-Info": "<sip:192.0.2.1>;answer-after=0", "Alert-Info": "<http://192.0.2.1>;info=alert-autoanswer;delay=0",
			"Answer-Mode": "Auto",
		}},
		{service.AnswerAtOnce, six, map[string]string{
			"Call-Info": "<sip:[2001:db8::1]>;answer-after=0", "Alert-Info": "<http://[2001:db8::1]>;info=alert-autoanswer;delay=0",
			"Answer-Mode": "Auto;require", "Priv-Answer-Mode": "Auto;require",
		}},
	} {
		if d := cmp.Diff(tt.want, answerHeaders(tt.mode, tt.host)); d != "" {
			t.Errorf("mode %d (-want +got):\n%s", tt.mode, d)
		}
	}
}

// A call of a queue is answered by itself, a colleague's isn't: he might listen
// to the room.
func TestColleagueDoesNotMakeAPhoneAnswer(t *testing.T) {
	inLab(t, func(l *lab) {
		c := &Call{sw: l.sw, gen: l.sw.cfg.Services.Current()}
		for role, want := range map[acd.Role]string{0: "Auto", acd.RoleConsult: ""} {
			r := c.dialRequest(acd.RingAgent{Agent: "1002", Role: role, By: "1001"}, acd.Binding{}, nil)
			if got := r.Headers["Answer-Mode"]; got != want {
				t.Errorf("role %d: %q, want %q", role, got, want)
			}
		}
	})
}
