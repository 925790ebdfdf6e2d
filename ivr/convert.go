package ivr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of an answer, whatever the source's own are.
const (
	maxAnswer     = 1 << 20 // bytes
	maxAnswerText = 1024    // bytes of one value: variables travel with the call
)

// errAnswer says that an answer isn't what the flow declares. Its text names
// fields, never values.
var errAnswer = errors.New("the answer can't be used")

func badAnswer(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errAnswer, fmt.Sprintf(format, args...))
}

// convert reads an answer into a variable's type. What is absent or null has
// its typed zero value; what has another type is an error. Fields that aren't
// declared are passed over, however deep they are.
func (x variable) convert(body []byte) (any, error) {
	if len(body) > maxAnswer {
		return nil, badAnswer("%d bytes, more than %d", len(body), maxAnswer)
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 || string(body) == "null" {
		return x.fresh(), nil
	}
	if len(x.fields) == 0 {
		return x.scalar(body)
	}
	var in map[string]json.RawMessage
	if body[0] != '{' || json.Unmarshal(body, &in) != nil { // its scanner bounds the depth
		return nil, badAnswer("it is no object")
	}
	out := make(map[string]any, len(x.fields))
	for _, f := range x.fields {
		raw, ok := in[f.name]
		if !ok || string(raw) == "null" {
			out[f.name] = f.fresh()
			continue
		}
		v, err := f.scalar(raw)
		if err != nil {
			return nil, err
		}
		out[f.name] = v
	}
	return out, nil
}

// scalar reads one value.
func (x variable) scalar(raw []byte) (any, error) {
	switch x.typ {
	case typeBool:
		var v bool
		if json.Unmarshal(raw, &v) != nil {
			return nil, x.wrong()
		}
		return v, nil
	case typeInt, typeVolume:
		return x.whole(raw)
	case typeMoney:
		return x.money(raw)
	}
	var v string
	if raw[0] != '"' || json.Unmarshal(raw, &v) != nil {
		return nil, x.wrong()
	}
	switch {
	case len(v) > maxAnswerText || !utf8.ValidString(v):
		return nil, badAnswer("%s has more than %d bytes", x.name, maxAnswerText)
	case v != "" && x.typ == typeDate && !isDate(v):
		return nil, badAnswer("%s is no date: YYYY-MM-DD", x.name)
	case v != "" && x.typ == typeDatetime && !isDatetime(v):
		return nil, badAnswer("%s is no date and time: YYYY-MM-DDTHH:MM:SS+08:00", x.name)
	}
	return v, nil
}

func (x variable) wrong() error { return badAnswer("%s is no %s", x.name, x.typ) }

// whole reads a number without fraction or exponent.
func (x variable) whole(raw []byte) (any, error) {
	n, err := strconv.Atoi(string(raw))
	if err != nil || raw[0] == '+' {
		return nil, x.wrong()
	}
	return n, nil
}

// money reads an amount: "123.45" is yuan, 12345 is fen. A number with a point
// is refused: it could be a float that isn't exact.
func (x variable) money(raw []byte) (any, error) {
	if raw[0] != '"' {
		return x.whole(raw)
	}
	var v string
	if json.Unmarshal(raw, &v) != nil || len(v) > maxAnswerText {
		return nil, x.wrong()
	}
	rest, negative := strings.CutPrefix(v, "-")
	yuan, fraction, pointed := strings.Cut(rest, ".")
	if !isDigits(yuan) || len(yuan) > maxYuan || (pointed && (!isDigits(fraction) || len(fraction) > 2)) {
		return nil, x.wrong()
	}
	fen, err := strconv.Atoi(yuan + (fraction + "00")[:2])
	if err != nil {
		return nil, x.wrong()
	}
	if negative {
		fen = -fen
	}
	return fen, nil
}

const maxYuan = 15 // digits

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func isDate(s string) bool {
	for _, layout := range []string{time.DateOnly, "2006-01"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return isDatetime(s)
}

func isDatetime(s string) bool {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04",
	} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}
