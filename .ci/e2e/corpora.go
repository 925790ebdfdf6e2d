package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// vectors is where messages stand that are not ours to copy: RFC 5118 and half
// of PROTOS c07-sip (GPL). A checkout without them leaves those out.
const vectors = "../shared/vectors"

// corporaPort is where PROTOS comes from. It has a trunk of its own: its calls
// that nobody acknowledges are calls of that trunk for 32 s, and fill it only.
const corporaPort = 5094

// corporaTrunk adds it.
func corporaTrunk(to, caller string) error {
	return extend(to, "trunks.yaml", fmt.Sprintf(`
  e2e_corpora:
    sources: ["%s:%d"]
    limits: {calls: 500, rate: 200, burst: 400}
    numbering: {country: "86", area: "571"}
`, caller, corporaPort))
}

// absent says that a corpus is not there.
func absent(path string) bool {
	_, err := os.Stat(path)
	if err != nil {
		fmt.Printf("      left out: there is no %s\n", path)
	}
	return err != nil
}

// tortureWants are the answers to RFC 4475 and RFC 5118, "-" for silence, on a
// trunk whose numbers these are not.
func tortureWants() map[string]string {
	return map[string]string{
		"badaspec.dat": "400", "badbranch.dat": "200", "baddate.dat": "404", "baddn.dat": "400", "badinv01.dat": "400",
		"badvers.dat": "505", "bcast.dat": "-", "bext01.dat": "420", "bigcode.dat": "-", "clerr.dat": "400",
		"cparam01.dat": "401", "cparam02.dat": "401", "dblreq.dat": "401", "esc01.dat": "404", "esc02.dat": "501",
		"escnull.dat": "401", "escruri.dat": "400", "insuf.dat": "400", "intmeth.dat": "-", "inv2543.dat": "400",
		"invut.dat": "415", "longreq.dat": "404", "ltgtruri.dat": "400", "lwsdisp.dat": "200", "lwsruri.dat": "400",
		"lwsstart.dat": "400", "mcl01.dat": "400", "mismatch01.dat": "400", "mismatch02.dat": "501",
		"mpart01.dat": "405", "multi01.dat": "400", "ncl.dat": "400", "noreason.dat": "-", "novelsc.dat": "400 416",
		"quotbal.dat": "400", "regaut01.dat": "401", "regbadct.dat": "400", "regescrt.dat": "401", "scalar02.dat": "400",
		"scalarlg.dat": "-", "sdp01.dat": "406", "semiuri.dat": "200", "test.dat": "-", "transports.dat": "200",
		"trws.dat": "- 400", "unkscm.dat": "416", "unksm2.dat": "404", "unreason.dat": "-", "wsinv.dat": "481",
		"zeromf.dat": "483",

		"ipv4-mapped-ipv6": "404", "ipv6-bad": "400", "ipv6-bug-abnf-3-colons": "200", "ipv6-correct-abnf-2-colons": "200",
		"ipv6-good": "401", "ipv6-in-sdp": "404", "mult-ip-in-header": "481", "mult-ip-in-sdp": "404",
		"port-ambiguous": "401", "port-unambiguous": "401", "via-received-param-no-delim": "200",
		"via-received-param-with-delim": "481",
	}
}

// tortures sends each message of the two RFCs from the port that answers come
// to, and checks them.
func tortures(ctx context.Context, l *lab) error {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		return fmt.Errorf("find sipgo's test data: %w", err)
	}
	dirs := []string{filepath.Join(strings.TrimSpace(string(out)), "sip", "testdata", "torture")}
	if more := filepath.Join(vectors, "rfc5118"); !absent(more) {
		dirs = append(dirs, more)
	}
	to, err := net.ResolveUDPAddr("udp4", l.node.Address())
	if err != nil {
		return fmt.Errorf("resolve switch: %w", err)
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(l.callerIP), Port: 5060})
	if err != nil {
		return fmt.Errorf("open socket: %w", err)
	}
	p := &prober{conn, to}
	defer p.close()
	var files []string
	for _, dir := range dirs {
		err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
	}
	return p.torture(files)
}

func (p *prober) torture(files []string) error {
	var all []error
	wants := tortureWants()
	for _, file := range files {
		name := filepath.Base(file)
		want, ok := wants[name]
		if !ok {
			continue // a README
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read message: %w", err)
		}
		if !strings.HasSuffix(name, ".dat") {
			b = mended(b)
		}
		wait := patience
		if strings.Contains(want, "-") {
			wait = hush / 2
		}
		if err = p.send(string(b)); err != nil {
			return err
		}
		m, got := p.final(wait), "-"
		if m != "" {
			got = fmt.Sprint(m.Status())
		}
		if !slices.Contains(strings.Fields(want), got) {
			all = append(all, fmt.Errorf("%s: answered with %s, not %s", name, got, want))
		}
		if strings.HasSuffix(m.Header("CSeq"), " INVITE") && m.Header("Via") != "" {
			_ = p.send(refusalAck(m)) // else the answer comes again
		}
	}
	return errors.Join(all...)
}

// refusalAck acknowledges a refusal by what stands in it.
func refusalAck(m bed.Message) string {
	cseq, _, _ := strings.Cut(m.Header("CSeq"), " ")
	return fmt.Sprintf("ACK sip:x SIP/2.0\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s ACK\r\n"+
		"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		m.Header("Via"), m.Header("From"), m.Header("To"), m.Header("Call-ID"), cseq)
}

// mended gives the copy of RFC 5118 that is in circulation its line ends and
// lengths back.
func mended(b []byte) []byte {
	b = bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	head, body, found := bytes.Cut(b, []byte("\r\n\r\n"))
	if !found {
		head = bytes.TrimRight(b, "\r\n")
	}
	length := regexp.MustCompile(`Content-Length: \d+`)
	head = length.ReplaceAll(head, fmt.Appendf(nil, "Content-Length: %d", len(body)))
	head = regexp.MustCompile(`(Via: \S+ [^;]*\]):\d+;`).ReplaceAll(head, []byte("$1;")) // where we listen
	return slices.Concat(head, []byte("\r\n\r\n"), body)
}

// protos sends thousands of spoilt INVITEs and what ends them.
func protos(ctx context.Context, l *lab) error {
	archive := filepath.Join(vectors, "protos-sip-even.tar.xz")
	if absent(archive) {
		return nil
	}
	dir, err := os.MkdirTemp(l.work, "protos-")
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	out, err := exec.CommandContext(ctx, "tar", "-xJf", archive, "-C", dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("unpack PROTOS: %w: %s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(files) < 4000 {
		return fmt.Errorf("PROTOS has only %d messages: %w", len(files), err)
	}
	slices.Sort(files)
	return l.beside(ctx, 6*time.Second, 200<<20, func() error { return l.spray(files) })
}

// spray sends files to the switch, each as one datagram, and then asks whether
// it is still there.
func (l *lab) spray(files []string) error {
	p, err := newProberAt(l.callerIP, corporaPort, l.node.Address())
	if err != nil {
		return err
	}
	defer p.close()
	for i, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read message: %w", err)
		}
		b = bytes.ReplaceAll(b, []byte("127.0.0.11:5060"), []byte(l.node.Address()))
		b = bytes.ReplaceAll(b, []byte("127.0.0.21:5060"), []byte(p.local()))
		if err = p.send(string(b[:min(len(b), 65507)])); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		if i%8 == 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	return bed.Eventually(20*time.Second, func() error {
		fresh, err := newProber(l.callerIP, l.node.Address())
		if err != nil {
			return err
		}
		defer fresh.close()
		return fresh.try(badInput{0, "after PROTOS", "OPTIONS", nothing, "200"})
	})
}
