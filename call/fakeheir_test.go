package call

import (
	"net/netip"
	"strings"

	"tierline/call/sipua"
)

// fakeEstate is what fakes do for other nodes' calls.
func (f *fakePhones) Resume(d sipua.Dialog, on func(sipua.LegEvent)) Dialog {
	f.lab.note("resume %s", d.CallID)
	f.mu.Lock()
	defer f.mu.Unlock()
	dlg := &fakeDialog{lab: f.lab, name: d.CallID, on: on, up: true, kept: d}
	f.last = dlg
	if told := f.told; told != nil {
		dlg.reinvite = func([]byte) (int, []byte) { return told(d.CallID) }
	}
	if agent, ok := strings.CutPrefix(d.CallID, "agent "); ok {
		f.of[agent] = dlg
	}
	if d.CallID == "caller" {
		f.resumed = dlg
	}
	return dlg
}

// ResumeInvite is that of the caller, or of an agent who calls.
func (f *fakePhones) ResumeInvite(d sipua.Dialog, told bool) (Invitation, error) {
	f.lab.note("resume INVITE of %s, told: %t", d.CallID, told)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waits = &caller{lab: f.lab}
	return f.waits, nil
}

func (f *fakePhones) CancelInvite(d sipua.Dialog) error {
	f.lab.note("cancel INVITE to %s", d.CallID)
	return nil
}

func (f *fakePhones) Serves(sipua.Dialog) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told == nil
}

func (f *fakePhones) Adopt(listen, _ string) error {
	f.lab.note("adopt %s", listen)
	return nil
}

func (f *fakePhones) Leave(at netip.Addr) { f.lab.note("leave %s", at) }

func (f *fakePhones) CancelGhost(r sipua.DialRequest) error {
	f.lab.note("stop ghost %s", r.Target)
	return nil
}

// fakeAddresses moves none.
type fakeAddresses struct{ lab *lab }

func (f fakeAddresses) Take(node string, at netip.Addr) error {
	f.lab.note("take %s of %s", at, node)
	return nil
}

func (f fakeAddresses) Leave(node string, at netip.Addr) error {
	f.lab.note("leave %s of %s", at, node)
	return nil
}
