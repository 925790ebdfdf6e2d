package registration

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNext(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	fresh := state{ask: time.Hour}
	held := state{ask: time.Hour, phase: Registered, until: now.Add(time.Minute)}
	for name, tt := range map[string]struct {
		from  state
		r     Result
		phase Phase
		wait  time.Duration // with no chance at all
		why   string
	}{
		"granted":                   {fresh, Result{Status: 200, Expires: time.Hour}, Registered, 42 * time.Minute, ""},
		"granted for little":        {fresh, Result{Status: 200, Expires: 70 * time.Second}, Registered, 38 * time.Second, ""},
		"granted for hardly":        {fresh, Result{Status: 200, Expires: 10 * time.Second}, Registered, 7 * time.Second, ""},
		"granted for nothing":       {fresh, Result{Status: 200}, Failing, 2 * time.Second, "the registrar keeps no contact of ours"},
		"too brief":                 {fresh, Result{Status: 423, MinExpires: 2 * time.Hour}, Trying, 0, ""},
		"too brief, but it is not":  {fresh, Result{Status: 423, MinExpires: time.Minute, Reason: "x"}, Failing, 2 * time.Second, "423 x"},
		"too brief by far":          {fresh, Result{Status: 423, MinExpires: 48 * time.Hour, Reason: "x"}, Failing, 2 * time.Second, "423 x"},
		"silence":                   {fresh, Result{}, Failing, 2 * time.Second, "no answer"},
		"no way":                    {fresh, Result{Err: errors.New("no name")}, Failing, 2 * time.Second, "no name"},
		"busy":                      {fresh, Result{Status: 503, Reason: "Busy", RetryAfter: 20 * time.Second}, Failing, 20 * time.Second, "503 Busy"},
		"busy for ever":             {fresh, Result{Status: 503, RetryAfter: 24 * time.Hour}, Failing, time.Hour, "503 "},
		"wrong password":            {fresh, Result{Status: 401, Reason: "no"}, Refused, 30 * time.Second, "401 no"},
		"forbidden":                 {fresh, Result{Status: 403, Reason: "no"}, Refused, 30 * time.Second, "403 no"},
		"a refresh is not answered": {held, Result{}, Registered, 2 * time.Second, "no answer"},
		"a refresh is refused":      {held, Result{Status: 403, Reason: "no"}, Refused, 30 * time.Second, "403 no"},
		"it has ended meanwhile":    {state{ask: time.Hour, phase: Registered, until: now}, Result{}, Failing, 2 * time.Second, "no answer"},
		"for the tenth time":        {state{ask: time.Hour, phase: Failing, failures: 9}, Result{}, Failing, time.Minute, "no answer"},
		"refused for the tenth":     {state{ask: time.Hour, phase: Refused, failures: 9}, Result{Status: 403}, Refused, 15 * time.Minute, "403 "},
		"registered after failures": {state{ask: time.Hour, failures: 9, trouble: "x"}, Result{Status: 200, Expires: time.Hour}, Registered, 42 * time.Minute, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, wait := tt.from.next(tt.r, now, 0)
			if s.phase != tt.phase || wait != tt.wait || s.trouble != tt.why {
				t.Errorf("%v, %v, %q", s.phase, wait, s.trouble)
			}
		})
	}
}

// Whatever a registrar answers: it is never asked in a loop, a refresh goes out
// while the binding holds, and who refuses us is left alone for a while.
func TestNextIsPatientAndOnTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_000_000, 0)
		s := state{ask: time.Duration(rapid.IntRange(60, 86400).Draw(t, "ask")) * time.Second}
		atOnce := 0
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			seconds := func(name string) time.Duration {
				return time.Duration(rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 86400)).Draw(t, name)) * time.Second
			}
			r := Result{
				Status:  rapid.SampledFrom([]int{0, 200, 200, 301, 401, 403, 404, 407, 408, 423, 480, 500, 503, 603}).Draw(t, "status"),
				Expires: seconds("expires"), MinExpires: seconds("min"), RetryAfter: seconds("after"),
			}
			before := s
			var wait time.Duration
			s, wait = s.next(r, now, rapid.Float64Range(0, 0.999).Draw(t, "chance"))
			switch {
			case wait <= 0:
				if atOnce++; r.Status != 423 || s.ask <= before.ask || atOnce > mostTooBrief {
					t.Fatalf("at once again after %+v, for the %d. time", r, atOnce)
				}
			case s.phase == Registered && s.trouble == "":
				atOnce = 0
				if wait >= r.Expires || wait < r.Expires/3 {
					t.Fatalf("a binding of %v is refreshed after %v", r.Expires, wait)
				}
			case wait < time.Second || wait > mostAfter+time.Second:
				t.Fatalf("%v after %+v", wait, r)
			case r.final() && r.RetryAfter == 0 && wait < coldPause/2:
				t.Fatalf("knocks again after %v: %+v", wait, r)
			default:
				atOnce = 0
			}
			if s.phase == Registered && !s.until.After(now) {
				t.Fatalf("registered until %v at %v", s.until, now)
			}
			now = now.Add(wait)
		}
	})
}
