package main

import (
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tierline/.ci/bed"
)

//go:embed caller.xml
var callerXML string

//go:embed agent.xml
var agentXML string

// rung is one rate of the ramp.
type rung struct {
	rate     int
	calls    int
	failed   int           // at callers and agents
	again    int           // retransmissions, at callers and agents
	late     time.Duration // how long the last call ended after it should have
	cpu      time.Duration // of the switch, for each call
	share    float64       // of one core
	answered time.Duration // INVITE to 200, mean
	clean    bool
}

// behind is how late the last call of a clean rung may end: a queue that grows
// shows here.
const behind = 3 * time.Second

// ramp raises the rate until a rung is not clean: at least 1 % of the calls
// failed, were missing or saw a retransmission, or the calls fell behind.
func ramp(ctx context.Context, node *bed.Node, dir string, from, step, to int, each time.Duration) ([]rung, error) {
	for name, text := range map[string]string{"caller.xml": callerXML, "agent.xml": agentXML} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("write scenario: %w", err)
		}
	}
	var all []rung
	for rate := from; rate <= to; rate += step {
		r, err := climb(ctx, node, dir, rate, each)
		if err != nil {
			return all, err
		}
		all = append(all, r)
		progress("ramp %d calls/s: %d calls, %d failed, %d retransmitted, %.1f s late, %.2f ms CPU a call, answered in %s",
			r.rate, r.calls, r.failed, r.again, r.late.Seconds(), ms(r.cpu), r.answered.Round(time.Millisecond))
		if !r.clean {
			break
		}
		time.Sleep(2 * time.Second) // what the switch tidies up belongs to nobody's rung
	}
	return all, nil
}

// patience is how long the last calls of a rung may take.
const patience = 45 * time.Second

// talk is how long an agent of the ramp talks.
const talk = 300 * time.Millisecond

// climb runs one rate.
func climb(ctx context.Context, node *bed.Node, dir string, rate int, each time.Duration) (rung, error) {
	agents := sipp(ctx, dir, "agent.xml", "agents", "-i", node.IP, "-p", strconv.Itoa(agentPort),
		"-d", strconv.FormatInt(talk.Milliseconds(), 10),
		"-nd", "-aa", node.Address())
	if err := agents.Start(); err != nil {
		return rung{}, fmt.Errorf("start agents: %w", err)
	}
	defer func() {
		_ = agents.Process.Kill() // it waits for calls for ever
		_ = agents.Wait()
	}()
	before, err := node.CPU()
	if err != nil {
		return rung{}, err
	}
	began := time.Now()
	calls := rate * int(each.Seconds())
	// sipp waits for ever for a call that is stuck; those count as behind.
	limited, cancel := context.WithTimeout(ctx, each+patience)
	defer cancel()
	callers := sipp(limited, dir, "caller.xml", "callers", "-i", node.IP, "-p", "5061", "-s", service,
		"-r", strconv.Itoa(rate), "-m", strconv.Itoa(calls), "-l", strconv.Itoa(20*rate), "-timeout",
		strconv.Itoa(int(each.Seconds())+15), "-nd", node.Address())
	failure := callers.Run() // 1: some calls failed; 97: time is over; both show in the counts
	e, exited := errors.AsType[*exec.ExitError](failure)
	if failure != nil && limited.Err() == nil && (!exited || e.ExitCode() > 99) {
		return rung{}, fmt.Errorf("run callers: %w", failure)
	}
	took := time.Since(began)
	after, err := node.CPU()
	if err != nil {
		return rung{}, err
	}
	time.Sleep(1500 * time.Millisecond) // the agents' counts are written each second
	r, err := counted(filepath.Join(dir, "callers.csv"))
	if err != nil {
		return rung{}, err
	}
	at, err := counted(filepath.Join(dir, "agents.csv"))
	if err != nil {
		return rung{}, err
	}
	r.rate = rate
	r.failed += at.failed
	r.again += at.again
	r.late = max(0, took-each-talk-time.Second) // sipp itself takes a second to begin and end
	r.cpu = (after - before) / time.Duration(max(1, r.calls))
	r.share = (after - before).Seconds() / took.Seconds()
	r.clean = 100*(r.failed+r.again+max(0, calls-r.calls)) < calls && r.late < behind
	return r, nil
}

// sipp prepares one sipp that writes its counts to NAME.csv.
func sipp(ctx context.Context, dir, scenario, name string, args ...string) *exec.Cmd {
	csvFile := filepath.Join(dir, name+".csv")
	_ = os.Remove(csvFile) // the first run has none
	args = append([]string{"-sf", scenario, "-trace_stat", "-stf", csvFile, "-fd", "1", "-nostdin"}, args...)
	cmd := exec.CommandContext(ctx, "sipp", args...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	return cmd
}

// counted reads the last line of sipp's statistics.
func counted(file string) (rung, error) {
	f, err := os.Open(file)
	if err != nil {
		return rung{}, fmt.Errorf("read sipp's counts: %w", err)
	}
	defer func() { _ = f.Close() }()
	in := csv.NewReader(f)
	in.Comma = ';'
	in.FieldsPerRecord = -1
	rows, err := in.ReadAll()
	if err != nil || len(rows) < 2 {
		return rung{}, fmt.Errorf("read sipp's counts: %d lines: %w", len(rows), err)
	}
	last := map[string]string{}
	for i, name := range rows[0] {
		if i < len(rows[len(rows)-1]) {
			last[name] = rows[len(rows)-1][i]
		}
	}
	number := func(name string) int {
		n, _ := strconv.Atoi(last[name]) // a column that an other sipp lacks counts as none
		return n
	}
	return rung{
		calls: number("SuccessfulCall(C)"), failed: number("FailedCall(C)"), again: number("Retransmissions(C)"),
		answered: clock(last["ResponseTime1(C)"]),
	}, nil
}

// clock reads sipp's 00:00:00:001000 (hours to microseconds).
func clock(s string) time.Duration {
	var d time.Duration
	for i, part := range strings.Split(s, ":") {
		n, err := strconv.Atoi(part)
		if err != nil || i > 3 {
			return 0
		}
		d += time.Duration(n) * []time.Duration{time.Hour, time.Minute, time.Second, time.Microsecond}[i]
	}
	return d
}
