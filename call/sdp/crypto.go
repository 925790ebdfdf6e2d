package sdp

import (
	"encoding/base64"
	"math/bits"
	"strconv"
	"strings"

	"tierline/media/keying"
)

// crypto is an a=crypto line.
type crypto struct {
	tag  string
	keys keying.Key
}

// Limits of what a crypto line may ask for.
const (
	maxCryptos  = 16
	maxMKI      = 4  // bytes
	minLifetime = 20 // 2^20 packets are more than five hours of speech: no call needs new keys in its course
	minWindow   = 64
)

// parseCrypto reads <tag> <suite> inline:<key>[|lifetime][|MKI:length] [parameters],
// or says why the line can't be used.
func parseCrypto(value string) (c crypto, why string) {
	f := strings.Fields(value)
	if len(f) < 3 || !digits(f[0]) || len(f[0]) > 9 {
		return c, "a crypto line needs tag, suite and key"
	}
	c.tag = f[0]
	if c.keys.Suite = keying.Parse(f[1]); c.keys.Suite == keying.None {
		return c, "an unknown crypto suite"
	}
	inline, ok := strings.CutPrefix(f[2], "inline:")
	if !ok || strings.Contains(inline, ";") {
		return c, "not one inline key"
	}
	if why = parseKey(&c.keys, strings.Split(inline, "|")); why != "" {
		return c, why
	}
	for _, parameter := range f[3:] {
		if !harmless(parameter) {
			return c, "a session parameter that we don't follow"
		}
	}
	return c, ""
}

// parseKey reads the key and what it comes with: its lifetime, its identifier.
func parseKey(k *keying.Key, parts []string) (why string) {
	master, err := base64.StdEncoding.DecodeString(pad(parts[0]))
	if err != nil || len(master) != k.Suite.Size() {
		return "a key that does not fit its suite"
	}
	k.Master = master
	for i, part := range parts[1:] {
		mki, length, isMKI := strings.Cut(part, ":")
		var ok bool
		switch {
		case isMKI && i == len(parts)-2:
			if k.MKI, ok = parseMKI(mki, length); !ok {
				return "a master key identifier out of range"
			}
		case i > 0 || isMKI:
			return "a key with parameters in disorder"
		case !lifetimeSuffices(part):
			return "a key that does not last for a call"
		}
	}
	return ""
}

// pad completes base64 whose padding was left out.
func pad(text string) string {
	text = strings.TrimRight(text, "=")
	return text + strings.Repeat("=", -len(text)&3)
}

// parseMKI reads the identifier into as many bytes as it has in a packet.
func parseMKI(value, length string) ([]byte, bool) {
	n, err := strconv.ParseUint(length, 10, 8)
	if err != nil || n == 0 || n > maxMKI {
		return nil, false
	}
	v, err := strconv.ParseUint(value, 10, 32)
	if err != nil || bits.Len64(v) > int(8*n) {
		return nil, false
	}
	mki := make([]byte, n)
	for i := range mki {
		mki[i] = byte(v >> (8 * (len(mki) - 1 - i)))
	}
	return mki, true
}

// lifetimeSuffices reads packets as a number or a power of two.
func lifetimeSuffices(text string) bool {
	if power, ok := strings.CutPrefix(text, "2^"); ok {
		n, err := strconv.ParseUint(power, 10, 8)
		return err == nil && n >= minLifetime && n <= 48
	}
	n, err := strconv.ParseUint(text, 10, 49)
	return err == nil && n >= 1<<minLifetime
}

// harmless tells session parameters that change nothing for us.
func harmless(parameter string) bool {
	if n, ok := strings.CutPrefix(parameter, "WSH="); ok {
		v, err := strconv.ParseUint(n, 10, 16)
		return err == nil && v >= minWindow
	}
	return parameter == "KDR=0" || strings.HasPrefix(parameter, "-")
}

// writeCrypto writes the line for a key of ours.
func writeCrypto(b *strings.Builder, c crypto) {
	b.WriteString("\r\na=crypto:" + c.tag + " " + c.keys.Suite.String() +
		" inline:" + base64.StdEncoding.EncodeToString(c.keys.Master))
	if n := len(c.keys.MKI); n > 0 {
		v := uint64(0)
		for _, one := range c.keys.MKI {
			v = v<<8 | uint64(one)
		}
		b.WriteString("|" + strconv.FormatUint(v, 10) + ":" + strconv.Itoa(n))
	}
}
