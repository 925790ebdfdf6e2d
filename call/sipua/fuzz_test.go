package sipua_test

import (
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sipua"
)

func seeds(f *testing.F) (out [][]byte) {
	files, err := filepath.Glob(tortureDir + "/*.dat")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		out = append(out, b)
	}
	p := &peer{addr: peerAddr, callID: "c", tag: "t", target: "sip:10000@10.0.0.1"}
	for _, m := range []string{"INVITE", "ACK", "CANCEL", "BYE", "INFO", "OPTIONS", "REGISTER", "UPDATE"} {
		out = append(out, []byte(p.text(ask{method: m, cseq: 1, body: offerSDP, branch: "z9hG4bKf"})))
		p.remote = "x"
		out = append(out, []byte(p.text(ask{method: m, body: offerSDP})))
		p.remote = ""
	}
	return out
}

// FuzzDatagram throws a datagram at a UA that is in a call and at one that
// rings. Nothing panics, and the call doesn't notice.
func FuzzDatagram(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		onBench(t, func(bench *bench) {
			_, ev := bench.called()
			bench.desk.invite = func(in *sipua.Incoming) {
				in.OnCancel(func() {})
				_ = in.Ringing()
				time.Sleep(time.Second)
				_, _ = in.Answer([]byte(ourSDP), func(ev sipua.LegEvent) {
					if r, ok := ev.(sipua.Reinvited); ok {
						_ = r.Reply(200, []byte(ourSDP))
					}
				})
			}
			stranger := bench.join("10.0.0.3:5060")
			stranger.write(string(b))
			bench.peer.write(strings.ReplaceAll(string(b), "z9hG4bKf", "z9hG4bKpeer10.0.0.2:5060.1"))
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			p := bench.peer
			p.drain(time.Millisecond)
			p.callID, p.tag = "call-"+peerAddr, "tag-"+peerAddr
			p.send(ask{method: "BYE", cseq: 2147483647})
			if m := p.within(time.Second); m == nil || m.what() != "200" {
				ev.mu.Lock()
				defer ev.mu.Unlock()
				for _, e := range ev.all { // or else it was a right BYE
					if _, ok := e.(sipua.Hungup); ok {
						return
					}
				}
				t.Errorf("the call is gone: %+v", m)
			}
		})
	})
}

// FuzzStream cuts a stream into chunks.
func FuzzStream(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s, uint8(7))
	}
	f.Add([]byte(options(1)+options(2)), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		inHall(t, 0, func(t *testing.T, h *hall, _ *desk, _ *sipua.UA) {
			w := h.connect(t, "10.0.0.2:40000", false)
			_ = w.c.SetWriteDeadline(time.Now().Add(time.Minute))
			for len(b) > 0 {
				n := min(len(b), int(size)+1)
				if _, err := w.c.Write(b[:n]); err != nil {
					break
				}
				b = b[n:]
			}
			time.Sleep(time.Minute)
		})
	})
}

// FuzzDialog decodes what may come out of a damaged log.
func FuzzDialog(f *testing.F) {
	for _, d := range []sipua.Dialog{{}, wholeDialog()} {
		b, err := d.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{1, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, b []byte) {
		var d, again sipua.Dialog
		if d.UnmarshalBinary(b) != nil {
			if !reflect.DeepEqual(d, sipua.Dialog{}) {
				t.Error("a refused encoding left something behind")
			}
			return
		}
		c, err := d.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalBinary(c); err != nil || !reflect.DeepEqual(d, again) {
			t.Errorf("%+v came back as %+v, %v", d, again, err)
		}
	})
}

func wholeDialog() sipua.Dialog {
	peer := net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 5060}
	return sipua.Dialog{
		CallID: "c", LocalTag: "l", RemoteTag: "r", LocalURI: "sip:a@b", RemoteURI: "sip:c@d", Target: "sip:e@f",
		Routes: []string{"sip:x;lr", "sip:y;lr"}, LocalCSeq: 7, RemoteCSeq: 1<<31 - 1, Caller: true, Transport: "udp",
		Contact: "sip:g@h", Peer: peer.AddrPort(), LocalSDP: []byte(ourSDP), RemoteSDP: []byte(offerSDP),
	}
}

func TestDialogEncoding(t *testing.T) {
	want := wholeDialog()
	b, err := want.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var got sipua.Dialog
	if err := got.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if len(b) > 512 {
		t.Errorf("%d bytes", len(b))
	}
	for i := range b { // cut short anywhere
		wantErr(t, got.UnmarshalBinary(b[:i]), sipua.ErrDialog)
	}
	wantErr(t, got.UnmarshalBinary(append(b, 0)), sipua.ErrDialog)
	wantErr(t, got.UnmarshalBinary(append([]byte{9}, b[1:]...)), sipua.ErrDialog)
	want.CallID = strings.Repeat("x", 1<<17)
	if _, err := want.MarshalBinary(); err == nil {
		t.Error("a field too long was encoded")
	}
	want = wholeDialog()
	want.Routes = make([]string, 65)
	if _, err := want.MarshalBinary(); err == nil {
		t.Error("too many routes were encoded")
	}
}
