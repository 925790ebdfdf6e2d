package resolve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Transports of SIP URIs.
const (
	udp = "udp"
	tcp = "tcp"
	tls = "tls"
)

// Query is a URI's host and what is known beside it.
type Query struct {
	Host       string
	Port       uint16   // 0: not said
	Transport  string   // "": not said
	Transports []string // that we have; a transport nobody named is one of these
	IPv6       bool     // AAAA records are of use, too
}

// Hop is where a request may go.
type Hop struct {
	Transport string
	Addr      netip.AddrPort
}

// Errors callers test for.
var (
	ErrNotFound = errors.New("no such name, or it has no address")
	ErrSilent   = errors.New("no DNS server answers")
	ErrRefused  = errors.New("the DNS server can't answer")
	ErrNoSIP    = errors.New("the name offers no SIP over a transport that we have")
)

// Config is what a Resolver is made of. The zero value asks the servers of
// /etc/resolv.conf, and looks at /etc/hosts before.
type Config struct {
	Servers  []netip.AddrPort
	Exchange Exchange                  // in place of sockets
	Intn     func(n int) int           // in place of chance
	Hosts    func(string) []netip.Addr // in place of /etc/hosts
}

// Exchange asks one server one question and returns the answer's bytes.
type Exchange func(ctx context.Context, server netip.AddrPort, question []byte) ([]byte, error)

// Resolver finds hops.
type Resolver struct {
	servers  func() []netip.AddrPort
	hosts    func(string) []netip.Addr
	exchange Exchange
	intn     func(n int) int

	mu    sync.Mutex // guards what follows
	cache map[key]*entry
	bad   map[netip.AddrPort]time.Time // failed lately; until when it comes last
}

// New returns a resolver.
func New(c Config) *Resolver {
	r := &Resolver{
		exchange: c.Exchange, intn: c.Intn, hosts: c.Hosts,
		cache: map[key]*entry{}, bad: map[netip.AddrPort]time.Time{},
	}
	s := &system{}
	r.servers = s.servers
	if len(c.Servers) > 0 {
		servers := slices.Clone(c.Servers)
		r.servers = func() []netip.AddrPort { return servers }
	}
	if r.exchange == nil {
		r.exchange = exchange
	}
	if r.intn == nil {
		r.intn = rand.IntN
	}
	if r.hosts == nil {
		r.hosts = s.hosts
	}
	return r
}

// Hops returns where a request to the queried host may go, the best first. There
// is at least one if there is no error.
func (r *Resolver) Hops(ctx context.Context, q Query) ([]Hop, error) {
	q.Host = strings.ToLower(strings.TrimSuffix(q.Host, "."))
	q.Transport = strings.ToLower(q.Transport)
	hops, err := r.find(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("look up %q: %w", q.Host, err)
	}
	return r.goodFirst(unique(hops)), nil
}

func (r *Resolver) find(ctx context.Context, q Query) ([]Hop, error) {
	if ip, err := netip.ParseAddr(strings.Trim(q.Host, "[]")); err == nil {
		t := orUDP(q.Transport)
		return []Hop{{t, netip.AddrPortFrom(ip.Unmap(), orPort(q.Port, t))}}, nil
	}
	if q.Port != 0 || len(r.hosts(q.Host)) > 0 { // a name of the hosts file has no records in DNS
		return r.addresses(ctx, q, q.Host, orUDP(q.Transport), q.Port)
	}
	if q.Transport != "" {
		return r.byTransport(ctx, q)
	}
	hops, err := r.byNAPTR(ctx, q)
	if err != nil || len(hops) > 0 {
		return hops, err
	}
	for _, t := range q.Transports {
		hops, err = r.bySRV(ctx, q, service(t, q.Host), t)
		if err != nil || len(hops) > 0 {
			return hops, err
		}
	}
	return r.addresses(ctx, q, q.Host, udp, 0)
}

// byTransport asks for the SRV records of a transport that was named, and takes
// the host's own address if it has none.
func (r *Resolver) byTransport(ctx context.Context, q Query) ([]Hop, error) {
	hops, err := r.bySRV(ctx, q, service(q.Transport, q.Host), q.Transport)
	if err != nil || len(hops) > 0 {
		return hops, err
	}
	return r.addresses(ctx, q, q.Host, q.Transport, 0)
}

// service is the name of a transport's SRV records.
func service(transport, host string) string {
	if transport == tls {
		return "_sips._tcp." + host
	}
	return "_sip._" + transport + "." + host
}

// byNAPTR lets the domain choose the transport. Without such records there are
// neither hops nor an error.
func (r *Resolver) byNAPTR(ctx context.Context, q Query) (hops []Hop, err error) {
	records, err := r.ask(ctx, q.Host, typeNAPTR)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	slices.SortStableFunc(records, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.preference, b.preference))
	})
	for _, rec := range records {
		t := transportOf(rec.service)
		if t == "" || rec.flags != "s" || !slices.Contains(q.Transports, t) {
			continue
		}
		more, err := r.bySRV(ctx, q, rec.name, t)
		if err != nil {
			return nil, err
		}
		hops = append(hops, more...)
	}
	if len(hops) == 0 && slices.ContainsFunc(records, func(rec record) bool { return transportOf(rec.service) != "" }) {
		return nil, ErrNoSIP
	}
	return hops, nil
}

// transportOf reads the service of a NAPTR record (RFC 3263 §4.1).
func transportOf(service string) string {
	switch service {
	case "sip+d2u":
		return udp
	case "sip+d2t":
		return tcp
	case "sips+d2t":
		return tls
	}
	return ""
}

// bySRV returns the hops of SRV records; none and no error if there are no
// records.
func (r *Resolver) bySRV(ctx context.Context, q Query, name, transport string) (hops []Hop, err error) {
	records, err := r.ask(ctx, name, typeSRV)
	if errors.Is(err, ErrNotFound) || err == nil && len(records) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(records) == 1 && records[0].name == "" {
		return nil, ErrNoSIP // RFC 2782: decidedly not here
	}
	var last error
	for _, rec := range r.ordered(records) {
		more, err := r.addresses(ctx, q, rec.name, transport, rec.port)
		if err != nil {
			last = err // the other servers may be known
			continue
		}
		hops = append(hops, more...)
	}
	if len(hops) == 0 {
		return nil, cmp.Or(last, ErrNotFound)
	}
	return hops, nil
}

// ordered sorts SRV records by priority, and those of one priority by chance
// according to their weights (RFC 2782).
func (r *Resolver) ordered(records []record) []record {
	left := slices.Clone(records)
	slices.SortStableFunc(left, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(min(a.weight, 1), min(b.weight, 1)))
	})
	out := make([]record, 0, len(left))
	for len(left) > 0 {
		same, sum := 0, 0
		for same < len(left) && left[same].priority == left[0].priority {
			sum += int(left[same].weight)
			same++
		}
		mark, i := r.intn(sum+1), 0
		for run := int(left[0].weight); run < mark; run += int(left[i].weight) {
			i++
		}
		out = append(out, left[i])
		left = slices.Delete(left, i, i+1)
	}
	return out
}

// addresses returns the hops of a name's addresses.
func (r *Resolver) addresses(ctx context.Context, q Query, name, transport string, port uint16) ([]Hop, error) {
	port = orPort(port, transport)
	ips := r.hosts(name)
	var failed error
	if len(ips) == 0 {
		kinds := []kind{typeA}
		if q.IPv6 {
			kinds = append(kinds, typeAAAA)
		}
		for _, k := range kinds {
			records, err := r.ask(ctx, name, k)
			if err != nil {
				failed = cmp.Or(failed, err)
				continue
			}
			for _, rec := range records {
				ips = append(ips, rec.addr)
			}
		}
	}
	var hops []Hop
	for _, ip := range ips {
		if ip.Is4() || q.IPv6 {
			hops = append(hops, Hop{transport, netip.AddrPortFrom(ip, port)})
		}
	}
	if len(hops) == 0 {
		return nil, cmp.Or(failed, ErrNotFound)
	}
	return hops, nil
}

func orUDP(transport string) string { return cmp.Or(transport, udp) }

func orPort(port uint16, transport string) uint16 {
	if port == 0 && transport == tls {
		return 5061
	}
	return cmp.Or(port, 5060)
}

// unique drops hops that were there before.
func unique(hops []Hop) []Hop {
	out := hops[:0:0]
	for _, h := range hops {
		if !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

const (
	badFor  = 30 * time.Second // an address that failed comes last for so long
	mostBad = 4096
)

// Report tells whether a request to an address got an answer. What failed comes
// last for half a minute.
func (r *Resolver) Report(addr netip.AddrPort, good bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if good {
		delete(r.bad, addr)
		return
	}
	if len(r.bad) < mostBad {
		r.bad[addr] = time.Now().Add(badFor)
	}
}

func (r *Resolver) goodFirst(hops []Hop) []Hop {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for a, until := range r.bad {
		if !now.Before(until) {
			delete(r.bad, a)
		}
	}
	rank := func(h Hop) int {
		if _, bad := r.bad[h.Addr]; bad {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(hops, func(a, b Hop) int { return cmp.Compare(rank(a), rank(b)) })
	return hops
}
