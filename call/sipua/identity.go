package sipua

import (
	"bytes"
	"fmt"
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
