package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// ErrKey says that the key to sealed data is missing.
var ErrKey = errors.New("sealed with a key that is not here")

// ErrChanged says that sealed data are not as they were written, or not where.
var ErrChanged = errors.New("sealed data were changed")

const (
	idBytes    = 4
	saltBytes  = 16
	nonceBytes = 12
)

// ringFormat is the version of the ring's file.
const ringFormat = 1

// ringFile is what stands on the disk beside the data.
type ringFile struct {
	Format   int       `json:"format"`
	SealedBy string    `json:"sealed_by"`
	Keys     []ringKey `json:"keys"` // the newest first
}

type ringKey struct {
	ID     string `json:"id"`
	Sealed []byte `json:"sealed"`
}

// Vault seals and opens.
type Vault struct {
	ring    map[string][]byte // data keys by name
	newest  string
	texts   *sealer // of this process
	renewed bool

	mu      sync.Mutex // guards derived
	derived map[string]cipher.AEAD
}

// Open reads the ring, or makes one where there is none. The first of the keys
// is the current one; if the ring was sealed with another of them, it gets a
// new data key and is sealed anew.
func Open(ring string, keys []Key) (*Vault, error) {
	v := &Vault{ring: map[string][]byte{}, derived: map[string]cipher.AEAD{}}
	b, err := os.ReadFile(ring)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = v.add(ring, keys[0], ringFile{Format: ringFormat})
	case err == nil:
		err = v.read(ring, b, keys)
	}
	if err != nil {
		return nil, err
	}
	v.texts, err = v.sealer(v.newest, random(saltBytes))
	return v, err
}

// Renewed tells whether Open has taken up a new key of the node: those behind
// it in the key file are no longer needed.
func (v *Vault) Renewed() bool { return v.renewed }

func (v *Vault) read(path string, b []byte, keys []Key) error {
	var f ringFile
	if err := json.Unmarshal(b, &f); err != nil || f.Format < 1 || len(f.Keys) == 0 {
		return fmt.Errorf("%s: %w", path, ErrChanged)
	}
	if f.Format > ringFormat {
		return fmt.Errorf("%s: format %d is of a newer release", path, f.Format)
	}
	at := slices.IndexFunc(keys, func(k Key) bool { return k.id == f.SealedBy })
	if at < 0 {
		var have []string
		for _, k := range keys {
			have = append(have, k.id)
		}
		return fmt.Errorf("%s: %w: it wants %s, the key file has %s", path, ErrKey, f.SealedBy, strings.Join(have, ", "))
	}
	for _, k := range f.Keys {
		secret, err := unwrap(keys[at], k)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		v.ring[k.ID] = secret
	}
	v.newest = f.Keys[0].ID
	if at == 0 {
		return nil
	}
	v.renewed = true
	return v.add(path, keys[0], f)
}

// add makes a new data key and writes the ring with all of them.
func (v *Vault) add(path string, node Key, f ringFile) error {
	fresh := newKey(random(keyBytes))
	v.ring[fresh.id], v.newest = fresh.secret, fresh.id
	ids := []string{fresh.id}
	for _, k := range f.Keys {
		ids = append(ids, k.ID)
	}
	f.SealedBy, f.Keys = node.id, nil
	for _, id := range ids {
		wrapped, err := wrap(node, id, v.ring[id])
		if err != nil {
			return err
		}
		f.Keys = append(f.Keys, ringKey{ID: id, Sealed: wrapped})
	}
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("encode ring: %w", err)
	}
	if err := replace(path, append(b, '\n')); err != nil {
		return fmt.Errorf("write ring: %w", err)
	}
	return nil
}

// wrap seals a data key: salt, sealed key.
func wrap(node Key, id string, secret []byte) ([]byte, error) {
	salt := random(saltBytes)
	a, err := derive(node.secret, salt)
	if err != nil {
		return nil, err
	}
	return a.Seal(salt, make([]byte, nonceBytes), secret, []byte(id)), nil // the key is used once
}

func unwrap(node Key, k ringKey) ([]byte, error) {
	if len(k.Sealed) < saltBytes {
		return nil, ErrChanged
	}
	a, err := derive(node.secret, k.Sealed[:saltBytes])
	if err != nil {
		return nil, err
	}
	secret, err := a.Open(nil, make([]byte, nonceBytes), k.Sealed[saltBytes:], []byte(k.ID))
	if err != nil {
		return nil, ErrChanged
	}
	return secret, nil
}

// derive makes the cipher of a process or a stream.
func derive(secret, salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, secret, salt, "tierline vault 1", keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return a, nil
}

// sealer seals with a key that nobody else seals with.
type sealer struct {
	header []byte // name of the data key, salt
	aead   cipher.AEAD
	count  atomic.Uint64
}

func (v *Vault) sealer(id string, salt []byte) (*sealer, error) {
	a, err := derive(v.ring[id], salt)
	if err != nil {
		return nil, err
	}
	name, err := hex.DecodeString(id)
	if err != nil || len(name) != idBytes {
		return nil, fmt.Errorf("key %q: %w", id, ErrChanged)
	}
	return &sealer{header: append(name, salt...), aead: a}, nil
}

// opener returns the cipher that the header of sealed data names.
func (v *Vault) opener(header []byte) (cipher.AEAD, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if a := v.derived[string(header)]; a != nil {
		return a, nil
	}
	id := hex.EncodeToString(header[:idBytes])
	secret := v.ring[id]
	if secret == nil {
		return nil, fmt.Errorf("%w: data key %s", ErrKey, id)
	}
	a, err := derive(secret, header[idBytes:])
	if err != nil {
		return nil, err
	}
	if len(v.derived) >= mostDerived {
		clear(v.derived) // the ones in use come back
	}
	v.derived[string(header)] = a
	return a, nil
}

// mostDerived bounds what damaged headers can make us remember.
const mostDerived = 256

// mark is the first byte of a sealed text. What isn't sealed never begins so:
// neither an entry of the log nor JSON does.
const mark = 0xE5

// A sealed text is mark, name of the data key, salt, counter, sealed text.
const textHeader = 1 + idBytes + saltBytes + 8

// Sealed tells whether a text is sealed.
func Sealed(b []byte) bool { return len(b) > 0 && b[0] == mark }

// Seal seals a text for its place: the same place is needed to open it.
func (v *Vault) Seal(text, place []byte) []byte {
	n := v.texts.count.Add(1)
	out := make([]byte, 0, textHeader+len(text)+v.texts.aead.Overhead())
	out = append(out, mark)
	out = append(out, v.texts.header...)
	out = binary.BigEndian.AppendUint64(out, n)
	return v.texts.aead.Seal(out, counter(n, false), text, place)
}

// Open returns a text as it was before Seal. The error is ErrKey or ErrChanged.
func (v *Vault) Open(sealed, place []byte) ([]byte, error) {
	if len(sealed) < textHeader || !Sealed(sealed) {
		return nil, ErrChanged
	}
	a, err := v.opener(sealed[1 : 1+idBytes+saltBytes])
	if err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint64(sealed[textHeader-8:])
	text, err := a.Open(nil, counter(n, false), sealed[textHeader:], place)
	if err != nil {
		return nil, ErrChanged
	}
	return text, nil
}

// counter makes a nonce. The last piece of a stream has one of its own.
func counter(n uint64, last bool) []byte {
	b := make([]byte, nonceBytes)
	binary.BigEndian.PutUint64(b[nonceBytes-8:], n)
	if last {
		b[0] = 1
	}
	return b
}
