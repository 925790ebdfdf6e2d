package service

import (
	"slices"
	"strings"

	"tierline/routing/document"
	"tierline/routing/trunk"
)

// capsDoc is what a trunk may bring and take.
type capsDoc struct {
	limitsDoc

	In   limitsDoc              `doc:"in"`
	Out  limitsDoc              `doc:"out"`
	Full document.Value[string] `doc:"full,nonempty"`
}

type limitsDoc struct {
	Calls document.Value[int] `doc:"calls,min=1,max=1000000"`
	Rate  document.Value[int] `doc:"rate,min=1,max=100000"`
	Burst document.Value[int] `doc:"burst,min=1,max=100000"`
	Hour  document.Value[int] `doc:"hour,min=1,max=100000000"`
	Day   document.Value[int] `doc:"day,min=1,max=100000000"`
}

func (d limitsDoc) limits() trunk.Limits {
	return trunk.Limits{Calls: d.Calls.V, Rate: d.Rate.V, Burst: d.Burst.V, Hour: d.Hour.V, Day: d.Day.V}
}

func (d capsDoc) caps() trunk.Caps {
	return trunk.Caps{Limits: d.limits(), In: d.In.limits(), Out: d.Out.limits()}
}

// readFull reads what a caller beyond a limit gets.
func readFull(p *document.Problems, v document.Value[string]) (busy bool) {
	switch v.V {
	case "", "unavailable":
	case "busy":
		return true
	default:
		p.Errorf(v.Pos, "a trunk that is full is unavailable or busy, not %q%s", v.V,
			document.DidYouMean(v.V, []string{"unavailable", "busy"}))
	}
	return false
}

// outwardDoc says how numbers are written in calls outward.
type outwardDoc struct {
	Called   document.Value[string] `doc:"called,nonempty"`
	Caller   document.Value[string] `doc:"caller,nonempty"`
	Rewrites []rewriteDoc           `doc:"rewrites"`
}

// readOutward reads where calls outward go and which may be made.
func readOutward(p *document.Problems, d trunkDoc) trunk.Outward {
	out := trunk.Outward{Allow: numberPrefixes(p, d.Allow), Emergency: wholeNumbers(p, d.Emergency)}
	out.Targets = readTargets(p, d.Targets, "target")
	if d.CallerID.Given && !isNumber(d.CallerID.V) {
		p.Errorf(d.CallerID.Pos, "%q is no number in E.164 form (+8657187650000) or service code", d.CallerID.V)
	}
	out.CallerID, out.Shows = d.CallerID.V, numberPrefixes(p, d.CallerIDs)
	out.Health, out.Account = readHealth(p, d), readAccount(p, d)
	if out.Domain = d.Domain.V; d.Domain.Given && !isDomain(d.Domain.V) {
		p.Errorf(d.Domain.Pos, "%q is no domain such as ims.example.net", d.Domain.V)
	}
	out.Identity, out.Withhold = readIdentity(p, d)
	for _, list := range [][]document.Value[string]{d.Allow, d.Emergency} {
		if len(list) > 0 && len(d.Targets) == 0 {
			p.Errorf(list[0].Pos, "calls outward are allowed, but there is no target to send them to")
		}
	}
	readFormats(p, d.Numbering, &out)
	return out
}

// readIdentity reads how the peer learns who calls.
func readIdentity(p *document.Problems, d trunkDoc) (header string, withhold bool) {
	known := []string{trunk.Asserted, trunk.Preferred}
	switch {
	case d.Identity.Given && !slices.Contains(known, d.Identity.V):
		p.Errorf(d.Identity.Pos, "identity is asserted or preferred, not %q%s", d.Identity.V,
			document.DidYouMean(d.Identity.V, known))
	case d.Withhold.V && !d.Identity.Given:
		p.Warnf(d.Withhold.Pos, "the carrier doesn't learn who calls either, and many refuse that: say identity: asserted")
	}
	return d.Identity.V, d.Withhold.V
}

// wholeNumbers reads numbers in normalised form.
func wholeNumbers(p *document.Problems, list []document.Value[string]) (out []string) {
	for _, v := range list {
		if v.Given && !isNumber(v.V) {
			p.Errorf(v.Pos, "%q is no number such as 110 or +8657187650000", v.V)
		}
		out = append(out, v.V)
	}
	return out
}

// readFormats reads how numbers are written.
func readFormats(p *document.Problems, d numberingDoc, out *trunk.Outward) {
	if d.Plus.V {
		out.Called, out.Caller = trunk.E164, trunk.E164
		if d.Outward.Called.Given || d.Outward.Caller.Given {
			p.Errorf(d.Plus.Pos, "plus is the same as outward: {called: e164}: give one of both")
		}
	}
	if d.Outward.Called.Given {
		out.Called = readFormat(p, d.Outward.Called)
		out.Caller = out.Called
	}
	if d.Outward.Caller.Given {
		out.Caller = readFormat(p, d.Outward.Caller)
	}
	out.Rewrites = rewrites(d.Outward.Rewrites)
	for _, r := range d.Outward.Rewrites {
		if strings.Trim(r.Add.V, "+*0123456789") != "" {
			p.Errorf(r.Add.Pos, "%q can't stand before a number that is called: digits, + and * only", r.Add.V)
		}
	}
}

func readFormat(p *document.Problems, v document.Value[string]) trunk.Format {
	f, ok := trunk.ParseFormat(v.V)
	if !ok {
		p.Errorf(v.Pos, "numbers are written %s, not %q%s", strings.Join(trunk.Formats(), ", "), v.V,
			document.DidYouMean(v.V, trunk.Formats()))
	}
	return f
}

func rewrites(list []rewriteDoc) (out []trunk.Rewrite) {
	for _, r := range list {
		out = append(out, trunk.Rewrite{Prefix: r.Prefix.V, Length: r.Length.V, Strip: r.Strip.V, Add: r.Add.V})
	}
	return out
}

// isDomain tells what may stand behind the @ of a SIP address.
func isDomain(s string) bool {
	_, err := trunk.ParseTarget("sip:" + s)
	return err == nil && !strings.Contains(s, ";")
}

// usualDialling is what an agent may call outward unless the documents say
// otherwise: more than anybody's work needs, less than a thief wants.
func usualDialling() trunk.Limits { return trunk.Limits{Calls: 8, Hour: 120, Day: 500} }

// Dialling is what an agent may call outward.
func (s *Service) Dialling(agent string) trunk.Limits {
	if limits, ok := s.dialling[agent]; ok {
		return limits
	}
	return s.dials
}

// or fills what the document doesn't say.
func (d limitsDoc) or(usual trunk.Limits) trunk.Limits {
	return trunk.Limits{
		Calls: d.Calls.Or(usual.Calls), Rate: d.Rate.Or(usual.Rate), Burst: d.Burst.Or(usual.Burst),
		Hour: d.Hour.Or(usual.Hour), Day: d.Day.Or(usual.Day),
	}
}
