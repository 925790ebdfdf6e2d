package sipua

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// The two bodies by which telephones tell keys. Neither has an RFC; both are
// older than the packages of RFC 6086.
const (
	dtmfRelay = "application/dtmf-relay" // Signal=5, Duration=160
	dtmfPlain = "application/dtmf"       // 5
)

// Bounds of what an INFO says.
const (
	maxInfo  = 256                    // bytes of a body; thirty are usual
	keyTime  = 100 * time.Millisecond // of a key that doesn't tell how long it was pressed
	longest  = 10 * time.Second
	flash    = 16 // event code of RFC 4733 for a hook flash, which is no key
	eventKey = "0123456789*#ABCD"
)

var errNoKey = errors.New("no key in the body")

// badInfoPackage is the answer to a package that was not agreed on (RFC 6086 §4.2.2).
const badInfoPackage = 469

// info takes an INFO. What is neither a key nor empty is refused: to say 200
// and throw it away would leave the caller pressing.
func (l *Leg) info(req *sip.Request, o origin) {
	if l.full() {
		l.settle(req, o, refuse(sip.StatusServiceUnavailable, "Busy", soon(3)...))
		return
	}
	ev, no := readInfo(req)
	if no != nil {
		l.settle(req, o, no)
		return
	}
	l.settle(req, o, refuse(sip.StatusOK, "OK"))
	if ev.Key != 0 && l.on != nil {
		l.tell(ev)
	}
}

// readInfo returns the key that an INFO tells, none if it is a mere sign of
// life or a hook flash, or how to refuse it.
func readInfo(req *sip.Request) (Info, *refusal) {
	if req.GetHeader("Info-Package") != nil {
		return Info{}, refuse(badInfoPackage, "Bad Info Package", sip.NewHeader("Recv-Info", ""))
	}
	if len(req.Body()) == 0 {
		return Info{}, nil
	}
	kind := ""
	if ct := req.ContentType(); ct != nil {
		kind, _, _ = strings.Cut(ct.Value(), ";")
	}
	var ev Info
	var err error
	switch kind = strings.ToLower(strings.TrimSpace(kind)); kind {
	case dtmfRelay:
		ev, err = parseRelay(req.Body())
	case dtmfPlain:
		ev, err = parsePlain(req.Body())
	default:
		accept := sip.NewHeader("Accept", dtmfRelay+", "+dtmfPlain)
		return Info{}, refuse(sip.StatusUnsupportedMediaType, "Unsupported Media Type", accept)
	}
	if err != nil {
		return Info{}, refuse(sip.StatusBadRequest, "No Key In The Body")
	}
	return ev, nil
}

// parseRelay reads lines of name=value; names and the order are up to the
// peer, and so is the colon that some write.
func parseRelay(body []byte) (Info, error) {
	if len(body) > maxInfo {
		return Info{}, errNoKey
	}
	ev, found := Info{Held: keyTime}, false
	for line := range strings.FieldsFuncSeq(string(body), func(r rune) bool { return r == '\r' || r == '\n' }) {
		i := strings.IndexAny(line, "=:")
		if i < 0 {
			continue
		}
		value := strings.TrimSpace(line[i+1:])
		switch strings.ToLower(strings.TrimSpace(line[:i])) {
		case "signal", "d":
			if found {
				return Info{}, errNoKey // which of the two is it?
			}
			key, err := parseKey(value)
			if err != nil {
				return Info{}, err
			}
			ev.Key, found = key, true
		case "duration":
			if ms, err := strconv.ParseUint(value, 10, 32); err == nil {
				ev.Held = min(time.Duration(ms)*time.Millisecond, longest)
			}
		}
	}
	if !found {
		return Info{}, errNoKey
	}
	return ev, nil
}

func parsePlain(body []byte) (Info, error) {
	if len(body) > maxInfo {
		return Info{}, errNoKey
	}
	text := strings.TrimSpace(string(body))
	if strings.ContainsAny(text, "=:") { // the other body under this name
		return parseRelay(body)
	}
	key, err := parseKey(text)
	return Info{Key: key, Held: keyTime}, err
}

// parseKey reads a key as one character, as a word, or as the event code of
// RFC 4733. 0 is a hook flash.
func parseKey(s string) (rune, error) {
	switch s = strings.ToUpper(s); s {
	case "STAR":
		return '*', nil
	case "POUND", "HASH":
		return '#', nil
	case "HF", "FLASH", "!":
		return 0, nil
	}
	if len(s) == 1 && strings.Contains(eventKey, s) {
		return rune(s[0]), nil
	}
	if code, err := strconv.ParseUint(s, 10, 8); err == nil && len(s) <= 2 {
		switch {
		case code < uint64(len(eventKey)):
			return rune(eventKey[code]), nil
		case code == flash:
			return 0, nil
		}
	}
	return 0, errNoKey
}
