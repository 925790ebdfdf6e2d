package service

import (
	"bytes"
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/media/prompt"
	"tierline/routing"
)

func demo(t *testing.T) (*Bundle, *Service) {
	t.Helper()
	b, problems := ReadDir("../../testdata/demo", nil)
	s, more := Compile(b)
	if s == nil {
		t.Fatal(append(problems, more...))
	}
	return b, s
}

// TestDemoKeepsItsPromises: what README, tests and other programs rely on.
func TestDemoKeepsItsPromises(t *testing.T) {
	_, s := demo(t)
	loopback := netip.MustParseAddrPort("127.0.0.42:5060")
	if tr, ok := s.Trunks.Match(loopback); !ok || tr.Name != "loopback" {
		t.Errorf("trunk of %v: %v", loopback, tr.Name)
	}
	for number, flow := range map[string]string{"10000": "svc10000", "10001": "svc10001"} {
		if r, err := s.Numbers.Lookup("loopback", number); err != nil || r.Flow != flow || s.Flows[flow] == nil {
			t.Errorf("number %s: %+v, %v", number, r, err)
		}
	}
	tr, _ := s.Trunks.Trunk("loopback")
	p, ok := s.Customers.ByNumber(tr.Normalise("13800138000"))
	if !ok || p.Tier != routing.Gold {
		t.Errorf("13800138000 is %+v", p)
	}
	if want := [routing.TierCount]int64{0, 30_000, 60_000, 120_000}; s.Config.HeadStart != want {
		t.Errorf("head starts %v", s.Config.HeadStart)
	}
	var ids []string
	for _, a := range s.Config.Agents {
		ids = append(ids, a.ID)
		if _, _, ok := s.Secret(a.ID); !ok {
			t.Errorf("agent %s can't register", a.ID)
		}
	}
	if len(ids) != 12 || ids[0] != "1001" || ids[11] != "1012" {
		t.Errorf("agents %v", ids)
	}
	var queues []string
	for _, q := range s.Config.Queues {
		queues = append(queues, q.Name)
	}
	if want := []string{"complaint", "fault", "human", "human_en", "human_vip"}; !slices.Equal(queues, want) {
		t.Errorf("queues %v", queues)
	}
	if open, _ := s.Calendars["people"].Open(time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)); !open {
		t.Error("the demo sleeps")
	}
}

func TestFeatureCodes(t *testing.T) {
	_, s := demo(t)
	tests := map[string]Feature{
		"*11":  {Command: acd.GoReady, Prompt: "fc_ready"},
		"*12":  {Command: acd.GoNotReady, Prompt: "fc_not_ready"},
		"*121": {Command: acd.GoNotReady, Reason: "break", Prompt: "fc_not_ready"},
		"*124": {Command: acd.GoNotReady, Reason: "meal", Prompt: "fc_not_ready"},
		"*13":  {Command: acd.SignOut, Prompt: "fc_signed_out"},
		"*14":  {Command: acd.EndWrapUp, Prompt: "fc_wrap_up_ended"},
	}
	for number, want := range tests {
		if got, ok := s.Feature(number); !ok || got != want {
			t.Errorf("%s: %+v", number, got)
		}
	}
	for _, number := range []string{"*1", "*129", "*111", "11", ""} {
		if got, ok := s.Feature(number); ok {
			t.Errorf("%s does %+v", number, got)
		}
	}
	if s.FeatureRefused() != "fc_refused" || !slices.Equal(s.Languages(), []string{"zh", "en"}) {
		t.Errorf("refused %q, languages %v", s.FeatureRefused(), s.Languages())
	}
}

// TestSecret: HA1 is the hash of user:realm:password (RFC 7616 §3.4.2, with
// the example of its §3.9.1).
func TestSecret(t *testing.T) {
	a := newAccount("Mufasa", "http-auth@example.org", "Circle of Life")
	if a.md5 != "3d78807defe7de2157e2b0b6573a855f" {
		t.Errorf("MD5 %s", a.md5)
	}
	if a.sha256 != "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232" {
		t.Errorf("SHA-256 %s", a.sha256)
	}
	_, s := demo(t)
	md5, sha, ok := s.Secret("1001")
	want := newAccount("1001", "tierline", "demo-1001")
	if !ok || md5 != want.md5 || sha != want.sha256 || s.Realm != "tierline" {
		t.Errorf("1001: %s %s %v in %s", md5, sha, ok, s.Realm)
	}
	if _, _, ok := s.Secret("9999"); ok {
		t.Error("a stranger has a secret")
	}
}

func TestBundleSurvivesTheLog(t *testing.T) {
	b, _ := demo(t)
	data := b.Encode()
	if !bytes.Equal(data, b.Encode()) {
		t.Error("two encodings differ")
	}
	back, err := DecodeBundle(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.Files, back.Files); diff != "" || !maps.Equal(b.Prompts, back.Prompts) {
		t.Errorf("came back changed: %s", diff)
	}
	if b.Hash() != back.Hash() || len(b.Hash()) != 64 {
		t.Errorf("hashes %s and %s", b.Hash(), back.Hash())
	}
	if s, problems := Compile(back); s == nil {
		t.Errorf("can't be compiled: %v", problems)
	}
	for name, broken := range map[string][]byte{
		"empty": nil, "version": append([]byte{99}, data[1:]...), "half": data[:len(data)/2], "noise": {bundleVersion, 1, 2, 3},
	} {
		if _, err := DecodeBundle(broken); err == nil {
			t.Errorf("%s: decoded", name)
		} else if name == "version" && !errors.Is(err, ErrBundle) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSoundsGoIntoTheLibrary(t *testing.T) {
	lib, err := prompt.OpenLibrary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, problems := ReadDir("../../testdata/bench", lib)
	s, more := Compile(b)
	if s == nil || len(problems)+len(more) > 0 {
		t.Fatal(problems, more)
	}
	want := []Sound{{ID: HoldMusic, SHA: b.Prompts[HoldMusic], Music: true}}
	if diff := cmp.Diff(want, s.Prompts()); diff != "" {
		t.Fatal(diff)
	}
	sha, ok := s.Prompt(HoldMusic, "")
	if clip, err := lib.Get(sha); !ok || err != nil || clip.Duration() != 4*time.Second {
		t.Errorf("the music: %v, %v", ok, err)
	}
	unstored, _ := ReadDir("../../testdata/bench", nil)
	if unstored.Prompts[HoldMusic] != sha {
		t.Error("without a library the sound has another name")
	}
}

// change replaces text in one document of a copy of a bundle.
func change(t *testing.T, b *Bundle, file, from, to string) *Bundle {
	t.Helper()
	out := &Bundle{Files: slices.Clone(b.Files), Prompts: maps.Clone(b.Prompts)}
	for i, f := range out.Files {
		if f.Name == file {
			if !bytes.Contains(f.Data, []byte(from)) {
				t.Fatalf("%s has no %q", file, from)
			}
			out.Files[i].Data = bytes.Replace(f.Data, []byte(from), []byte(to), 1)
			return out
		}
	}
	t.Fatalf("no document %s", file)
	return nil
}

func TestDiff(t *testing.T) {
	b, _ := demo(t)
	tests := map[string]struct {
		file, from, to string
		want           []string
	}{
		"nothing":    {"queues.yaml", "human:", "human:", nil},
		"a comment":  {"queues.yaml", "# A queue", "# The queue", nil},
		"a field":    {"queues.yaml", "max_wait: 15m", "max_wait: 10m", []string{"queue human: max_wait 15m → 10m"}},
		"a field in": {"queues.yaml", "max_length: 200", "max_length: 200\n    fit: most", []string{"queue human: fit most added"}},
		"a queue gone": {
			"queues.yaml", "  human_en:\n", "  human_eng:\n",
			[]string{"queue human_en: removed", "queue human_eng: added"},
		},
		"a secret": {"agents.yaml", "demo-1001", "demo-2001", []string{"agent 1001: secret changed"}},
		"a skill":  {"agents.yaml", "billing: 9, sales: 7", "billing: 8, sales: 7", []string{"agent 1001: skills.billing 9 → 8"}},
		"a number": {
			"numbers.yaml", `number: "10001", flow: svc10001`, `number: "10001", flow: svc10000`,
			[]string{"number 10001: flow svc10001 → svc10000"},
		},
		"a trunk":       {"trunks.yaml", "calls: 500", "calls: 300", []string{"trunk loopback: limits.calls 500 → 300"}},
		"a source":      {"trunks.yaml", "[127.0.0.0/8]", "[127.0.0.0/8, 10.0.0.1]", []string{"trunk loopback: sources [127.0.0.0/8] → [127.0.0.0/8, 10.0.0.1]"}},
		"a tier":        {"tiers.yaml", "head_start: 60s", "head_start: 90s", []string{"tier gold: head_start 60s → 90s"}},
		"the realm":     {"agents.yaml", "realm: tierline", "realm: other", []string{"agents: realm tierline → other"}},
		"a feature":     {"features.yaml", `code: "*13", command: sign_out`, `code: "*15", command: sign_out`, []string{"feature *13: removed", "feature *15: added"}},
		"a node":        {"flows/svc10000.yaml", "first: 3s", "first: 4s", []string{"flow svc10000: nodes changed: diamond"}},
		"a flow's text": {"flows/svc10000.yaml", "Welcome, gold customer.", "Hello, gold customer.", []string{"flow svc10000: prompts changed: gold_hello"}},
		"a flow's node": {
			"flows/svc10000.yaml", "  bye: {type", "  more: {type: play, prompt: [bye], next: bye}\n  bye: {type",
			[]string{"flow svc10000: nodes added: more"},
		},
		"limits":      {"flows/svc10000.yaml", "max_visits: 15", "max_visits: 10", []string{"flow svc10000: limits changed"}},
		"a customer":  {"customers.csv", "C0008,孙丽萍,gold", "C0008,孙丽萍,diamond", []string{"customers: 0 added, 0 removed, 1 changed"}},
		"a calendar":  {"calendars.yaml", `force: ""`, `force: "closed"`, []string{`calendar office: force "" → closed`}},
		"two at once": {"queues.yaml", "ring_time: 12s\n    wrap_up: 5s", "ring_time: 10s\n    wrap_up: 9s", []string{"queue human_vip: ring_time 12s → 10s, wrap_up 5s → 9s"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, c := range Diff(b, change(t, b, tc.file, tc.from, tc.to)) {
				got = append(got, c.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDiffOfSounds(t *testing.T) {
	a := &Bundle{Prompts: map[string]string{"bye.zh": "1", "hold.zh": "2", "old.zh": "3"}}
	b := &Bundle{Prompts: map[string]string{"bye.zh": "1", "hold.zh": "9", "new.zh": "4"}}
	var got []string
	for _, c := range Diff(a, b) {
		got = append(got, c.String())
	}
	want := []string{"prompt hold.zh: recording replaced", "prompt new.zh: new recording", "prompt old.zh: recording removed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDiffFromNothing: the first generation is all new, and shows no secret.
func TestDiffFromNothing(t *testing.T) {
	b, _ := demo(t)
	var all strings.Builder
	for _, c := range Diff(nil, b) {
		all.WriteString(c.String() + "\n")
	}
	for _, want := range []string{"agent 1012: added", "queue human: added", "flow svc10000: added", "number 10000: added"} {
		if !strings.Contains(all.String(), want+"\n") {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(all.String(), "demo-1") {
		t.Error("a secret is shown")
	}
}

func TestContactURIs(t *testing.T) {
	for uri, want := range map[string]bool{
		"sip:1001@192.0.2.7:5060": true, "sip:1001@192.0.2.7": true, "sip:phone.example.org": true,
		"sip:1001@[2001:db8::1]:5060": true, "sip:1001@host:5060;transport=tcp": true,
		"1001@192.0.2.7": false, "sip:": false, "sip:@host": false, "sip:1001@": false, "sip:1001@host:99999": false,
		"sip:1001@host name": false, "tel:+861": false, "sip:1001@host:": false, "sip:a\r\nb@host": false,
	} {
		if got := isSIPURI(uri); got != want {
			t.Errorf("%q: %v", uri, got)
		}
	}
}

func TestNoDirectory(t *testing.T) {
	b, problems := ReadDir("../../testdata/nowhere", nil)
	if len(problems) != 1 || len(b.Files) != 0 {
		t.Errorf("%v", problems)
	}
}

func BenchmarkCompileDemo(b *testing.B) {
	bundle, _ := ReadDir("../../testdata/demo", nil)
	for b.Loop() {
		if s, p := Compile(bundle); s == nil {
			b.Fatal(p)
		}
	}
}

// TestOddFiles: links are followed to files, everything else that is no file
// is named, hidden files and foreign directories are left alone.
func TestOddFiles(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(t.TempDir(), "real.yaml")
	for _, err := range []error{
		os.WriteFile(target, []byte("tiers: {}\n"), 0o600),
		os.Symlink(target, filepath.Join(dir, "tiers.yaml")),
		os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "agents.yaml")),
		os.WriteFile(filepath.Join(dir, ".hidden.yaml"), []byte("x"), 0o600),
		os.WriteFile(filepath.Join(dir, "README.md"), []byte("x"), 0o600),
		os.Mkdir(filepath.Join(dir, "old"), 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	b, problems := ReadDir(dir, nil)
	if data, ok := b.File("tiers.yaml"); !ok || string(data) != "tiers: {}\n" || len(b.Files) != 1 {
		t.Errorf("files %v", b.Files)
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{"agents.yaml:1:1: error: is no plain file", "old:1:1: warning: the directory old is not used"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
