package cluster

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// writeJSON writes a value behind its length.
func writeJSON(c io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %T: %w", v, err)
	}
	_, err = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)) //nolint:gosec // short
	return err
}

// readJSON reads one.
func readJSON(c io.Reader, v any) error {
	b, err := readFrame(c, nil, messageLimit)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// readFrame reads what stands behind a length into buf, or into more memory if
// that is too small.
func readFrame(c io.Reader, buf []byte, limit uint32) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > limit {
		return nil, fmt.Errorf("frame of %d bytes, the limit is %d", n, limit)
	}
	if uint32(cap(buf)) < n { //nolint:gosec // a small capacity
		buf = make([]byte, n)
	}
	buf = buf[:n]
	_, err := io.ReadFull(c, buf)
	return buf, err
}
