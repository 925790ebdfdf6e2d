package media

import (
	"time"

	"tierline/media/dtmf"
	"tierline/media/rtp"
)

// maxLost is how many packets may be lost without making a pause.
const maxLost = 3

// toneTime is how long a tone has lasted when it is told.
const toneTime = 30 * time.Millisecond

// inband listens for keys in the sound of a leg. Few legs need it, so it is
// made for those.
type inband struct {
	detector *dtmf.Detector
	started  bool
	ssrc     uint32
	sequence uint16 // of the newest packet
	next     uint32 // timestamp of what comes after it
	key      rune   // heard in this packet; 0 = none
	claimed  bool   // the tone that sounds is nobody else's business
	linear   [maxPtime * 8]int16
}

// hear listens to a packet. What comes late or twice is passed over. A lost
// packet takes nothing from a key and no pause from two of them; a pause that
// the peer didn't send is one.
func (i *inband) hear(h rtp.Header, payload []byte, codec Codec) rune {
	switch ahead := int16(h.Sequence - i.sequence); {
	case !i.started || h.SSRC != i.ssrc:
		i.started, i.ssrc = true, h.SSRC
		i.detector.Skip(leap)
	case ahead <= 0 && ahead > -maxBehind:
		return 0
	case ahead == 1 || ahead > maxLost || ahead < 0:
		if gap := int32(h.Timestamp - i.next); gap > 0 {
			i.detector.Skip(int(gap))
		}
	}
	i.sequence, i.next, i.key = h.Sequence, h.Timestamp+uint32(len(payload)), 0
	for len(payload) > 0 {
		n := min(len(payload), len(i.linear))
		for j, c := range payload[:n] {
			i.linear[j] = decodeSample(codec, c)
		}
		payload = payload[n:]
		i.detector.Feed(i.linear[:n], i.heard)
	}
	i.claimed = i.claimed && i.detector.Sounding()
	return i.key
}

func (i *inband) heard(key rune) { i.key = key }

// listenInband begins or ends listening in the sound.
func (l *Leg) listenInband(on bool) {
	switch {
	case !on:
		l.inband = nil
	case l.inband == nil:
		l.inband = &inband{detector: dtmf.NewDetector()}
	}
}

// listen takes what a packet means to ourselves, and returns what it is to a
// bridge.
func (l *Leg) listen(k kind, h rtp.Header, payload []byte, now time.Duration) kind {
	if k == kindAudio {
		l.listenTo(h, payload, now)
		if l.inband != nil && l.inband.claimed && l.params.Codec != Opus {
			return kindClaimed
		}
		return k
	}
	if k != kindEvent {
		return k
	}
	if p, ok := l.digits.Packet(h, payload, now); ok {
		l.heard++
		if l.params.Codes && l.code.key(p.Key, now) {
			l.digits.Claim()
		}
		l.emit(Digit{Code: p.Key, DurationMS: int(p.Duration.Milliseconds())})
	}
	if l.digits.Claimed(h, payload) {
		return kindClaimed
	}
	return k
}

// claim keeps to ourselves what is still to come of keys that had their effect: who
// answers while the menu's key is pressed must not hear the rest of it.
func (l *Leg) claim() {
	l.digits.Claim()
	if l.inband != nil {
		l.inband.claimed = l.inband.detector.Sounding()
	}
}

// listenTo takes sound: for keys in it and for recordings of it.
func (l *Leg) listenTo(h rtp.Header, payload []byte, now time.Duration) {
	if l.inband == nil && l.recorder == nil && l.tap == nil || l.params.Codec == Opus {
		return
	}
	payload, codec := l.sound(payload)
	if l.inband != nil {
		if key := l.inband.hear(h, payload, codec); key != 0 {
			l.heard++
			l.emit(Digit{Source: dtmf.Inband, Code: key, DurationMS: int(toneTime.Milliseconds())})
		}
	}
	if l.recorder != nil {
		l.record(h, payload, codec, now)
	}
	if l.tap != nil {
		l.tap.take(h, payload, codec, now)
	}
}
