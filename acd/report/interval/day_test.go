package interval_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd/report/interval"
)

// The day by hand. Times are minutes:seconds after eight; T is 20 s, s is 5 s.
// Agents ring 1 s after the offer; wrap-up is 30 s in human, none in vip.
//
//	call queue tier      queued offered answered ended   wait talk  what
//	c01  human standard   0:10   0:10    0:14    3:14     4   180   1001, wrap-up to 3:44
//	c02  human gold       0:20   0:20    0:25    5:25     5   300   1002, wrap-up to 5:55
//	c03  human standard   0:30                   0:33     3         abandoned, short
//	c04  human standard   1:00   3:44    3:50    6:50   170   180   1001, wrap-up to 7:20
//	c05  human silver     2:00                   2:20    20         abandoned, just within T
//	c06  human standard   3:00                   4:30    90         abandoned
//	c07  vip   diamond    5:00   5:55    6:00   10:00    60   240   1002
//	c08  human gold       7:00   7:20                               1001 rejects at 7:25
//	                             7:40    7:45    9:45    45   120   1001, wrap-up to 10:15
//	c09  human standard   8:00                   8:30    30         left by key
//	c10  human standard  10:20  10:20   10:22   10:52     2    30   1001, wrap-up to 11:22
//	c11  human gold      11:00  11:00   11:20   17:20    20   360   1002, wrap-up to 17:50; 220 s of the talk before 15:00
//	c12  human silver    14:50  14:55   15:05   16:05    15    60   1001, wrap-up to 16:35; came before the border
//	c13  vip   diamond   14:40                  16:40   120         abandoned
//	c14  vip   gold      14:45                                      refused: the queue is full
//	c15  human standard  16:40  16:40                               1001 lets it ring to 17:11, not ready to 18:00
//	                            17:50   17:55   19:55    75   120   1002, wrap-up to 20:25
//	c16  human standard  20:00  20:00   20:06   24:06     6   240   1001, wrap-up to 24:36
//	c17  human gold      21:00  21:00   21:10   22:10    10    60   1002, wrap-up to 22:40
//	c18  human diamond   25:00                  26:00    60         left: max wait
//	c19  human standard  29:30  29:40   29:50   31:20    20    90   1001, wrap-up ended at 31:35; 10 s of the talk before 30:00
//	c20  human standard  44:50  46:00   46:05   47:05    75    60   1001, wrap-up to 47:35; came before the border
//	c21  human gold      59:00                                      waits at nine
//	c22  human standard  51:00                  51:30    30         left: call-back b22
//	b22  human standard         51:40  51:45                        1001; the customer is called to 52:15, no answer
//	                            57:20  57:25   58:35         60     1002; reached at 57:35, wrap-up to 59:05; answers 4
//
// Human by quarters of an hour:
//
//	        offered answered (waits)              in T  abandoned  left  waiting  talk                          wrap-up
//	8:00    11      7 (4+5+170+45+2+20+15 = 261)  5     3 (113 s)  1              180+300+180+120+30+220 = 1030  5 × 30
//	8:15    5       4 (75+6+10+20 = 111)          3     0          1              140+60+120+240+60+10 = 630     5 × 30
//	8:30    1       1 (75)                        0                               80                             15
//	8:45    2       0                             0                1     1        60                             30
//	sum     19      12 (447)                      8     3          3     1        1800                           345
//
// ASA 447/12 = 37.25 s; AHT (1800+345)/12 = 178.75 s; service levels A 8/12,
// B 8/15, C 8/(15−2), D (8+2)/15, E 8/(15−1).
func TestTheDayByHand(t *testing.T) {
	n := theDay(t).flush().Numbers
	quarters := interval.Query{From: base, Until: base + 4*interval.Slot, Step: interval.Slot}
	total := quarters
	total.Step, total.Tier, total.Skill = 0, true, true
	sum := quarters
	sum.Step = 0
	want := `
8:00 human: 11 offered, 7 answered 261000 ms, 3 abandoned 113000 ms, left map[key:1] 30000 ms, 0 refused, 0 waiting, longest 170000, 5 handled, talk 1030000, wrap-up 150000
8:00 vip: 2 offered, 1 answered 60000 ms, 1 abandoned 120000 ms, left map[] 0 ms, 1 refused, 0 waiting, longest 120000, 1 handled, talk 240000, wrap-up 0
8:15 human: 5 offered, 4 answered 111000 ms, 0 abandoned 0 ms, left map[timeout:1] 60000 ms, 0 refused, 0 waiting, longest 75000, 5 handled, talk 630000, wrap-up 150000
8:30 human: 1 offered, 1 answered 75000 ms, 0 abandoned 0 ms, left map[] 0 ms, 0 refused, 0 waiting, longest 75000, 1 handled, talk 80000, wrap-up 15000
8:45 human: 2 offered, 0 answered 0 ms, 0 abandoned 0 ms, left map[callback:1] 30000 ms, 0 refused, 1 waiting, longest 30000, 1 handled, talk 60000, wrap-up 30000
8:00 human: 19 offered, 12 answered 447000 ms, 3 abandoned 113000 ms, left map[callback:1 key:1 timeout:1] 120000 ms, 0 refused, 1 waiting, longest 170000, 12 handled, talk 1800000, wrap-up 345000
8:00 vip: 2 offered, 1 answered 60000 ms, 1 abandoned 120000 ms, left map[] 0 ms, 1 refused, 0 waiting, longest 120000, 1 handled, talk 240000, wrap-up 0
8:00 human diamond: 1 offered, 0 answered 0 ms, 0 abandoned 0 ms, left map[timeout:1] 60000 ms, 0 refused, 0 waiting, longest 60000, 0 handled, talk 0, wrap-up 0
8:00 human gold: 5 offered, 4 answered 80000 ms, 0 abandoned 0 ms, left map[] 0 ms, 0 refused, 1 waiting, longest 45000, 4 handled, talk 840000, wrap-up 120000
8:00 human silver: 2 offered, 1 answered 15000 ms, 1 abandoned 20000 ms, left map[] 0 ms, 0 refused, 0 waiting, longest 20000, 1 handled, talk 60000, wrap-up 30000
8:00 human standard: 11 offered, 7 answered 352000 ms, 2 abandoned 93000 ms, left map[callback:1 key:1] 60000 ms, 0 refused, 0 waiting, longest 170000, 7 handled, talk 900000, wrap-up 195000
8:00 vip diamond billing+lang.en: 2 offered, 1 answered 60000 ms, 1 abandoned 120000 ms, left map[] 0 ms, 0 refused, 0 waiting, longest 120000, 1 handled, talk 240000, wrap-up 0
8:00 vip gold: 0 offered, 0 answered 0 ms, 0 abandoned 0 ms, left map[] 0 ms, 1 refused, 0 waiting, longest 0, 0 handled, talk 0, wrap-up 0
`
	var got strings.Builder
	for _, q := range []interval.Query{quarters, sum, total} {
		list, _ := q.Select(n).Queues()
		for _, f := range list {
			got.WriteString(line(f))
		}
	}
	if d := cmp.Diff(want[1:], got.String()); d != "" {
		t.Errorf("queues (-by hand +counted):\n%s", d)
	}
	list, _ := sum.Select(n).Queues()
	human := list[0]
	if r := human.SpeedOfAnswer(); float64(r.Of)/float64(r.All) != 37_250 {
		t.Errorf("ASA %v, want 37.25 s", r)
	}
	if r := human.HandlingTime(); float64(r.Of)/float64(r.All) != 178_750 {
		t.Errorf("AHT %v, want 178.75 s", r)
	}
	for v, want := range map[interval.Variant]interval.Ratio{
		"A": {Of: 8, All: 12}, "B": {Of: 8, All: 15}, "C": {Of: 8, All: 13}, "D": {Of: 10, All: 15}, "E": {Of: 8, All: 14},
	} {
		if r := human.ServiceLevel(interval.Target{Variant: v, Within: 20, Short: 5}); r != want {
			t.Errorf("service level %s is %v, want %v", v, r, want)
		}
	}
}

func line(q *interval.Queue) string {
	at := (q.Slot - base) / 60_000
	name := strings.Join(strings.Fields(q.Queue+" "+q.Tier+" "+q.Skill), " ")
	return fmt.Sprintf("8:%02d %s: %d offered, %d answered %d ms, %d abandoned %d ms, left %v %d ms, %d refused, %d waiting, "+
		"longest %d, %d handled, talk %d, wrap-up %d\n", at, name, q.Offered, q.Answered(), q.AnsweredWaitMS,
		q.Abandoned(), q.AbandonedWaitMS, q.Left(), q.LeftWaitMS, q.Refused, q.Waiting(), q.MaxMS, q.Handled, q.TalkMS, q.WrapUpMS)
}

// The agents of the same day, in seconds of one hour (3600):
//
//	      ready                                          reserved  alerting                   talking                          wrap-up     not ready
//	1001  10+15+5+213+5+120+304+865+745 = 2282           10 × 1    3+5+4+4+1+9+30+5+9+4 = 74  180+180+120+30+60+240+90+60=960  7×30+15=225 missed 49
//	b22   −35                                            1         4                          30
//	1002  20+60+35+1040+600 = 1755                       5 × 1     4+4+19+4+9 = 40            300+240+360+120+60 = 1080        4×30 = 120  lunch 600
//	b22   −105                                           1         4                          10+60                            30
//
// Occupancy: 1001 (11+78+990+225)/(1304+2247), 1002 (6+44+1150+150)/(1350+1650).
func TestTheAgentsByHand(t *testing.T) {
	n := theDay(t).flush().Numbers
	list, total := interval.Query{From: base, Until: base + 4*interval.Slot}.Select(n).Agents()
	var got strings.Builder
	for _, a := range append(list, total) {
		fmt.Fprintf(&got, "%s: signed in %d,", a.Agent, a.SignedInMS()/1000)
		for _, s := range slices.Sorted(maps.Keys(a.StateMS)) {
			fmt.Fprintf(&got, " %s %d,", s, a.StateMS[s]/1000)
		}
		o := a.Occupancy()
		fmt.Fprintf(&got, " not ready %v, offers %d %v, occupancy %d/%d, handling %d/%d\n", a.NotReadyMS, a.Offers(), a.Outcomes,
			o.Of/1000, o.All/1000, a.HandlingTime().Of/1000, a.HandlingTime().All)
	}
	want := `
1001: signed in 3600, alerting 78, not_ready 49, ready 2247, reserved 11, talking 990, wrap_up 225, not ready map[missed:49000], offers 11 map[answered:9 no_answer:1 rejected:1], occupancy 1304/3551, handling 1215/9
1002: signed in 3600, alerting 44, not_ready 600, ready 1650, reserved 6, talking 1150, wrap_up 150, not ready map[lunch:600000], offers 6 map[answered:6], occupancy 1350/3000, handling 1300/6
: signed in 7200, alerting 122, not_ready 649, ready 3897, reserved 17, talking 2140, wrap_up 375, not ready map[lunch:600000 missed:49000], offers 17 map[answered:15 no_answer:1 rejected:1], occupancy 2654/6551, handling 2515/15
`
	if d := cmp.Diff(want[1:], got.String()); d != "" {
		t.Errorf("agents (-by hand +counted):\n%s", d)
	}
	q := interval.Query{From: base, Until: base + 4*interval.Slot, AgentQueues: true}
	list, _ = q.Select(n).Agents()
	var talk []string
	for _, a := range list {
		talk = append(talk, fmt.Sprintf("%s %s %d", a.Agent, a.Queue, a.StateMS["talking"]/1000))
	}
	if d := cmp.Diff([]string{"1001  0", "1001 human 990", "1002  0", "1002 human 910", "1002 vip 240"}, talk); d != "" {
		t.Errorf("talk by queue (-want +got):\n%s", d)
	}
}

// The arithmetic of the reference: A=1000, B=60, A_20=860, B_20=20, B_5=10.
func TestServiceLevelVariants(t *testing.T) {
	n := interval.NewNumbers()
	wait := func(outcome string, seconds int, calls int64) {
		n.Waits[interval.WaitKey{Outcome: outcome, Seconds: seconds}] += calls
	}
	wait(interval.Answered, 0, 60)
	wait(interval.Answered, 20, 800)
	wait(interval.Answered, 21, 40)
	wait(interval.Answered, interval.Longer, 100)
	wait(interval.Abandoned, 5, 10)
	wait(interval.Abandoned, 6, 10)
	wait(interval.Abandoned, 120, 40)
	wait("timeout", 20, 7) // counts in no variant
	_, q := n.Queues()
	for v, want := range map[interval.Variant]string{"A": "86.0", "B": "81.1", "C": "82.7", "D": "83.0", "E": "81.9"} {
		target := interval.Target{Variant: v, Within: 20, Short: 5}
		if err := target.Check(); err != nil {
			t.Error(err)
		}
		r := q.ServiceLevel(target)
		if got := fmt.Sprintf("%.1f", 100*float64(r.Of)/float64(r.All)); got != want {
			t.Errorf("variant %s is %s %%, want %s", v, got, want)
		}
	}
	for _, bad := range []interval.Target{
		{Variant: "F", Within: 20},
		{Variant: "", Within: 20},
		{Variant: "AB", Within: 20},
		{Variant: "A"},
		{Variant: "A", Within: interval.Longer},
		{Variant: "A", Within: 20, Short: interval.Longer},
		{Variant: "A", Within: 20, Short: -1},
	} {
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
