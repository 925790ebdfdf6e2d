package sipua_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tierline/call/sipua"
)

// tell sends an INFO with a body; no type means no Content-Type.
func (p *peer) tell(kind, body string, headers ...string) {
	if kind != "" {
		headers = append(headers, "Content-Type: "+kind)
	}
	text := p.text(ask{method: "INFO", headers: headers})
	p.write(strings.Replace(text, "Content-Length: 0\r\n\r\n", fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body), 1))
}

func TestInfo(t *testing.T) {
	const relay, plain = "application/dtmf-relay", "application/dtmf"
	for _, c := range []struct {
		kind, body string
		status     string
		key        rune // 0: none
		held       int  // ms
	}{
		{relay, "Signal=5\r\nDuration=160\r\n", "200", '5', 160},
		{relay, "Signal= 5\nDuration= 160", "200", '5', 160},
		{relay, "Signal: 5\r\nDuration: 90\r\n", "200", '5', 90},
		{relay, "duration=250\r\nsignal=#", "200", '#', 250},
		{relay, "Signal=*", "200", '*', 100},
		{relay, "d=7\r\n", "200", '7', 100},
		{relay, "Signal=star\r\n", "200", '*', 100},
		{relay, "Signal=pound\r\n", "200", '#', 100},
		{relay, "Signal=10\r\n", "200", '*', 100},
		{relay, "Signal=11\r\n", "200", '#', 100},
		{relay, "Signal=15\r\n", "200", 'D', 100},
		{relay, "Signal=a\r\n", "200", 'A', 100},
		{relay, "Signal=1\r\nDuration=-5", "200", '1', 100},
		{relay, "Signal=1\r\nDuration=4294967295", "200", '1', 10_000},
		{relay, "Signal=1\r\nDuration=99999999999999999999", "200", '1', 100},
		{relay, "Signal=1\r\nColour=blue\r\nnonsense", "200", '1', 100},
		{"Application/DTMF-Relay; charset=utf-8", "Signal=9", "200", '9', 100},
		{plain, "5", "200", '5', 100},
		{plain, " 3 \r\n", "200", '3', 100},
		{plain, "11", "200", '#', 100},
		{plain, "D", "200", 'D', 100},
		{plain, "Signal=5\r\nDuration=160", "200", '5', 160},
		// A flash is no key, but nothing is wrong with it.
		{relay, "Signal=16\r\n", "200", 0, 0},
		{relay, "Signal=hf\r\n", "200", 0, 0},
		{plain, "!", "200", 0, 0},
		{plain, "", "200", 0, 0},
		{"", "", "200", 0, 0},
		// What can't be understood is not said to be all right.
		{relay, "Signal=\r\n", "400", 0, 0},
		{relay, "Signal=17\r\n", "400", 0, 0},
		{relay, "Signal=255\r\n", "400", 0, 0},
		{relay, "Signal=055\r\n", "400", 0, 0},
		{relay, "Signal=-1\r\n", "400", 0, 0},
		{relay, "Signal=12345\r\n", "400", 0, 0},
		{relay, "Signal=5\r\nSignal=6\r\n", "400", 0, 0},
		{relay, "Signal=x\r\n", "400", 0, 0},
		{relay, "Signal=\xff\r\n", "400", 0, 0},
		{relay, "5", "400", 0, 0},
		{relay, "\r\n\r\n", "400", 0, 0},
		{relay, "Signal=5" + strings.Repeat(" ", 256), "400", 0, 0},
		{plain, "123", "400", 0, 0},
		{plain, "\x00\x01", "400", 0, 0},
		{plain, strings.Repeat("5", 300), "400", 0, 0},
		{"application/media_control+xml", "<media_control/>", "415", 0, 0},
		{"application/sdp", "v=0\r\n", "415", 0, 0},
		{"", "5", "415", 0, 0},
	} {
		onBench(t, func(b *bench) {
			_, ev := b.called()
			b.peer.tell(c.kind, c.body)
			answer := b.peer.within(time.Second)
			if answer.what() != c.status || c.status == "415" && !strings.Contains(answer.get("Accept"), relay) {
				t.Errorf("%s %q: %s, want %s", c.kind, c.body, answer.start, c.status)
			}
			if c.key == 0 {
				ev.none(t)
				return
			}
			want := sipua.Info{Key: c.key, Held: time.Duration(c.held) * time.Millisecond}
			if got := next[sipua.Info](t, ev); got != want {
				t.Errorf("%s %q: %+v, want %+v", c.kind, c.body, got, want)
			}
		})
	}
}

// An INFO of a package that we never agreed to (RFC 6086).
func TestInfoPackage(t *testing.T) {
	onBench(t, func(b *bench) {
		_, ev := b.called()
		b.peer.tell("application/dtmf", "5", "Info-Package: conference")
		if no := b.peer.next("469"); len(no.all("Recv-Info")) != 1 {
			t.Error("no Recv-Info")
		}
		ev.none(t)
	})
}

func TestInfoOutsideADialog(t *testing.T) {
	onBench(t, func(b *bench) {
		b.peer.remote = ""
		b.peer.tell("application/dtmf-relay", "Signal=5")
		b.peer.next("481")
	})
}

// FuzzInfo: whatever an INFO carries is answered, and only keys come through.
func FuzzInfo(f *testing.F) {
	f.Add("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n")
	f.Add("application/dtmf", "11")
	f.Add("text/plain", "\x00")
	f.Fuzz(func(t *testing.T, kind, body string) {
		if strings.ContainsAny(kind, "\r\n\x00") || len(body) > 1000 {
			return // another header, another message
		}
		onBench(t, func(b *bench) {
			_, ev := b.called()
			b.peer.tell(kind, body)
			time.Sleep(time.Second)
			ev.mu.Lock()
			defer ev.mu.Unlock()
			for _, e := range ev.all {
				i, ok := e.(sipua.Info)
				if !ok || !strings.ContainsRune("0123456789*#ABCD", i.Key) || i.Held < 0 || i.Held > 10*time.Second {
					t.Fatalf("%q %q: %+v", kind, body, e)
				}
			}
		})
	})
}
