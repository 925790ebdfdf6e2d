package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// mark remembers outside the log how far it has got. A damaged frame in the
// middle of a wal file looks to the library like the end of a write that a
// crash cut off, and everything after it would be forgotten without a word.
// The mark is not synced: after a power cut it may be old, never ahead.
type mark struct {
	file    *os.File
	written uint64
	last    time.Time // when the process before this one wrote it
}

// openMark returns the mark of a directory and what it said, 0 if nothing.
func openMark(dir string) (*mark, uint64, error) {
	path := filepath.Join(dir, "mark")
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("read mark: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("open mark: %w", err)
	}
	m := &mark{file: f}
	if info, err := f.Stat(); err == nil {
		m.last = info.ModTime()
	}
	if len(b) == 12 && binary.LittleEndian.Uint32(b[8:]) == checksum(b[:8]) {
		m.written = binary.LittleEndian.Uint64(b)
	}
	return m, m.written, nil
}

// set writes the mark, also if it hasn't moved: that the file was written says
// when the process lived.
func (m *mark) set(index uint64) error {
	if index < m.written {
		return nil
	}
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+crc32.Size), index)
	if _, err := m.file.WriteAt(binary.LittleEndian.AppendUint32(b, checksum(b)), 0); err != nil {
		return fmt.Errorf("write mark: %w", err)
	}
	m.written = index
	return nil
}

func (m *mark) close() error { return m.file.Close() }
