package acd

import (
	"bytes"

	"pgregory.net/rapid"
)

// ice is a frozen state, and how it was written when it was frozen.
type ice struct {
	frozen  Frozen
	written []byte
}

// freeze checks that what was frozen before is what it was, whatever has been
// applied since, and freezes the state of now into the same memory.
func (i *ice) freeze(t *rapid.T, s *State) {
	i.check(t)
	i.frozen.Clear()
	s.Freeze(&i.frozen)
	var b bytes.Buffer
	if err := s.Encode(&b); err != nil {
		t.Fatal(err)
	}
	i.written = b.Bytes()
	i.check(t)
}

func (i *ice) check(t *rapid.T) {
	if i.written == nil {
		return
	}
	var b bytes.Buffer
	if err := i.frozen.Encode(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), i.written) {
		t.Fatal("a frozen state has changed")
	}
}
