package call

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/call/registration"
	"tierline/routing/trunk"
)

// line finds a trunk in the view.
func (l *lab) line(name string) TrunkView {
	l.t.Helper()
	for _, v := range l.sw.Trunks() {
		if v.Name == name {
			return v
		}
	}
	l.t.Fatalf("no trunk %s", name)
	return TrunkView{}
}

func TestTrunksTellCallersAndRefusals(t *testing.T) {
	inLab(t, func(l *lab) {
		if v := l.line("carrier"); v.In != 0 || v.LastError != "" || len(v.Outward.Targets) != 2 {
			t.Errorf("at the start: %+v", v)
		}
		l.dial("10000", "13800138000")
		time.Sleep(time.Second)
		l.dial("99999", "13800138000") // nobody's number
		time.Sleep(time.Second)
		v := l.line("carrier")
		if v.In != 1 || v.Out != 0 || v.LastError != "caller refused: 404 no_route" || time.Since(v.LastAt) != time.Second {
			t.Errorf("with a caller: %+v", v)
		}
		if d := cmp.Diff(map[string]uint64{"no_route": 1}, v.Refused); d != "" {
			t.Errorf("refused (-want +got):\n%s", d)
		}
	})
}

func TestTrunksTellCallsThatWeMake(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.habits[customerAddress] = habit{after: time.Second, status: 500}
		l.phone.habits["sip:13800138000@192.0.2.10;transport=tcp"] = habit{after: time.Second, status: 200}
		l.ask("+8613800138000")
		time.Sleep(10 * time.Second)
		v := l.line("carrier")
		if v.In != 0 || v.Out != 1 || v.LastError != "sip:192.0.2.9;transport=udp: 500" {
			t.Errorf("%+v", v)
		}
		if d := cmp.Diff(map[string]uint64{"answered": 1}, v.Made); d != "" {
			t.Errorf("made (-want +got):\n%s", d)
		}
		if other := l.line("narrow"); other.Out != 0 || other.LastError != "" || len(other.Made) != 0 {
			t.Errorf("the other trunk: %+v", other)
		}
	})
}

func TestTrunkOfOlderDocumentsStaysInSightWhileItCarriesCalls(t *testing.T) {
	inLab(t, func(l *lab) {
		l.sw.mu.Lock()
		st := l.sw.trunkState("old")
		l.sw.mu.Unlock()
		for _, v := range l.sw.Trunks() {
			if v.Name == "old" {
				t.Errorf("shown without calls: %+v", v)
			}
		}
		l.sw.mu.Lock()
		st.Admit(trunk.Caps{}, false, time.Now())
		l.sw.mu.Unlock()
		if v := l.line("old"); !v.Gone || v.In != 1 {
			t.Errorf("%+v", v)
		}
		l.sw.mu.Lock()
		st.Release(false)
		l.sw.mu.Unlock()
	})
}

func TestBlames(t *testing.T) {
	for status, want := range map[int]bool{401: true, 403: true, 407: true, 404: false, 486: false, 500: true, 503: true, 603: false} {
		if got := blames(status); got != want {
			t.Errorf("%d: %v", status, got)
		}
	}
}

// The trunk's account goes with its calls, with those of another trunk nothing
// does; and no log sees the password.
func TestAccountsGoWithTheirTrunks(t *testing.T) {
	for number, want := range map[string]string{"+8613800138000": "u@r hunter2", "+862087650001": "@ "} {
		inLab(t, func(l *lab) {
			l.phone.habits["1001"] = habit{after: time.Second, status: 200}
			l.ask(number)
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if d := cmp.Diff([]string{want}, l.phone.proofs); d != "" {
				t.Errorf("%s (-want +got):\n%s", number, d)
			}
			if strings.Contains(l.said.String(), "hunter2") {
				t.Error("the log has the password")
			}
		})
	}
}

func TestStateOfATrunk(t *testing.T) {
	up, down := TargetView{Health: Up}, TargetView{Health: Down}
	yes, no := registration.View{Phase: registration.Registered}, registration.View{Phase: registration.Refused}
	few := trunk.Trunk{Limits: trunk.Caps{Limits: trunk.Limits{Calls: 3}, In: trunk.Limits{Calls: 2}}}
	for want, v := range map[string]TrunkView{
		"ok":           {Trunk: few, Targets: []TargetView{up, {}}, Lines: []registration.View{yes}, In: 1, Out: 1},
		"gone":         {Gone: true, In: 1},
		"unregistered": {Targets: []TargetView{up}, Lines: []registration.View{no}},
		"down":         {Targets: []TargetView{down, down}, Lines: []registration.View{yes}},
		"impaired":     {Targets: []TargetView{up, down}},
		"full":         {Trunk: few, In: 2},
	} {
		if got := v.State(); got != want {
			t.Errorf("%+v is %s, want %s", v, got, want)
		}
	}
	if got := (TrunkView{Lines: []registration.View{yes, no}}).State(); got != "impaired" {
		t.Errorf("registered at one of two: %s", got)
	}
	if got := (TrunkView{Trunk: few, In: 1, Out: 2}).State(); got != "full" {
		t.Errorf("both ways together: %s", got)
	}
}
