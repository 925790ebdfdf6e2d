package ivr

import (
	"fmt"
	"strconv"
	"time"
)

// holdGap keeps a queue whose hold prompts have no music, or whose audio is
// missing, from speaking without a breath.
const holdGap = 500 * time.Millisecond

// queue hands the call to the ACD and entertains the caller until an agent is
// there, and takes him back afterwards.
type queue struct {
	id          string
	name        string
	attach      []attachment
	requirement *template
	preferred   *expression // an agent's number
	preferLast  bool
	preferFor   time.Duration
	keep        bool // the place, after a wait that ended without an agent
	hold        announcement
	comfort     []announcement // spoken in turn; nil: hold again
	music       *promptText
	announce    time.Duration
	keys        keyTable
	maxWait     time.Duration
	then        map[string]string // by outcome
	after       string
	out         []edge
}

// announcement is what a waiting caller hears. Its place in the queue is asked
// for before it is spoken.
type announcement struct {
	say   []item
	place bool
}

type attachment struct {
	name  string
	value *expression
}

// Phases of a queue.
const (
	phaseAsking  = iota // for the place in the queue, before an announcement
	phaseHolding        // an announcement is spoken
	phaseMusic          // music, or the gap before the next announcement
	phaseTalking        // with an agent
)

func (q *queue) enter(s *Session) {
	s.st.Typed = "" // typed for a menu that didn't come
	s.pauseGuard()
	if s.st.Waiting == q.id { // back from a call-back that wasn't wanted
		q.say(s, q.hold)
		return
	}
	e, err := q.request(s)
	if err != nil {
		s.exceed(err.Error())
		return
	}
	s.st.Waiting, s.st.Line, s.st.Overflow = q.id, line{}, false
	s.act(e)
	q.say(s, q.hold)
}

// request says what the call needs.
func (q *queue) request(s *Session) (Enqueue, error) {
	env := s.environment()
	attach, err := attributes(q.attach, env)
	if err != nil {
		return Enqueue{}, err
	}
	e := Enqueue{
		Queue: q.name, Attach: attach, MaxWait: q.maxWait,
		PreferLast: q.preferLast, PreferredFor: q.preferFor, Keep: q.keep && s.st.Overflow,
	}
	if e.Requirement, err = q.requirement.text(env); err != nil {
		return Enqueue{}, err
	}
	if q.preferred != nil {
		v, err := q.preferred.eval(env)
		if err != nil {
			return Enqueue{}, err
		}
		e.Preferred = text(v)
	}
	if e.Preferred == "" && !e.PreferLast {
		e.PreferredFor = 0
	}
	return e, nil
}

// attributes computes what travels with a call.
func attributes(list []attachment, env map[string]any) ([]Attribute, error) {
	out := make([]Attribute, 0, len(list))
	for _, a := range list {
		v, err := a.value.eval(env)
		if err != nil {
			return nil, err
		}
		out = append(out, Attribute{a.name, text(v)})
	}
	return out, nil
}

// text spells a value.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return fmt.Sprint(v)
}

// again is @repeat.
func (q *queue) again(s *Session) { q.say(s, q.hold) }

// resume speaks the hold prompts again.
func (q *queue) resume(s *Session) {
	if s.st.Place.Phase != phaseTalking {
		q.say(s, q.hold)
	}
}

// queueAgain queues the call once more: the ACD gives it its place back.
func (s *Session) queueAgain() {
	if s.st.Waiting == "" {
		return
	}
	q, ok := s.flow.nodes[s.st.Waiting].node.(*queue)
	if !ok {
		return
	}
	e, err := q.request(s)
	if err != nil {
		s.trouble(err.Error())
		return
	}
	e.Keep = true
	s.act(e)
}

// say speaks an announcement, after asking for the place if it is in there.
func (q *queue) say(s *Session, a announcement) {
	p := &s.st.Place
	s.cancelTimer(&p.Timer)
	p.Pending = 0
	if !a.place {
		q.speak(s, a)
		return
	}
	p.Phase, p.Pending = phaseAsking, s.newID()
	s.act(AskPlace{ID: p.Pending})
	s.restartTimer(s.patienceLeft())
}

func (q *queue) speak(s *Session, a announcement) {
	s.st.Place.Phase = phaseHolding
	s.speak(a.say, len(q.keys.entries) > 0, func() { q.rest(s) })
}

// rest is what a caller hears to whom there is nothing to say.
func (q *queue) rest(s *Session) {
	s.st.Place.Phase = phaseMusic
	if q.music == nil {
		s.playMusic(nil)
		s.restartTimer(comfortGap)
		return
	}
	q.play(s)
}

// current is the announcement that is due.
func (q *queue) current(s *Session) announcement {
	if n := s.st.Place.Index; n > 0 && len(q.comfort) > 0 {
		return q.comfort[(n-1)%len(q.comfort)]
	}
	return q.hold
}

// play begins the music.
func (q *queue) play(s *Session) {
	p := &s.st.Place
	p.Phase = phaseMusic
	switch {
	case q.music == nil:
		s.restartTimer(holdGap)
	case q.announce > 0 && (len(q.hold.say) > 0 || len(q.comfort) > 0):
		s.restartTimer(q.announce)
		fallthrough
	default:
		s.playMusic(q.music)
	}
}

func (q *queue) handle(s *Session, in Input) {
	p := &s.st.Place
	switch in := in.(type) {
	case Key:
		if p.Phase != phaseTalking && !s.swallows(in.Digit) {
			q.key(s, string(in.Digit))
		}
	case PromptDone:
		if s.spoken(in) && p.Phase == phaseHolding {
			q.play(s)
		}
	case TimerFired:
		if in.ID == p.Timer {
			p.Timer = 0
			q.timer(s)
		}
	case PlaceKnown:
		q.placed(s, in)
	case QueueLeft:
		q.left(s, in.Cause)
	case AgentConnected:
		s.stopSpeaking()
		s.cancelTimer(&p.Timer)
		p.Phase, p.Pending, s.st.Waiting, s.st.Overflow = phaseTalking, 0, "", false
	case AgentDone:
		q.done(s)
	case Requeued:
		q.requeue(s, in.Queue)
	default: // belongs to something that is over
	}
}

func (q *queue) placed(s *Session, in PlaceKnown) {
	p := &s.st.Place
	if in.ID != p.Pending || p.Phase != phaseAsking {
		return
	}
	p.Pending = 0
	s.cancelTimer(&p.Timer)
	s.st.Line = s.st.Line.moved(in)
	q.speak(s, q.current(s))
}

func (q *queue) timer(s *Session) {
	p := &s.st.Place
	if p.Phase == phaseAsking { // no place is known in time: not spoken of
		p.Pending, s.st.Line = 0, s.st.Line.unknown()
		q.speak(s, q.current(s))
		return
	}
	p.Index++
	q.say(s, q.current(s))
}

// moved is what may be announced now: neither position nor wait ever rise.
func (l line) moved(in PlaceKnown) line {
	out := line{ToldPosition: l.ToldPosition, ToldMax: l.ToldMax, Position: max(0, in.Position)}
	if in.Wait.Known {
		out.Min, out.Max = int(in.Wait.Min/time.Minute), max(1, minutes(in.Wait.Max))
	}
	if out.Position > 0 {
		if l.ToldPosition > 0 {
			out.Position = min(out.Position, l.ToldPosition)
		}
		out.ToldPosition = out.Position
	}
	if out.Max > 0 {
		if l.ToldMax > 0 {
			out.Max = min(out.Max, l.ToldMax)
		}
		out.Min, out.ToldMax = min(out.Min, out.Max), out.Max
	}
	return out
}

// unknown is what may be announced if the answer doesn't come in time.
func (l line) unknown() line { return line{ToldPosition: l.ToldPosition, ToldMax: l.ToldMax} }

func minutes(d time.Duration) int { return int((d + time.Minute - 1) / time.Minute) }

func (q *queue) key(s *Session, keys string) {
	to, ok := q.keys.entries[keys]
	if !ok || (to == targetBack && len(s.st.History) == 0) {
		return
	}
	if to != targetRepeat {
		s.leaveQueue(to)
	}
	s.key = keys
	s.goTo(outcomeKey, to)
}

// left is the end of a wait without an agent. What the flow doesn't
// distinguish is treated like a full queue: the call couldn't wait there.
func (q *queue) left(s *Session, cause string) {
	if s.st.Place.Phase == phaseTalking || cause == LeftKey {
		return
	}
	s.st.Waiting, s.st.Overflow = "", true
	if _, ok := q.then[cause]; !ok || cause == leftAbandoned {
		cause = LeftFull
	}
	s.goTo(cause, q.then[cause])
}

func (q *queue) done(s *Session) {
	if s.st.Place.Phase != phaseTalking {
		return
	}
	if q.after == "" {
		s.outcome = "after"
		s.disconnect(CauseNormal)
		return
	}
	s.goTo("after", q.after)
}

// requeue waits once more, for an agent of another queue perhaps: what this one
// asked for beside the queue's own requirement was about the former agent's work.
func (q *queue) requeue(s *Session, name string) {
	if s.st.Place.Phase != phaseTalking {
		return
	}
	e, err := q.request(s)
	if err != nil {
		s.exceed(err.Error())
		return
	}
	if name != q.name {
		e.Queue, e.Requirement = name, ""
	}
	e.Preferred, e.PreferLast, e.PreferredFor, e.Keep = "", false, 0, true
	s.st.Waiting, s.st.Line, s.st.Overflow = q.id, line{}, false
	s.act(e)
	q.say(s, q.hold)
}

func (q *queue) edges() []edge { return q.out }

// leaveQueue takes the call out of the queue that it stands in, unless it goes
// to a node that keeps its place: a call-back, or the same queue.
func (s *Session) leaveQueue(to string) {
	if s.st.Waiting == "" || to == s.st.Waiting {
		return
	}
	if n, ok := s.flow.nodes[to]; ok {
		if _, keeps := n.node.(*callback); keeps {
			return
		}
	}
	cause := LeftKey
	if s.outcome == outcomeExceeded {
		cause = CauseFault
	}
	s.st.Overflow = s.st.At != s.st.Waiting // from a call-back that wasn't wanted
	s.st.Waiting = ""
	s.act(Unqueue{Cause: cause})
}

// elsewhere takes news of a queue in which the call stands while its caller is
// asked for the number of a call-back.
func (s *Session) elsewhere(in Input) bool {
	if s.st.Waiting == "" || s.st.Waiting == s.st.At {
		return false
	}
	switch in := in.(type) {
	case AgentConnected:
		n := s.flow.nodes[s.st.Waiting]
		s.outcome = "connected"
		s.leave()
		s.arrive(n)
		s.pauseGuard()
		n.node.handle(s, in)
	case QueueLeft:
		s.st.Waiting, s.st.Overflow = "", in.Cause != LeftKey
	default:
	}
	return true
}
