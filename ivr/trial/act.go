package trial

import (
	"time"

	"tierline/ivr" //nolint:depguard // a harness drives its own parent, which is as pure
)

func (t *Trial) do(actions []ivr.Action) {
	for _, a := range actions {
		if !t.media(a) {
			t.outside(a)
		}
	}
}

// media does what concerns sound, time and the call itself.
func (t *Trial) media(a ivr.Action) bool {
	switch a := a.(type) {
	case ivr.Speak:
		t.speak(a)
	case ivr.StopSpeaking:
		t.silent(true)
		t.tell("stop")
	case ivr.SetTimer:
		t.timers[a.ID] = t.now.Add(a.After)
	case ivr.CancelTimer:
		delete(t.timers, a.ID)
	case ivr.PlayMusic:
		t.silent(true)
		t.music = true
		t.tell("music %s", a.Prompt.ID)
		t.sounds = append(t.sounds, t.sound(a.Prompt, t.Now()))
	case ivr.Note:
		t.steps = append(t.steps, Step{Order: t.count(), At: t.Now(), From: t.Node(), Note: a})
		t.tell("node %s%s", a.Step, pressed(a))
	case ivr.Disconnect:
		t.ended, t.cause = true, a.Cause
		t.tell("hang up %s", a.Cause)
	case ivr.Record:
		t.record(a)
	case ivr.StopRecording:
		if t.recording != nil && t.recording.id == a.ID {
			t.answers = append(t.answers, answer{t.now, kindRecord, t.recording.done(t.now)})
			t.recording = nil
			t.tell("stop recording")
		}
	default:
		return false
	}
	return true
}

// outside puts questions to the world, and notes what it is told.
func (t *Trial) outside(a ivr.Action) {
	switch a := a.(type) {
	case ivr.Enqueue:
		t.queued = true
		t.ask(kindQueue, 0, a)
		if a.MaxWait > 0 {
			t.answers = append(t.answers, answer{t.now.Add(a.MaxWait), kindQueue, ivr.QueueLeft{Cause: ivr.LeftTimeout}})
		}
	case ivr.Unqueue:
		t.settle(ivr.QueueLeft{})
		t.queued = false
		t.told(a)
	case ivr.Lookup:
		t.ask(kindLookup, a.ID, a)
	case ivr.CancelLookup:
		t.settle(ivr.LookedUp{})
		t.told(a)
	case ivr.Notify:
		t.ask(kindNotify, a.ID, a)
	case ivr.TryAuth:
		t.ask(kindAuth, a.ID, a)
	case ivr.AskPlace:
		t.ask(kindPlace, a.ID, a)
	case ivr.RequestCallback:
		t.queued = false
		t.settle(ivr.QueueLeft{})
		t.ask(kindCallback, a.ID, a)
	case ivr.Transfer:
		t.ask(kindTransfer, a.ID, a)
	default:
		t.told(a)
	}
}

// told notes what needs no answer.
func (t *Trial) told(a ivr.Action) {
	if w, ok := t.world.(interface{ Tell(a ivr.Action) }); ok {
		w.Tell(a)
	}
	t.tellAsked(a)
	t.questions = append(t.questions, Question{Order: t.count(), At: t.Now(), Node: t.Node(), Ask: a})
}

func (t *Trial) record(a ivr.Record) {
	t.recording = &recording{id: a.ID, begun: t.now, quiet: t.now, max: a.Max, silence: a.Silence, number: 1}
	for _, q := range t.questions {
		if _, ok := q.Ask.(ivr.Record); ok {
			t.recording.number++
		}
	}
	t.asked[kindRecord] = a.ID
	t.tellAsked(a)
	t.questions = append(t.questions, Question{Order: t.count(), At: t.Now(), Node: t.Node(), Ask: a})
}

func (t *Trial) speak(a ivr.Speak) {
	t.silent(true)
	at := t.Now()
	for _, p := range a.Prompts {
		t.coming = append(t.coming, t.sound(p, at))
		at += t.length(p)
	}
	t.speaking, t.spoken = a.ID, t.begun.Add(at)
	t.tell("say %s", spelled(a.Prompts))
	t.begin()
}

func (t *Trial) sound(p ivr.Prompt, at time.Duration) Sound {
	return Sound{Order: t.count(), At: at, Prompt: p, Language: t.language(), Node: t.Node()}
}

// language is the call's language; at the start there is no session yet.
func (t *Trial) language() string {
	if len(t.steps) > 0 {
		return t.steps[len(t.steps)-1].Note.Language
	}
	return t.flow.Languages()[0]
}

// begin moves the sounds whose time has come to those heard.
func (t *Trial) begin() {
	now := t.Now()
	for len(t.coming) > 0 && t.coming[0].At <= now {
		t.over(t.coming[0].At, false)
		t.coming[0].Order = t.count()
		t.sounds = append(t.sounds, t.coming[0])
		t.coming = t.coming[1:]
	}
}

// over ends the last sound.
func (t *Trial) over(at time.Duration, cut bool) {
	if n := len(t.sounds); n > 0 && !t.sounds[n-1].Over {
		s := &t.sounds[n-1]
		s.Over, s.Cut, s.Played = true, cut, at-s.At
	}
}

// silent ends what sounds, before its end or at it.
func (t *Trial) silent(cut bool) {
	t.begin()
	t.over(t.Now(), cut)
	t.coming, t.speaking, t.music = nil, 0, false
}

func (t *Trial) count() int {
	t.order++
	return t.order
}
