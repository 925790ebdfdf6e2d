package trial

import (
	"time"

	"tierline/ivr" //nolint:depguard // a harness drives its own parent, which is as pure
)

// kind is a kind of question: a call asks one of a kind at a time.
type kind uint8

const (
	kindLookup kind = iota + 1
	kindNotify
	kindAuth
	kindPlace
	kindCallback
	kindRecord
	kindTransfer
	kindQueue
)

// answer is on its way.
type answer struct {
	at   time.Time
	kind kind
	in   ivr.Input
}

func kindOfInput(in ivr.Input) kind {
	switch in.(type) {
	case ivr.LookedUp:
		return kindLookup
	case ivr.Notified:
		return kindNotify
	case ivr.Attempt:
		return kindAuth
	case ivr.PlaceKnown:
		return kindPlace
	case ivr.CallbackAnswer:
		return kindCallback
	case ivr.Recorded:
		return kindRecord
	case ivr.Transferred:
		return kindTransfer
	case ivr.QueueLeft, ivr.AgentConnected:
		return kindQueue
	case ivr.Key, ivr.PromptDone, ivr.TimerFired, ivr.AgentDone, ivr.Requeued, ivr.TransferDone, ivr.HungUp,
		ivr.TransferStands:
	}
	return 0
}

// identified gives an answer the id of its question.
func (t *Trial) identified(in ivr.Input) ivr.Input {
	id := t.asked[kindOfInput(in)]
	switch in := in.(type) {
	case ivr.LookedUp:
		in.ID = id
		return in
	case ivr.Notified:
		in.ID = id
		return in
	case ivr.Attempt:
		in.ID = id
		return in
	case ivr.PlaceKnown:
		in.ID = id
		return in
	case ivr.CallbackAnswer:
		in.ID = id
		return in
	case ivr.Recorded:
		in.ID = id
		return in
	case ivr.Transferred:
		in.ID = id
		return in
	case ivr.Key, ivr.PromptDone, ivr.TimerFired, ivr.QueueLeft, ivr.AgentConnected, ivr.AgentDone,
		ivr.Requeued, ivr.TransferDone, ivr.HungUp, ivr.TransferStands:
	}
	return in
}

// ask puts a question to the world.
func (t *Trial) ask(k kind, id uint64, a ivr.Action) {
	t.tellAsked(a)
	t.questions = append(t.questions, Question{Order: t.count(), At: t.Now(), Node: t.Node(), Ask: a})
	if k != kindQueue {
		t.asked[k] = id
	}
	if t.world == nil {
		return
	}
	in, after := t.world.Ask(a)
	if in == nil {
		return
	}
	in = t.identified(in)
	if l, ok := in.(ivr.LookedUp); ok && l.Took == 0 {
		l.Took = after
		in = l
	}
	t.answers = append(t.answers, answer{t.now.Add(after), k, in})
}

// recording is a recording that runs.
type recording struct {
	id      uint64
	begun   time.Time
	quiet   time.Time // since when nobody speaks
	max     time.Duration
	silence time.Duration
	voice   bool
	number  int
}

// due is when the recording ends by itself.
func (r *recording) due() due {
	end := r.begun.Add(r.max)
	if quiet := r.quiet.Add(r.silence); r.silence > 0 && quiet.Before(end) {
		end = quiet
	}
	return due{end, r.done(end)}
}

// done is what is reported if the recording ends now.
func (r *recording) done(end time.Time) ivr.Recorded {
	out := ivr.Recorded{ID: r.id, Voice: r.voice}
	if r.voice {
		if r.quiet.Before(end) {
			end = r.quiet
		}
		out.Ref, out.Length = "recording-"+string(rune('0'+r.number%10)), end.Sub(r.begun)
	}
	return out
}
