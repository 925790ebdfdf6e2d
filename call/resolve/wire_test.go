package resolve

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"
)

func TestQuestionAsItStandsInTheRFC(t *testing.T) {
	b, err := pack(0x1234, key{"sip.test", typeSRV})
	if err != nil {
		t.Fatal(err)
	}
	want := "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01" + "\x03sip\x04test\x00\x00\x21\x00\x01" +
		"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
	if d := cmp.Diff(want, string(b)); d != "" {
		t.Error(d)
	}
}

// Whoever answers must have seen the question.
func TestForeignAnswers(t *testing.T) {
	make1 := func(id uint16, name string, k kind, response bool) []byte {
		m := dnsmessage.Message{
			Header: dnsmessage.Header{ID: id, Response: response},
			Questions: []dnsmessage.Question{
				{Name: dnsmessage.MustNewName(name), Type: k, Class: dnsmessage.ClassINET},
			},
			Answers: []dnsmessage.Resource{
				{
					Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("evil.test."), Class: dnsmessage.ClassINET, TTL: 60},
					Body:   &dnsmessage.AResource{A: [4]byte{6, 6, 6, 6}},
				},
				{
					Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("A.test."), Class: dnsmessage.ClassINET, TTL: 60},
					Body:   &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}},
				},
			},
		}
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	q := key{"a.test", typeA}
	for name, b := range map[string][]byte{
		"other id": make1(8, "a.test.", typeA, true), "other name": make1(7, "b.test.", typeA, true),
		"other type": make1(7, "a.test.", typeAAAA, true), "a question": make1(7, "a.test.", typeA, false), "nothing": {},
	} {
		if a, err := unpack(b, 7, q); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %+v %v", name, a, err)
		}
	}
	a, err := unpack(make1(7, "a.test.", typeA, true), 7, q)
	if err != nil || len(a.records) != 1 || a.records[0].addr != netip.MustParseAddr("192.0.2.1") || a.life != time.Minute {
		t.Errorf("%+v %v", a, err)
	}
}

func TestNAPTR(t *testing.T) {
	good := "\x00\x0a\x00\x14\x01S\x07SIP+D2U\x00\x04_sip\x04_udp\x04Test\x00"
	r, err := readNAPTR([]byte(good))
	want := record{order: 10, preference: 20, flags: "s", service: "sip+d2u", name: "_sip._udp.test"}
	if d := cmp.Diff(want, r, cmp.AllowUnexported(record{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	for n := range len(good) {
		if _, err := readNAPTR([]byte(good[:n])); err == nil {
			t.Errorf("%d of %d bytes are enough", n, len(good))
		}
	}
	if _, err := readNAPTR([]byte("\x00\x0a\x00\x14\x00\x00\x00\xc0\x0c")); err == nil {
		t.Error("a compressed name")
	}
}

func FuzzUnpack(f *testing.F) {
	for _, k := range []kind{typeA, typeSRV, typeNAPTR} {
		if b, err := pack(7, key{"a.test", k}); err == nil {
			b[2] |= 0x80
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, k := range []kind{typeA, typeAAAA, typeSRV, typeNAPTR} {
			a, err := unpack(b, 7, key{"a.test", k})
			if err == nil && (len(a.records) == 0 || len(a.records) > mostRecords) {
				t.Errorf("%d records without an error", len(a.records))
			}
		}
		_, _ = readNAPTR(b)
	})
}

func TestFilesOfTheMachine(t *testing.T) {
	got := readServers([]byte("# x\nsearch a b\nnameserver 192.0.2.1\nnameserver  2001:db8::1\nnameserver x\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"))
	want := []netip.AddrPort{
		netip.MustParseAddrPort("192.0.2.1:53"), netip.MustParseAddrPort("[2001:db8::1]:53"), netip.MustParseAddrPort("192.0.2.3:53"),
	}
	same := cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })
	if d := cmp.Diff(want, got, same); d != "" {
		t.Error(d)
	}
	if got := readServers(nil); len(got) != 1 || got[0].String() != "127.0.0.1:53" {
		t.Errorf("an empty file: %v", got)
	}
	hosts := readHosts([]byte("127.0.0.1 localhost\n10.0.0.7\tPBX pbx.lan # the old one\nfe80::1%lo x\nnonsense y\n10.0.0.8\n"))
	if len(hosts) != 3 || hosts["pbx"][0].String() != "10.0.0.7" || hosts["pbx.lan"][0].String() != "10.0.0.7" {
		t.Errorf("%v", hosts)
	}
	if got := readHosts(nil)["localhost"]; len(got) != 2 {
		t.Errorf("localhost: %v", got)
	}
}
