package cli

import (
	"strings"
	"testing"

	"tierline/acd/report"
	"tierline/cmd/internal/console/wire"
)

func TestTrunks(t *testing.T) {
	a := newAPI(t)
	at := report.Time(1_795_401_540_000)
	a.answers["GET /api/v1/trunks"] = wire.Trunks{Trunks: []wire.Trunk{
		{
			Name: "carrier", State: "impaired", Sources: []string{"192.0.2.0/24"}, In: 2, Out: 1,
			Limits: wire.TrunkLimits{Calls: 30, In: &wire.Limits{Calls: 20}},
			Targets: []wire.Target{
				{Target: "sip:192.0.2.1;transport=udp", Health: "down"}, {Target: "sip:192.0.2.2;transport=tcp", Health: "unwatched"},
			},
			Refused: map[string]uint64{"no_route": 4, "draining": 1}, Made: map[string]uint64{"busy": 3},
			Error: "sip:192.0.2.1;transport=udp: 503", ErrorAt: &at,
			Lines: []wire.Line{{Registrar: "sip:a.test", State: "registered"}, {Registrar: "sip:b.test", State: "refused"}},
		},
		{Name: "old", State: "gone", Gone: true, In: 1},
	}}
	got := run(t, a.URL, "trunks")
	want := "TRUNK    STATE     IN    OUT  ALL   REGISTERED                  TARGETS                                  " +
		"REFUSED                 MADE    SOURCES       LAST ERROR\n" +
		"carrier  impaired  2/20  1    3/30  a.test yes, b.test refused  192.0.2.1 down, 192.0.2.2;transport=tcp  " +
		"draining 1, no_route 4  busy 3  192.0.2.0/24  2026-11-23 02:39:00 sip:192.0.2.1;transport=udp: 503\n" +
		"old      gone      1     0    1     -                           -                                        " +
		"-                       -       -             -\n"
	if got.code != 0 || got.out != want {
		t.Errorf("exit %d\n%s\nwant\n%s%s", got.code, got.out, want, got.err)
	}
	a.answers["GET /api/v1/trunks"] = wire.Trunks{}
	if got = run(t, a.URL, "trunks"); got.out != "no trunks: publish service documents with `tierline apply DIR`\n" {
		t.Errorf("without any: %q", got.out)
	}
}

func TestTrunkIsTested(t *testing.T) {
	a := newAPI(t)
	a.answers["POST /api/v1/trunks/carrier/test"] = wire.TrunkTested{Tries: []wire.Try{
		{Target: "sip:192.0.2.1;transport=udp", Host: "192.0.2.1:5060", Status: 200, Reason: "OK", TookMS: 3},
		{Target: "sip:sbc.test;transport=tls", Trouble: "the certificate names somebody else", TookMS: 20},
	}}
	got := run(t, a.URL, "trunks", "test", "carrier")
	want := "TARGET                  HOST            ANSWER                               AFTER\n" +
		"192.0.2.1               192.0.2.1:5060  200 OK                               3 ms\n" +
		"sbc.test;transport=tls  -               the certificate names somebody else  20 ms\n"
	if got.code != 0 || got.out != want {
		t.Errorf("exit %d\n%s\nwant\n%s%s", got.code, got.out, want, got.err)
	}
	call := wire.TrialCall{
		Call: "c1", Number: "+8613800138000", Called: "13800138000", Shown: "87650000", Outcome: "answered", RangMS: 1490, HeardMS: 1500,
		AnsweredMS: 6210, Codec: "PCMA", Cipher: "AEAD_AES_128_GCM", Sent: 301, Received: 300, JitterMS: 2,
	}
	a.answers["POST /api/v1/trunks/carrier/test"] = wire.TrunkTested{
		Tries: []wire.Try{{Target: "sip:192.0.2.1;transport=udp", Status: 200, Reason: "OK", TookMS: 6210}}, Call: &call,
	}
	got = run(t, a.URL, "trunks", "test", "carrier", "13800138000")
	want = "TARGET     HOST  ANSWER  AFTER\n" +
		"192.0.2.1  -     200 OK  6210 ms\n\n" +
		"WHAT            HOW\n" +
		"number          +8613800138000, called as 13800138000, shows 87650000\n" +
		"outcome         answered\n" +
		"rang after      1490 ms\n" +
		"heard after     1500 ms\n" +
		"answered after  6210 ms\n" +
		"sound           PCMA, encrypted with AEAD_AES_128_GCM\n" +
		"packets         301 sent, 300 received, 0 lost, jitter 2 ms\n" +
		"more            tierline trace c1\n"
	if got.code != 0 || got.out != want {
		t.Errorf("exit %d\n%s\nwant\n%s%s", got.code, got.out, want, got.err)
	}
	call.Cipher, call.Findings = "", []string{"one-way audio"}
	got = run(t, a.URL, "trunks", "test", "carrier", "13800138000")
	if got.code != 1 || !strings.Contains(got.out, "PCMA, not encrypted") || !strings.Contains(got.out, "wrong           one-way audio") {
		t.Errorf("exit %d\n%s%s", got.code, got.out, got.err)
	}
}
