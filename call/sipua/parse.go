package sipua

import (
	"errors"
	"maps"
	"net/url"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

var errContact = errors.New("a Contact with headers needs angle brackets")

// newParser returns sipgo's parser with one rule more: RFC 3261 §20.10 wants
// angle brackets around a Contact that holds a question mark, and once parsed
// nobody can tell whether they were there.
func newParser() *sip.Parser {
	hs := maps.Clone(sip.DefaultHeadersParser())
	for _, name := range []string{"contact", "m"} {
		theirs := hs[name]
		hs[name] = func(name []byte, data string) (sip.Header, error) {
			if strings.Contains(data, "?") && !strings.Contains(data, "<") {
				return nil, errContact
			}
			return theirs(name, data)
		}
	}
	delete(hs, "refer-to") // read by us: only we tell several of them from one
	delete(hs, "referred-by")
	return sip.NewParser(sip.WithHeadersParsers(hs))
}

// ours reports whether a response answers a request of this process.
func (u *UA) ours(res *sip.Response) bool {
	via := res.Via()
	if via == nil {
		return false
	}
	b, _ := via.Params.Get("branch")
	return strings.HasPrefix(b, u.cookie) || strings.HasPrefix(b, ghostCookie)
}

// plain reports whether s may be written into a header: no control
// characters.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// userOf returns the user part of a URI, unescaped, without its parameters;
// of a tel URI the number. What doesn't decode to plain text is no user.
func userOf(uri *sip.Uri) string {
	user := uri.User
	if uri.Scheme == "tel" {
		user = uri.Raw()
	}
	user, _, _ = strings.Cut(user, ";")
	if strings.Contains(user, "%") {
		plainUser, err := url.PathUnescape(user)
		if err != nil || !plain(plainUser) {
			return ""
		}
		user = plainUser
	}
	return user
}

// unquote returns a display name without its backslashes.
func unquote(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// quote escapes a display name for a quoted string.
func quote(s string) string {
	if !strings.ContainsAny(s, `\"`) {
		return s
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
}

// values returns the values of all headers of a name.
func values(m sip.Message, name string) []string {
	hs := m.GetHeaders(name)
	out := make([]string, 0, len(hs))
	for _, h := range hs {
		out = append(out, h.Value())
	}
	return out
}

// value returns the first value of a header, or "".
func value(m interface{ GetHeader(name string) sip.Header }, name string) string {
	if h := m.GetHeader(name); h != nil {
		return h.Value()
	}
	return ""
}

// seconds reads a header like Retry-After, "120 (busy);duration=5": digits in
// front, nothing negative, no more than a day; else 0.
func seconds(s string) int {
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(s)
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil {
		return 0
	}
	return min(n, 86400)
}

// cause reads a Reason header (RFC 3326): the Q.850 cause and the text.
func cause(m sip.Message) (q850 int, text string) {
	for _, v := range values(m, "Reason") {
		protocol, params, _ := strings.Cut(v, ";")
		for p := range strings.SplitSeq(params, ";") {
			k, val, _ := strings.Cut(p, "=")
			val = strings.Trim(strings.TrimSpace(val), `"`)
			switch strings.ToLower(strings.TrimSpace(k)) {
			case "cause":
				if strings.EqualFold(strings.TrimSpace(protocol), "Q.850") {
					q850 = min(seconds(val), 127)
				}
			case "text":
				if text == "" && plain(val) {
					text = val
				}
			}
		}
	}
	return q850, text
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
