package sipua

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// DialogID names a dialog as its owner sees it.
type DialogID struct{ CallID, LocalTag, RemoteTag string }

// ID names the dialog.
func (d *Dialog) ID() DialogID { return DialogID{d.CallID, d.LocalTag, d.RemoteTag} }

// Replaces names the dialog whose place a new one is to take (RFC 3891).
type Replaces struct {
	DialogID
	EarlyOnly bool // not if it was answered
}

// parseReplaces reads the value of a Replaces header. Its to-tag is that of
// whoever gets the INVITE: our local one.
func parseReplaces(v string) (*Replaces, error) {
	id, params, _ := strings.Cut(v, ";")
	r := &Replaces{DialogID: DialogID{CallID: strings.TrimSpace(id)}}
	for p := range strings.SplitSeq(params, ";") {
		k, tag, _ := strings.Cut(p, "=")
		switch tag = strings.TrimSpace(tag); strings.ToLower(strings.TrimSpace(k)) {
		case "to-tag":
			if r.LocalTag != "" {
				return nil, fmt.Errorf("replaces %q: %w", v, ErrInput)
			}
			r.LocalTag = tag
		case "from-tag":
			if r.RemoteTag != "" {
				return nil, fmt.Errorf("replaces %q: %w", v, ErrInput)
			}
			r.RemoteTag = tag
		case "early-only":
			r.EarlyOnly = true
		}
	}
	if r.CallID == "" || r.LocalTag == "" || r.RemoteTag == "" || len(v) > maxURI || !plain(v) {
		return nil, fmt.Errorf("replaces %q: %w", v, ErrInput)
	}
	return r, nil
}

// examineReplaces returns why the Replaces of an INVITE isn't let in, or nil
// (RFC 3891 §3).
func examineReplaces(req *sip.Request) *refusal {
	vs := values(req, "Replaces")
	if len(vs) == 0 {
		return nil
	}
	if len(vs) > 1 || req.GetHeader("Join") != nil || tagOf(req.To().Params) != "" {
		return refuse(sip.StatusBadRequest, "One Replaces, and in a new call only")
	}
	if _, err := parseReplaces(vs[0]); err != nil {
		return refuse(sip.StatusBadRequest, "Bad Replaces")
	}
	return nil
}

// replacesOf reads the Replaces of an INVITE that was examined.
func replacesOf(req *sip.Request) *Replaces {
	v := value(req, "Replaces")
	if v == "" {
		return nil
	}
	r, err := parseReplaces(v)
	if err != nil {
		return nil
	}
	return r
}

// unescape undoes the % of a header in a URI; what can't be undone stays.
func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
