package s3test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Store is a store with one bucket.
type Store struct {
	Bucket, Region       string
	AccessKey, SecretKey string
	Token                string // of a session; "": none is wanted
	// Fault may answer a request with an error status instead; 0: it doesn't. nil:
	// there are none.
	Fault func(r *http.Request) int

	mu      sync.Mutex
	objects map[string]Object
	refused []string
}

// Object is what was stored.
type Object struct {
	Body   []byte
	Header http.Header // content type and metadata
	at     time.Time
}

// Object returns an object by its key.
func (s *Store) Object(key string) (o Object, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok = s.objects[key]
	return o, ok
}

// Keys returns what is in the bucket.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Refused tells why requests were refused that were not in order.
func (s *Store) Refused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Fault != nil {
		if status := s.Fault(r); status != 0 {
			answer(w, status, "InternalError", "on demand")
			return
		}
	}
	body, err := s.verify(r)
	if err != nil {
		s.mu.Lock()
		s.refused = append(s.refused, err.Error())
		s.mu.Unlock()
		answer(w, http.StatusForbidden, "SignatureDoesNotMatch", err.Error())
		return
	}
	key, ok := strings.CutPrefix(r.URL.Path, "/"+s.Bucket+"/")
	switch {
	case !ok || key == "":
		answer(w, http.StatusNotFound, "NoSuchBucket", "there is one bucket, "+s.Bucket)
	case r.Method == http.MethodPut:
		s.put(w, r, key, body)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		s.get(w, r, key)
	default:
		answer(w, http.StatusMethodNotAllowed, "MethodNotAllowed", r.Method)
	}
}

func (s *Store) put(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	sum := md5.Sum(body)
	if got := r.Header.Get("Content-Md5"); got != base64.StdEncoding.EncodeToString(sum[:]) {
		answer(w, http.StatusBadRequest, "BadDigest", "the body's MD5 is another: "+got)
		return
	}
	o := Object{Body: body, Header: http.Header{}, at: time.Now()}
	for name, v := range r.Header {
		if name == "Content-Type" || strings.HasPrefix(name, "X-Amz-Meta-") {
			o.Header[name] = v
		}
	}
	o.Header.Set("Etag", `"`+hex.EncodeToString(sum[:])+`"`)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects == nil {
		s.objects = map[string]Object{}
	}
	s.objects[key] = o
	w.Header().Set("Etag", o.Header.Get("Etag"))
}

func (s *Store) get(w http.ResponseWriter, r *http.Request, key string) {
	o, ok := s.Object(key)
	if !ok {
		answer(w, http.StatusNotFound, "NoSuchKey", "there is no "+key)
		return
	}
	maps.Copy(w.Header(), o.Header)
	http.ServeContent(w, r, "", o.at, bytes.NewReader(o.Body))
}

func answer(w http.ResponseWriter, status int, code, text string) {
	b, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: code, Message: text})
	if err != nil {
		b = nil
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = w.Write(b) // who asked may have gone
}

var errSignature = errors.New("signature")

func bad(format string, values ...any) error {
	return fmt.Errorf("%w: %s", errSignature, fmt.Sprintf(format, values...))
}
