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
	Targets  []Target // tried in this order
	Allow    []string // beginnings of the numbers that may be called; none: nothing may
	CallerID string   // the number that our calls show; "" none
	Plus     bool     // numbers stay E.164 with a plus
	Health   Health
	Account  string // name of what proves us to the peer; "" nothing
}

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

// Present writes a number as the trunk's peer writes it.
func (t Trunk) Present(number string) string {
	if t.Outward.Plus {
		return number
	}
	return t.Numbers.Format(number)
}

// Format is the opposite of Normalise: a number as people on this network dial
// it, the shortest way that leads back to the same number. Rewrites are only
// for what comes in.
func (n Numbering) Format(number string) string {
	plain := n
	plain.Rewrites = nil
	digits, foreign := strings.CutPrefix(number, "+")
	if !foreign {
		return number // a service code, an extension
	}
	international, national := orDefault(n.International, "00"), orDefault(n.National, "0")
	var ways []string
	if rest, ours := strings.CutPrefix(digits, n.country()); ours {
		if local, same := strings.CutPrefix(rest, n.Area); same && n.Area != "" {
			ways = append(ways, local)
		}
		ways = append(ways, rest, national+rest)
	}
	for _, w := range append(ways, international+digits) {
		if plain.Normalise(w) == number {
			return w
		}
	}
	return number
}
