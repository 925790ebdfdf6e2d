package resolve_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// zone is what a server of the tests knows: lines such as
// "a.test. 60 A 192.0.2.1". What it doesn't know doesn't exist.
type zone struct {
	t *testing.T

	mu    sync.Mutex
	lines []string
	mute  bool
	rcode dnsmessage.RCode
	asked map[string]int // how often, by name and type
}

func newZone(t *testing.T, text string) *zone {
	t.Helper()
	return &zone{t: t, lines: strings.Split(strings.TrimSpace(text), "\n"), asked: map[string]int{}}
}

func (z *zone) silent(mute bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.mute = mute
}

func (z *zone) count(question string) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked[question]
}

var errMute = errors.New("nothing comes")

func types() map[string]dnsmessage.Type {
	return map[string]dnsmessage.Type{
		"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "SRV": dnsmessage.TypeSRV, "CNAME": dnsmessage.TypeCNAME,
		"NAPTR": 35,
	}
}

func (z *zone) exchange(ctx context.Context, _ netip.AddrPort, question []byte) ([]byte, error) {
	var p dnsmessage.Parser
	h, err := p.Start(question)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	for name, k := range types() {
		if k == q.Type {
			z.asked[q.Name.String()+" "+name]++
		}
	}
	if z.mute {
		z.mu.Unlock()
		<-ctx.Done()
		z.mu.Lock()
		return nil, errMute
	}
	return z.answer(h.ID, q)
}

func (z *zone) answer(id uint16, q dnsmessage.Question) ([]byte, error) {
	m := dnsmessage.Message{
		Header: dnsmessage.Header{ID: id, Response: true, RCode: z.rcode}, Questions: []dnsmessage.Question{q},
	}
	name, exists := q.Name.String(), false
	for _, line := range z.lines {
		f := strings.Fields(line)
		if len(f) < 4 || f[0] != name {
			continue
		}
		exists = true
		k := types()[f[2]]
		if k != q.Type && k != dnsmessage.TypeCNAME {
			continue
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(f[0]), Type: k, Class: dnsmessage.ClassINET, TTL: number(f[1])},
			Body:   resource(f[2:]),
		})
		if k == dnsmessage.TypeCNAME {
			name = f[3]
		}
	}
	if !exists && z.rcode == 0 {
		m.RCode = dnsmessage.RCodeNameError
	}
	if len(m.Answers) == 0 {
		m.Authorities = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("test."), Type: dnsmessage.TypeSOA, Class: dnsmessage.ClassINET, TTL: 3600},
			Body: &dnsmessage.SOAResource{
				NS: dnsmessage.MustNewName("ns.test."), MBox: dnsmessage.MustNewName("host.test."), MinTTL: 60,
			},
		}}
	}
	return m.Pack()
}

func number(s string) uint32 {
	n := uint32(0)
	for _, c := range s {
		n = 10*n + uint32(c-'0')
	}
	return n
}

func resource(f []string) dnsmessage.ResourceBody {
	small := func(s string) uint16 { return uint16(number(s)) } //nolint:gosec // the tests' own
	switch f[0] {
	case "A":
		return &dnsmessage.AResource{A: netip.MustParseAddr(f[1]).As4()}
	case "AAAA":
		return &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(f[1]).As16()}
	case "CNAME":
		return &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(f[1])}
	case "SRV":
		return &dnsmessage.SRVResource{
			Priority: small(f[1]), Weight: small(f[2]), Port: small(f[3]), Target: dnsmessage.MustNewName(f[4]),
		}
	default:
		b := binary.BigEndian.AppendUint16(nil, small(f[1]))
		b = binary.BigEndian.AppendUint16(b, small(f[2]))
		for _, s := range []string{f[3], f[4], ""} {
			b = append(append(b, byte(len(s))), s...)
		}
		for s := range strings.SplitSeq(f[5], ".") { // ends with the empty one
			b = append(append(b, byte(len(s))), s...)
		}
		return &dnsmessage.UnknownResource{Type: 35, Data: b}
	}
}
