package ivr

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// Errors of Resume.
var (
	ErrVersion = errors.New("ivr: session of an unknown version")
	ErrFlow    = errors.New("ivr: session of another flow")
)

// encodingVersion is the first byte of an encoded session.
const encodingVersion = 2

// Encode returns what another node needs to go on. Nothing secret is in it,
// for it reaches the log: neither secret variables, nor keys of an entry that
// is secret, nor, in a flow with secrets, keys that were typed ahead.
func (s *Session) Encode() []byte {
	e := s.st
	e.frame = s.flow.public(e.frame)
	e.Stack = slices.Clone(e.Stack)
	for i, f := range e.Stack {
		if flow := s.root.find(f.Flow); flow != nil {
			e.Stack[i] = flow.public(f)
		}
	}
	if s.secretive() {
		e.Typed = ""
	}
	if e.Place.Secret {
		e.Place.Digits, e.Place.Value, e.Place.First = "", "", ""
	}
	b, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("ivr: state can't be encoded: %v", err)) // scalars, lists and maps of them
	}
	return append([]byte{encodingVersion}, b...)
}

// secretive tells whether secrets are entered in one of the flows.
func (s *Session) secretive() bool {
	if s.flow.secretive || s.root.secretive {
		return true
	}
	return slices.ContainsFunc(s.st.Stack, func(f frame) bool {
		flow := s.root.find(f.Flow)
		return flow == nil || flow.secretive
	})
}

// public returns a frame without secrets. Those that held something are named:
// whoever goes on must not take them for empty.
func (f *Flow) public(in frame) frame {
	cloned := false
	for _, v := range f.vars.list {
		if !v.secret {
			continue
		}
		if !cloned {
			in.Vars, cloned = maps.Clone(in.Vars), true
		}
		if in.Vars[v.name] != v.zero && !slices.Contains(in.Lost, v.name) {
			in.Lost = append(slices.Clone(in.Lost), v.name)
		}
		delete(in.Vars, v.name)
	}
	slices.Sort(in.Lost)
	return in
}

// Resume is the inverse of Encode. The flow must be the version that the
// session began with. Nothing plays, runs or is asked yet: see Restart.
func Resume(f *Flow, b []byte) (*Session, error) {
	if len(b) == 0 || b[0] != encodingVersion {
		return nil, ErrVersion
	}
	s := &Session{root: f, flow: f}
	if err := json.Unmarshal(b[1:], &s.st); err != nil {
		return nil, fmt.Errorf("resume a session: %w", err)
	}
	frames := append(slices.Clone(s.st.Stack), s.st.frame)
	for i := range frames {
		flow := f.find(frames[i].Flow)
		if flow == nil || (i == 0) != (flow == f) || len(frames) > maxStack {
			return nil, fmt.Errorf("%w: flow %q", ErrFlow, frames[i].Flow)
		}
		if err := flow.owns(frames[i]); err != nil {
			return nil, err
		}
		frames[i].restore(flow)
		s.flow = flow
	}
	last := len(frames) - 1
	s.st.Stack, s.st.frame = frames[:last:last], frames[last]
	if s.st.Waiting != "" && s.flow.nodes[s.st.Waiting] == nil {
		return nil, fmt.Errorf("%w: node %q of flow %q", ErrFlow, s.st.Waiting, s.flow.name)
	}
	return s, nil
}

// owns tells whether a frame's nodes are those of the flow.
func (f *Flow) owns(in frame) error {
	for _, id := range append([]string{in.At}, in.History...) {
		if f.nodes[id] == nil {
			return fmt.Errorf("%w: node %q of flow %q", ErrFlow, id, in.Flow)
		}
	}
	return nil
}

func (in *frame) restore(f *Flow) {
	if in.Visits == nil {
		in.Visits = map[string]int{}
	}
	in.Vars = f.vars.restore(in.Vars)
}

// resumer is a node that waits for something.
type resumer interface{ resume(s *Session) }

// Restart returns what a session that was resumed needs to go on where it was:
// what was spoken is spoken again, timers run anew, questions without an answer
// are asked again. An agent or a far end that the caller talks to isn't
// mentioned: their legs moved with his, or they didn't.
func (s *Session) Restart(now time.Time) []Action {
	if s.st.Ended {
		return nil
	}
	return s.step(now, func() {
		p := &s.st.Place
		p.Speaking, p.Music, p.Timer, p.Pending = 0, false, 0, 0
		s.st.Quiet = now.UnixMilli()
		if s.st.Guard != 0 {
			s.st.Guard, s.st.GuardEnd = 0, max(0, s.st.GuardEnd-now.UnixMilli())
			s.resumeGuard()
		}
		s.queueAgain()
		if r, ok := s.node().(resumer); ok {
			r.resume(s)
		}
	})
}

// restore gives decoded values their types back; what is missing or of a wrong
// type has its first value.
func (v variables) restore(in map[string]any) map[string]any {
	out := make(map[string]any, len(v.list))
	for _, x := range v.list {
		out[x.name] = x.restore(in[x.name])
	}
	return out
}

func (x variable) restore(in any) any {
	if f, ok := in.(float64); ok && x.kind == reflect.Int {
		return int(f)
	}
	if m, ok := in.(map[string]any); ok && x.kind == reflect.Map {
		return variables{x.fields}.restore(m)
	}
	if in != nil && reflect.TypeOf(in).Kind() == x.kind && x.kind != reflect.Map {
		return in
	}
	return x.fresh()
}

func without(list []string, name string) []string {
	if !slices.Contains(list, name) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == name })
}
