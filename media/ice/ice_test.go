package ice

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
)

var (
	ours  = Credentials{Ufrag: "abcd", Password: "0123456789abcdef01234567", RemoteUfrag: "wxyz"}
	first = netip.MustParseAddrPort("192.0.2.7:4000")
	other = netip.MustParseAddrPort("[2001:db8::7]:4002")
)

// check is what a browser sends.
func check(t testing.TB, username, password string, more ...stun.Setter) []byte {
	t.Helper()
	setters := append([]stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(username)}, more...)
	setters = append(setters, stun.NewShortTermIntegrity(password), stun.Fingerprint)
	m, err := stun.Build(setters...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

type attribute stun.AttrType

func (a attribute) AddTo(m *stun.Message) error {
	value := make([]byte, 8)
	if stun.AttrType(a) == attrUseCandidate {
		value = nil
	}
	m.Add(stun.AttrType(a), value)
	return nil
}

const (
	controlling = attribute(attrICEControlling)
	nominate    = attribute(attrUseCandidate)
)

func TestChecksAreAnswered(t *testing.T) {
	a := NewAgent(ours)
	for _, from := range []netip.AddrPort{first, other} {
		request := check(t, "abcd:wxyz", ours.Password, controlling)
		answer, err := a.Check(request, from, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		m := &stun.Message{Raw: answer}
		if err := m.Decode(); err != nil {
			t.Fatal(err)
		}
		var seen stun.XORMappedAddress
		if err := errors.Join(seen.GetFrom(m), stun.NewShortTermIntegrity(ours.Password).Check(m), stun.Fingerprint.Check(m)); err != nil {
			t.Error(err)
		}
		if m.Type != stun.BindingSuccess || string(m.TransactionID[:]) != string(request[8:20]) || seen.String() != from.String() {
			t.Errorf("%s for %s", m, from)
		}
	}
}

func TestNominationSaysWhereMediaGoes(t *testing.T) {
	a := NewAgent(ours)
	hear := func(from netip.AddrPort, more ...stun.Setter) {
		t.Helper()
		if _, err := a.Check(check(t, "abcd:wxyz", ours.Password, append(more, controlling)...), from, 0); err != nil {
			t.Fatal(err)
		}
	}
	if a.Remote().IsValid() {
		t.Error("a remote address before anybody came")
	}
	for _, step := range []struct {
		from, want netip.AddrPort
		more       []stun.Setter
	}{
		{first, first, nil},
		{other, other, nil},
		{first, first, []stun.Setter{nominate}},
		{other, first, nil},
		{other, other, []stun.Setter{nominate}},
	} {
		if hear(step.from, step.more...); a.Remote() != step.want {
			t.Errorf("after %s: %s, want %s", step.from, a.Remote(), step.want)
		}
	}
}

func TestConsentRunsOut(t *testing.T) {
	a := NewAgent(ours)
	if a.Alive(0) {
		t.Error("consent of nobody")
	}
	if _, err := a.Check(check(t, "abcd:wxyz", ours.Password, controlling), first, time.Minute); err != nil {
		t.Fatal(err)
	}
	if !a.Alive(time.Minute+29*time.Second) || a.Alive(time.Minute+30*time.Second) {
		t.Error("consent does not last thirty seconds")
	}
}

func TestStrangersGetNoAnswer(t *testing.T) {
	good := check(t, "abcd:wxyz", ours.Password, controlling)
	torn := append([]byte(nil), good...)
	torn[30] ^= 1
	unsigned, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername("abcd:wxyz"), controlling)
	if err != nil {
		t.Fatal(err)
	}
	indication, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodBinding, stun.ClassIndication),
		stun.NewUsername("abcd:wxyz"), controlling, stun.NewShortTermIntegrity(ours.Password))
	if err != nil {
		t.Fatal(err)
	}
	for what, b := range map[string][]byte{
		"nothing":               nil,
		"another password":      check(t, "abcd:wxyz", "another", controlling),
		"another peer":          check(t, "abcd:nobody", ours.Password, controlling),
		"the wrong way":         check(t, "wxyz:abcd", ours.Password, controlling),
		"who is not in control": check(t, "abcd:wxyz", ours.Password),
		"changed":               torn,
		"unsigned":              unsigned.Raw,
		"an indication":         indication.Raw,
		"cut":                   good[:len(good)-4],
		"large":                 append(append([]byte(nil), good...), make([]byte, maxSize)...),
	} {
		a := NewAgent(ours)
		if answer, err := a.Check(b, first, 0); !errors.Is(err, ErrCheck) || answer != nil || a.Remote().IsValid() || a.Alive(0) {
			t.Errorf("%s: %x, %v", what, answer, err)
		}
	}
}

// FuzzCheck: nothing but a signed check is answered.
func FuzzCheck(f *testing.F) {
	f.Add(check(f, "abcd:wxyz", "another", controlling, nominate))
	f.Add([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	a := NewAgent(ours)
	f.Fuzz(func(t *testing.T, b []byte) {
		if answer, err := a.Check(b, first, 0); err == nil || answer != nil {
			t.Fatalf("%x is answered with %x", b, answer)
		}
	})
}
