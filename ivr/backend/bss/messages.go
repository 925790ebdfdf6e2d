package bss

import (
	"encoding/json"
	"net/http"
	"time"
)

// Message is one that the system would have sent.
type Message struct {
	At       time.Time       `json:"at"`
	Channel  string          `json:"channel"`
	To       string          `json:"to"`
	Template string          `json:"template"`
	Language string          `json:"language"`
	Data     json.RawMessage `json:"data,omitempty"`
}

func (s *System) takeMessage(r *http.Request) (int, any) {
	var m Message
	if err := read(r, &m); err != nil || m.To == "" || m.Template == "" {
		return bad(errBody)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.At = s.now()
	s.messages.add(m)
	return http.StatusAccepted, struct{}{}
}

// Messages returns what would have been sent, the oldest first.
func (s *System) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Message{}
	for _, m := range s.messages.list {
		out = append(out, *m)
	}
	return out
}

func (s *System) listMessages(*http.Request) (int, any) { return http.StatusOK, s.Messages() }
