package trace

import (
	"bytes"
	"strconv"

	"tierline/call/sdp"
)

const masked = "***"

// Clean returns a copy of a SIP message without what must not be shown: of
// digests only whose they are is left, passwords in URIs and keys of SRTP are
// masked, and so is a body that may hold digits, or that nobody here knows.
func Clean(text []byte) []byte {
	headers, body, ok := bytes.Cut(text, []byte("\r\n\r\n"))
	if !ok {
		headers, body = text, nil
	}
	out := bytes.NewBuffer(make([]byte, 0, len(text)+32))
	kind := kindOf(headers)
	clean := cleanBody(kind, body)
	same := len(clean) == len(body)
	for len(headers) > 0 {
		var line []byte
		line, headers, _ = bytes.Cut(headers, []byte("\r\n"))
		name, _, _ := bytes.Cut(line, []byte(":"))
		word := bytes.TrimRight(name, " \t")
		switch {
		case is(word, "authorization") || is(word, "proxy-authorization"):
			writeDigest(out, line)
		case is(word, "authentication-info") || is(word, "proxy-authentication-info"):
			out.Write(name)
			out.WriteString(": " + masked)
		case !same && (is(word, "content-length") || is(word, "l")):
			out.Write(name)
			out.WriteString(": " + strconv.Itoa(len(clean)))
		default:
			writeURIs(out, line)
		}
		out.WriteString("\r\n")
	}
	if !ok { // without an end as it was
		out.Truncate(max(0, out.Len()-2))
		return out.Bytes()
	}
	out.WriteString("\r\n")
	out.Write(clean)
	return out.Bytes()
}

// is tells whether a header has a name, which is in small letters.
func is(word []byte, name string) bool {
	return len(word) == len(name) && bytes.EqualFold(word, []byte(name))
}

// kindOf returns the Content-Type without parameters, in small letters.
func kindOf(headers []byte) string {
	for len(headers) > 0 {
		var line []byte
		line, headers, _ = bytes.Cut(headers, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		if word := bytes.TrimRight(name, " \t"); !is(word, "content-type") && !is(word, "c") {
			continue
		}
		kind, _, _ := bytes.Cut(value, []byte(";"))
		return string(bytes.ToLower(bytes.TrimSpace(kind)))
	}
	return ""
}

// cleanBody lets through what is known to hold no secret.
func cleanBody(kind string, body []byte) []byte {
	switch {
	case len(body) == 0:
		return nil
	case kind == "application/sdp":
		return sdp.Redact(body)
	case kind == "message/sipfrag":
		return Clean(body)
	case kind == "application/dtmf-relay":
		return maskSignal(body)
	}
	return []byte(masked)
}

// maskSignal leaves how long a key was pressed, not which.
func maskSignal(body []byte) []byte {
	var out []byte
	for line := range bytes.Lines(body) {
		name, _, found := bytes.Cut(line, []byte("="))
		name = bytes.TrimSpace(name)
		switch {
		case bytes.EqualFold(name, []byte("Duration")):
			out = append(out, line...)
		case found:
			out = append(append(out, name...), "=*\r\n"...)
		default:
			out = append(out, masked+"\r\n"...)
		}
	}
	return out
}

// writeDigest leaves of credentials whose they are and for which realm.
func writeDigest(out *bytes.Buffer, line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	out.Write(name)
	out.WriteString(": ")
	scheme, params, _ := bytes.Cut(bytes.TrimSpace(value), []byte(" "))
	if !bytes.EqualFold(scheme, []byte("digest")) {
		out.WriteString(masked)
		return
	}
	out.WriteString("Digest ")
	for _, want := range []string{"username", "realm"} {
		if v := param(params, want); v != nil {
			out.WriteString(want + "=")
			out.Write(v)
			out.WriteString(", ")
		}
	}
	out.WriteString("response=" + masked)
}

// param returns a parameter of a digest as it stands there, with its quotes.
func param(params []byte, want string) []byte {
	for len(params) > 0 {
		name, rest, ok := bytes.Cut(params, []byte("="))
		if !ok {
			return nil
		}
		end := len(rest)
		if len(rest) > 0 && rest[0] == '"' {
			if i := closing(rest); i > 0 {
				end = i + 1
			}
		} else if i := bytes.IndexByte(rest, ','); i >= 0 {
			end = i
		}
		if bytes.EqualFold(bytes.Trim(name, ", \t"), []byte(want)) {
			return rest[:end]
		}
		params = rest[end:]
	}
	return nil
}

// closing finds the quote that ends a quoted string, or returns -1.
func closing(quoted []byte) int {
	for i := 1; i < len(quoted); i++ {
		switch quoted[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// writeURIs masks the passwords of URIs (sip:user:password@host).
func writeURIs(out *bytes.Buffer, line []byte) {
	for {
		i := bytes.IndexByte(line, '@')
		if i < 0 {
			out.Write(line)
			return
		}
		user := line[:i]
		if colon := passwordAt(user); colon >= 0 {
			out.Write(user[:colon+1])
			out.WriteString(masked)
		} else {
			out.Write(user)
		}
		out.WriteByte('@')
		line = line[i+1:]
	}
}

// passwordAt finds the colon before the password of a URI that ends in text, or
// returns -1.
func passwordAt(text []byte) int {
	for i := range text {
		if c := text[i]; c != 's' && c != 'S' {
			continue
		}
		for _, scheme := range [...]string{"sip:", "sips:"} {
			if at := i + len(scheme); at <= len(text) && is(text[i:at], scheme) {
				if colon := bytes.IndexByte(text[at:], ':'); colon >= 0 {
					return at + colon
				}
			}
		}
	}
	return -1
}
