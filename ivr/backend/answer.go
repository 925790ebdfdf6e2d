package backend

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"tierline/ivr"
)

// maxDepth is how deep the values of an answer may be nested.
const maxDepth = 16

// readAnswer reads the body of a good answer within its limit. An empty one is
// an empty object.
func readAnswer(res *http.Response, most int) (body []byte, o Outcome, why string) {
	if res.ContentLength > int64(most) {
		return nil, Invalid, fmt.Sprintf("its answer is longer than %d bytes", most)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, int64(most)+1))
	switch {
	case err != nil:
		return nil, Unreachable, describe(err)
	case len(body) > most:
		return nil, Invalid, fmt.Sprintf("its answer is longer than %d bytes", most)
	case len(body) == 0:
		return []byte("{}"), OK, ""
	case !isJSONType(res.Header.Get("Content-Type")):
		return nil, Invalid, "its answer isn't application/json"
	}
	if why = checkJSON(body); why != "" {
		return nil, Invalid, why
	}
	return body, OK, ""
}

func isJSONType(s string) bool {
	kind, params, err := mime.ParseMediaType(s)
	if err != nil || (kind != "application/json" && !strings.HasSuffix(kind, "+json")) {
		return false
	}
	charset, given := params["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}

// checkJSON says what is wrong with an answer, "" if nothing is.
func checkJSON(body []byte) string {
	if !utf8.Valid(body) {
		return "its answer isn't UTF-8"
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	depth := 0
	for {
		t, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && json.Valid(body):
			return ""
		case err != nil:
			return "its answer is no JSON"
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > maxDepth {
				return fmt.Sprintf("its answer is nested deeper than %d levels", maxDepth)
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// encode writes fields as a JSON object, in their order.
func encode(fields []ivr.Field) []byte {
	var b bytes.Buffer
	encodeFields(&b, fields, 0)
	return b.Bytes()
}

func encodeFields(b *bytes.Buffer, fields []ivr.Field, depth int) {
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		encodeText(b, f.Name)
		b.WriteByte(':')
		encodeValue(b, f.Value, depth+1)
	}
	b.WriteByte('}')
}

func encodeValue(b *bytes.Buffer, v any, depth int) {
	switch v := v.(type) {
	case string:
		encodeText(b, v)
	case int:
		b.WriteString(strconv.Itoa(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case []ivr.Field:
		if depth <= maxDepth {
			encodeFields(b, v, depth)
			return
		}
		b.WriteString("null")
	default: // nothing else is promised
		b.WriteString("null")
	}
}

// encodeText writes a text; what isn't UTF-8 becomes U+FFFD.
func encodeText(b *bytes.Buffer, s string) {
	quoted, err := json.Marshal(s)
	if err != nil {
		quoted = []byte(`""`) // a text can always be written
	}
	b.Write(quoted)
}
