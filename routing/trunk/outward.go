package trunk

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Target is an address that calls outward go to.
type Target struct {
	Host      string
	Port      uint16 // 0 means that of the transport, or what DNS says
	Transport string // udp, tcp or tls; "": DNS chooses
}

// ErrTarget says that a text names no target.
var ErrTarget = errors.New("is no target such as sip:192.0.2.1:5060 or sip:sbc.example.net;transport=tcp")

// ParseTarget reads a target: sip:host, sip:host:port, with ;transport=udp, tcp
// or tls behind it. Of a name with neither DNS says both (RFC 3263).
func ParseTarget(s string) (Target, error) {
	rest, isSIP := strings.CutPrefix(s, "sip:")
	at, parameter, has := strings.Cut(rest, ";")
	t := Target{Host: at}
	if has {
		transport, ok := strings.CutPrefix(parameter, "transport=")
		if !ok || !slices.Contains([]string{"udp", "tcp", "tls"}, transport) {
			return Target{}, fmt.Errorf("%q %w", s, ErrTarget)
		}
		t.Transport = transport
	}
	if i := strings.LastIndexByte(at, ':'); i > strings.LastIndexByte(at, ']') {
		n, err := strconv.ParseUint(at[i+1:], 10, 16)
		if err != nil || n == 0 {
			return Target{}, fmt.Errorf("%q %w", s, ErrTarget)
		}
		t.Host, t.Port = at[:i], uint16(n)
	}
	if inner, ok := strings.CutPrefix(t.Host, "["); ok { // an IPv6 address
		t.Host = strings.TrimSuffix(inner, "]")
	}
	if !isSIP || !isHost(t.Host) {
		return Target{}, fmt.Errorf("%q %w", s, ErrTarget)
	}
	if t.Transport == "" && (t.Port != 0 || t.isAddress()) {
		t.Transport = "udp"
	}
	return t, nil
}

func (t Target) isAddress() bool {
	_, err := netip.ParseAddr(t.Host)
	return err == nil
}

func isHost(s string) bool {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Zone() == "" && !a.IsUnspecified()
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."
	return s != "" && len(s) <= 253 && strings.Trim(s, letters) == "" && strings.Trim(s, "-.") == s
}

// URI is the address of a number, or of a name, at the target.
func (t Target) URI(user string) string { return "sip:" + user + "@" + t.hop() }

// String is the target as the documents write it.
func (t Target) String() string { return "sip:" + t.hop() }

func (t Target) hop() string {
	host := t.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if t.Port != 0 {
		host += ":" + strconv.Itoa(int(t.Port))
	}
	if t.Transport != "" {
		host += ";transport=" + t.Transport
	}
	return host
}

// Outward is what a trunk does with calls that we make. The zero value makes
// none.
type Outward struct {
	Targets   []Target // tried in this order
	Allow     []string // beginnings of the numbers that may be called; none: nothing may
	Emergency []string // numbers that agents may always call, whatever the limits
	CallerID  string   // the number that our calls show; "" none
	Shows     []string // beginnings of the numbers that they may show besides; none: any
	Domain    string   // of the address that they come from; "": our own
	Identity  string   // the header that says who calls besides From: asserted, preferred; "": none
	Withhold  bool     // From shows nobody
	Health    Health
	Account   string // name of what proves us to the peer; "" nothing

	Called, Caller Format    // how both numbers are written
	Rewrites       []Rewrite // of the number that is called, when it is written
}

// Headers that say who calls besides From (RFC 3325).
const (
	Asserted  = "asserted"  // P-Asserted-Identity: the peer believes us
	Preferred = "preferred" // P-Preferred-Identity: the peer looks whether it may be
)

// Health says how targets are watched. The zero value: not at all.
type Health struct {
	Interval time.Duration // between two questions
	Failures int           // in a row, until a target is down
}

// Watched says whether targets are asked at all.
func (h Health) Watched() bool { return h.Interval > 0 }

// Why a trunk doesn't take a call outward.
var (
	ErrNoTargets  = errors.New("the trunk has no targets")
	ErrNotAllowed = errors.New("the trunk's allow list doesn't permit the number")
	ErrNoNumber   = errors.New("what is to be called is no number")
)

// Permits says whether a normalised number may be called through the trunk.
// What no rule permits is forbidden.
func (t Trunk) Permits(number string) error {
	switch {
	case !isDialable(number):
		return ErrNoNumber
	case len(t.Outward.Targets) == 0:
		return ErrNoTargets
	case !Allows(t.Outward.Allow, number):
		return ErrNotAllowed
	}
	return nil
}

// Allows says whether a number begins like one of those permitted.
func Allows(beginnings []string, number string) bool {
	return slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(number, b) })
}

// isDialable tells a number from anything else that could stand before an @.
func isDialable(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	return len(digits) >= 2 && len(digits) <= 32 && strings.Trim(digits, "0123456789") == ""
}

// Urgent says whether a number is one that agents may always call through the
// trunk.
func (t Trunk) Urgent(number string) bool {
	return len(t.Outward.Targets) > 0 && slices.Contains(t.Outward.Emergency, number)
}

// Screen returns the number that a call outward shows: the one that is wished,
// if the trunk may show it, else its own; "" none.
func (t Trunk) Screen(wished string) string {
	if wished != "" && (wished == t.Outward.CallerID || len(t.Outward.Shows) == 0 || Allows(t.Outward.Shows, wished)) {
		return wished
	}
	return t.Outward.CallerID
}

// Believes says whether a caller of the trunk may have a number.
func (t Trunk) Believes(caller string) bool {
	return len(t.Callers) == 0 || caller == "" || Allows(t.Callers, caller)
}

// Present writes a number that is called as the trunk's peer wants it.
func (t Trunk) Present(number string) string {
	return rewritten(t.Outward.Rewrites, t.Numbers.Format(number, t.Outward.Called))
}

// PresentCaller writes a caller's number as the trunk's peer wants it.
func (t Trunk) PresentCaller(number string) string { return t.Numbers.Format(number, t.Outward.Caller) }

// Format is a way to write numbers.
type Format uint8

// The ways. Service codes and extensions are written as they are in each.
const (
	Shortest      Format = iota // as people on this network dial it
	National                    // with the area, as people elsewhere in the country dial it
	International               // with the prefix of foreign numbers, and the country
	E164                        // with a plus
	PlainDigits                 // E.164 without it
)

// Formats are the names of the ways.
func Formats() []string { return []string{"shortest", "national", "international", "e164", "digits"} }

// ParseFormat reads the name of a way to write numbers.
func ParseFormat(s string) (Format, bool) {
	i := slices.Index(Formats(), s)
	if i < 0 {
		return 0, false
	}
	return Format(i), true //nolint:gosec // an index of five
}

// Format is the opposite of Normalise: it writes a number. Shortest and National
// take the shortest way that leads back to the same number. Rewrites are only
// for what comes in.
func (n Numbering) Format(number string, f Format) string {
	digits, foreign := strings.CutPrefix(number, "+")
	if !foreign {
		return number // a service code, an extension
	}
	international := orDefault(n.International, "00") + digits
	switch f {
	case E164:
		return number
	case PlainDigits:
		return digits
	case International:
		return international
	case Shortest:
	case National:
		n.Area = ""
	}
	n.Rewrites = nil
	var ways []string
	if rest, ours := strings.CutPrefix(digits, n.country()); ours {
		if local, same := strings.CutPrefix(rest, n.Area); same && n.Area != "" {
			ways = append(ways, local)
		}
		ways = append(ways, rest, orDefault(n.National, "0")+rest)
	}
	for _, w := range append(ways, international) {
		if n.Normalise(w) == number {
			return w
		}
	}
	return number
}
