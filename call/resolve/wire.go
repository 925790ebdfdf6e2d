package resolve

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

type kind = dnsmessage.Type

const (
	typeA     = dnsmessage.TypeA
	typeAAAA  = dnsmessage.TypeAAAA
	typeSRV   = dnsmessage.TypeSRV
	typeNAPTR = dnsmessage.Type(35)
)

// record is one answer of any kind.
type record struct {
	addr              netip.Addr // A, AAAA
	name              string     // SRV, NAPTR: where to go on; lower case, without the last dot
	port              uint16
	priority, weight  uint16
	order, preference uint16 // NAPTR, and what follows
	flags, service    string // lower case
}

// answer is what a server says of a question.
type answer struct {
	records []record
	life    time.Duration
}

// mostRecords bounds what one answer can make us try.
const mostRecords = 64

// udpSize is how long an answer over UDP may be (DNS flag day 2020).
const udpSize = 1232

var errAnswer = errors.New("not an answer to this question")

func pack(id uint16, q key) ([]byte, error) {
	name, err := dnsmessage.NewName(q.name + ".")
	if err != nil {
		return nil, fmt.Errorf("write question: %w", err)
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id, RecursionDesired: true})
	var opt dnsmessage.ResourceHeader
	err = errors.Join(
		b.StartQuestions(),
		b.Question(dnsmessage.Question{Name: name, Type: q.kind, Class: dnsmessage.ClassINET}),
		b.StartAdditionals(),
		opt.SetEDNS0(udpSize, dnsmessage.RCodeSuccess, false),
		b.OPTResource(opt, dnsmessage.OPTResource{}),
	)
	if err != nil {
		return nil, fmt.Errorf("write question: %w", err)
	}
	msg, err := b.Finish()
	if err != nil {
		return nil, fmt.Errorf("write question: %w", err)
	}
	return msg, nil
}

// unpack reads an answer. Without such a record it is ErrNotFound, and the
// answer says for how long.
func unpack(b []byte, id uint16, q key) (answer, error) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	asked, err := p.AllQuestions()
	if err != nil || len(asked) != 1 || !h.Response || h.ID != id ||
		asked[0].Type != q.kind || plainName(asked[0].Name) != q.name {
		return answer{}, fmt.Errorf("%w: %w", ErrRefused, errAnswer)
	}
	switch h.RCode { //nolint:exhaustive // whatever else it says is no answer
	case dnsmessage.RCodeSuccess:
	case dnsmessage.RCodeNameError:
		return answer{life: notFor(&p)}, ErrNotFound
	default:
		return answer{}, fmt.Errorf("%w: %s", ErrRefused, h.RCode)
	}
	a, err := read(&p, q)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if len(a.records) == 0 {
		return answer{life: notFor(&p)}, ErrNotFound
	}
	return a, nil
}

// read collects the records of the question's name, or of the names that it is
// another one for.
func read(p *dnsmessage.Parser, q key) (a answer, err error) {
	names := map[string]bool{q.name: true}
	a.life = mostLife
	for {
		h, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return a, nil
		}
		if err != nil {
			return a, fmt.Errorf("read answer: %w", err)
		}
		ours := names[plainName(h.Name)] && h.Class == dnsmessage.ClassINET
		switch {
		case ours && h.Type == dnsmessage.TypeCNAME:
			c, err := p.CNAMEResource()
			if err != nil {
				return a, fmt.Errorf("read answer: %w", err)
			}
			names[plainName(c.CNAME)] = true
		case ours && h.Type == q.kind:
			rec, err := readRecord(p, q.kind)
			if err != nil {
				return a, err
			}
			if len(a.records) < mostRecords {
				a.records = append(a.records, rec)
			}
		default:
			if err := p.SkipAnswer(); err != nil {
				return a, fmt.Errorf("read answer: %w", err)
			}
			continue
		}
		a.life = min(a.life, time.Duration(h.TTL)*time.Second)
	}
}

func readRecord(p *dnsmessage.Parser, k kind) (record, error) {
	switch k { //nolint:exhaustive // nothing else is asked for
	case typeA:
		r, err := p.AResource()
		return record{addr: netip.AddrFrom4(r.A)}, wrap(err)
	case typeAAAA:
		r, err := p.AAAAResource()
		return record{addr: netip.AddrFrom16(r.AAAA).Unmap()}, wrap(err)
	case typeSRV:
		r, err := p.SRVResource()
		return record{name: plainName(r.Target), port: r.Port, priority: r.Priority, weight: r.Weight}, wrap(err)
	default:
		r, err := p.UnknownResource()
		if err != nil {
			return record{}, wrap(err)
		}
		return readNAPTR(r.Data)
	}
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

var errNAPTR = errors.New("a NAPTR record that ends too early")

// readNAPTR reads the data of a NAPTR record (RFC 3403 §4.1). Its name is never
// compressed.
func readNAPTR(b []byte) (r record, err error) {
	if len(b) < 4 {
		return r, errNAPTR
	}
	r.order, r.preference = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	b = b[4:]
	var texts [3]string // flags, service, regular expression
	for i := range texts {
		if texts[i], b, err = text(b); err != nil {
			return r, err
		}
	}
	r.flags, r.service = strings.ToLower(texts[0]), strings.ToLower(texts[1])
	var labels []string
	for {
		var label string
		if label, b, err = text(b); err != nil {
			return r, err
		}
		if label == "" {
			break
		}
		if len(label) > 63 || strings.Contains(label, ".") {
			return r, errNAPTR
		}
		labels = append(labels, strings.ToLower(label))
	}
	r.name = strings.Join(labels, ".")
	return r, nil
}

// text takes a length and as many bytes off the front.
func text(b []byte) (string, []byte, error) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, errNAPTR
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], nil
}

// notFor reads for how long there is nothing (RFC 2308 §5).
func notFor(p *dnsmessage.Parser) time.Duration {
	if p.SkipAllAnswers() != nil {
		return nothing
	}
	for {
		h, err := p.AuthorityHeader()
		if err != nil {
			return nothing
		}
		if h.Type != dnsmessage.TypeSOA {
			if p.SkipAuthority() != nil {
				return nothing
			}
			continue
		}
		soa, err := p.SOAResource()
		if err != nil {
			return nothing
		}
		return time.Duration(min(h.TTL, soa.MinTTL)) * time.Second
	}
}

func plainName(n dnsmessage.Name) string { return strings.ToLower(strings.TrimSuffix(n.String(), ".")) }
