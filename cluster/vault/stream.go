package vault

import (
	"bufio"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
)

// streamMagic begins a sealed stream. Then come name of the data key, salt, and
// pieces of pieceBytes, each sealed with its number; the last one is shorter,
// may be empty, and says that it is the last.
const streamMagic = "tierline sealed 1\n"

const (
	streamHeader = len(streamMagic) + idBytes + saltBytes
	pieceBytes   = 64 << 10
	tagBytes     = 16
)

// Writer seals what is written to it. Close ends the stream; w stays open.
func (v *Vault) Writer(w io.Writer) (io.WriteCloser, error) {
	s, err := v.sealer(v.newest, random(saltBytes))
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(append([]byte(streamMagic), s.header...)); err != nil {
		return nil, fmt.Errorf("begin sealed stream: %w", err)
	}
	return &writer{w: w, sealer: s, piece: make([]byte, 0, pieceBytes)}, nil
}

type writer struct {
	w      io.Writer
	sealer *sealer
	piece  []byte
	sealed []byte
}

// Write implements io.Writer.
func (w *writer) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		room := b[:min(len(b), pieceBytes-len(w.piece))]
		w.piece, b, n = append(w.piece, room...), b[len(room):], n+len(room)
		if len(w.piece) == pieceBytes {
			if err := w.flush(false); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (w *writer) flush(last bool) error {
	w.sealed = w.sealer.aead.Seal(w.sealed[:0], counter(w.sealer.count.Add(1), last), w.piece, nil)
	w.piece = w.piece[:0]
	_, err := w.w.Write(w.sealed)
	return err
}

// Close implements io.Closer.
func (w *writer) Close() error { return w.flush(true) }

// Reader opens a stream. One that isn't sealed is returned as it is: it was
// written before streams were.
func (v *Vault) Reader(r io.Reader) (plain io.Reader, sealed bool, err error) {
	in := bufio.NewReaderSize(r, pieceBytes+tagBytes)
	head, err := in.Peek(streamHeader)
	if err != nil || string(head[:len(streamMagic)]) != streamMagic {
		return in, false, nil //nolint:nilerr // too short to be sealed, or not readable: who reads will see
	}
	a, err := v.opener(head[len(streamMagic):])
	if err != nil {
		return nil, true, err
	}
	if _, err = in.Discard(streamHeader); err != nil {
		return nil, true, fmt.Errorf("read sealed stream: %w", err)
	}
	return &reader{in: in, aead: a}, true, nil
}

type reader struct {
	in    *bufio.Reader
	aead  cipher.AEAD
	count uint64
	text  []byte // opened, not yet read
	over  bool
}

// Read implements io.Reader.
func (r *reader) Read(b []byte) (int, error) {
	for len(r.text) == 0 {
		if r.over {
			return 0, io.EOF
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, r.text)
	r.text = r.text[n:]
	return n, nil
}

// next opens the next piece.
func (r *reader) next() error {
	piece := make([]byte, pieceBytes+tagBytes)
	n, err := io.ReadFull(r.in, piece)
	r.over = errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	if err != nil && !r.over {
		return fmt.Errorf("read sealed stream: %w", err)
	}
	r.count++
	r.text, err = r.aead.Open(piece[:0], counter(r.count, r.over), piece[:n], nil)
	if err != nil {
		return ErrChanged
	}
	return nil
}

// PlainSize is how long a stream of so many bytes is when it is opened.
func PlainSize(sealed int64) int64 {
	body := sealed - int64(streamHeader)
	return body - (body/(pieceBytes+tagBytes)+1)*tagBytes
}
