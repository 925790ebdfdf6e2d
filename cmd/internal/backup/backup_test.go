package backup_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/cmd/internal/backup"
)

// sample is a small file and what is in it.
func sample(t testing.TB) ([]byte, map[string]string) {
	t.Helper()
	want := map[string]string{
		backup.State: "the state", backup.Records: strings.Repeat("records ", 1000), backup.SoundName("ab"): "a sound",
	}
	var parts []backup.Part
	for _, name := range []string{backup.State, backup.Records, backup.SoundName("ab")} {
		parts = append(parts, backup.Part{Name: name, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(want[name])), nil
		}})
	}
	var b bytes.Buffer
	m := backup.Manifest{Release: "1", Node: "n1", Made: time.Unix(1e9, 0).UTC(), Index: 7, Term: 2}
	if err := backup.Write(&b, m, parts); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), want
}

func TestWhatWasWrittenIsRead(t *testing.T) {
	b, want := sample(t)
	got := map[string]string{}
	m, err := backup.Read(bytes.NewReader(b), func(name string, r io.Reader) error {
		text, err := io.ReadAll(r)
		got[name] = string(text)
		return err
	})
	if err != nil || m.Index != 7 || m.Term != 2 || m.Node != "n1" || m.Format != backup.Format {
		t.Errorf("manifest %+v, %v", m, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("parts (-want +got):\n%s", d)
	}
}

func TestACutOffOrChangedFileIsRefused(t *testing.T) {
	b, want := sample(t)
	for at := range b {
		if _, err := backup.Check(bytes.NewReader(b[:at])); err == nil {
			t.Errorf("cut off at %d of %d it was taken", at, len(b))
		}
		if at < 10 {
			continue // gzip's header: a time and such
		}
		other := bytes.Clone(b)
		other[at] ^= 0x10
		got := map[string]string{}
		_, err := backup.Read(bytes.NewReader(other), func(name string, r io.Reader) error {
			text, err := io.ReadAll(r)
			got[name] = string(text)
			return err
		})
		if err == nil && !cmp.Equal(got, want) { // some bits mean nothing
			t.Errorf("changed at %d it was taken", at)
		}
	}
}

func TestALaterFormatIsNamed(t *testing.T) {
	b, _ := sample(t)
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err = w.Write(bytes.Replace(text, []byte(`"format": 1`), []byte(`"format": 9`), 1))
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err = backup.Check(&out); err == nil || !strings.Contains(err.Error(), "format 9") {
		t.Errorf("a later format: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	b, _ := sample(f)
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		read := int64(0)
		m, err := backup.Read(io.LimitReader(bytes.NewReader(b), 1<<20), func(_ string, r io.Reader) error {
			n, err := io.Copy(io.Discard, io.LimitReader(r, 1<<20))
			read += n
			return err
		})
		if err == nil && (m.Format != backup.Format || len(m.Files) == 0 && read > 0) {
			t.Errorf("%+v was read with %d bytes", m, read)
		}
	})
}
