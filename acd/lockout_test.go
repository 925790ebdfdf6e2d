package acd

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestLockoutsAreBounded: whoever tries many accounts makes the switch forget
// failures, but no lock, and no more memory is used.
func TestLockoutsAreBounded(t *testing.T) {
	s := NewState()
	try := func(key string, maximum int) error {
		_, err := Apply(s, Entry{Index: s.index + 1, At: s.now + 1, Event: AuthTried{
			Policy: "pin", Key: key, Max: maximum, Window: 3_600_000,
		}})
		return err
	}
	if err := try("victim", 1); err != nil {
		t.Fatal(err)
	}
	if err := try("early", 5); err != nil {
		t.Fatal(err)
	}
	for i := range maxLockouts {
		if err := try(fmt.Sprint("k", i), 5); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	list := s.Lockouts()
	if len(list) != maxLockouts {
		t.Errorf("%d accounts are remembered, want %d", len(list), maxLockouts)
	}
	if last := list[len(list)-1]; last.Key != "victim" || !last.Locked {
		t.Errorf("the last to be forgotten is %+v, want the locked one", last)
	}
	var refused *RefusedError
	if err := try("victim", 1); !errors.As(err, &refused) || refused.Code != CodeLocked {
		t.Errorf("the locked account can be tried: %v", err)
	}
	if _, ok := s.lockouts[lockoutID("pin", "early")]; ok {
		t.Error("the oldest failure is still there")
	}
}

func TestRefusalsOfLockouts(t *testing.T) {
	s := NewState()
	long := fmt.Sprintf("%0*d", maxAuthWord+1, 0)
	for _, ev := range []Event{
		AuthTried{Key: "k", Max: 3, Window: 1000},
		AuthTried{Policy: "p", Max: 3, Window: 1000},
		AuthTried{Policy: "p", Key: long, Max: 3, Window: 1000},
		AuthTried{Policy: "p", Key: "k", Window: 1000},
		AuthTried{Policy: "p", Key: "k", Max: maxFailures + 1, Window: 1000},
		AuthTried{Policy: "p", Key: "k", Max: 3},
		AuthTried{Policy: "p", Key: "k", Max: 3, Window: maxWindow + 1},
		AuthEnded{Policy: "p", Key: "k"},
		AuthEnded{Policy: "p", Key: "k", Outcome: AuthVoid + 1},
		AuthEnded{Policy: "p", Key: "k", Outcome: AuthFailed},
		AuthCleared{Policy: "p", Key: "k"},
	} {
		if _, err := Apply(s, Entry{Index: s.index + 1, Event: ev}); err == nil {
			t.Errorf("%+v is accepted", ev)
		}
	}
	if s.Hash() != func() [32]byte { e := NewState(); e.index = s.index; return e.Hash() }() {
		t.Error("the state changed")
	}
}

// TestPropertyTriesAreLimited: in no window are more tries allowed than Max,
// apart from those that were void or before a right one.
func TestPropertyTriesAreLimited(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const window = 10_000
		most := rapid.IntRange(1, 4).Draw(t, "max")
		s := NewState()
		var allowed []int64 // tries since the last right one that count
		at := int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			at += rapid.SampledFrom([]int64{0, 1, 900, 4000, 11_000}).Draw(t, "later")
			apply := func(ev Event) error {
				_, err := Apply(s, Entry{Index: s.index + 1, At: at, Event: ev})
				if fault := s.Check(); fault != nil {
					t.Fatal(fault)
				}
				return err
			}
			switch out := rapid.IntRange(0, 4).Draw(t, "what"); {
			case out < 3:
				if apply(AuthTried{Policy: "p", Key: "k", Max: most, Window: window}) != nil {
					break
				}
				allowed = append(allowed, at)
				n := 0
				for _, x := range allowed {
					if x > at-window {
						n++
					}
				}
				if n > most {
					t.Fatalf("%d tries within a window, allowed are %d", n, most)
				}
			case out == 3:
				if apply(AuthEnded{Policy: "p", Key: "k", Outcome: AuthVoid}) == nil && len(allowed) > 0 {
					allowed = allowed[:len(allowed)-1]
				}
			default:
				if apply(AuthEnded{Policy: "p", Key: "k", Outcome: AuthPassed}) == nil {
					allowed = nil
				}
			}
			if rapid.IntRange(0, 9).Draw(t, "time passes") == 0 {
				_ = apply(TimePassed{})
			}
		}
	})
}
