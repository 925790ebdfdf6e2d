package acd

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

const (
	// maxLockouts bounds how many accounts with failures are remembered. Who is
	// locked is forgotten last.
	maxLockouts = 16_384
	maxFailures = 100
	maxWindow   = 31 * 24 * 3_600_000 // ms
	maxAuthWord = 128                 // bytes of a policy's name and a key
)

// CodeLocked is the code of a refused [AuthTried].
const CodeLocked = "locked"

// lockout is the failures of one account under one policy.
type lockout struct {
	policy, key string
	failures    []int64 // log times, the oldest first; those of the last window
	max         int     // of the latest try
	window      int64
	told        bool // that it is locked
}

// AccountKey is the key of an account in [AuthTried]: the log needn't hold
// account numbers.
func AccountKey(policy, account string) string {
	sum := sha256.Sum256([]byte(lockoutID(policy, account)))
	return hex.EncodeToString(sum[:])
}

func lockoutID(policy, key string) string { return policy + "\x00" + key }

func (l *lockout) id() string { return lockoutID(l.policy, l.key) }

// locked reports whether no further try is allowed. A lock lasts until all is
// forgotten.
func (l *lockout) locked() bool { return len(l.failures) >= l.max }

// until returns when the account is forgotten.
func (l *lockout) until() int64 { return l.failures[len(l.failures)-1] + l.window }

// since returns the failures after a moment.
func (l *lockout) since(at int64) []int64 {
	i, _ := slices.BinarySearch(l.failures, at+1)
	return l.failures[i:]
}

// older orders by who is forgotten first if there are too many.
func (l *lockout) older(o *lockout) int {
	if x, y := l.locked(), o.locked(); x != y {
		if y {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(l.until(), o.until()), strings.Compare(l.policy, o.policy), strings.Compare(l.key, o.key))
}

func (s *State) authTried(ev AuthTried, _ *Result) error {
	switch {
	case ev.Policy == "" || ev.Key == "" || max(len(ev.Policy), len(ev.Key)) > maxAuthWord:
		return refuse(ev, "policy and key must be named, in %d bytes", maxAuthWord)
	case ev.Max < 1 || ev.Max > maxFailures || ev.Window < 1 || ev.Window > maxWindow:
		return refuse(ev, "%d failures in %d ms is no limit", ev.Max, ev.Window)
	}
	l := s.lockouts[lockoutID(ev.Policy, ev.Key)]
	if l == nil {
		l = &lockout{policy: ev.Policy, key: ev.Key}
	} else if l.locked() && l.until() > s.now {
		return refuseCode(ev, CodeLocked, "locked until %d", l.until())
	}
	s.dropLockout(l)
	l.failures = append(l.since(s.now-ev.Window), s.now)
	l.max, l.window, l.told = ev.Max, ev.Window, false
	s.keepLockout(l)
	return nil
}

// keepLockout and dropLockout frame every change of an account.
func (s *State) keepLockout(l *lockout) {
	if len(s.lockouts) >= maxLockouts {
		oldest, _ := s.lockoutAge.First()
		s.dropLockout(oldest)
	}
	s.lockouts[l.id()] = l
	s.lockoutAge.Insert(l)
	s.setTimer(timerLockout, l.id(), 0, l.until())
}

func (s *State) dropLockout(l *lockout) {
	if s.lockouts[l.id()] != l {
		return
	}
	delete(s.lockouts, l.id())
	s.lockoutAge.Delete(l)
	s.setTimer(timerLockout, l.id(), l.until(), 0)
}

// lockoutOver forgets an account whose last failure is old enough.
func (s *State) lockoutOver(l *lockout) { s.dropLockout(l) }

func (s *State) authEnded(ev AuthEnded, r *Result) error {
	l := s.lockouts[lockoutID(ev.Policy, ev.Key)]
	switch {
	case ev.Outcome < AuthPassed || ev.Outcome > AuthVoid:
		return refuse(ev, "unknown outcome %d", ev.Outcome)
	case l == nil:
		return refuse(ev, "nobody tried")
	}
	switch ev.Outcome {
	case AuthPassed:
		s.dropLockout(l)
	case AuthVoid:
		s.dropLockout(l)
		if l.failures = l.failures[:len(l.failures)-1]; len(l.failures) > 0 {
			s.keepLockout(l)
		}
	case AuthFailed:
		if !l.locked() || l.told {
			return nil
		}
		l.told = true
		r.Facts = append(r.Facts, Fact{
			Kind: FactAuthLocked, Policy: l.policy, Account: l.key, Call: ev.Call, Until: l.until(),
		})
	}
	return nil
}

func (s *State) authCleared(ev AuthCleared, r *Result) error {
	l := s.lockouts[lockoutID(ev.Policy, ev.Key)]
	if l == nil {
		return refuse(ev, "no failures are known")
	}
	s.dropLockout(l)
	r.Facts = append(r.Facts, Fact{Kind: FactAuthCleared, Policy: l.policy, Account: l.key, By: ev.By})
	return nil
}

// LockoutView is a copy of one account's failures. Times are log times in ms.
type LockoutView struct {
	Policy   string `json:"policy"`
	Key      string `json:"key"` // SHA-256 of the account
	Failures int    `json:"failures"`
	Locked   bool   `json:"locked"`
	Until    int64  `json:"until_ms"` // then all is forgotten
}

// Lockouts returns the accounts with failures, those that are locked last.
func (s *State) Lockouts() []LockoutView {
	out := make([]LockoutView, 0, len(s.lockouts))
	for l := range s.lockoutAge.All() {
		out = append(out, LockoutView{
			Policy: l.policy, Key: l.key, Failures: len(l.since(s.now - l.window)), Locked: l.locked(), Until: l.until(),
		})
	}
	return out
}
