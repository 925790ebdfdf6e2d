package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"tierline/ivr/say"
)

// Customers of the demo's business system, each with the PIN that the last six
// digits of his number are.
const (
	zhou   = "13800138000" // gold, zh; owes 123.45
	sun    = "13700137008" // gold, zh
	wilson = "13700137011" // gold, en
)

// walk is one call to 10001 and what it must hear, in this order.
type walk struct {
	from, keys string
	last       time.Duration
	hear       func(ctx context.Context, l *lab) ([]string, error)
}

// known is a list of prompts and fragments that is known beforehand.
func known(names ...string) func(context.Context, *lab) ([]string, error) {
	return func(context.Context, *lab) ([]string, error) { return names, nil }
}

// told spells the prompts of a language: plain names are prompts, those of
// fragments begin with a slash.
func told(lang string, words ...string) []string {
	var out []string
	for _, w := range words {
		for name := range strings.FieldsSeq(w) {
			if fragment, ok := strings.CutPrefix(name, "/"); ok {
				out = append(out, "say/"+lang+"/"+fragment)
			} else {
				out = append(out, name+"."+lang)
			}
		}
	}
	return out
}

// read is how a value of the day is read out.
func read(lang, kind, value string) string {
	r, err := say.Read(lang, kind, value, say.Options{})
	if err != nil || len(r.Fragments) == 0 {
		return fmt.Sprintf("/can't read %s %q: %v", kind, value, err) // is heard by nobody
	}
	var names []string
	for _, f := range r.Fragments {
		if f != say.Pause { // silence can't be told from silence
			names = append(names, "/"+f)
		}
	}
	return strings.Join(names, " ")
}

// amounts are written out, so that nothing but the sounds decides.
func amounts() map[string]map[string]string {
	return map[string]map[string]string{
		"zh": {
			"123.45": "/yi4 /bai3 /er4 /shi2 /san1 /yuan2 /si4 /jiao3 /wu3 /fen1", "20.00": "/er4 /shi2 /yuan2",
			"2680": "/liang3 /qian1 /liu4 /bai3 /ba1 /shi2 /fen1", "300": "/san1 /bai3 /fen1",
			"2.5 GB": "/er4 /dian3 /wu3 /letter-g", "300 min": "/san1 /bai3 /fen1zhong1",
			"order": "/er4 /ling2 /er4 /liu4 /ling2 /ling2 /ling2 /yao1 /ling2 /er4",
		},
		"en": {
			"123.45": "/one /hundred /twenty /three /yuan /and /forty /five /fen", "20.00": "/twenty /yuan",
			"2680": "/two /thousand /six /hundred /eighty /points", "300": "/three /hundred /points",
			"2.5 GB": "/two /point /five /gigabytes", "300 min": "/three /hundred /minutes",
			"order": "/two /zero /two /six /zero /zero /zero /one /zero /two",
		},
	}
}

// enquiries are the calls of somebody who wants to know something.
func enquiries(lang, before string) []walk {
	amount := amounts()[lang]
	return []walk{
		{zhou, before + "1,138000", 27 * time.Second, func(ctx context.Context, l *lab) ([]string, error) {
			var b struct{ Month, Due string }
			err := l.ask(ctx, "/v1/bills/C0001/latest", &b)
			return told(lang, "bill_intro", read(lang, "month", b.Month), "bill_total", amount["123.45"],
				"bill_balance", amount["20.00"], "bill_due", read(lang, "date", b.Due), "bill_after"), err
		}},
		{zhou, before + "2,138000", 24 * time.Second, func(ctx context.Context, l *lab) ([]string, error) {
			var p struct{ Expires string }
			err := l.ask(ctx, "/v1/points/C0001", &p)
			return told(lang, "points_total", amount["2680"], "points_expiring", amount["300"], "points_on",
				read(lang, "date", p.Expires), "main_menu"), err
		}},
		{zhou, before + "3,2026000102#,6s,1", 30 * time.Second, func(ctx context.Context, l *lab) ([]string, error) {
			var o struct{ ETA string }
			err := l.ask(ctx, "/v1/orders/2026000102", &o)
			return told(lang, "ask_order", "you_entered", amount["order"], "order_running",
				read(lang, "datetime", o.ETA), "main_menu"), err
		}},
		{zhou, before + "4,138000", 25 * time.Second, func(ctx context.Context, l *lab) ([]string, error) {
			var p struct{ Renews string }
			err := l.ask(ctx, "/v1/plans/C0001", &p)
			return told(lang, "plan_is plan_generic plan_data", amount["2.5 GB"], "plan_voice", amount["300 min"],
				"plan_renews", read(lang, "date", p.Renews), "main_menu"), err
		}},
	}
}

// requests are the calls of somebody who wants something done.
func requests(lang, who, pinOf, change string) []walk {
	digits := "digits"
	if lang == "zh" {
		digits = "digits:yao"
	}
	other := map[string]string{"zh": "en", "en": "zh"}[lang]
	language := append(told(lang, "welcome_self"), "choose_lang.zh", "choose_lang.en", "main_menu."+other)
	return []walk{
		{who, "5,1,#,7s,1", 33 * time.Second, func(ctx context.Context, l *lab) ([]string, error) {
			t, err := l.ticket(ctx, who)
			return told(lang, "fault_kind ask_fault_no testing_line line_ok ticket_no", read(lang, digits, t.Number),
				"ticket_promise", read(lang, "datetime", t.By), "fault_after"), err
		}},
		{who, "6,2,8s,#,1", 33 * time.Second, func(ctx context.Context, l *lab) ([]string, error) {
			var t promise
			err := l.ask(ctx, "/v1/complaints/by-phone/"+who, &t)
			return told(lang, "complaint_choice after_beep msg_review msg_thanks", read(lang, digits, t.Number),
				"msg_promise", read(lang, "datetime", t.By), "main_menu"), err
		}},
		{
			pinOf, "7,1," + pinOf[5:] + ",246810,246810", 15 * time.Second,
			known(told(lang, "password_choice ask_pin ask_new_pin ask_again pw_done")...),
		},
		{who, "8,8s," + change, 18 * time.Second, known(language...)},
	}
}

// walks calls for each business function in each language, all at once.
func walks(ctx context.Context, l *lab) error {
	if _, err := l.count(ctx); err != nil {
		return err
	}
	all := append(enquiries("zh", ""), enquiries("en", "8,2,")...)
	all = append(append(all, requests("zh", zhou, sun, "2")...), requests("en", wilson, wilson, "1")...)
	errs := make([]error, len(all))
	var calls sync.WaitGroup
	for i, w := range all {
		calls.Go(func() {
			if err := w.call(ctx, l); err != nil {
				errs[i] = fmt.Errorf("%s presses %s: %w", w.from, w.keys, err)
			}
		})
		time.Sleep(100 * time.Millisecond) // nobody can hear so many beginnings at once
	}
	calls.Wait()
	return errors.Join(errs...)
}

// call makes the call by `tierline dial` and compares what it heard.
func (w walk) call(ctx context.Context, l *lab) error {
	out, err := l.dial(ctx, w.from, "10001", w.keys, w.last)
	if err != nil {
		return err
	}
	want, err := w.hear(ctx, l)
	if err != nil {
		return err
	}
	return inOrder(out, want)
}

// dial is a caller who recognises what he hears. expect is in the order of
// --expect-heard.
func (l *lab) dial(ctx context.Context, from, to, keys string, last time.Duration, more ...string) (string, error) {
	args := append([]string{
		"dial", to + "@" + l.node.Address(), "--listen", l.callerIP + ":0", "--from", from, "--keys", keys,
		"--every", "2s", "--for", last.String(), "--hear", l.node.Service,
	}, more...)
	out, err := exec.CommandContext(ctx, l.node.Binary, args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("tierline dial: %w\n%s", err, out)
	}
	return string(out), nil
}

// heardSound is a sound that dial has told.
type heardSound struct {
	name string
	cut  bool // it had a hole, as a busy machine makes them
}

// heardSounds are those in what dial tells. One with a hole in it is told twice.
func heardSounds(out string) (got []heardSound) {
	for _, m := range regexp.MustCompile(`(?m)^heard at .*: (\S+?)(, cut)?$`).FindAllStringSubmatch(out, -1) {
		s := heardSound{m[1], m[2] != ""}
		if !s.cut || len(got) == 0 || got[len(got)-1] != s {
			got = append(got, s)
		}
	}
	return got
}

// holes says whether these may be one sound: before its hole it was taken for
// another one that begins like it.
func holes(sounds []heardSound) bool {
	return !slices.ContainsFunc(sounds, func(s heardSound) bool { return !s.cut })
}

// inOrder wants prompts in their order in what dial tells; others may come
// between, fragments follow each other directly.
func inOrder(out string, want []string) error {
	// These are one sound with two names, and told by the first.
	same := map[string]string{"say/zh/yi4": "say/zh/yi4-e8", "say/en/points": "say/en/point"}
	got := heardSounds(out)
	rest, before := got, heardSound{}
	for _, name := range want {
		at := slices.IndexFunc(rest, func(s heardSound) bool { return s.name == name || s.name == same[name] })
		direct := strings.HasPrefix(before.name, "say/") && strings.HasPrefix(name, "say/")
		switch {
		case at >= 0 && (at == 0 || !direct || holes(rest[:at+1])):
			before, rest = heardSound{name, rest[at].cut}, rest[at+1:]
		case before == heardSound{name, true}: // two with holes look like one
		default:
			return fmt.Errorf("%s was not heard in its place: wanted %s\nheard %v", name, strings.Join(want, " "), got)
		}
	}
	return nil
}

// surveyed lets two callers talk to people, in each language, and tell what
// they think of it.
func surveyed(ctx context.Context, l *lab) error {
	before, err := l.count(ctx)
	if err != nil {
		return err
	}
	port := l.port()
	ids := []string{"1001", "1002"}
	if err = errors.Join(l.register(ctx, port, ids...), l.onDuty(ctx, ids...)); err != nil {
		return err
	}
	agents, err := l.phone(ctx, port, len(ids), 300*time.Millisecond, 3*time.Second)
	if err != nil {
		return err
	}
	errs := make([]error, len(ids))
	var calls sync.WaitGroup
	for i, c := range []struct{ from, lang string }{{zhou, "zh"}, {wilson, "en"}} {
		calls.Go(func() {
			var out string
			out, errs[i] = l.dial(ctx, c.from, "10001", "0,5s,5,2s,1", 30*time.Second, "--expect-tone", "700")
			if errs[i] == nil {
				errs[i] = inOrder(out, told(c.lang, "hold_vip survey_q1 survey_q2 bye"))
			}
		})
	}
	calls.Wait()
	if err = errors.Join(errors.Join(errs...), agents.wait(5*time.Second)); err != nil {
		return err
	}
	if _, err = l.record(ctx, before+2); err != nil {
		return err
	}
	all, err := l.records(ctx)
	if err != nil {
		return err
	}
	for _, c := range all[:2] {
		var told strings.Builder
		for _, n := range c.Notes {
			fmt.Fprintf(&told, "%s %s=%s by %s; ", n.Kind, n.Name, n.Value, n.Agent)
		}
		answers := told.String()
		want := fmt.Sprintf("survey satisfaction=5 by %s; survey resolved=1 by %[1]s; ", c.Agent)
		if answers != want || !c.Answered {
			return fmt.Errorf("the record holds %q, not %q: %+v", answers, want, c)
		}
	}
	return nil
}

// walkSipp asks for the bill with sipp's keys; the record shows how far it got.
func walkSipp(ctx context.Context, l *lab) error {
	before, err := l.count(ctx)
	if err != nil {
		return err
	}
	sound := []part{silence(2 * time.Second), press('1'), silence(3 * time.Second)}
	for _, digit := range zhou[5:] {
		sound = append(sound, press(byte(digit)), silence(150*time.Millisecond))
	}
	caller, err := startSipp(ctx, l.work, peer{
		scenario: "caller", sound: append(sound, silence(20*time.Second)), hang: 14 * time.Second,
		ip: l.callerIP, port: l.port(), mediaPort: l.media(callerPort), number: "10001",
		lines: []string{zhou + ";"}, calls: 1, rate: 1, target: l.node.Address(),
	})
	if err != nil {
		return err
	}
	if err = caller.wait(30 * time.Second); err != nil {
		return err
	}
	c, err := l.record(ctx, before+1)
	if err != nil {
		return err
	}
	var story strings.Builder
	for _, s := range c.Path {
		story.WriteString(s.Step + " ")
	}
	if !strings.Contains(story.String(), "main bill bill_get bill_say ") {
		return fmt.Errorf("the call went %s", &story)
	}
	return nil
}
