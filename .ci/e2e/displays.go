package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// ladder is what a trace tells of a call's messages.
type ladder struct {
	Legs []struct {
		Role string `json:"role"`
		Name string `json:"name"`
	} `json:"legs"`
	Entries []struct {
		Leg *int `json:"leg"`
		SIP *struct {
			Out  bool        `json:"out"`
			Text bed.Message `json:"text"`
		} `json:"sip"`
	} `json:"entries"`
}

// taken looks for the newest request that told an agent's phone whom he talks to,
// and whether the phone took it.
func (t ladder) taken(agent string) (whom string, yes bool) {
	sequence := ""
	for _, e := range t.Entries {
		if e.SIP == nil || e.Leg == nil || t.Legs[*e.Leg].Role != "agent" || t.Legs[*e.Leg].Name != agent {
			continue
		}
		m := e.SIP.Text
		switch who := m.Header("P-Asserted-Identity"); {
		case e.SIP.Out && who != "":
			whom, yes, sequence = who, false, m.Header("CSeq")
		case !e.SIP.Out && m.Header("CSeq") == sequence:
			yes = yes || strings.HasPrefix(string(m), "SIP/2.0 200 ")
		}
	}
	return whom, yes
}

// shows waits until an agent's phone has taken whom it is to display, in a call of
// a number.
func (l *lab) shows(ctx context.Context, number, agent, whom string) error {
	return bed.Eventually(5*time.Second, func() error {
		var t ladder
		if err := l.node.Get(ctx, "/api/v1/calls/"+number+"/trace", &t); err != nil {
			return err
		}
		if got, yes := t.taken(agent); !yes || !strings.Contains(got, "<sip:"+whom+"@") {
			return fmt.Errorf("the phone of %s was told that he talks to %q (it took that: %v), not to %s",
				agent, got, yes, whom)
		}
		return nil
	})
}
