package registrar

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tierline/acd"
)

// maxURI is the longest contact we store; phones send less than 200 bytes.
const maxURI = 512

// change is what a REGISTER asks for with one contact.
type change struct {
	uri string
	ttl time.Duration // 0: remove
	old string        // the same contact as it is stored now, if spelled otherwise
}

// bind carries out a REGISTER whose sender is proven. Nothing is changed
// before everything was checked (RFC 3261 §10.3, step 7).
func (r *Registrar) bind(ctx context.Context, q Request) Response {
	have := slices.DeleteFunc(slices.Clone(r.c.Bindings.Of(q.User)), func(b acd.Binding) bool { return b.Fixed })
	if len(q.Contacts) == 0 && !q.Star {
		return r.list(have, nil)
	}
	changes, refusal := r.changes(q, have)
	if refusal.Status != 0 {
		return refusal
	}
	for _, b := range have {
		affected := q.Star || slices.ContainsFunc(changes, func(c change) bool { return sameContact(c.uri, b.Contact) })
		if !affected || b.CallID != q.CallID {
			continue
		}
		if q.CSeq < b.CSeq {
			return Response{Status: 500, Reason: "CSeq Out of Order"}
		}
		if q.CSeq == b.CSeq {
			return r.list(have, nil) // a late copy of what was done already
		}
	}
	if err := r.commit(ctx, q, changes, have); err != nil {
		r.c.Logger.Warn("registration not stored", "agent", q.User, "err", err)
		return Response{Status: 503, Reason: "Service Unavailable", RetryAfter: 5}
	}
	now := slices.DeleteFunc(slices.Clone(r.c.Bindings.Of(q.User)), func(b acd.Binding) bool { return b.Fixed })
	return r.list(now, changes)
}

// changes checks the contacts of a REGISTER. A refusal has a status.
func (r *Registrar) changes(q Request, have []acd.Binding) (changes []change, refusal Response) {
	if q.Star {
		if len(q.Contacts) > 0 || q.Expires != 0 {
			return nil, Response{Status: 400, Reason: "Contact * Needs Expires 0"}
		}
		return nil, Response{}
	}
	if len(q.Contacts) > r.c.MaxContacts {
		return nil, Response{Status: 403, Reason: "Too Many Contacts"}
	}
	for _, c := range q.Contacts {
		if !validContact(c.URI) {
			return nil, Response{Status: 400, Reason: "Bad Contact"}
		}
		ttl, ok := r.expiry(c, q)
		if !ok {
			return nil, Response{
				Status: 423, Reason: "Interval Too Brief", MinExpires: int(r.c.MinExpires / time.Second),
			}
		}
		ch := change{uri: c.URI, ttl: ttl}
		for _, b := range have {
			if b.Contact != c.URI && sameContact(b.Contact, c.URI) {
				ch.old = b.Contact
			}
		}
		changes = append(changes, ch)
	}
	return changes, Response{}
}

// expiry decides how long a contact lives: 0 removes it; not ok is too brief.
func (r *Registrar) expiry(c Contact, q Request) (ttl time.Duration, ok bool) {
	seconds := c.Expires
	if seconds < 0 {
		seconds = q.Expires
	}
	most := r.c.MaxExpires
	if behindNAT(c.URI, q) {
		most = min(most, r.c.NATExpires)
	}
	b := acd.Binding{Contact: c.URI, Transport: q.Transport, Received: q.Source.String()}
	if b.Lives() && r.c.LivingExpires > 0 {
		most = min(most, r.c.LivingExpires)
	}
	switch {
	case seconds < 0:
		return min(r.c.DefaultExpires, most), true
	case seconds == 0:
		return 0, true
	case seconds > int(most/time.Second): // compared as seconds: 2^32 of them overflow a Duration's hours
		return most, true
	}
	ttl = time.Duration(seconds) * time.Second
	return ttl, ttl >= r.c.MinExpires
}

// commit proposes the changes, one after the other.
func (r *Registrar) commit(ctx context.Context, q Request, changes []change, have []acd.Binding) error {
	if q.Star {
		if err := r.c.Bindings.Remove(ctx, q.User, "*"); err != nil {
			return fmt.Errorf("remove all bindings: %w", err)
		}
		return nil
	}
	for _, contact := range r.leaving(changes, have) {
		if err := r.c.Bindings.Remove(ctx, q.User, contact); err != nil {
			return fmt.Errorf("remove binding: %w", err)
		}
	}
	for _, c := range changes {
		if c.ttl == 0 {
			continue
		}
		b := acd.Binding{
			Contact: c.uri, Received: q.Source.String(), Transport: q.Transport,
			CallID: q.CallID, CSeq: q.CSeq, Node: r.c.Node, UserAgent: clip(q.UserAgent, 64),
		}
		if err := r.c.Bindings.Put(ctx, q.User, b, c.ttl); err != nil {
			return fmt.Errorf("put binding: %w", err)
		}
	}
	return nil
}

// leaving lists the stored contacts that go: those asked to, those stored
// under another spelling, and if there are too many those nearest to their
// end, because a phone that lost its memory leaves dead contacts behind.
func (r *Registrar) leaving(changes []change, have []acd.Binding) []string {
	var gone []string
	var others []acd.Binding
	total := 0
	for _, c := range changes {
		if c.ttl > 0 {
			total++
		}
	}
	for _, b := range have {
		i := slices.IndexFunc(changes, func(c change) bool { return sameContact(c.uri, b.Contact) })
		switch {
		case i < 0:
			others = append(others, b)
		case changes[i].ttl == 0, changes[i].old == b.Contact:
			gone = append(gone, b.Contact)
		}
	}
	slices.SortStableFunc(others, func(a, b acd.Binding) int { return cmp.Compare(a.Expires, b.Expires) })
	for total+len(others) > r.c.MaxContacts && len(others) > 0 {
		gone = append(gone, others[0].Contact)
		others = others[1:]
	}
	return gone
}

// list answers 200 with all bindings. What was granted just now is known; the
// rest is reckoned from log time.
func (r *Registrar) list(have []acd.Binding, granted []change) Response {
	res := Response{Status: 200, Reason: "OK"}
	now := r.c.LogTime()
	for _, b := range have {
		left := time.Duration(b.Expires-now) * time.Millisecond
		for _, c := range granted {
			if c.uri == b.Contact {
				left = c.ttl
			}
		}
		seconds := int((left + time.Second - 1) / time.Second)
		res.Contacts = append(res.Contacts, fmt.Sprintf("<%s>;expires=%d", b.Contact, max(seconds, 0)))
	}
	return res
}

// validContact accepts SIP URIs that can be stored, written and compared.
func validContact(uri string) bool {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || len(uri) > maxURI || !strings.EqualFold(scheme, "sip") && !strings.EqualFold(scheme, "sips") {
		return false
	}
	for i := range len(rest) {
		if c := rest[i]; c <= ' ' || c >= 0x7f || c == '<' || c == '>' || c == '"' || c == '\\' {
			return false
		}
	}
	_, host, _, _ := splitURI(uri)
	return host != ""
}

// splitURI takes a SIP URI apart as far as comparing needs. Parameters other
// than transport don't tell contacts of one agent apart.
func splitURI(uri string) (user, host, port, transport string) {
	_, rest, _ := strings.Cut(uri, ":")
	rest, _, _ = strings.Cut(rest, "?")
	rest, params, _ := cutAfterUser(rest)
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		user, rest = rest[:i], rest[i+1:]
	}
	host = rest
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, ']') {
		host, port = rest[:i], rest[i+1:]
	}
	for p := range strings.SplitSeq(params, ";") {
		if name, value, _ := strings.Cut(p, "="); strings.EqualFold(name, "transport") {
			transport = strings.ToLower(value)
		}
	}
	return user, strings.ToLower(host), port, transport
}

// cutAfterUser cuts at the first semicolon behind the user part, which may
// hold semicolons itself.
func cutAfterUser(s string) (before, after string, found bool) {
	at := strings.LastIndexByte(s, '@') + 1
	before, after, found = strings.Cut(s[at:], ";")
	return s[:at] + before, after, found
}

// sameContact compares as RFC 3261 §19.1.4 does, near enough for one agent.
func sameContact(a, b string) bool {
	if a == b {
		return true
	}
	schemeA, _, _ := strings.Cut(a, ":")
	schemeB, _, _ := strings.Cut(b, ":")
	userA, hostA, portA, transportA := splitURI(a)
	userB, hostB, portB, transportB := splitURI(b)
	return strings.EqualFold(schemeA, schemeB) &&
		userA == userB && hostA == hostB && portA == portB && transportA == transportB
}

// behindNAT tells whether the contact is an address that the request did not
// come from. A stream has its own port, so only datagrams compare ports.
func behindNAT(uri string, q Request) bool {
	_, host, port, _ := splitURI(uri)
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		return false // a name: nothing to compare
	}
	if port == "" {
		port = "5060"
	}
	if addr.Unmap() != q.Source.Addr().Unmap() {
		return true
	}
	return strings.EqualFold(q.Transport, "udp") && port != fmt.Sprint(q.Source.Port())
}

// clip shortens what a stranger wrote before it is replicated.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
