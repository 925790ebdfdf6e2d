package bss

import (
	"fmt"
	"net/http"
	"time"

	"tierline/routing"
)

// openCase is a ticket or a complaint.
type openCase struct {
	complaint bool
	number    string
	line      string // of a ticket
	customer  string // "" if he isn't one
	phone     string
	kind      string
	promise   time.Time
	owner     string // of a complaint: who took it first answers for it (首问负责)
}

type ticket struct {
	Number   string `json:"number"`
	Promise  string `json:"promise"`
	Owner    string `json:"owner,omitempty"`
	Repeated bool   `json:"repeated"`
}

func (c *openCase) ticket(again bool) ticket {
	return ticket{c.number, c.promise.Format(time.RFC3339), c.owner, again}
}

func (s *System) openTicket(r *http.Request) (int, any) {
	var q struct{ Number, Kind, Test string }
	if err := read(r, &q); err != nil || q.Number == "" {
		return bad(errBody)
	}
	c, known := s.account(q.Number)
	within := 24 * time.Hour
	if known {
		within = [...]time.Duration{
			routing.Diamond: 4 * time.Hour, routing.Gold: 8 * time.Hour, routing.Silver: 16 * time.Hour,
			routing.Standard: within,
		}[c.Tier]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	same := func(x *openCase) bool { return !x.complaint && x.line == q.Number && x.kind == q.Kind }
	if old := s.cases.find(same); old != nil {
		return http.StatusOK, old.ticket(true)
	}
	made := s.cases.add(openCase{
		number: s.next("8"), line: q.Number, customer: c.ID, kind: q.Kind, promise: s.promise(within),
	})
	return http.StatusCreated, made.ticket(false)
}

func (s *System) openComplaint(r *http.Request) (int, any) {
	var q struct{ Phone, Recording, Text string }
	if err := read(r, &q); err != nil {
		return bad(err)
	}
	c, known := s.account(q.Phone)
	within := 48 * time.Hour
	if known {
		within = [...]time.Duration{
			routing.Diamond: 4 * time.Hour, routing.Gold: 8 * time.Hour, routing.Silver: 24 * time.Hour,
			routing.Standard: within,
		}[c.Tier]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, again := s.owner(c.ID, q.Phone)
	made := s.cases.add(openCase{
		complaint: true, number: s.next("6"), customer: c.ID, phone: q.Phone, promise: s.promise(within), owner: owner,
	})
	return http.StatusCreated, made.ticket(again)
}

// owner returns who answers for a customer's complaints, and whether he has
// complained before; s.mu is held.
func (s *System) owner(id, phone string) (name string, again bool) {
	if old := s.complaint(id, phone); old != nil {
		return old.owner, true
	}
	owners := []string{"1002", "1001"} // the best of the demo at complaints
	return owners[s.count%len(owners)], false
}

// complaint returns the last complaint of a customer or a number; s.mu is held.
func (s *System) complaint(id, phone string) *openCase {
	return s.cases.find(func(x *openCase) bool {
		return x.complaint && ((id != "" && x.customer == id) || (id == "" && phone != "" && x.phone == phone))
	})
}

func (s *System) getComplaint(r *http.Request) (int, any) {
	phone := r.PathValue("phone")
	c, _ := s.account(phone)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.complaint(c.ID, phone); old != nil {
		return http.StatusOK, old.ticket(true)
	}
	return notFound("complaint")
}

// next returns the number of the next case; s.mu is held.
func (s *System) next(prefix string) string {
	s.count++
	return fmt.Sprintf("%s%s%04d", prefix, s.now().Format("0102"), s.count%10000)
}

// promise is a full hour, not before the time that is given.
func (s *System) promise(after time.Duration) time.Time {
	return s.now().Add(after + time.Hour - time.Nanosecond).Truncate(time.Hour)
}

// lineTest is a test of a line that somebody asked for.
type lineTest struct {
	id   string
	at   time.Time
	line record
}

type testResult struct {
	Result  string `json:"result"`
	Outage  bool   `json:"outage"`
	Restore string `json:"restore"`
}

func (s *System) beginTest(r *http.Request) (int, any) {
	var q struct{ Number, Kind string }
	if err := read(r, &q); err != nil {
		return bad(err)
	}
	c, ok := s.account(q.Number)
	if !ok || c.is(noLine) {
		return notFound("line")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	t := s.tests.add(lineTest{id: fmt.Sprint(s.count), at: s.cfg.Now(), line: c})
	return http.StatusAccepted, created{"/v1/tests/" + t.id, struct{}{}}
}

func (s *System) getTest(r *http.Request) (int, any) {
	id := r.PathValue("id")
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tests.find(func(t *lineTest) bool { return t.id == id })
	switch {
	case t == nil:
		return notFound("test")
	case t.line.is(endless) || s.cfg.Now().Sub(t.at) < s.cfg.TestTime:
		return http.StatusAccepted, struct{}{}
	case t.line.is(outage):
		return http.StatusOK, testResult{"outage", true, s.promise(2 * time.Hour).Format(time.RFC3339)}
	case t.line.is(broken):
		return http.StatusOK, testResult{Result: "no_signal"}
	}
	return http.StatusOK, testResult{Result: "ok"}
}
