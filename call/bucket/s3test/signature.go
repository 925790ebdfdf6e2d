package s3test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	scheme    = "AWS4-HMAC-SHA256"
	clock     = "20060102T150405Z"
	tolerance = 15 * time.Minute
	maxBody   = 1 << 30
)

// verify checks a request's signatures and returns its body.
func (s *Store) verify(r *http.Request) ([]byte, error) {
	kind, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	fields := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	at, err := time.Parse(clock, r.Header.Get("X-Amz-Date"))
	if kind != scheme || err != nil || time.Since(at).Abs() > tolerance {
		return nil, bad("%q at %q", kind, r.Header.Get("X-Amz-Date"))
	}
	scope := strings.Join([]string{at.Format("20060102"), s.Region, "s3", "aws4_request"}, "/")
	if fields["Credential"] != s.AccessKey+"/"+scope {
		return nil, bad("for %q, not %q", fields["Credential"], s.AccessKey+"/"+scope)
	}
	if got := r.Header.Get("X-Amz-Security-Token"); got != s.Token {
		return nil, bad("with token %q, not %q", got, s.Token)
	}
	key := []byte("AWS4" + s.SecretKey)
	for step := range strings.SplitSeq(scope, "/") {
		key = sign(key, step)
	}
	content := r.Header.Get("X-Amz-Content-Sha256")
	canonical := strings.Join([]string{
		r.Method, r.URL.EscapedPath(), query(r.URL.Query()), headers(r, fields["SignedHeaders"]), fields["SignedHeaders"],
		content,
	}, "\n")
	text = strings.Join([]string{scheme, at.Format(clock), scope, sum([]byte(canonical))}, "\n")
	signature := hex.EncodeToString(sign(key, text))
	if fields["Signature"] != signature || !slices.Contains(strings.Split(fields["SignedHeaders"], ";"), "host") {
		return nil, bad("of the header is wrong")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, bad("body: %v", err)
	}
	switch content {
	case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
		text = strings.Join([]string{scheme + "-PAYLOAD", at.Format(clock), scope}, "\n")
		return chunks(body, key, text, signature)
	case "UNSIGNED-PAYLOAD":
		return body, nil
	case sum(body):
		return body, nil
	}
	return nil, bad("of the body is wrong")
}

// chunks checks the chain of signatures in a body and returns what it carries.
func chunks(body, key []byte, text, signature string) (out []byte, err error) {
	for {
		line, rest, ok := bytes.Cut(body, []byte("\r\n"))
		length, signed, _ := strings.Cut(string(line), ";chunk-signature=")
		n, bad1 := strconv.ParseInt(length, 16, 32)
		if !ok || bad1 != nil || n < 0 || int(n)+2 > len(rest) {
			return nil, bad("a chunk begins with %.100q", line)
		}
		data := rest[:n]
		signature = hex.EncodeToString(sign(key, strings.Join([]string{text, signature, sum(nil), sum(data)}, "\n")))
		if signed != signature {
			return nil, bad("of a chunk is wrong")
		}
		if n == 0 {
			return out, nil
		}
		out, body = append(out, data...), rest[n+2:]
	}
}

func sign(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func query(v url.Values) string { return strings.ReplaceAll(v.Encode(), "+", "%20") }

func headers(r *http.Request, signed string) string {
	var b strings.Builder
	for name := range strings.SplitSeq(signed, ";") {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		fmt.Fprintf(&b, "%s:%s\n", name, strings.TrimSpace(value))
	}
	return b.String()
}
