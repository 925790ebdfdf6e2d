package service

import (
	"slices"
	"strings"
	"time"

	"tierline/routing/document"
	"tierline/routing/trunk"
)

// registerDoc is how a trunk's peer learns where we are.
type registerDoc struct {
	Registrars []document.Value[string]      `doc:"registrars,nonempty"`
	User       document.Value[string]        `doc:"user,nonempty"`
	Domain     document.Value[string]        `doc:"domain,nonempty"`
	Expires    document.Value[time.Duration] `doc:"expires,min=1m,max=24h"`
	Called     document.Value[string]        `doc:"called,nonempty"`
}

// usualExpires is how long a registration we ask for.
const usualExpires = time.Hour

// readRegister reads where a trunk registers; without registrars at its
// targets.
func readRegister(p *document.Problems, e document.Entry[trunkDoc], targets []trunk.Target) (r trunk.Registration) {
	d := e.Value
	if d.Register == nil {
		return r
	}
	in := *d.Register
	r.Registrars = targets
	if len(in.Registrars) > 0 {
		r.Registrars = readTargets(p, in.Registrars, "registrar")
	} else if len(targets) == 0 && len(d.Targets) == 0 {
		p.Errorf(e.Key.Pos, "trunk %q registers, but has neither registrars nor targets to register at", e.Key.V)
	}
	r.User, r.Domain = in.User.V, in.Domain.V
	r.Expires = in.Expires.Or(usualExpires)
	if !d.Account.Given && !in.User.Given {
		p.Errorf(e.Key.Pos, "trunk %q registers: give it an account, or the user it registers as", e.Key.V)
	}
	if in.User.Given && !isUser(in.User.V) {
		p.Errorf(in.User.Pos, "%q can't be the user of a SIP address", in.User.V)
	}
	if in.Domain.Given && !isDomain(in.Domain.V) {
		p.Errorf(in.Domain.Pos, "%q is no domain such as ims.example.net", in.Domain.V)
	}
	switch in.Called.V {
	case "", "request":
	case "to":
		r.CalledTo = true
	default:
		p.Errorf(in.Called.Pos, "the number that was called stands in request (the URI) or to, not in %q%s", in.Called.V,
			document.DidYouMean(in.Called.V, []string{"request", "to"}))
	}
	return r
}

// isUser tells what may stand before the @ of a SIP address as it is.
func isUser(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,"
	return s != "" && len(s) <= 64 && strings.Trim(s, letters) == ""
}

// readTargets reads addresses of peers; what names one, for messages.
func readTargets(p *document.Problems, list []document.Value[string], what string) (out []trunk.Target) {
	for _, v := range list {
		if !v.Given {
			continue
		}
		target, err := trunk.ParseTarget(v.V)
		if err != nil {
			p.Errorf(v.Pos, "%v", err)
			continue
		}
		if slices.Contains(out, target) {
			p.Warnf(v.Pos, "%s %s is named twice", what, v.V)
			continue
		}
		out = append(out, target)
	}
	return out
}
