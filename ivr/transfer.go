package ivr

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"tierline/routing/document"
)

// transfer sends the caller to somebody outside the ACD.
type transfer struct {
	prompt   []item
	to       string
	number   *expression // nil: the destination's
	callerID *expression
	timeout  time.Duration // 0: the destination's
	refer    bool
	wait     comfort
	rings    bool // nothing but the ringing is to be heard meanwhile
	then     outcomes
}

type transferDoc struct {
	*common
	Prompt   items                                    `doc:"prompt,nonempty"`
	To       document.Value[string]                   `doc:"to,required"`
	Number   document.Value[string]                   `doc:"number,nonempty"`
	CallerID document.Value[string]                   `doc:"caller_id,nonempty"`
	Timeout  document.Value[time.Duration]            `doc:"timeout,min=5s,max=3m"`
	Mode     document.Value[string]                   `doc:"mode"`
	Wait     items                                    `doc:"wait,nonempty"`
	Then     document.Entries[document.Value[string]] `doc:"then,required"`
}

// Phases of a transfer.
const (
	transferPrompt  = iota
	transferRinging // the far end is called
	transferTalking // the caller talks to it
)

func readTransfer(b *builder, c *common, n *document.Node) node {
	d := transferDoc{common: c}
	document.Decode(n, &d, "a transfer node", b.p)
	out := &transfer{
		prompt: b.readItems(d.Prompt), to: d.To.V, timeout: d.Timeout.V,
		refer: b.oneOf(d.Mode, "refer", "bridge"), wait: b.readComfort(d.Wait), rings: d.Wait == nil,
		then: b.readThen(n, "a transfer node", []string{
			string(TransferAnswered), string(TransferBusy), string(TransferNoAnswer), string(TransferFailed),
		}, nil),
	}
	b.checkDestination(d)
	if d.Number.Given {
		e, reads := b.compileReads(d.Number, reflect.String)
		b.noSecret(d.Number, reads, "a number to call")
		out.number = e
	}
	if d.CallerID.Given {
		e, reads := b.compileReads(d.CallerID, reflect.String)
		b.noSecret(d.CallerID, reads, "a caller's number")
		out.callerID = e
	}
	return out
}

func (b *builder) checkDestination(d transferDoc) {
	if !d.To.Given || b.env.Destinations == nil {
		return
	}
	to, ok := b.env.Destinations[d.To.V]
	switch {
	case !ok:
		known := slices.Sorted(maps.Keys(b.env.Destinations))
		b.p.Errorf(d.To.Pos, "destination %q does not exist%s", d.To.V, document.DidYouMean(d.To.V, known))
	case d.Number.Given && !to.AnyNumber:
		b.p.Errorf(d.Number.Pos, "destination %q has its own number", d.To.V)
	case !d.Number.Given && to.AnyNumber:
		b.p.Errorf(d.To.Pos, "destination %q needs a number", d.To.V)
	}
}

func (n *transfer) enter(s *Session) {
	s.st.Typed = ""
	s.st.Place.Phase = transferPrompt
	s.speak(n.prompt, false, func() { n.call(s) })
}

func (n *transfer) call(s *Session) {
	env := s.environment()
	t := Transfer{To: n.to, Timeout: n.timeout, Refer: n.refer}
	for _, v := range []struct {
		e   *expression
		dst *string
	}{{n.number, &t.Number}, {n.callerID, &t.CallerID}} {
		if v.e == nil {
			continue
		}
		x, err := v.e.eval(env)
		if err != nil {
			s.exceed(err.Error())
			return
		}
		*v.dst = text(x)
	}
	if n.number != nil && !isNumberToCall(t.Number) {
		s.trouble("there is no number to transfer to")
		n.then.end(s, string(TransferFailed), outcomeError)
		return
	}
	s.st.Place.Phase = transferRinging
	s.pauseGuard()
	t.ID = s.await()
	if n.rings { // the owner of the call lets him hear it
		s.cancelTimer(&s.st.Place.Timer)
	}
	s.act(t)
}

// isNumberToCall tells whether digits, with a + at most, can be dialled.
func isNumberToCall(number string) bool {
	if number != "" && number[0] == '+' {
		number = number[1:]
	}
	return isDigits(number) && len(number) <= 20
}

func (n *transfer) handle(s *Session, in Input) {
	if _, stands := in.(TransferStands); stands {
		p := &s.st.Place
		p.Phase, p.Speaking, p.Music, p.Timer, p.Pending = transferTalking, 0, false, 0, 0
		s.pauseGuard()
		return
	}
	switch s.st.Place.Phase {
	case transferPrompt:
		if done, ok := in.(PromptDone); ok && s.spoken(done) {
			n.call(s)
		}
	case transferRinging:
		t, ok := in.(Transferred)
		switch {
		case !ok:
			if _, key := in.(Key); !key { // for the far end, not for a menu
				n.wait.handle(s, in)
			}
		case s.got(t.ID):
			n.done(s, t)
		}
	case transferTalking:
		if _, ok := in.(TransferDone); ok {
			n.then.end(s, string(TransferAnswered), outcomeError)
		}
	}
}

func (n *transfer) done(s *Session, t Transferred) {
	switch t.Result {
	case TransferAnswered:
		if n.refer && !t.Bridged { // the far switch has the caller
			n.then.end(s, string(t.Result), outcomeError)
			return
		}
		s.st.Place.Phase = transferTalking
	case TransferBusy, TransferNoAnswer, TransferFailed:
		n.then.end(s, string(t.Result), outcomeError)
	default:
		n.then.end(s, string(TransferFailed), outcomeError)
	}
}

// resume calls again, unless they talk already: then both legs moved.
func (n *transfer) resume(s *Session) {
	if s.st.Place.Phase != transferTalking {
		n.enter(s)
	}
}

func (n *transfer) edges() []edge {
	out := n.then.edges(true)
	for i := range out {
		out[i].silent = out[i].label != string(TransferAnswered)
	}
	return out
}
