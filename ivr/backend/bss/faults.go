package bss

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault is something that goes wrong on purpose.
type Fault struct {
	Match  string `json:"match"`            // beginning of method and path: "GET /v1/bills/"
	Times  int    `json:"times,omitempty"`  // so often; 0: until it is taken away
	Delay  string `json:"delay,omitempty"`  // before the answer: "2s"
	Status int    `json:"status,omitempty"` // instead of the answer
	Body   string `json:"body,omitempty"`   // instead of the answer: a kind of bodies

	delay time.Duration
}

// Kinds of bodies.
const (
	bodyGarbage = "garbage"     // no JSON
	bodyHTML    = "html"        // another type
	bodyHuge    = "huge"        // ten megabytes
	bodyWrong   = "wrong_types" // JSON of other types
	bodyDrip    = "drip"        // a byte in 200 ms
	bodyHang    = "hang"        // nothing
	bodyClose   = "close"       // half of an answer
)

func bodies() []string {
	return []string{"", bodyGarbage, bodyHTML, bodyHuge, bodyWrong, bodyDrip, bodyHang, bodyClose}
}

var errFault = errors.New("a list of faults with match, times, delay (at most 1m), status (200–599) and body is needed")

// SetFaults replaces all faults.
func (s *System) SetFaults(list []Fault) error {
	if len(list) > maxFaults {
		return fmt.Errorf("%w: at most %d", errFault, maxFaults)
	}
	list = slices.Clone(list)
	for i := range list {
		f := &list[i]
		var err error
		if f.Delay != "" {
			f.delay, err = time.ParseDuration(f.Delay)
		}
		if err != nil || f.delay < 0 || f.delay > time.Minute || f.Times < 0 || !slices.Contains(bodies(), f.Body) ||
			(f.Status != 0 && (f.Status < 200 || f.Status > 599)) || !strings.Contains(f.Match, " /") {
			return fmt.Errorf("%w: number %d", errFault, i+1)
		}
		if f.Times == 0 {
			f.Times = -1
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = list
	return nil
}

func (s *System) setFaults(r *http.Request) (int, any) {
	var list []Fault
	if r.Method == http.MethodPut {
		if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
			return bad(errFault)
		}
	}
	if err := s.SetFaults(list); err != nil {
		return bad(err)
	}
	return s.listFaults(r)
}

func (s *System) listFaults(*http.Request) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Fault{}
	for _, f := range s.faults {
		f.Times = max(f.Times, 0)
		out = append(out, f)
	}
	return http.StatusOK, out
}

// takeFault returns the first fault for a request, if there is one left.
func (s *System) takeFault(r *http.Request) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !strings.HasPrefix(r.Method+" "+r.URL.Path, f.Match) {
			continue
		}
		if f.Times > 0 {
			s.faults[i].Times--
			if f.Times == 1 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return f, true
	}
	return Fault{}, false
}

// fault does what somebody asked to go wrong. It tells whether that was the
// answer.
func (s *System) fault(w http.ResponseWriter, r *http.Request) (answered bool) {
	f, ok := s.takeFault(r)
	if !ok {
		return false
	}
	if !pause(r, f.delay) {
		return true
	}
	if f.Status == 0 && f.Body == "" {
		return false
	}
	if f.Body == bodyHang {
		<-r.Context().Done()
		return true
	}
	status := f.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.Header().Set("Content-Type", "application/json")
	if f.Body == bodyHTML {
		w.Header().Set("Content-Type", "text/html")
	}
	if f.Body == bodyClose {
		w.Header().Set("Content-Length", "1000")
	}
	w.WriteHeader(status)
	spoil(w, r, f.Body)
	return true
}

// spoil writes a body that nobody wants.
func spoil(w http.ResponseWriter, r *http.Request, kind string) {
	say := func(text string) bool { _, err := w.Write([]byte(text)); return err == nil }
	switch kind {
	case bodyGarbage:
		say("\x00\x01 {{{ garbage")
	case bodyHTML:
		say("<html><title>Please sign in</title></html>")
	case bodyWrong:
		say(`{"id":7,"tier":["gold"],"total":12.5,"month":"soon","expiring":"many","state":true,"number":{},"outage":"no"}`)
	case bodyHuge:
		for i := 0; i < 10<<20 && say(strings.Repeat("x", 1<<16)); i += 1 << 16 {
		}
	case bodyDrip:
		for range 300 {
			if !say(" ") || http.NewResponseController(w).Flush() != nil || !pause(r, 200*time.Millisecond) {
				return
			}
		}
	case bodyClose:
		say(`{"total":`)
	}
}
