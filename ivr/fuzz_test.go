package ivr

import (
	"reflect"
	"testing"
	"time"

	"tierline/routing/document"
)

// FuzzHandle gives a session whatever bytes say, in whatever order.
func FuzzHandle(f *testing.F) {
	f.Add([]byte("1123#12 "), "{}")
	f.Add([]byte{0x80, 0x02, '2', 0x81, 0x90, 0xa0, 0xb3, '0', 0xc1, 0xd0}, `{"total":"1.5"}`)
	f.Add([]byte("4\x80\xe1#\xe2613"), `[`)
	flow := loadAll(f, allFlow, subFlow)
	f.Fuzz(func(t *testing.T, script []byte, body string) {
		r := begin(t, flow, known(), time.Unix(1_700_000_000, 0))
		for i, c := range script {
			if r.ended || i > 300 {
				break
			}
			if due, ok := r.nextTimer(); ok && !due.After(r.now) {
				r.give(TimerFired{r.due()[0]})
				continue
			}
			if in := r.scripted(c, body); in != nil {
				r.give(in)
			}
			if i%7 == 0 && !r.ended {
				if _, err := Resume(flow, r.s.Encode()); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// scripted is the input that a byte stands for, if the world can give it.
func (r *run) scripted(c byte, body string) Input {
	switch {
	case c < 0x80:
		return Key{rune(c)}
	case c < 0x90:
		r.later(r.passable(time.Duration(c-0x7f) * 400 * time.Millisecond))
		return nil
	case c < 0xa0:
		if r.speaking != 0 {
			return PromptDone{r.speaking}
		}
	case c < 0xc0:
		if len(r.pending) > 0 {
			id := sortedIDs(r.pending)[0]
			if l, ok := r.pending[id].(Lookup); ok && c%2 == 0 {
				return LookedUp{ID: l.ID, Status: LookupOK, Body: []byte(body)}
			}
			answers := answersTo(r.pending[id])
			return answers[int(c)%len(answers)]
		}
	case c < 0xe0:
		switch {
		case r.queued && c%2 == 0:
			return AgentConnected{}
		case r.queued:
			return QueueLeft{[]string{LeftTimeout, LeftFull, LeftLong, LeftClosed}[int(c/2)%4]}
		case r.talking:
			return AgentDone{}
		case r.far:
			return TransferDone{}
		}
	default:
		if r.recording != 0 {
			return Recorded{ID: r.recording, Ref: "r", Voice: c%2 == 0, Length: time.Duration(c) * time.Second}
		}
	}
	return TimerFired{uint64(c)} // of the past
}

// FuzzConvert: whatever a source answers, a variable has its declared type.
func FuzzConvert(f *testing.F) {
	for _, body := range []string{`{"a":"1.5","b":7,"c":true,"d":"2026-01-02","e":"x"}`, `{"a":{}}`, `nul`, `"x"`, `{"a":-0}`, `{"a":"-0.01"}`, "\xff"} {
		f.Add(body)
	}
	object := variable{name: "o", typ: typeObject, kind: reflect.Map, fields: []variable{
		scalarOf("a", typeMoney), scalarOf("b", typeInt), scalarOf("c", typeBool), scalarOf("d", typeDate), scalarOf("e", typeString),
		scalarOf("f", typeDatetime), scalarOf("g", typeVolume),
	}}
	f.Fuzz(func(t *testing.T, body string) {
		for _, x := range append([]variable{object}, object.fields...) {
			v, err := x.convert([]byte(body))
			if err != nil {
				continue
			}
			if x.typ != typeObject {
				sameType(t, x, v)
				continue
			}
			m, ok := v.(map[string]any)
			if !ok || len(m) != len(object.fields) {
				t.Fatalf("%q: %v", body, v)
			}
			for _, field := range object.fields {
				sameType(t, field, m[field.name])
			}
		}
	})
}

func sameType(t *testing.T, x variable, v any) {
	t.Helper()
	switch v.(type) {
	case string, int, bool:
	default:
		t.Fatalf("%s is a %T", x.name, v)
	}
	if got := x.restore(v); got != v {
		t.Fatalf("%s: %v is not a %s", x.name, v, x.typ)
	}
}

func scalarOf(name, typ string) variable {
	var b builder
	kind, zero, _ := b.varType(document.Value[string]{V: typ, Given: true}, false)
	return variable{name: name, typ: typ, kind: kind, zero: zero}
}
