package bucket_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tierline/call/bucket"
	"tierline/call/bucket/s3test"
)

const secret = "s3cr3t/of+the+store"

func store(t *testing.T) (*s3test.Store, bucket.Config) {
	t.Helper()
	s := &s3test.Store{Bucket: "tapes", Region: "eu-test-1", AccessKey: "AKTEST", SecretKey: secret}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return s, bucket.Config{
		Endpoint: srv.URL, Bucket: s.Bucket, Region: s.Region, Prefix: "centre/", AccessKey: s.AccessKey, SecretKey: secret,
	}
}

func open(t *testing.T, c bucket.Config) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// file writes n bytes that don't repeat soon.
func file(t *testing.T, n int) (path string, content []byte) {
	t.Helper()
	content = make([]byte, n)
	for i := range content {
		content[i] = byte(i * i >> 7)
	}
	path = filepath.Join(t.TempDir(), "x.wav")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, content
}

func TestWhatIsPutIsThere(t *testing.T) {
	s, c := store(t)
	b := open(t, c)
	for i, n := range []int{1, 60_000, 64 << 10, 200_001, 2 << 20} {
		key := fmt.Sprintf("2026/11/23/019a-%d.wav", i)
		path, content := file(t, n)
		if err := b.Put(t.Context(), key, path, "audio/wav"); err != nil {
			t.Fatal(err)
		}
		o, ok := s.Object("centre/" + key)
		if !ok || !bytes.Equal(o.Body, content) || o.Header.Get("Content-Type") != "audio/wav" {
			t.Errorf("%s: %d bytes, %v", key, len(o.Body), o.Header)
		}
		r, since, err := b.Get(t.Context(), key)
		if err != nil || since.IsZero() {
			t.Fatal(since, err)
		}
		if end, err := r.Seek(0, io.SeekEnd); err != nil || end != int64(n) {
			t.Errorf("%s: the end is at %d: %v", key, end, err)
		}
		half := int64(n / 2)
		if _, err := r.Seek(half, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content[half:]) {
			t.Errorf("%s: the second half: %d bytes, %v", key, len(got), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := b.Place("a.wav"); got != "s3://tapes/centre/a.wav" {
		t.Error(got)
	}
	if refused := s.Refused(); len(refused) > 0 {
		t.Errorf("%q", refused)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	_, c := store(t)
	b := open(t, c)
	if _, _, err := b.Get(t.Context(), "2026/11/23/019a-1.wav"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := b.Put(t.Context(), "k", filepath.Join(t.TempDir(), "none.wav"), "audio/wav"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	for _, at := range []string{"", "s3.example.net", "https://"} {
		c.Endpoint = at
		if _, err := bucket.Open(c); err == nil {
			t.Errorf("%q is an address", at)
		}
	}
}

func TestStoreRefusesAndSecretsStayAtHome(t *testing.T) {
	path, _ := file(t, 100_000)
	for what, c := range map[string]struct {
		change func(*s3test.Store, *bucket.Config)
		want   string
	}{
		"wrong secret":  {func(_ *s3test.Store, c *bucket.Config) { c.SecretKey = secret + "x" }, "403 SignatureDoesNotMatch"},
		"wrong name":    {func(_ *s3test.Store, c *bucket.Config) { c.AccessKey = "AKOTHER" }, "403 SignatureDoesNotMatch"},
		"wrong region":  {func(_ *s3test.Store, c *bucket.Config) { c.Region = "eu-test-2" }, "403 SignatureDoesNotMatch"},
		"other bucket":  {func(_ *s3test.Store, c *bucket.Config) { c.Bucket = "others" }, "404 NoSuchBucket"},
		"broken store":  {func(s *s3test.Store, _ *bucket.Config) { s.Fault = always(503) }, "503 InternalError"},
		"only half put": {func(s *s3test.Store, _ *bucket.Config) { s.Fault = forgets }, "404 NoSuchKey"},
	} {
		s, cfg := store(t)
		c.change(s, &cfg)
		err := open(t, cfg).Put(t.Context(), "k", path, "audio/wav")
		if err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), secret) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
		if keys := s.Keys(); len(keys) > 0 && !slices.Equal(keys, []string{"centre/k"}) {
			t.Errorf("%s: %q", what, keys)
		}
	}
}

func always(status int) func(*http.Request) int { return func(*http.Request) int { return status } }

// forgets is a store that takes an object and doesn't know it afterwards.
func forgets(r *http.Request) int {
	if r.Method == http.MethodHead {
		return http.StatusNotFound
	}
	return 0
}

// A damaged byte on the way is found out, by the signatures of the chunks.
func TestWhatIsDamagedOnTheWayIsNotStored(t *testing.T) {
	s, c := store(t)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if len(body) > 1000 {
			body[1000] ^= 1
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.ServeHTTP(w, r)
	}))
	defer front.Close()
	c.Endpoint = front.URL
	path, _ := file(t, 10_000)
	if err := open(t, c).Put(t.Context(), "k", path, "audio/wav"); err == nil || len(s.Keys()) > 0 {
		t.Errorf("%v, %q", err, s.Keys())
	}
}

// The machine's role has keys that come with a token and go after some time: each
// time they are near their end new ones are fetched.
func TestKeysOfARoleAreFetchedAndFetchedAgain(t *testing.T) {
	s, c := store(t)
	s.Token = "session-token"
	asked := 0
	meta := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.Header.Get("Authorization") != "pod-token" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		left := time.Hour
		if asked == 1 {
			left = -time.Minute // they are over when they come
		}
		_, _ = fmt.Fprintf(w, `{"AccessKeyId": %q, "SecretAccessKey": %q, "Token": %q, "Expiration": %q}`,
			s.AccessKey, s.SecretKey, s.Token, time.Now().Add(left).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(meta.Close)
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", meta.URL)
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod-token")
	c.AccessKey, c.SecretKey, c.Role = "", "", true
	b := open(t, c)
	path, _ := file(t, 1000)
	for _, key := range []string{"a.wav", "b.wav", "c.wav"} {
		if err := b.Put(t.Context(), key, path, "audio/wav"); err != nil {
			t.Fatal(err)
		}
	}
	if asked < 2 || asked > 3 {
		t.Errorf("the role was asked %d times", asked)
	}
	meta.Close()
	if err := open(t, c).Put(t.Context(), "d.wav", path, "audio/wav"); err == nil {
		t.Error("it is stored without any key")
	}
}
