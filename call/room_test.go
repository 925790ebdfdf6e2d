package call

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tierline/call/sdp"
)

// company makes members of a line such as "caller agent:hold supervisor:whisper".
func company(text string) (all []*member, names map[*member]string) {
	names = map[*member]string{}
	roles := map[string]role{
		"caller": roleCaller, "agent": roleAgent, "consulted": roleConsulted, "far": roleFar, "supervisor": roleSupervisor,
	}
	for word := range strings.FieldsSeq(text) {
		parts := strings.Split(word, ":")
		m := &member{party: &party{agreed: sdp.Negotiated{Send: true, Receive: true}}, role: roles[parts[0]], mode: modeListen}
		for _, p := range parts[1:] {
			switch p {
			case "hold": // his phone's
				m.agreed = sdp.Negotiated{Hold: true, Receive: true}
			case "gone": // nothing comes from there
				m.agreed = sdp.Negotiated{Hold: true}
			case "held":
				m.held = true
			case "muted":
				m.muted = true
			case "whisper":
				m.mode = modeWhisper
			case "barge":
				m.mode = modeBarge
			}
		}
		all, names[m] = append(all, m), parts[0]
	}
	return all, names
}

func TestWhoHearsWhom(t *testing.T) {
	for members, want := range map[string]string{
		"caller agent":                                   "agent<caller caller<agent pair",
		"caller agent:hold":                              "music:caller",
		"caller:hold agent":                              "agent<caller caller<agent pair",
		"caller:gone agent":                              "",
		"caller:held agent":                              "music:caller",
		"caller:muted agent":                             "caller<agent",
		"caller agent:muted":                             "agent<caller",
		"caller far":                                     "caller<far far<caller pair",
		"caller far:gone":                                "music:caller",
		"caller:held agent consulted":                    "agent<consulted consulted<agent music:caller pair",
		"caller agent consulted:held":                    "agent<caller caller<agent music:consulted pair",
		"caller agent consulted":                         "agent<caller agent<consulted caller<agent caller<consulted consulted<agent consulted<caller",
		"caller:held agent far":                          "agent<far far<agent music:caller pair",
		"caller agent supervisor":                        "agent<caller caller<agent supervisor<agent supervisor<caller",
		"caller agent supervisor:whisper":                "agent<caller agent<supervisor caller<agent supervisor<agent supervisor<caller",
		"caller agent supervisor:barge":                  "agent<caller agent<supervisor caller<agent caller<supervisor supervisor<agent supervisor<caller",
		"caller agent:hold supervisor:barge":             "caller<supervisor pair supervisor<caller",
		"caller agent:hold supervisor":                   "music:caller supervisor<caller",
		"caller:held agent supervisor:whisper":           "agent<supervisor music:caller pair supervisor<agent",
		"caller:held agent consulted supervisor:whisper": "agent<consulted agent<supervisor consulted<agent music:caller supervisor<agent supervisor<consulted",
		"caller:held agent:held supervisor:whisper":      "agent<supervisor music:caller pair supervisor<agent",
		"caller agent:held supervisor":                   "music:caller supervisor<agent supervisor<caller",
		"caller":                                         "music:caller",
	} {
		all, names := company(members)
		p := arrangement(all)
		var got []string
		for who := range p.hears {
			got = append(got, names[who[0]]+"<"+names[who[1]])
		}
		for _, m := range p.music {
			got = append(got, "music:"+names[m])
		}
		if p.pair() {
			got = append(got, "pair")
		}
		slices.Sort(got)
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s:\n got %s\nwant %s", members, text, want)
		}
	}
}

// Whatever the company, nobody hears himself or who may not be heard, and
// nobody from outside sits in silence.
func TestNobodyIsLeftInSilence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := []string{"caller"}
		for range rapid.IntRange(0, 8).Draw(t, "others") {
			words = append(words, rapid.SampledFrom([]string{"agent", "consulted", "far", "supervisor"}).Draw(t, "role"))
		}
		for i := range words {
			for _, state := range []string{":hold", ":gone", ":held", ":muted", ":whisper", ":barge"} {
				if rapid.IntRange(0, 5).Draw(t, state) == 0 {
					words[i] += state
				}
			}
		}
		all, names := company(strings.Join(words, " "))
		p := arrangement(all)
		for who := range p.hears {
			listener, speaker := who[0], who[1]
			// An agent who holds the caller himself is still looked after.
			held := func(m, other *member) bool {
				return m.held && (m.role != roleAgent || other.role != roleSupervisor)
			}
			quiet := held(speaker, listener) || held(listener, speaker) || speaker.muted || speaker.away() || listener.away()
			secret := speaker.role == roleSupervisor && (speaker.mode == modeListen ||
				speaker.mode == modeWhisper && listener.role != roleAgent)
			if listener == speaker || quiet || secret {
				t.Errorf("%v: %s hears %s", words, names[listener], names[speaker])
			}
		}
		for _, m := range all {
			music := slices.Contains(p.music, m)
			talks := slices.ContainsFunc(all, m.talksWith)
			if outside := m.role == roleCaller || m.role == roleFar; outside && !m.agreed.Hold && !music && !talks {
				t.Errorf("%v: %s hears nothing", words, names[m])
			}
			if music && slices.ContainsFunc(all, m.hears) {
				t.Errorf("%v: %s hears music and others", words, names[m])
			}
		}
	})
}
