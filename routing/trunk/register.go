package trunk

import (
	"slices"
	"time"
)

// Registration says where a trunk's peer learns by REGISTER how to reach us.
// The zero value: nowhere.
type Registration struct {
	Registrars []Target      // all of them, at the same time
	User       string        // of the address that we register; "": the account's user name
	Domain     string        // of the same; "": the registrar's host
	Expires    time.Duration // that we ask for
	CalledTo   bool          // the number that was called stands in To
}

// Registers says whether a trunk registers at all.
func (t Trunk) Registers() bool { return len(t.Register.Registrars) > 0 }

// From is the domain of the address that calls outward come from: that of the
// registered address, for a carrier knows us by it; "": our own.
func (t Trunk) From() string {
	switch {
	case t.Outward.Domain != "":
		return t.Outward.Domain
	case t.Register.Domain != "":
		return t.Register.Domain
	case t.Registers():
		return t.Register.Registrars[0].Host
	}
	return ""
}

// Registering lists the trunks that register.
func (t *Table) Registering() []Trunk {
	return slices.DeleteFunc(t.Trunks(), func(tr Trunk) bool { return !tr.Registers() })
}
