package acd

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
)

// maxBytes bounds one string or blob of a snapshot; documents with their
// prompts' names are far below.
const maxBytes = 1 << 28

// coder writes or reads the parts of a snapshot. One description serves both
// directions, so that they can't drift apart: each method takes a pointer,
// from which it writes or into which it reads. After the first fault nothing
// happens any more.
type coder struct {
	w   *bufio.Writer // one of
	r   *tee          // the two
	err error
	buf [binary.MaxVarintLen64]byte

	version uint64       // of the format: the current one when writing
	scratch bytes.Buffer // of read
}

// tee reads, and feeds what was read to a checksum.
type tee struct {
	r   *bufio.Reader
	sum hash.Hash
	one [1]byte
}

// ReadByte implements io.ByteReader.
func (t *tee) ReadByte() (byte, error) {
	b, err := t.r.ReadByte()
	if err != nil {
		return 0, err
	}
	t.one[0] = b
	t.sum.Write(t.one[:])
	return b, nil
}

// Read implements io.Reader.
func (t *tee) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.sum.Write(p[:n])
	return n, err
}

func (k *coder) writes() bool { return k.w != nil }

func (k *coder) fail(format string, args ...any) {
	if k.err == nil {
		k.err = fmt.Errorf("%w: "+format, append([]any{ErrSnapshot}, args...)...)
	}
}

func (k *coder) header() {
	magic := snapshotMagic
	k.version = snapshotVersion
	k.str(&magic)
	k.uint(&k.version)
	if magic != snapshotMagic {
		k.fail("it doesn't begin like one")
	}
	if k.version == 0 || k.version > snapshotVersion {
		k.fail("version %d is not known", k.version)
	}
}

func (k *coder) uint(p *uint64) {
	if k.err != nil {
		return
	}
	if k.writes() {
		_, k.err = k.w.Write(k.buf[:binary.PutUvarint(k.buf[:], *p)])
		return
	}
	*p, k.err = binary.ReadUvarint(k.r)
}

func (k *coder) int(p *int64) {
	u := uint64(*p<<1) ^ uint64(*p>>63) //nolint:gosec // zigzag: small negative numbers stay short
	k.uint(&u)
	if !k.writes() {
		*p = int64(u>>1) ^ -int64(u&1) //nolint:gosec // the inverse
	}
}

// number codes any other integer.
func number[T ~uint8 | ~uint32 | ~int](k *coder, p *T) {
	n := int64(*p)
	k.int(&n)
	if k.writes() {
		return
	}
	*p = T(n)
	if int64(*p) != n {
		k.fail("number %d is out of range", n)
	}
}

func (k *coder) bool(p *bool) {
	var n uint64
	if *p {
		n = 1
	}
	k.uint(&n)
	if !k.writes() { // what is frozen is read beside us
		*p = n == 1
	}
}

func (k *coder) bytes(p *[]byte) {
	if k.writes() {
		text(k, p)
		return
	}
	if b := k.read(); len(b) > 0 {
		*p = bytes.Clone(b)
	}
}

func text[T ~string | ~[]byte](k *coder, p *T) {
	if !k.writes() {
		*p = T(k.read())
		return
	}
	n := uint64(len(*p))
	k.uint(&n)
	if k.err == nil {
		_, k.err = k.w.WriteString(string(*p))
	}
}

// read returns the next field, which is valid until the one after it. What it
// takes grows as bytes arrive: a lying length costs no memory.
func (k *coder) read() []byte {
	var n uint64
	k.uint(&n)
	if n > maxBytes {
		k.fail("%d bytes in one field", n)
	}
	k.scratch.Reset()
	for k.err == nil && n > 0 {
		part := min(n, 1<<16)
		n -= part
		k.scratch.Grow(int(part)) //nolint:gosec // checked above
		b := k.scratch.AvailableBuffer()[:part]
		if _, k.err = io.ReadFull(k.r, b); k.err == nil {
			k.scratch.Write(b)
		}
	}
	if k.err != nil {
		return nil
	}
	return k.scratch.Bytes()
}

func (k *coder) str(p *string) { text(k, p) }

// list codes a slice. An empty one and nil are the same.
func list[T any](k *coder, p *[]T, each func(*coder, *T)) {
	n := uint64(len(*p))
	k.uint(&n)
	if k.writes() {
		for i := range *p {
			each(k, &(*p)[i])
		}
		return
	}
	for ; n > 0 && k.err == nil; n-- {
		var v T
		each(k, &v)
		*p = append(*p, v)
	}
}

// table codes a map whose values know their key, in the order of the keys.
func table[K cmp.Ordered, V any](k *coder, m map[K]*V, key func(*V) K, each func(*V, *coder)) {
	n := uint64(len(m))
	k.uint(&n)
	if k.writes() {
		for _, id := range slices.Sorted(maps.Keys(m)) {
			each(m[id], k)
		}
		return
	}
	var last K
	for i := uint64(0); i < n && k.err == nil; i++ {
		v := new(V)
		each(v, k)
		if i > 0 && key(v) <= last {
			k.fail("keys out of order")
		}
		last = key(v)
		m[last] = v
	}
}
