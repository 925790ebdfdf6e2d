package ivr

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// PathValue writes a value as a part of a request's path or query: whatever is
// no letter, digit, -, _, . or ~ becomes %XX, so that it stays one part. A value
// that could lead elsewhere in spite of that, because many servers decode a
// path before they read it, is refused: an empty one, one that goes up (..), one
// with an empty part (//) and one with control characters.
func PathValue(s string) (string, error) {
	if s == "" {
		return "", fmt.Errorf("%w: it is empty", errPathValue)
	}
	if len(s) > maxPathValue || !utf8.ValidString(s) {
		return "", fmt.Errorf("%w: longer than %d bytes or not UTF-8", errPathValue, maxPathValue)
	}
	for part := range strings.SplitSeq(strings.ReplaceAll(s, `\`, "/"), "/") {
		if strings.Trim(part, ".") == "" {
			return "", fmt.Errorf("%w: it goes up or nowhere", errPathValue)
		}
	}
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c < ' ' || c == 0x7f:
			return "", fmt.Errorf("%w: control characters", errPathValue)
		case isUnreserved(c):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String(), nil
}

// errPathValue never names the value, which may be secret.
var errPathValue = errors.New("a value can't stand in a path")

const maxPathValue = 512

// isUnreserved tells what a path may hold as it is (RFC 3986, 2.3).
func isUnreserved(c byte) bool {
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strings.IndexByte("-_.~", c) >= 0
}
