package sipua

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Caps on what a request may hold.
const (
	maxCallID  = 256
	maxTag     = 512
	maxURI     = 1024
	maxHeader  = 8192
	maxHeaders = 256
	maxVias    = 70
)

// refusal is the answer to a request that is not let in.
type refusal struct {
	status int
	reason string
	extra  []sip.Header
}

func refuse(status int, reason string, extra ...sip.Header) *refusal {
	return &refusal{status: status, reason: reason, extra: extra}
}

// census counts the headers of a request and collects those the guard reads.
type census struct {
	to, from, callID, cseq, via, forwards, length, ctype, contact int
	require, accept                                               []string
	encoded, unsafe, long, nowhere                                bool
}

func takeCensus(req *sip.Request) (c census) {
	for _, h := range req.Headers() {
		switch h := h.(type) {
		case *sip.ToHeader:
			c.to++
			c.address(h.DisplayName, &h.Address, h.Params)
		case *sip.FromHeader:
			c.from++
			c.address(h.DisplayName, &h.Address, h.Params)
		case *sip.ContactHeader:
			c.contact++
			c.address(h.DisplayName, &h.Address, h.Params)
		case *sip.ViaHeader:
			c.hop(h)
		case *sip.RecordRouteHeader:
			c.address("", &h.Address, nil)
		case *sip.CallIDHeader:
			c.callID++
			c.text(h.Value())
		case *sip.CSeqHeader:
			c.cseq++
		case *sip.MaxForwardsHeader:
			c.forwards++
		case *sip.ContentLengthHeader:
			c.length++
		case *sip.ContentTypeHeader:
			c.ctype++
		default:
			c.other(h)
		}
	}
	return c
}

func (c *census) hop(h *sip.ViaHeader) {
	c.via++
	c.params(h.Params)
	c.text(h.Host)
	c.nowhere = c.nowhere || !isHost(h.Host) || h.Port < 0 || h.Port > 65535
}

// isHost reports whether s is made of what names and addresses are made of.
// RFC 5118 §4.10 wants addresses with a colon too many let through.
func isHost(s string) bool {
	return s != "" && strings.Trim(s, "-._:[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func (c *census) text(s string) {
	c.unsafe = c.unsafe || !plain(s)
	c.long = c.long || len(s) > maxHeader
}

func (c *census) params(ps sip.HeaderParams) {
	for _, p := range ps {
		c.text(p.K)
		c.text(p.V)
		c.long = c.long || len(p.V) > maxTag && (p.K == "tag" || p.K == "branch")
	}
}

func (c *census) address(name string, uri *sip.Uri, ps sip.HeaderParams) {
	c.text(name)
	c.text(uri.User)
	c.text(uri.Host)
	c.text(uri.Raw())
	c.params(uri.UriParams)
	c.params(ps)
}

func (c *census) other(h sip.Header) {
	name, v := h.Name(), h.Value()
	c.text(name)
	c.text(v)
	switch {
	case strings.EqualFold(name, "Require"):
		c.require = append(c.require, commas(v)...)
	case strings.EqualFold(name, "Accept"):
		c.accept = append(c.accept, commas(v)...)
		if strings.TrimSpace(v) == "" {
			c.accept = append(c.accept, "") // no body at all is acceptable
		}
	case strings.EqualFold(name, "Content-Encoding") || strings.EqualFold(name, "e"):
		c.encoded = c.encoded || !strings.EqualFold(strings.TrimSpace(v), "identity")
	}
}

// commas splits a comma-separated value.
func commas(v string) (out []string) {
	for s := range strings.SplitSeq(v, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// examine returns why a request is not let in, or nil (RFC 3261 §8.2).
func examine(req *sip.Request, transport string) *refusal {
	c := takeCensus(req)
	if r := examineShape(req, &c); r != nil {
		return r
	}
	if req.Method == sip.ACK {
		return nil
	}
	if r := examineTarget(req, transport); r != nil {
		return r
	}
	if strange := strangeTo(c.require); len(strange) > 0 && req.Method != sip.CANCEL {
		return refuse(sip.StatusBadExtension, "Bad Extension", sip.NewHeader("Unsupported", strings.Join(strange, ", ")))
	}
	if req.Method == sip.UPDATE {
		return examineBody(req, &c)
	}
	if req.Method != sip.INVITE {
		return nil
	}
	if r := tooBrief(req, leastInterval); r != nil {
		return r
	}
	if r := examineReplaces(req); r != nil {
		return r
	}
	return examineInvite(req, &c)
}

// single reports whether the headers that must come once do.
func (c *census) single() bool {
	return c.to == 1 && c.from == 1 && c.callID == 1 && c.cseq == 1 && c.via > 0
}

// excessive reports whether there is more of something than anybody needs.
func (c *census) excessive(req *sip.Request) bool {
	return c.long || c.via > maxVias || len(req.Headers()) > maxHeaders || len(req.CallID().Value()) > maxCallID
}

// examineShape looks at the message as such.
func examineShape(req *sip.Request, c *census) *refusal {
	switch {
	case !strings.EqualFold(req.SipVersion, "SIP/2.0"):
		return refuse(sip.StatusVersionNotSupported, "Version Not Supported")
	case !c.single():
		return refuse(sip.StatusBadRequest, "To, From, Call-ID and CSeq are needed once")
	case c.forwards < 1 && req.Method != sip.ACK:
		return refuse(sip.StatusBadRequest, "Max-Forwards is needed")
	case c.forwards > 1 || c.length > 1 || c.ctype > 1:
		return refuse(sip.StatusBadRequest, "Max-Forwards and content headers may come once")
	case req.CSeq().MethodName != req.Method && known(req.Method):
		return refuse(sip.StatusBadRequest, "CSeq names another method")
	case c.unsafe || c.nowhere:
		return refuse(sip.StatusBadRequest, "Control character in a header, or Via names no host")
	case c.excessive(req):
		return refuse(sip.StatusBadRequest, "Header too long")
	}
	return nil
}

// examineTarget looks at where the request wants to go.
func examineTarget(req *sip.Request, transport string) *refusal {
	uri := &req.Recipient
	forwards := req.MaxForwards().Val()
	switch {
	case len(uri.String()) > maxURI:
		return refuse(sip.StatusRequestURITooLong, "Request-URI Too Long")
	case uri.Scheme != "sip" && uri.Scheme != "tel" && (uri.Scheme != "sips" || !secure(transport)):
		return refuse(sip.StatusRequestedRangeNotSatisfiable, "Unsupported URI Scheme")
	case uri.Scheme != "tel" && (uri.Host == "" || uri.Headers.Length() > 0 || strings.ContainsAny(uri.String(), " <>/")),
		uri.Port < 0 || uri.Port > 65535, !plain(uri.String()):
		return refuse(sip.StatusBadRequest, "Bad Request-URI")
	case forwards == 0 && req.Method != sip.CANCEL:
		return refuse(sip.StatusTooManyHops, "Too Many Hops")
	case forwards > 255:
		return refuse(sip.StatusBadRequest, "Max-Forwards is at most 255")
	}
	return nil
}

const sdpType = "application/sdp"

// examineInvite looks at what only an INVITE has.
func examineInvite(req *sip.Request, c *census) *refusal {
	contact := req.Contact()
	switch {
	case c.contact != 1 || !usable(contact):
		return refuse(sip.StatusBadRequest, "INVITE needs one Contact")
	case tagOf(req.From().Params) == "":
		return refuse(sip.StatusBadRequest, "From needs a tag")
	case len(c.accept) > 0 && !accepts(c.accept):
		return refuse(sip.StatusNotAcceptable, "Not Acceptable")
	}
	return examineBody(req, c)
}

// examineBody looks at what may hold an offer.
func examineBody(req *sip.Request, c *census) *refusal {
	switch {
	case c.encoded:
		return refuse(sip.StatusUnsupportedMediaType, "Unsupported Encoding", sip.NewHeader("Accept-Encoding", "identity"))
	case len(req.Body()) == 0:
		return nil
	case c.ctype == 0:
		return refuse(sip.StatusBadRequest, "Body without Content-Type")
	case !isSDP(req.ContentType()):
		return refuse(sip.StatusUnsupportedMediaType, "Unsupported Media Type", sip.NewHeader("Accept", sdpType))
	}
	return nil
}

// strangeTo returns those of required extensions that we don't have.
func strangeTo(required []string) (out []string) {
	for _, tag := range required {
		if !strings.Contains(", "+supported+",", ", "+strings.ToLower(tag)+",") {
			out = append(out, tag)
		}
	}
	return out
}

func isSDP(ct *sip.ContentTypeHeader) bool {
	if ct == nil {
		return false
	}
	media, _, _ := strings.Cut(ct.Value(), ";")
	return strings.EqualFold(strings.TrimSpace(media), sdpType)
}

// accepts reports whether a peer that sent these Accept values takes SDP.
func accepts(types []string) bool {
	for _, t := range types {
		media, _, _ := strings.Cut(t, ";")
		switch strings.ToLower(strings.TrimSpace(media)) {
		case sdpType, "application/*", "*/*":
			return true
		}
	}
	return false
}

// known reports whether a method is one of an RFC, so that refusing it is 405
// and not 501.
func known(m sip.RequestMethod) bool {
	for _, k := range methods() {
		if m == k {
			return true
		}
	}
	return false
}

// What we say of ourselves in Allow and Supported.
const (
	allowed   = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REGISTER, REFER, NOTIFY, UPDATE, PRACK"
	supported = "replaces, timer, 100rel"
)
