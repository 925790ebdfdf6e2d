package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
)

// checkBolt walks through the pages of a bolt file before bolt opens it for
// writing: bolt meets a damaged page with a panic on a goroutine of its own,
// which nobody can turn into an error.
func checkBolt(file string) error {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("check log: %w", err)
	}
	if len(b) == 0 {
		return nil // created, and then the process died
	}
	p := boltPages{file: b, seen: map[uint64]bool{}}
	if err := p.check(); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, file, err)
	}
	return nil
}

// Numbers of bolt's file format, version 2.
const (
	boltMagic  = 0xED0CDAED
	boltHeader = 16 // of a page: id 8, flags 2, count 2, overflow 4
	boltItem   = 16 // of an element of a page, without key and value
	boltBranch = 0x01
	boltLeaf   = 0x02
	boltBucket = 0x01 // flag of a leaf element: the value is a bucket
)

type boltPages struct {
	file []byte
	size uint64 // of a page
	high uint64 // the first page id never used
	seen map[uint64]bool
}

// check finds the newest meta page and walks down from its root.
func (p *boltPages) check() error {
	var newest, root uint64
	for _, at := range []int{0, p.secondMeta()} {
		if at+boltHeader+64 > len(p.file) {
			continue
		}
		m := p.file[at+boltHeader:]
		sum := fnv.New64a()
		sum.Write(m[:56])
		if binary.NativeEndian.Uint32(m) != boltMagic || sum.Sum64() != binary.NativeEndian.Uint64(m[56:]) {
			continue
		}
		if txid := binary.NativeEndian.Uint64(m[48:]); txid >= newest {
			newest, root = txid, binary.NativeEndian.Uint64(m[16:])
			p.size, p.high = uint64(binary.NativeEndian.Uint32(m[8:])), binary.NativeEndian.Uint64(m[40:])
		}
	}
	if p.size == 0 {
		return errors.New("no valid meta page")
	}
	return p.walk(root)
}

// secondMeta returns where the second meta page is: page sizes differ between
// machines, and the first page may be the damaged one.
func (p *boltPages) secondMeta() int {
	for size := 1 << 10; size <= 1<<16; size <<= 1 {
		if size+boltHeader+4 <= len(p.file) && binary.NativeEndian.Uint32(p.file[size+boltHeader:]) == boltMagic {
			return size
		}
	}
	return len(p.file)
}

func (p *boltPages) walk(id uint64) error {
	if p.seen[id] || id < 2 || id >= p.high || (id+1)*p.size > uint64(len(p.file)) {
		return fmt.Errorf("page %d: out of bounds, or used twice", id)
	}
	p.seen[id] = true
	page := p.file[id*p.size:]
	flags, overflow := binary.NativeEndian.Uint16(page[8:]), uint64(binary.NativeEndian.Uint32(page[12:]))
	if binary.NativeEndian.Uint64(page) != id {
		return fmt.Errorf("page %d: says it is page %d", id, binary.NativeEndian.Uint64(page))
	}
	end := id + overflow
	if end >= p.high || (end+1)*p.size > uint64(len(p.file)) || (flags != boltBranch && flags != boltLeaf) {
		return fmt.Errorf("page %d: damaged header", id)
	}
	page = page[:(overflow+1)*p.size]
	count := int(binary.NativeEndian.Uint16(page[10:]))
	if boltHeader+count*boltItem > len(page) {
		return fmt.Errorf("page %d: damaged header", id)
	}
	for i := range count {
		if err := p.item(page[boltHeader+i*boltItem:], flags); err != nil {
			return fmt.Errorf("page %d: %w", id, err)
		}
	}
	return nil
}

// item checks one element; b begins with it and ends with its page.
func (p *boltPages) item(b []byte, flags uint16) error {
	u32 := func(at int) uint64 { return uint64(binary.NativeEndian.Uint32(b[at:])) }
	if flags == boltBranch { // position, key size, page
		if u32(0)+u32(4) > uint64(len(b)) {
			return errors.New("damaged element")
		}
		return p.walk(binary.NativeEndian.Uint64(b[8:]))
	}
	kind, value, size := u32(0), u32(4)+u32(8), u32(12) // kind, position, key size, value size
	if value+size > uint64(len(b)) || kind > boltBucket {
		return errors.New("damaged element")
	}
	if kind != boltBucket {
		return nil
	}
	if size < 16 {
		return errors.New("damaged bucket")
	}
	if root := binary.NativeEndian.Uint64(b[value:]); root != 0 { // else its page is in the value
		return p.walk(root)
	}
	return nil
}
