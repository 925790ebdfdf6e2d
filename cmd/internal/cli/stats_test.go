package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/cmd/internal/console/wire"
)

func reports() map[string]any {
	human := wire.QueueNumbers{
		Began: at, Ended: at + 900_000, Queue: "human", Tier: "gold", Offered: 18, Answered: 12, Abandoned: 3, ShortAbandoned: 1,
		Left: map[string]int64{"timeout": 1, "key": 1}, Waiting: 1, Refused: 2, ServiceLevel: new(8.0 / 14), ASAMS: new(int64(37_250)),
		AHTMS: new(int64(178_750)), WrapUpMS: 345_000, MaxWaitMS: 170_000,
		Callbacks: &wire.CallbackNumbers{Requested: 5, Attempts: 4, Done: 2, Failed: 1, CalledAgain: 1, Open: 1},
	}
	quiet := wire.QueueNumbers{Began: at, Ended: at + 900_000, Queue: "human", Tier: "silver"}
	total := human
	total.Queue, total.Tier = "", ""
	one := wire.AgentNumbers{
		Began: at, Agent: "1001", SignedInMS: 3_600_000, ReadyMS: 2_282_000, ReservedMS: 10_000, AlertingMS: 74_000,
		TalkingMS: 960_000, WrapUpMS: 225_000, NotReadyMS: 49_000, NotReady: map[string]int64{"missed": 40_000, "": 9_000},
		Offers: 10, Answered: 8, Missed: 1, Rejected: 1, Occupancy: new(0.357), AHTMS: new(int64(148_125)),
	}
	two := wire.AgentNumbers{Began: at, Agent: "1002"}
	return map[string]any{
		"GET /api/v1/stats/queues": wire.QueueReport{
			From: at, Until: at + 900_000, ServiceLevel: wire.ServiceLevel{Variant: "E", WithinS: 20, ShortS: 5},
			Rows: []wire.QueueNumbers{human, quiet}, Total: total,
			Surveys: []wire.Survey{
				{Began: at, Queue: "human", Question: "satisfaction", Answers: map[string]int64{"5": 3, "2": 1}, Count: 4, Mean: new(4.25)},
				{Began: at, Queue: "human", Question: "why", Answers: map[string]int64{"price": 1}, Count: 1},
			},
		},
		"GET /api/v1/stats/agents": wire.AgentReport{From: at, Rows: []wire.AgentNumbers{one, two}, Total: one},
	}
}

func TestStats(t *testing.T) {
	a := newAPI(t)
	a.answers = reports()
	var all strings.Builder
	for _, line := range []string{"queues", "queues --interval 15m --by tier", "agents"} {
		got := run(t, a.URL, append([]string{"stats"}, strings.Fields(line)...)...)
		if got.code != 0 || got.err != "" {
			t.Errorf("%s: exit %d, %s", line, got.code, got.err)
		}
		all.WriteString("tierline stats " + line + "\n" + got.out + "\n")
		got = run(t, a.URL, append([]string{"stats", "-o", "json"}, strings.Fields(line)...)...)
		if !json.Valid([]byte(got.out)) || got.code != 0 {
			t.Errorf("%s -o json: exit %d, %s", line, got.code, got.out)
		}
	}
	a.answers = map[string]any{
		"GET /api/v1/stats/queues": wire.QueueReport{From: at}, "GET /api/v1/stats/agents": wire.AgentReport{From: at},
	}
	all.WriteString(run(t, a.URL, "stats", "queues").out + run(t, a.URL, "stats", "agents").out)
	golden(t, "stats", all.String())
}

func TestStatsAskForWhatTheFlagsSay(t *testing.T) {
	a := newAPI(t)
	a.answers = reports()
	run(t, a.URL, "stats", "queues")
	run(t, a.URL, "stats", "queues", "--since", "2026-11-23", "--until", "2026-11-23T12:00:00Z", "--interval", "1d", "--by", "tier,skill",
		"--queue", "human", "--variant", "B", "--within", "15", "--short", "10")
	run(t, a.URL, "stats", "agents", "--by", "queue", "--agent", "1001")
	want := []string{
		"GET /api/v1/stats/queues",
		"GET /api/v1/stats/queues?by=tier%2Cskill&from=2026-11-23T00%3A00%3A00Z&interval=1d&queue=human&short=10" +
			"&until=2026-11-23T12%3A00%3A00Z&variant=B&within=15",
		"GET /api/v1/stats/agents?agent=1001&by=queue",
	}
	if d := cmp.Diff(want, a.asked()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	if got := run(t, a.URL, "stats", "agents", "--since", "yore"); got.code != 1 || !strings.Contains(got.err, "--since: ") {
		t.Errorf("exit %d, %s", got.code, got.err)
	}
}

func TestDaysBeginInTheReadersZone(t *testing.T) {
	o := &options{zone: time.FixedZone("CST", 8*3600)}
	query, err := (&statsFlags{since: "2026-11-23", until: "2026-11-23T12:00:00Z"}).query(o)
	if err != nil || query.Encode() != "from=2026-11-23T00%3A00%3A00%2B08%3A00&until=2026-11-23T20%3A00%3A00%2B08%3A00" {
		t.Errorf("asks %s (%v)", query.Encode(), err)
	}
}
