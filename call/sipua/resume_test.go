package sipua_test

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/call/sipua"
)

const resumeEnv = "TIERLINE_TEST_RESUME" // "address dialog-in-base64"

func realUA(t testing.TB, h sipua.Handler, transport string) *sipua.UA {
	t.Helper()
	ua, err := sipua.Open(sipua.Config{
		Listen: []sipua.Listen{{Transport: transport, Addr: "127.0.0.1:0"}}, Logger: slog.New(slog.DiscardHandler), Handler: h,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ua.Close)
	return ua
}

// resumeChild is another process that goes on with a dialog: a re-INVITE,
// then BYE. What it prints is what came of them.
func resumeChild() {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format+"\n", args...) }
	addr, encoded, _ := strings.Cut(os.Getenv(resumeEnv), " ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	var d sipua.Dialog
	if err == nil {
		err = d.UnmarshalBinary(raw)
	}
	if err != nil {
		say("dialog: %v", err)
		return
	}
	ua, err := sipua.Open(sipua.Config{
		Listen: []sipua.Listen{{Transport: d.Transport, Addr: addr}}, Logger: slog.New(slog.DiscardHandler), Handler: &desk{},
	})
	if err != nil {
		say("open: %v", err)
		return
	}
	defer ua.Close()
	l := ua.Resume(d, func(ev sipua.LegEvent) { say("event %T", ev) })
	done := make(chan string)
	l.Reinvite([]byte(ourSDP), func(status int, sdp []byte) { done <- fmt.Sprintf("re-INVITE %d %q", status, sdp) })
	say("%s", <-done)
	l.Hangup(16, "moved")
	for end := time.Now().Add(5 * time.Second); ua.Stats().Legs > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // no event tells of the answer to our own BYE
	}
	say("BYE %d", ua.Stats().In["200"])
}

func TestResumeInAnotherProcess(t *testing.T) {
	for _, transport := range []string{sipua.UDP, sipua.TCP} {
		for _, weCalled := range []bool{true, false} {
			for _, samePort := range []bool{true, false} {
				name := fmt.Sprintf("%s called=%v same port=%v", transport, weCalled, samePort)
				t.Run(name, func(t *testing.T) { resumeElsewhere(t, transport, weCalled, samePort) })
			}
		}
	}
}

func resumeElsewhere(t *testing.T, transport string, weCalled, samePort bool) {
	ours, theirs := newEvents(), newEvents()
	legs := make(chan *sipua.Leg, 1)
	answer := func(ev *events) *desk {
		return &desk{invite: func(in *sipua.Incoming) {
			l, err := in.Answer([]byte(ourSDP), ev.on)
			if err != nil {
				t.Error(err)
			}
			legs <- l
		}}
	}
	node, peer := realUA(t, answer(ours), transport), realUA(t, answer(theirs), transport)
	var d sipua.Dialog
	call := func(from, to *sipua.UA, caller, callee *events) sipua.Dialog {
		_, err := from.Dial(sipua.DialRequest{
			Target: fmt.Sprintf("sip:x@%s;transport=%s", to.Addr(transport), transport), From: "1", SDP: []byte(offerSDP),
		}, caller.on)
		if err != nil {
			t.Fatal(err)
		}
		a := next[sipua.Answered](t, caller)
		next[sipua.Confirmed](t, callee)
		return a.Dialog
	}
	if weCalled {
		d = call(node, peer, ours, theirs)
	} else {
		call(peer, node, theirs, ours)
		d = (<-legs).Dialog()
	}
	raw, err := d.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	addr := "127.0.0.1:0"
	if samePort {
		addr = node.Addr(transport).String()
	}
	node.Close() // without a word, as after kill -9
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", resumeEnv+"="+addr+" "+base64.StdEncoding.EncodeToString(raw))
	replied := make(chan error, 1)
	go func() {
		replied <- next[sipua.Reinvited](t, theirs).Reply(200, []byte(offerSDP))
	}()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := fmt.Sprintf("re-INVITE 200 %q\nBYE 2\n", offerSDP)
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Error(diff)
	}
	if err := <-replied; err != nil {
		t.Error(err)
	}
	if h := next[sipua.Hungup](t, theirs); h.Reason != "moved" || h.Q850 != 16 {
		t.Errorf("%+v", h)
	}
}
