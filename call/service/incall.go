package service

import (
	"slices"
	"strings"

	"tierline/routing/document"
)

// InCall is a code that an agent dials on his phone while he talks.
type InCall struct {
	Code   string // *20
	Action string // see InCallActions
	Dials  bool   // digits follow, up to #: whom it is about
}

// inCallDoc is one code of in_call.
type inCallDoc struct {
	Code   document.Value[string] `doc:"code,required"`
	Action document.Value[string] `doc:"action,required"`
}

// InCallActions are what a code can do: with whom the agent asks, or with
// somebody whose number follows (…_to).
func InCallActions() []string {
	return []string{
		"hold", "mute", "consult_to", "swap", "drop", "transfer", "transfer_to", "conference", "conference_to",
		"pause_recording", "mark_recording",
	}
}

// inCall reads the codes. None may begin like another: the first that fits is
// meant.
func (c *compiler) inCall(p *document.Problems, list []inCallDoc) {
	for _, d := range list {
		code := d.Code.V
		if len(code) < 2 || code[0] != '*' || strings.Trim(code[1:], "0123456789") != "" {
			p.Errorf(d.Code.Pos, "%q is no code such as *20", code)
			continue
		}
		if !slices.Contains(InCallActions(), d.Action.V) {
			reference(p, d.Action, InCallActions(), "action")
			continue
		}
		i := slices.IndexFunc(c.service.inCall, func(x InCall) bool {
			return strings.HasPrefix(x.Code, code) || strings.HasPrefix(code, x.Code)
		})
		if i >= 0 {
			p.Errorf(d.Code.Pos, "code %s can't be told from %s", code, c.service.inCall[i].Code)
			continue
		}
		action, dials := strings.CutSuffix(d.Action.V, "_to")
		c.service.inCall = append(c.service.inCall, InCall{Code: code, Action: action, Dials: dials})
	}
}

// InCall finds the code that digits begin with, and what follows it. More says
// that they may become one.
func (s *Service) InCall(digits string) (code InCall, rest string, more bool) {
	for _, x := range s.inCall {
		if rest, ok := strings.CutPrefix(digits, x.Code); ok {
			return x, rest, false
		}
		more = more || strings.HasPrefix(x.Code, digits)
	}
	return InCall{}, "", more
}
