package sim

import (
	"encoding/json"
	"strings"
	"testing"

	"tierline/acd/sim/theory"
)

func staffJSON(t *testing.T, args ...string) staffed {
	t.Helper()
	o := run(t, StaffCommand(), append(args, "--json")...)
	var s staffed
	if err := json.Unmarshal([]byte(o.out), &s); err != nil || o.err != nil {
		t.Fatal(err, o)
	}
	return s
}

// TestStaffIsLeast: the goal is met, and by one agent less it isn't.
func TestStaffIsLeast(t *testing.T) {
	for _, tt := range []struct {
		rate, sl, patience string
		q                  theory.Queue
		g                  goal
	}{
		{"0.1022", "80/20", "0", theory.Queue{Rate: .1022, AHT: 180}, goal{.8, 20}},
		{"0.1022", "80/20", "120s", theory.Queue{Rate: .1022, AHT: 180, Patience: 120}, goal{.8, 20}},
		{"0.001", "99.9/0", "0", theory.Queue{Rate: .001, AHT: 180}, goal{.999, 0}},
		{"0.001", "10/20", "30s", theory.Queue{Rate: .001, AHT: 180, Patience: 30}, goal{.1, 20}},
		{"5", "95/10", "60s", theory.Queue{Rate: 5, AHT: 180, Patience: 60}, goal{.95, 10}},
		{"5", "80/20", "0", theory.Queue{Rate: 5, AHT: 180}, goal{.8, 20}},
	} {
		s := staffJSON(t, "--rate", tt.rate, "--aht", "180s", "--sl", tt.sl, "--patience", tt.patience)
		q := tt.q
		q.Agents = s.Agents
		if sl, err := q.ServiceLevel(tt.g.seconds); err != nil || sl < tt.g.share || sl != s.SL {
			t.Errorf("%+v: %v, %v", s, sl, err)
		}
		q.Agents--
		if sl, err := q.ServiceLevel(tt.g.seconds); err == nil && sl >= tt.g.share {
			t.Errorf("%+v: %d agents are enough: %v", s, q.Agents, sl)
		}
	}
	if s := staffJSON(t); s.Agents != 23 {
		t.Errorf("%+v", s)
	}
}

func TestStaffCSV(t *testing.T) {
	file := write(t, "day.csv", "\xef\xbb\xbfstart,staff,Calls, aht_s\n08:00,x,92,180\n08:30,,184,200.5\n\"23:30\",,0,180\n")
	o := run(t, StaffCommand(), "--csv", file, "-o", "json")
	var got struct{ Intervals []staffed }
	if err := json.Unmarshal([]byte(o.out), &got); err != nil || o.err != nil {
		t.Fatal(err, o)
	}
	if len(got.Intervals) != 3 {
		t.Fatalf("%+v", got)
	}
	first, night := got.Intervals[0], got.Intervals[2]
	if first.Start != "08:00" || first.Agents != 13 || first.Load < 9.19 || first.Load > 9.21 {
		t.Errorf("%+v", first)
	}
	if night.Agents != 0 || night.SL != 1 {
		t.Errorf("%+v", night)
	}
	o = run(t, StaffCommand(), "--csv", file, "--interval", "15m")
	if !strings.Contains(o.out, "18.40      23") || !strings.Contains(o.out, "start") {
		t.Errorf("%+v", o)
	}
}

func TestStaffMistakes(t *testing.T) {
	for name, tt := range map[string]struct{ csv, want string }{
		"empty":     {"", "f.csv: is empty"},
		"head only": {"start,calls\n", "f.csv: has no intervals"},
		"column":    {"start,cals\n1,2\n", `f.csv:1: there is no column "calls" (did you mean "cals"?)`},
		"no start":  {"calls\n1\n", `f.csv:1: there is no column "start"`},
		"calls":     {"start,calls\n1,many\n", `f.csv:2: calls: "many" is no number of calls`},
		"negative":  {"start,calls\n1,-2\n", `f.csv:2: calls`},
		"nan":       {"start,calls\n1,NaN\n", `f.csv:2: calls`},
		"aht":       {"start,calls,aht_s\n1,2,0\n", `f.csv:2: aht_s: "0" is no number of seconds`},
		"nameless":  {"start,calls\n\"\n\n\",2\n", "f.csv:2: start is empty"},
		"short row": {"start,calls\n1\n", "wrong number of fields"},
		"bytes":     {"start,calls\n\xff,1\n", "f.csv: not UTF-8"},
	} {
		_, err := readIntervals("f.csv", []byte(tt.csv), 180, 1800)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	for _, args := range []string{
		"--sl 80", "--sl 100/20", "--sl 0/20", "--sl a/b", "--sl 80/-1", "--rate -1", "--aht -1s", "--patience -1s",
		"--csv nothing.csv", "--csv x --rate 1", "--interval 0s", "--rate 1e9", "extra",
	} {
		if o := run(t, StaffCommand(), strings.Fields(args)...); o.err == nil || o.out != "" {
			t.Errorf("%s: accepted: %+v", args, o)
		}
	}
}

func FuzzIntervals(f *testing.F) {
	f.Add([]byte("start,calls,aht_s\n08:00,92,180\n"))
	f.Add([]byte("start;calls\n1;2\n"))
	f.Add([]byte("calls,start,calls\n1,\"a\nb\",0x1p-2\n"))
	f.Add([]byte("\xef\xbb\xbfstart,calls\r\n1,1e9\r\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		intervals, err := readIntervals("f.csv", src, 180, 1800)
		if err != nil {
			if !strings.Contains(err.Error(), "f.csv") {
				t.Fatal(err)
			}
			return
		}
		for _, i := range intervals[:min(len(intervals), 3)] {
			s, err := staff(i, 60, goal{.8, 20})
			if err == nil && (s.Agents < 0 || !(s.SL >= .8 && s.SL <= 1+1e-9)) {
				t.Fatalf("%+v: %+v", i, s)
			}
		}
	})
}
