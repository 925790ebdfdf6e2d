package media

import (
	"testing"
	"time"
)

// A node that lost sight of all others fell silent until they were back, though
// nobody can have gone on with its calls if they lost each other, too.
func TestWhoStillTalksToANodeThatIsCutOffHearsItAgain(t *testing.T) {
	b := newLab(t)
	may := true
	b.e.may = func() bool { return may }
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	// talk has whoever it says send for some time, and returns what both heard.
	talk := func(d time.Duration, who ...*peer) (first, second int) {
		t.Helper()
		for end := b.now + d; b.now < end; b.run(20 * ms) {
			for _, p := range who {
				p.say(160)
			}
		}
		return len(one.heard()), len(two.heard())
	}
	const second = 50 // packets
	if f, s := talk(time.Second, one, two); f != second || s != second {
		t.Errorf("heard %d and %d packets", f, s)
	}
	may = false
	if f, s := talk(moving, one, two); f != 0 || s != 0 {
		t.Errorf("%d and %d packets left while others may be going on with the call", f, s)
	}
	if f, s := talk(time.Second, one, two); f < second-1 || s < second-1 {
		t.Errorf("heard %d and %d packets, though the call is nobody else's", f, s)
	}
	// One of them was told to send elsewhere.
	if f, s := talk(time.Second, two); f > int(present/(20*ms)) || s != 0 {
		t.Errorf("%d packets to who left, %d back", f, s)
	}
	if f, s := talk(time.Second, one); f != 0 || s > int(present/(20*ms)) {
		t.Errorf("%d packets back, %d to who left", f, s)
	}
	may = true
	if f, s := talk(time.Second, one, two); f != second || s != second {
		t.Errorf("heard %d and %d packets with the others back", f, s)
	}
	may = false
	if f, s := talk(moving, one, two); f != 0 || s != 0 {
		t.Errorf("%d and %d packets left the second time", f, s)
	}
}

// TestAMenuOfANodeThatIsCutOffGoesOn: so does what is played, to those who are
// still there.
func TestAMenuOfANodeThatIsCutOffGoesOn(t *testing.T) {
	b := newLab(t)
	may := true
	b.e.may = func() bool { return may }
	p := b.peer(talking(PCMA))
	p.leg.PlayMusic(NewMusic(beep(time.Second, 440), b.e))
	hears := func(d time.Duration, says bool) int {
		for end := b.now + d; b.now < end; b.run(20 * ms) {
			if says {
				p.say(160)
			}
		}
		return len(p.heard())
	}
	if n := hears(time.Second, true); n < 45 {
		t.Errorf("%d packets of music", n)
	}
	may = false
	if n := hears(moving, true); n > 1 {
		t.Errorf("%d packets left", n)
	}
	if n := hears(time.Second, true); n < 45 {
		t.Errorf("%d packets of music, though nobody else can play it", n)
	}
	if n := hears(time.Second, false); n > 6 {
		t.Errorf("%d packets to somebody who isn't heard any more", n)
	}
}
