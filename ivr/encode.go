package ivr

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
)

// Errors of Resume.
var (
	ErrVersion = errors.New("ivr: session of an unknown version")
	ErrFlow    = errors.New("ivr: session of another flow")
)

// encodingVersion is the first byte of an encoded session.
const encodingVersion = 1

type encoded struct {
	Flow string `json:"flow"`
	state
}

// Encode returns what another node needs to go on. Secret variables are not in
// it: they never reach the log.
func (s *Session) Encode() []byte {
	e := encoded{Flow: s.flow.name, state: s.st}
	for _, v := range s.flow.vars.list {
		if v.secret {
			e.Vars = maps.Clone(e.Vars)
			delete(e.Vars, v.name)
		}
	}
	b, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("ivr: state can't be encoded: %v", err)) // scalars, lists and maps of them
	}
	return append([]byte{encodingVersion}, b...)
}

// Resume is the inverse of Encode. The flow must be the version that the
// session began with.
func Resume(f *Flow, b []byte) (*Session, error) {
	if len(b) == 0 || b[0] != encodingVersion {
		return nil, ErrVersion
	}
	var e encoded
	if err := json.Unmarshal(b[1:], &e); err != nil {
		return nil, fmt.Errorf("resume a session: %w", err)
	}
	if e.Flow != f.name || f.nodes[e.At] == nil {
		return nil, fmt.Errorf("%w: node %q of flow %q", ErrFlow, e.At, e.Flow)
	}
	for _, id := range e.History {
		if f.nodes[id] == nil {
			return nil, fmt.Errorf("%w: node %q of flow %q", ErrFlow, id, e.Flow)
		}
	}
	s := &Session{flow: f, st: e.state}
	if s.st.Visits == nil {
		s.st.Visits = map[string]int{}
	}
	s.st.Vars = f.vars.restore(e.Vars)
	return s, nil
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
