package trunk

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Trunk is one peer that brings calls and takes ours.
type Trunk struct {
	Name    string
	Sources []Source
	Trusted bool // its P-Asserted-Identity is believed
	Limits  Caps
	Busy    bool     // a call beyond a limit gets 486 in place of 503
	Callers []string // beginnings of the numbers that its callers may show; none: any
	Numbers Numbering
	Codecs  []uint8 // payload types in the order we prefer; empty means the default
	SRTP    string  // required, optional or never; "" means never
	Outward Outward
	Digits  Digits
	Session Session

	Register Registration
	Auth     Auth
}

// Session says how long a call lives without a sign of the peer (RFC 4028).
type Session struct {
	Expires time.Duration // what we ask for; 0: only what the peer asks for
	Min     time.Duration // what the peer may ask for at least
}

// Digits says how keys may come from a peer. The zero value means the default,
// RFC 4733 and INFO.
type Digits struct {
	RFC4733, Info bool
	Inband        bool // looked for only in calls that have no telephone events
}

// OrDefault returns the ways, the default if none is named.
func (d Digits) OrDefault() Digits {
	if d == (Digits{}) {
		return Digits{RFC4733: true, Info: true}
	}
	return d
}

// Auth is what a peer has to prove with each call (RFC 7616). The zero value:
// nothing.
type Auth struct {
	Realm, Username string
	Account         string // of the node's settings, in their place
}

// Proves says whether the peer has to prove itself.
func (t Trunk) Proves() bool { return t.Auth != Auth{} }

// FromAnywhere says whether nothing but its proof tells a call of the trunk.
func (t Trunk) FromAnywhere() bool { return t.Proves() && len(t.Sources) == 0 && !t.Registers() }

// Normalise brings a number the trunk sent into the form everything else uses.
func (t Trunk) Normalise(number string) string { return t.Numbers.Normalise(number) }

// Source is where a trunk's requests come from.
type Source struct {
	Prefix netip.Prefix
	Port   uint16 // 0 means any
}

// ParseSource reads an address, a prefix, or an address with a port:
// 192.0.2.1, 192.0.2.0/24, 192.0.2.1:5060, 2001:db8::/32, [2001:db8::1]:5060.
func ParseSource(s string) (Source, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		if p != p.Masked() {
			return Source{}, fmt.Errorf("%s has bits behind its prefix; is %s meant?", p, p.Masked())
		}
		return Source{Prefix: p}, nil
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return single(a, 0)
	}
	if ap, err := netip.ParseAddrPort(s); err == nil && ap.Port() != 0 {
		return single(ap.Addr(), ap.Port())
	}
	return Source{}, fmt.Errorf("%q is no address, prefix or address:port", s)
}

func single(a netip.Addr, port uint16) (Source, error) {
	if a.Zone() != "" || a.IsUnspecified() {
		return Source{}, fmt.Errorf("%s can't be a peer's address", a)
	}
	a = a.Unmap()
	return Source{Prefix: netip.PrefixFrom(a, a.BitLen()), Port: port}, nil
}

func (s Source) String() string {
	if s.Port != 0 {
		return netip.AddrPortFrom(s.Prefix.Addr(), s.Port).String()
	}
	if s.Prefix.IsSingleIP() {
		return s.Prefix.Addr().String()
	}
	return s.Prefix.String()
}

func (s Source) matches(from netip.AddrPort) bool {
	return s.Prefix.Contains(from.Addr()) && (s.Port == 0 || s.Port == from.Port())
}

// Table is all trunks of a generation. The zero value has none.
type Table struct {
	trunks []Trunk
	rows   []row // most specific first
}

type row struct {
	source Source
	trunk  int
}

// ConflictError means that two trunks claim the same source.
type ConflictError struct {
	First, Second string // names
	Source        Source
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("trunks %s and %s both have source %s", e.First, e.Second, e.Source)
}

// New builds a table. The error joins all conflicts, each a [*ConflictError].
func New(trunks []Trunk) (*Table, error) {
	t := &Table{trunks: slices.Clone(trunks)}
	var conflicts []error
	for i, tr := range t.trunks {
		for _, s := range tr.Sources {
			for _, r := range t.rows {
				if r.source == s && r.trunk != i {
					conflicts = append(conflicts, &ConflictError{First: t.trunks[r.trunk].Name, Second: tr.Name, Source: s})
				}
			}
			t.rows = append(t.rows, row{source: s, trunk: i})
		}
	}
	if len(conflicts) > 0 {
		return nil, errors.Join(conflicts...)
	}
	slices.SortStableFunc(t.rows, func(a, b row) int {
		return cmp.Or(
			-cmp.Compare(a.source.Prefix.Bits(), b.source.Prefix.Bits()),
			-cmp.Compare(a.source.Port, b.source.Port),
		)
	})
	return t, nil
}

// Match returns the trunk a request from this source belongs to: the longest
// prefix wins, a source with a port before one without.
func (t *Table) Match(from netip.AddrPort) (Trunk, bool) {
	tr, _, ok := t.Explain(from)
	return tr, ok
}

// Explain is Match with the source that decided.
func (t *Table) Explain(from netip.AddrPort) (Trunk, Source, bool) {
	from = netip.AddrPortFrom(from.Addr().Unmap().WithZone(""), from.Port())
	for _, r := range t.rows {
		if r.source.matches(from) {
			return t.trunks[r.trunk], r.source, true
		}
	}
	return Trunk{}, Source{}, false
}

// Trunks lists all trunks in the order of the document.
func (t *Table) Trunks() []Trunk { return slices.Clone(t.trunks) }

// Trunk finds a trunk by name.
func (t *Table) Trunk(name string) (Trunk, bool) {
	i := slices.IndexFunc(t.trunks, func(tr Trunk) bool { return tr.Name == name })
	if i < 0 {
		return Trunk{}, false
	}
	return t.trunks[i], true
}
