package flow

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tierline/ivr"
	"tierline/routing/document"
)

const help = `  12#          keys, one after another
  (empty)      silence until something happens
  wait 30s     silence for so long
  talk 5s      speak for so long, into a recording
  answer       an agent takes the waiting call
  leave        the agent, or the far end of a transfer, hangs up
  queue full   the wait ends: timeout, full, long, no_staff, closed, offline
  where        where the call is, its language, path and variables
  q            hang up
`

// do obeys one line.
func (d *dialogue) do(line string) {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	switch {
	case word == "":
		d.silence()
	case isKeys(line):
		d.call.Press(word)
	case word == "wait" || word == "talk":
		d.pass(word, rest)
	case word == "queue":
		d.leaveQueue(rest)
	default:
		d.order(word)
	}
}

// isKeys tells lines of keys from commands.
func isKeys(line string) bool {
	line = strings.TrimSpace(line)
	return line != "" && strings.Trim(line, "0123456789*#ABCD") == ""
}

func (d *dialogue) order(word string) {
	talking := "the caller talks to nobody"
	switch word {
	case "answer":
		if !d.call.Queued() {
			d.printf("         the call waits in no queue\n")
			return
		}
		d.call.Answer()
		d.printf("%7.1fs    talks to an agent (leave: the agent hangs up)\n", d.call.Now().Seconds())
	case "leave":
		switch {
		case !d.call.Talking():
			d.printf("         %s\n", talking)
		case d.call.Transferred():
			d.call.FarEndLeaves()
		default:
			d.call.AgentLeaves()
		}
	case "where":
		d.where()
	case "q", "quit", "exit", "hangup":
		d.call.HangUp()
	case "?", "help":
		d.printf("%s", help)
	default:
		words := []string{"wait", "talk", "answer", "leave", "queue", "where", "q", "?"}
		d.printf("         %q is no key and no command%s; ? lists them\n", word, document.DidYouMean(word, words))
	}
}

// pass lets time pass, showing what happens.
func (d *dialogue) pass(word, rest string) {
	long, err := document.ParseDuration(rest)
	if err != nil || long > 24*time.Hour {
		d.printf("         how long? %s 5s\n", word)
		return
	}
	if word == "talk" {
		if !d.call.Recording() {
			d.printf("         nobody records the caller here\n")
			return
		}
		d.call.Talk(long)
		return
	}
	d.call.Wait(long)
}

func (d *dialogue) leaveQueue(cause string) {
	causes := []string{ivr.LeftTimeout, ivr.LeftFull, ivr.LeftLong, ivr.LeftNoStaff, ivr.LeftClosed, ivr.LeftOffline}
	switch {
	case !slices.Contains(causes, cause):
		d.printf("         queue %s\n", strings.Join(causes, ", queue "))
	case !d.call.Queued():
		d.printf("         the call waits in no queue\n")
	default:
		d.call.Leave(cause)
	}
}

func (d *dialogue) where() {
	s := d.call.Session()
	d.printf("         node %s, language %s, path %s\n", d.call.Node(), s.Language(), strings.Join(s.Path(), " > "))
	for _, v := range d.flow.Variables() {
		value, _ := s.Variable(v)
		d.printf("         %s: %s\n", v, spelledValue(value))
	}
}

func spelledValue(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}
