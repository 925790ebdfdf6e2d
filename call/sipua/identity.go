package sipua

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Identity is who the peer of a leg talks to.
type Identity struct {
	Number string // user part
	Name   string // display name
}

// Refreshed tells that the peer answered an offer which the leg made by
// itself, with something new.
type Refreshed struct{ SDP []byte }

func (Refreshed) isLegEvent() {}

// header returns an identity as a header.
func (id Identity) header(name, host string) (sip.Header, error) {
	if !plain(id.Name) || !plain(id.Number) || strings.ContainsAny(id.Number, "<>\"@ ;") || id.Number == "" {
		return nil, fmt.Errorf("identity %q: %w", id.Number, ErrInput)
	}
	uri := (&sip.Uri{Scheme: "sip", User: id.Number, Host: host}).String()
	if id.Name == "" {
		return sip.NewHeader(name, "<"+uri+">"), nil
	}
	return sip.NewHeader(name, `"`+quote(id.Name)+`" <`+uri+">"), nil
}

// identify adds the headers that say who calls (RFC 3325).
func (r *DialRequest) identify(host string) error {
	if r.Asserted == "" && r.Preferred == "" && !r.Private {
		return nil
	}
	more := map[string]string{}
	maps.Copy(more, r.Headers)
	for name, who := range map[string]string{"P-Asserted-Identity": r.Asserted, "P-Preferred-Identity": r.Preferred} {
		if who == "" {
			continue
		}
		uri, err := partyURI(who, host)
		if err != nil {
			return err
		}
		more[name] = "<" + uri + ">"
	}
	if r.Private {
		more["Privacy"] = "id"
	}
	r.Headers = more
	return nil
}

// nobody is the user that stands for one who doesn't want to be known, noHost his
// host (RFC 3323 §4.1.1.3).
const (
	nobody = "anonymous"
	noHost = "anonymous.invalid"
)

// withheld tells whether a caller wants those he calls not to know his number.
func withheld(req *sip.Request) bool {
	for _, v := range values(req, "Privacy") {
		for want := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			switch strings.ToLower(want) {
			case "id", "user", "header":
				return true
			}
		}
	}
	uri := req.From().Address
	return strings.EqualFold(uri.User, nobody) || strings.EqualFold(uri.Host, noHost)
}

// asserted returns the first number among those by which the network knows the
// caller, else the first name.
func asserted(req *sip.Request) (who string) {
	for _, v := range values(req, "P-Asserted-Identity") {
		for _, one := range parted(v) {
			var uri sip.Uri
			var ps sip.HeaderParams
			if _, err := sip.ParseAddressValue(one, &uri, &ps); err != nil {
				continue
			}
			user := userOf(&uri)
			if strings.Trim(user, "+0123456789") == "" && user != "" {
				return user
			}
			if who == "" {
				who = user
			}
		}
	}
	return who
}

// parted parts a list at its commas, except within quotes and brackets.
func parted(v string) (out []string) {
	quoted, inside, from := false, false, 0
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !inside:
			quoted = !quoted
		case quoted:
		case c == '<' || c == '>':
			inside = c == '<'
		case c == ',' && !inside:
			out = append(out, strings.TrimSpace(v[from:i]))
			from = i + 1
		}
	}
	return append(out, strings.TrimSpace(v[from:]))
}

// Show tells the peer of an established call whom it talks to from now on: a
// phone updates its display. What the peer makes of it is not reported.
func (l *Leg) Show(id Identity) error {
	h, err := id.header("P-Asserted-Identity", l.ep.host)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == over || l.wish != nil {
		return fmt.Errorf("show: %w", ErrOver)
	}
	l.refresh([]sip.Header{h})
	return nil
}

// refreshed reports the answer to an offer that was only a repetition, if there
// is news in it. mu is held.
func (l *Leg) refreshed(before []byte) {
	if len(l.d.RemoteSDP) > 0 && !bytes.Equal(before, l.d.RemoteSDP) {
		l.tell(Refreshed{SDP: slices.Clone(l.d.RemoteSDP)})
	}
}
