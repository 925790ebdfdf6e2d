package call

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"tierline/call/sipua"
	"tierline/routing/trunk"
)

// targetState is what OPTIONS told of a target. The switch's mu guards it.
type targetState struct {
	due      time.Time // of the next question
	asking   bool
	known    bool // there was an answer, or enough silence
	down     bool
	failures int       // in a row
	since    time.Time // up or down
}

// Health is what is known of a target.
type Health uint8

// What is known of a target.
const (
	Unwatched Health = iota // the documents don't want it asked
	Unknown                 // not heard of yet
	Up
	Down
)

func (h Health) String() string {
	names := [...]string{Unwatched: "unwatched", Unknown: "unknown", Up: "up", Down: "down"}
	if int(h) < len(names) {
		return names[h]
	}
	return fmt.Sprintf("health(%d)", h)
}

// TargetView is a target and its health.
type TargetView struct {
	Target string
	Health Health
	Since  time.Time // of Up and Down
}

// watchEvery is how often Watch looks whose turn it is.
const watchEvery = time.Second

// Watch asks the targets of trunks by OPTIONS, as often as the documents say, and
// has those trunks registered that want it, until the context ends.
func (s *Switch) Watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		s.askTargets(time.Now())
		s.keepRegistered() //nolint:contextcheck // registrations outlive this and are taken back at drain
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// askTargets asks those whose turn it is and forgets those that have left the
// documents.
func (s *Switch) askTargets(now time.Time) {
	gen := s.cfg.Services.Current()
	if gen == nil {
		return
	}
	type question struct {
		trunk  trunk.Trunk
		target trunk.Target
	}
	var due []question
	s.mu.Lock()
	for _, t := range gen.Trunks.Trunks() {
		st := s.trunkState(t.Name)
		for target := range st.targets {
			if !t.Outward.Health.Watched() || !slices.Contains(t.Outward.Targets, target) {
				delete(st.targets, target)
			}
		}
		if !t.Outward.Health.Watched() {
			continue
		}
		for _, target := range t.Outward.Targets {
			ts := st.targets[target]
			if ts == nil {
				ts = &targetState{}
				st.targets[target] = ts
			}
			if !ts.asking && !now.Before(ts.due) {
				ts.asking, ts.due = true, now.Add(t.Outward.Health.Interval)
				due = append(due, question{t, target})
			}
		}
	}
	s.mu.Unlock()
	for _, q := range due {
		s.cfg.UA.Ping(q.target.String(), trunkPatience, func(p sipua.Pong) { s.targetSaid(q.trunk, q.target, p) })
	}
}

// alive says whether a status of OPTIONS comes from a peer that takes calls:
// whatever it thinks of the question, but not that it is out of service.
func alive(status int) bool { return status >= 200 && status != 408 && status != 503 }

// targetSaid takes the answer of a target.
func (s *Switch) targetSaid(t trunk.Trunk, target trunk.Target, p sipua.Pong) {
	status := p.Status
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.trunkState(t.Name)
	ts := st.targets[target]
	if ts == nil {
		return // it has left the documents
	}
	ts.asking = false
	if alive(status) {
		if ts.down || !ts.known {
			ts.since = time.Now()
			s.cfg.Log.Info("target of a trunk is up", "trunk", t.Name, "target", target.String(), "status", status)
		}
		ts.known, ts.down, ts.failures = true, false, 0
		return
	}
	ts.failures++
	if status == 0 {
		st.fail(target.String() + ": OPTIONS: " + firstOf(p.Trouble, "no answer"))
	} else {
		st.fail(fmt.Sprintf("%s: %d to OPTIONS", target, status))
	}
	if !ts.down && ts.failures >= t.Outward.Health.Failures {
		ts.known, ts.down, ts.since = true, true, time.Now()
		s.cfg.Log.Warn("target of a trunk is down", "trunk", t.Name, "target", target.String(), "status", status)
	}
}

// isDown says whether a target shall not be called. mu of the switch is held.
func (st *trunkState) isDown(target trunk.Target) bool {
	ts := st.targets[target]
	return ts != nil && ts.down
}

// byHealth leaves out targets that are down. A trunk with nothing but such
// ones comes last, with all of them: a call that may fail is better than none.
func (s *Switch) byHealth(trunks []trunk.Trunk) []trunk.Trunk {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(trunks)
	dead := make(map[string]int, len(out))
	for i, t := range out {
		st := s.trunkState(t.Name)
		living := slices.DeleteFunc(slices.Clone(t.Outward.Targets), st.isDown)
		if len(living) == 0 {
			dead[t.Name] = 1
			continue
		}
		out[i].Outward.Targets = living
	}
	slices.SortStableFunc(out, func(a, b trunk.Trunk) int { return cmp.Compare(dead[a.Name], dead[b.Name]) })
	return out
}

// health shows a target. mu of the switch is held.
func (st *trunkState) health(t trunk.Trunk, target trunk.Target) TargetView {
	v := TargetView{Target: target.String()}
	ts := st.targets[target]
	switch {
	case !t.Outward.Health.Watched():
	case ts == nil || !ts.known:
		v.Health = Unknown
	case ts.down:
		v.Health, v.Since = Down, ts.since
	default:
		v.Health, v.Since = Up, ts.since
	}
	return v
}
