package trace

import (
	"encoding/json"
	"time"

	"tierline/acd"
)

// Told is a fact with the time of day it has in the records.
type Told struct {
	At   time.Time
	Fact acd.Fact
}

// Recall makes a trace of what the records keep of a call: what the log said,
// and how its legs sounded in all. Messages are in no record.
func Recall(call string, told []Told) Call {
	c := Call{ID: call, Ended: true}
	agents := map[string]int{}
	for i := range told {
		f := &told[i].Fact
		at := told[i].At
		text, err := json.Marshal(f)
		if err != nil || f.Kind == acd.FactAgentState || f.Kind == acd.FactAgentNext {
			continue
		}
		if c.Began.IsZero() {
			c.Began = at
		}
		if f.Kind == acd.FactCallArrived {
			c.From, c.To = f.From, f.To
			c.Legs = append(c.Legs, Leg{CallID: f.SIPCallID, Role: Caller})
		}
		if _, known := agents[f.Agent]; f.Agent != "" && !known {
			agents[f.Agent] = len(c.Legs)
			c.Legs = append(c.Legs, Leg{Role: Agent, Name: f.Agent})
		}
		add := func(e Entry) {
			e.At, e.Seq = at, uint64(len(c.Entries)+1)
			c.Entries = append(c.Entries, e)
		}
		if f.Quality != nil {
			leg := 0
			if f.Kind == acd.FactAgentReleased {
				leg = agents[f.Agent]
			}
			if leg < len(c.Legs) {
				sound := SoundOf(*f.Quality)
				add(Entry{Kind: KindRTP, Leg: leg, RTP: &sound})
			}
		}
		add(Entry{Kind: KindEvent, Leg: -1, Event: text})
	}
	return c
}

// SoundOf is what a record says of a leg's RTP.
func SoundOf(q acd.Quality) Sound {
	const ms = time.Millisecond
	return Sound{
		Final: true, Codec: q.Codec, Sent: q.Sent, Received: q.Received, Lost: q.Lost, Late: q.Late,
		Jitter: time.Duration(q.JitterMS) * ms, MaxGap: time.Duration(q.MaxGapMS) * ms,
		RemoteLost: q.RemoteLost, RemoteShake: time.Duration(q.RemoteJitter) * ms,
		RoundTrip: time.Duration(q.RoundTripMS) * ms, MOS: q.MOS, RemoteMOS: q.RemoteMOS,
	}
}
