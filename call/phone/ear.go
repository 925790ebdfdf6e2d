package phone

import (
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	rate      = 8000      // samples per second
	frame     = 160       // samples in 20 ms
	window    = 4 * frame // samples a tone is judged on: 80 ms
	windowFor = 80 * time.Millisecond
	// pauseEnds is the silence after which a prompt counts as over: longer
	// than the pauses inside one, shorter than a menu waits for a key.
	pauseEnds   = 700 * time.Millisecond
	longestHole = 10 * rate // in a recording; more is a sender that started anew
	loud        = 250       // root mean square of a sample above which a frame is sound
)

// Tone is a frequency that was heard.
type Tone struct {
	Hz    int
	First time.Duration // since the call was answered
	For   time.Duration
}

// Heard is what came in on a call.
type Heard struct {
	Packets int
	Lost    int           // holes in the sequence numbers
	Audio   time.Duration // all RTP audio
	Sound   time.Duration // of it, what was not silence
	Silence time.Duration // longest stretch without sound or without packets
	Prompts int           // stretches of sound that were followed by a pause
	Digits  string        // RFC 4733
	Tones   []Tone        // by frequency
}

// Tone returns how long one of the frequencies was heard, all together.
func (h Heard) Tone(hz ...int) time.Duration {
	var sum time.Duration
	for _, t := range h.Tones {
		if slices.Contains(hz, t.Hz) {
			sum += t.For
		}
	}
	return sum
}

// Ear listens to one call.
type Ear struct {
	begin  time.Time
	listen []int // frequencies it knows
	record bool

	mu        sync.Mutex // guards all below
	heard     Heard
	tones     map[int]Tone
	samples   []int16 // of the window being filled
	kept      []int16 // whole call, when recording
	lastSeq   uint16
	lastTS    uint32
	ssrc      uint32
	eventTS   uint32
	events    bool
	speaking  bool
	lastSound time.Time
}

func newEar(begin time.Time, listen []int, record bool) *Ear {
	return &Ear{begin: begin, listen: listen, record: record, tones: map[int]Tone{}, lastSound: begin}
}

// Heard tells what was heard until now.
func (e *Ear) Heard(now time.Time) Heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pause(now)
	h := e.heard
	h.Silence = max(h.Silence, now.Sub(e.lastSound))
	h.Tones = slices.SortedFunc(maps.Values(e.tones), func(a, b Tone) int { return a.Hz - b.Hz })
	return h
}

// Recording returns the samples heard, if they were kept.
func (e *Ear) Recording() []int16 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.kept)
}

// packet takes one RTP packet.
func (e *Ear) packet(p packet, eventPT uint8, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	follows := e.sequence(p)
	switch p.payloadType {
	case eventPT:
		e.event(p)
	case ptPCMA, ptPCMU:
		if follows && e.record { // keep the recording in step with the sender's clock
			if hole := int32(p.timestamp - e.lastTS); hole > 0 && hole < longestHole {
				e.kept = append(e.kept, make([]int16, hole)...)
			}
		}
		e.lastTS = p.timestamp + uint32(len(p.payload))
		e.audio(p, now)
	}
}

// sequence counts a packet and what is missing before it; it tells whether
// the packet continues the stream of the previous one.
func (e *Ear) sequence(p packet) bool {
	follows := e.heard.Packets > 0 && p.ssrc == e.ssrc
	if gap := int16(p.seq - e.lastSeq); follows && gap > 1 {
		e.heard.Lost += int(gap) - 1
	}
	e.heard.Packets++
	e.ssrc, e.lastSeq = p.ssrc, p.seq
	return follows
}

func (e *Ear) audio(p packet, now time.Time) {
	pcm := decode(p.payloadType, p.payload)
	length := time.Duration(len(pcm)) * time.Second / rate
	e.heard.Audio += length
	if e.record {
		e.kept = append(e.kept, pcm...)
	}
	if rms(pcm) > loud {
		e.pause(now)
		e.heard.Sound += length
		e.heard.Silence = max(e.heard.Silence, now.Sub(e.lastSound))
		e.lastSound, e.speaking = now, true
	}
	for e.samples = append(e.samples, pcm...); len(e.samples) >= window; {
		e.judge(e.samples[:window], now)
		e.samples = append(e.samples[:0], e.samples[window:]...)
	}
}

// pause notices that a prompt has ended.
func (e *Ear) pause(now time.Time) {
	if e.speaking && now.Sub(e.lastSound) > pauseEnds {
		e.speaking = false
		e.heard.Prompts++
	}
}

// judge finds the one known frequency that makes up most of a window.
func (e *Ear) judge(pcm []int16, now time.Time) {
	if rms(pcm) <= loud {
		return
	}
	for _, hz := range e.listen {
		if purity(pcm, hz) < pure {
			continue
		}
		t, ok := e.tones[hz]
		if !ok {
			t = Tone{Hz: hz, First: max(0, now.Sub(e.begin)-windowFor)}
		}
		t.For += windowFor
		e.tones[hz] = t
		return
	}
}

// event takes an RFC 4733 packet: a digit counts once, at its first packet.
func (e *Ear) event(p packet) {
	if len(p.payload) < 4 || e.events && p.timestamp == e.eventTS {
		return
	}
	if int(p.payload[0]) < len(keys) {
		e.heard.Digits += string(keys[p.payload[0]])
	}
	e.events, e.eventTS = true, p.timestamp
}
