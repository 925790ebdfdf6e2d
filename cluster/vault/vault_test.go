package vault

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func mustRenew(t testing.TB, path string) []Key {
	t.Helper()
	keys, err := Renew(path)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func mustOpen(t testing.TB, ring string, keys []Key) *Vault {
	t.Helper()
	v, err := Open(ring, keys)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestATextOpensInItsPlaceOnly(t *testing.T) {
	dir := t.TempDir()
	keys := mustRenew(t, filepath.Join(dir, "node.key"))
	v := mustOpen(t, filepath.Join(dir, "keys"), keys)
	text, place := []byte("secret of 1001"), []byte("entry 7")
	sealed := v.Seal(text, place)
	if bytes.Contains(sealed, text) || !Sealed(sealed) || bytes.Equal(sealed, v.Seal(text, place)) {
		t.Errorf("sealed: %q", sealed)
	}
	again := mustOpen(t, filepath.Join(dir, "keys"), keys)
	for name, open := range map[string]*Vault{"the same process": v, "the next process": again} {
		if got, err := open.Open(sealed, place); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s opens %q, %v", name, got, err)
		}
	}
	if _, err := v.Open(sealed, []byte("entry 8")); !errors.Is(err, ErrChanged) {
		t.Errorf("in another place: %v", err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := v.Open(changed, place); !errors.Is(err, ErrChanged) && !errors.Is(err, ErrKey) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, err := v.Open(sealed[:i], place); err == nil {
			t.Errorf("cut off at %d, it opens", i)
		}
	}
}

func TestANewKeyIsTakenUpAndOldTextsStayReadable(t *testing.T) {
	dir := t.TempDir()
	file, ring := filepath.Join(dir, "node.key"), filepath.Join(dir, "keys")
	first := mustRenew(t, file)
	old := mustOpen(t, ring, first).Seal([]byte("old"), nil)
	both := mustRenew(t, file)
	if len(both) != 2 || both[1].ID() != first[0].ID() || both[0].ID() == first[0].ID() {
		t.Fatalf("keys after a second one: %v", both)
	}
	v := mustOpen(t, ring, both)
	if !v.Renewed() {
		t.Error("the new key was not taken up")
	}
	v = mustOpen(t, ring, both[:1]) // the old key is no longer needed
	if v.Renewed() {
		t.Error("a key is taken up twice")
	}
	fresh := v.Seal([]byte("new"), nil)
	if bytes.Equal(fresh[1:1+idBytes], old[1:1+idBytes]) {
		t.Error("new texts are sealed with the old data key")
	}
	for want, sealed := range map[string][]byte{"old": old, "new": fresh} {
		if got, err := v.Open(sealed, nil); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", want, got, err)
		}
	}
	_, err := Open(ring, first)
	if !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), both[0].ID()) || !strings.Contains(err.Error(), ring) {
		t.Errorf("with the old key alone: %v", err)
	}
}

func TestARingThatIsLostOrDamaged(t *testing.T) {
	dir := t.TempDir()
	keys, ring := mustRenew(t, filepath.Join(dir, "node.key")), filepath.Join(dir, "keys")
	sealed := mustOpen(t, ring, keys).Seal([]byte("x"), nil)
	good, err := os.ReadFile(ring)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"empty": {}, "half": good[:len(good)/2], "no keys": []byte(`{"format":1}`),
		"a key": bytes.Replace(good, []byte(`"sealed": "`), []byte(`"sealed": "AAAA`), 1),
	} {
		if err := os.WriteFile(ring, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(ring, keys); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), ring) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Remove(ring); err != nil {
		t.Fatal(err)
	}
	if _, err := mustOpen(t, ring, keys).Open(sealed, nil); !errors.Is(err, ErrKey) {
		t.Errorf("with another ring: %v", err)
	}
}

func TestKeyFilesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"": "no key", "# a comment\n\n": "no key", "hunter2\n": "line 1", "# c\n" + strings.Repeat("A", 40): "line 2",
	} {
		path := filepath.Join(t.TempDir(), "node.key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadKeys(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
		if _, err = Renew(path); err == nil {
			t.Errorf("%q was written over", text)
		}
	}
	path := filepath.Join(t.TempDir(), "new", "node.key")
	mustRenew(t, path)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKeys(path); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("a file that others may read: %v", err)
	}
}

func TestStreams(t *testing.T) {
	dir := t.TempDir()
	v := mustOpen(t, filepath.Join(dir, "keys"), mustRenew(t, filepath.Join(dir, "node.key")))
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(0, 300), rapid.SampledFrom([]int{
			pieceBytes - 1, pieceBytes, pieceBytes + 1, 2*pieceBytes - 1, 2 * pieceBytes, 3*pieceBytes + 5,
		})).Draw(t, "size")
		text := bytes.Repeat([]byte("All agents' passwords. "), size/23+1)[:size]
		var sealed bytes.Buffer
		w, err := v.Writer(&sealed)
		if err != nil {
			t.Fatal(err)
		}
		for rest := text; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "write")
			if _, err = w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err = w.Close(); err != nil {
			t.Fatal(err)
		}
		if n := PlainSize(int64(sealed.Len())); n != int64(size) {
			t.Fatalf("%d bytes are said to be %d", size, n)
		}
		read := func(b []byte) ([]byte, bool, error) {
			r, was, rerr := v.Reader(iotest.OneByteReader(bytes.NewReader(b)))
			if rerr != nil {
				return nil, was, rerr
			}
			got, rerr := io.ReadAll(r)
			return got, was, rerr
		}
		got, was, err := read(sealed.Bytes())
		if err != nil || !was || !bytes.Equal(got, text) {
			t.Fatalf("%d bytes became %d, %v", size, len(got), err)
		}
		cut := rapid.IntRange(streamHeader, sealed.Len()-1).Draw(t, "cut")
		if _, _, err = read(sealed.Bytes()[:cut]); !errors.Is(err, ErrChanged) {
			t.Fatalf("cut off at %d of %d: %v", cut, sealed.Len(), err)
		}
		at := rapid.IntRange(len(streamMagic), sealed.Len()-1).Draw(t, "changed")
		sealed.Bytes()[at] ^= 4
		if _, _, err = read(sealed.Bytes()); !errors.Is(err, ErrChanged) && !errors.Is(err, ErrKey) {
			t.Fatalf("byte %d changed: %v", at, err)
		}
	})
}

func TestAStreamInTheClearStaysReadable(t *testing.T) {
	dir := t.TempDir()
	v := mustOpen(t, filepath.Join(dir, "keys"), mustRenew(t, filepath.Join(dir, "node.key")))
	for _, text := range []string{"", "short", strings.Repeat("tierline snapshot 1\n", 5000)} {
		r, was, err := v.Reader(strings.NewReader(text))
		if err != nil || was {
			t.Fatalf("%t, %v", was, err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != text {
			t.Errorf("%d bytes became %d, %v", len(text), len(got), err)
		}
	}
}

func BenchmarkSealAndOpen(b *testing.B) {
	dir := b.TempDir()
	v := mustOpen(b, filepath.Join(dir, "keys"), mustRenew(b, filepath.Join(dir, "node.key")))
	text, place := make([]byte, 600), make([]byte, 16)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Open(v.Seal(text, place), place); err != nil {
			b.Fatal(err)
		}
	}
}
