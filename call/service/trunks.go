package service

import (
	"errors"
	"strings"
	"time"

	"tierline/call/sdp"
	"tierline/routing/dialplan"
	"tierline/routing/document"
	"tierline/routing/trunk"
)

type trunksDoc struct {
	Trunks document.Entries[trunkDoc] `doc:"trunks,required,nonempty"`
}

type trunkDoc struct {
	Sources   []document.Value[string] `doc:"sources,nonempty"`
	Trusted   document.Value[bool]     `doc:"trusted"`
	Limits    capsDoc                  `doc:"limits"`
	Callers   []document.Value[string] `doc:"callers,nonempty"`
	Numbering numberingDoc             `doc:"numbering"`
	Codecs    []document.Value[string] `doc:"codecs,nonempty"`
	Targets   []document.Value[string] `doc:"targets,nonempty"`
	Allow     []document.Value[string] `doc:"allow"`
	Emergency []document.Value[string] `doc:"emergency,nonempty"`
	CallerID  document.Value[string]   `doc:"caller_id"`
	CallerIDs []document.Value[string] `doc:"caller_ids,nonempty"`
	Domain    document.Value[string]   `doc:"from_domain,nonempty"`
	Identity  document.Value[string]   `doc:"identity,nonempty"`
	Withhold  document.Value[bool]     `doc:"withhold"`
	Health    healthDoc                `doc:"health"`
	Account   document.Value[string]   `doc:"account,nonempty"`
	Digits    []document.Value[string] `doc:"dtmf,nonempty"`
	Session   sessionDoc               `doc:"session_timer"`
	SRTP      document.Value[string]   `doc:"srtp,nonempty"`
	Register  *registerDoc             `doc:"register"`
	Auth      *authDoc                 `doc:"auth"`
	TLS       *tlsDoc                  `doc:"tls"`
}

type healthDoc struct {
	Interval document.Value[time.Duration] `doc:"interval,min=5s,max=1h"`
	Failures document.Value[int]           `doc:"failures,min=1,max=10"`
}

type sessionDoc struct {
	Off     document.Value[bool]          `doc:"off"`
	Expires document.Value[time.Duration] `doc:"expires,min=90s,max=24h"`
	Min     document.Value[time.Duration] `doc:"min,min=90s,max=24h"`
}

// usualSession is how long a session lasts unless the document says otherwise.
const usualSession = 30 * time.Minute

// readSession reads how long a call may last without a sign of the peer.
func readSession(p *document.Problems, d sessionDoc) trunk.Session {
	s := trunk.Session{Expires: d.Expires.Or(usualSession), Min: d.Min.Or(90 * time.Second)}
	switch {
	case d.Off.V && d.Expires.Given:
		p.Errorf(d.Expires.Pos, "the session timer is off and has a time")
	case d.Off.V:
		s.Expires = 0
	case s.Min > s.Expires && d.Expires.Given:
		p.Errorf(d.Min.Pos, "min is longer than expires")
	}
	s.Expires = max(s.Expires, 0)
	return s
}

type numberingDoc struct {
	Country       document.Value[string] `doc:"country,nonempty"`
	International document.Value[string] `doc:"international,nonempty"`
	National      document.Value[string] `doc:"national,nonempty"`
	Area          document.Value[string] `doc:"area,nonempty"`
	Rewrites      []rewriteDoc           `doc:"rewrites"`
	Plus          document.Value[bool]   `doc:"plus"`
	Outward       outwardDoc             `doc:"outward"`
}

type rewriteDoc struct {
	Prefix document.Value[string] `doc:"prefix,required"`
	Length document.Value[int]    `doc:"length,min=1,max=32"`
	Strip  document.Value[int]    `doc:"strip,min=0,max=32"`
	Add    document.Value[string] `doc:"add"`
}

func (c *compiler) trunks() {
	var d trunksDoc
	p := c.read("trunks.yaml", &d)
	if p == nil {
		return
	}
	defer c.add(p)
	places := map[string]document.Pos{}
	var list []trunk.Trunk
	for _, e := range d.Trunks {
		checkName(p, e.Key, "a trunk")
		c.trunkNames = append(c.trunkNames, e.Key.V)
		t := readTrunk(p, e)
		t.Auth = c.readAuth(p, e, list)
		c.readTLS(p, e.Value, t)
		for i, s := range e.Value.Sources {
			if i < len(t.Sources) {
				places[e.Key.V+" "+t.Sources[i].String()] = s.Pos
			}
		}
		list = append(list, t)
	}
	if p.HasErrors() {
		return // overlaps of sources that can't be read mean nothing
	}
	table, err := trunk.New(list)
	for _, one := range all(err) {
		conflict, ok := errors.AsType[*trunk.ConflictError](one)
		if !ok {
			p.Errorf(document.Pos{Line: 1, Col: 1}, "%v", one)
			continue
		}
		p.Errorf(places[conflict.Second+" "+conflict.Source.String()], "source %s belongs to trunk %q already",
			conflict.Source, conflict.First)
	}
	c.service.Trunks = table
}

// all takes joined errors apart.
func all(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func readTrunk(p *document.Problems, e document.Entry[trunkDoc]) trunk.Trunk {
	d := e.Value
	t := trunk.Trunk{
		Name: e.Key.V, Trusted: d.Trusted.V, Limits: d.Limits.caps(), Busy: readFull(p, d.Limits.Full),
		Callers: numberPrefixes(p, d.Callers),
		Numbers: trunk.Numbering{
			Country: digits(p, d.Numbering.Country), International: digits(p, d.Numbering.International),
			National: digits(p, d.Numbering.National), Area: digits(p, d.Numbering.Area),
		},
	}
	t.Outward = readOutward(p, d)
	t.Numbers.Rewrites = rewrites(d.Numbering.Rewrites)
	for _, s := range d.Sources {
		if !s.Given {
			continue
		}
		source, err := trunk.ParseSource(s.V)
		if err != nil {
			p.Errorf(s.Pos, "%v", err)
			continue
		}
		t.Sources = append(t.Sources, source)
	}
	for _, codec := range d.Codecs {
		switch codec.V {
		case "pcmu":
			t.Codecs = append(t.Codecs, 0)
		case "pcma":
			t.Codecs = append(t.Codecs, 8)
		case "g722":
			t.Codecs = append(t.Codecs, 9)
		case "opus":
			t.Codecs = append(t.Codecs, sdp.Opus)
		case "":
		default:
			p.Errorf(codec.Pos, "codec %q is not known (pcma, pcmu, g722, opus)%s", codec.V,
				document.DidYouMean(codec.V, []string{"pcma", "pcmu", "g722", "opus"}))
		}
	}
	t.Digits, t.Session = readDigits(p, d.Digits), readSession(p, d.Session)
	t.SRTP = readSRTP(p, d.SRTP, sdp.Never).String()
	warnReadable(p, d.SRTP, t)
	t.Register = readRegister(p, e, t.Outward.Targets)
	if d.Sources == nil && d.Register == nil && d.Auth == nil {
		p.Errorf(e.Key.Pos, "trunk %q has neither sources nor register nor auth: no call could come from it", e.Key.V)
	}
	return t
}

// warnReadable tells of keys that go to a target in the open.
func warnReadable(p *document.Problems, v document.Value[string], t trunk.Trunk) {
	if t.SRTP != sdp.Required.String() {
		return
	}
	for _, to := range t.Outward.Targets {
		if to.Transport != "tls" {
			p.Warnf(v.Pos, "keys go to %s unencrypted: say ;transport=tls if it can do that", to)
			return
		}
	}
}

// readSRTP reads whether media is encrypted.
func readSRTP(p *document.Problems, v document.Value[string], otherwise sdp.Policy) sdp.Policy {
	if !v.Given {
		return otherwise
	}
	policy, ok := sdp.ParsePolicy(v.V)
	if !ok {
		p.Errorf(v.Pos, "srtp is required, optional or never, not %q%s", v.V,
			document.DidYouMean(v.V, []string{"required", "optional", "never"}))
	}
	return policy
}

// readAccount reads the name of what proves us to the peer. The account itself
// is a matter of each node: no secret goes through the log.
func readAccount(p *document.Problems, d trunkDoc) string {
	v := d.Account
	switch {
	case !v.Given:
	case len(v.V) > 64 || strings.Trim(v.V, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "":
		p.Errorf(v.Pos, "%q can't be the name of an account: lower-case letters, digits, - and _ only", v.V)
	case len(d.Targets) == 0 && d.Register == nil:
		p.Errorf(v.Pos, "there is no target that could ask for an account")
	}
	return v.V
}

// usualFailures is how often in a row a target may fail.
const usualFailures = 3

// readHealth reads how targets are watched.
func readHealth(p *document.Problems, d trunkDoc) trunk.Health {
	h := trunk.Health{Interval: d.Health.Interval.V, Failures: usualFailures}
	if d.Health.Failures.Given {
		h.Failures = d.Health.Failures.V
	}
	switch {
	case !d.Health.Interval.Given && d.Health.Failures.Given:
		p.Errorf(d.Health.Failures.Pos, "failures of targets are counted only if health has an interval")
	case !d.Health.Interval.Given:
		return trunk.Health{}
	case len(d.Targets) == 0:
		p.Errorf(d.Health.Interval.Pos, "there is no target to watch")
	}
	return h
}

// numberPrefixes reads the beginnings of numbers that may be called.
func numberPrefixes(p *document.Problems, list []document.Value[string]) (out []string) {
	for _, v := range list {
		if v.Given && v.V != "+" && !isNumber(v.V) {
			p.Errorf(v.Pos, "%q is no beginning of a number: +86, +861, 10010", v.V)
			continue
		}
		out = append(out, v.V)
	}
	return out
}

// isNumber tells digits with or without a plus.
func isNumber(s string) bool {
	rest := strings.TrimPrefix(s, "+")
	return rest != "" && len(rest) <= 32 && strings.Trim(rest, "0123456789") == ""
}

// readDigits reads how keys may come.
func readDigits(p *document.Problems, ways []document.Value[string]) (d trunk.Digits) {
	for _, way := range ways {
		known := map[string]*bool{"rfc4733": &d.RFC4733, "info": &d.Info, "inband": &d.Inband}
		switch on := known[way.V]; {
		case way.V == "": // said already
		case on == nil:
			p.Errorf(way.Pos, "way for digits %q is not known (rfc4733, info, inband)%s", way.V,
				document.DidYouMean(way.V, []string{"rfc4733", "info", "inband"}))
		case *on:
			p.Errorf(way.Pos, "%s is named twice", way.V)
		default:
			*on = true
		}
	}
	return d.OrDefault()
}

// digits reads a part of a telephone number.
func digits(p *document.Problems, v document.Value[string]) string {
	for _, r := range v.V {
		if r < '0' || r > '9' {
			p.Errorf(v.Pos, "%q must be digits", v.V)
			break
		}
	}
	return v.V
}

// ruleKey tells rules apart as dialplan does.
func ruleKey(r dialplan.Rule) string {
	return r.Number + "|" + r.Prefix + "|" + strings.Join(r.Trunks, "|")
}

// readAnswer reads when calls to a number are answered.
func readAnswer(p *document.Problems, v document.Value[string]) (early bool) {
	switch v.V {
	case "", "at_once":
		return false
	case "early":
		return true
	}
	p.Errorf(v.Pos, "answer %q is not known (at_once, early)%s", v.V,
		document.DidYouMean(v.V, []string{"at_once", "early"}))
	return false
}

type numbersDoc struct {
	Numbers []numberDoc `doc:"numbers,required,nonempty"`
}

type numberDoc struct {
	Number document.Value[string]   `doc:"number,nonempty"`
	Prefix document.Value[string]   `doc:"prefix,nonempty"`
	Trunks []document.Value[string] `doc:"trunks,nonempty"`
	Flow   document.Value[string]   `doc:"flow,required"`
	Title  titles                   `doc:"title"`
	Answer document.Value[string]   `doc:"answer,nonempty"`
}

func (c *compiler) numbers() {
	var d numbersDoc
	p := c.read("numbers.yaml", &d)
	if p == nil {
		return
	}
	defer c.add(p)
	var rules []dialplan.Rule
	places := map[string]document.Pos{}
	for _, n := range d.Numbers {
		r := dialplan.Rule{Number: n.Number.V, Prefix: n.Prefix.V, Flow: n.Flow.V}
		if n.Number.Given == n.Prefix.Given {
			p.Errorf(n.Flow.Pos, "an entry has either a number or a prefix")
			continue
		}
		for _, t := range n.Trunks {
			if reference(p, t, c.trunkNames, "trunk") {
				r.Trunks = append(r.Trunks, t.V)
			}
		}
		if reference(p, n.Flow, c.service.FlowNames(), "flow") {
			c.dialled[n.Flow.V] = true
		}
		r.Early = readAnswer(p, n.Answer)
		at := n.Number.Pos
		if n.Prefix.Given {
			at = n.Prefix.Pos
		}
		places[ruleKey(r)] = at
		rules = append(rules, r)
	}
	plan, err := dialplan.New(rules)
	for _, one := range all(err) {
		conflict, ok := errors.AsType[*dialplan.ConflictError](one)
		if !ok {
			p.Errorf(document.Pos{Line: 1, Col: 1}, "%v", one)
			continue
		}
		p.Errorf(places[ruleKey(conflict.Second)], "%v", one)
	}
	c.service.Numbers = plan
	if !p.HasErrors() {
		c.checkDialled()
	}
}
