package service

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// maxBundle bounds a bundle before compression, and with it what a node holds
// in memory for one generation.
const maxBundle = 64 << 20

// ErrBundle says that bytes are no bundle of a version we know.
var ErrBundle = errors.New("no bundle of service documents")

// Bundle is the documents of one generation.
type Bundle struct {
	Files   []File            `json:"files"`   // sorted by name
	Prompts map[string]string `json:"prompts"` // "welcome.zh" or "music/hold-1" to the SHA-256 of the sound

	// lengths of the sounds, known while they were just read.
	lengths map[string]time.Duration
}

// File is one document.
type File struct {
	Name string `json:"name"` // relative, with slashes
	Data []byte `json:"data"`
}

// File returns a document's bytes.
func (b *Bundle) File(name string) ([]byte, bool) {
	i, ok := slices.BinarySearchFunc(b.Files, name, func(f File, n string) int { return strings.Compare(f.Name, n) })
	if !ok {
		return nil, false
	}
	return b.Files[i].Data, true
}

// bundleVersion is the first byte of an encoded bundle.
const bundleVersion = 1

// Encode returns the bundle as it goes into the log. Equal bundles give equal
// bytes.
func (b *Bundle) Encode() []byte {
	var out bytes.Buffer
	out.WriteByte(bundleVersion)
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		panic(fmt.Sprintf("service: flate: %v", err)) // the level is a constant
	}
	if _, err = w.Write(b.canonical()); err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(fmt.Sprintf("service: write to memory: %v", err))
	}
	return out.Bytes()
}

// canonical is the bundle without compression; maps are sorted by
// encoding/json.
func (b *Bundle) canonical() []byte {
	out, err := json.Marshal(b)
	if err != nil {
		panic(fmt.Sprintf("service: encode bundle: %v", err)) // texts and bytes only
	}
	return out
}

// Hash names the contents: SHA-256 in hex, independent of the compression.
func (b *Bundle) Hash() string {
	sum := sha256.Sum256(b.canonical())
	return hex.EncodeToString(sum[:])
}

// DecodeBundle is the inverse of Encode.
func DecodeBundle(data []byte) (*Bundle, error) {
	if len(data) == 0 || data[0] != bundleVersion {
		return nil, ErrBundle
	}
	r := flate.NewReader(bytes.NewReader(data[1:]))
	raw, err := io.ReadAll(io.LimitReader(r, 2*maxBundle))
	if err != nil {
		return nil, fmt.Errorf("unpack bundle: %w", err)
	}
	var b Bundle
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("decode bundle: %w", err)
	}
	slices.SortFunc(b.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return &b, nil
}
