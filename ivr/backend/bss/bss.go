package bss

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"tierline/routing/customer"
	"tierline/routing/trunk"
)

// Limits of what is kept.
const (
	maxBody     = 16 << 10
	maxKept     = 2000 // cases, messages, tests, answers to repeat, each
	maxFaults   = 100
	defaultTest = 3 * time.Second
)

// Config says whose business system it is.
type Config struct {
	Customers *customer.Directory
	Token     string           // bearer token that callers must show; "" none
	TestTime  time.Duration    // how long the test of a line takes; 0: 3 s
	Now       func() time.Time // nil: the clock
	Log       *slog.Logger
}

// System is the business system.
type System struct {
	cfg   Config
	zone  *time.Location
	serve http.Handler

	mu       sync.Mutex // guards all below
	pins     map[string]string
	cases    ring[openCase]
	count    int
	tests    ring[lineTest]
	messages ring[Message]
	answers  ring[repeated]
	faults   []Fault
}

// New returns a system in which nothing has happened yet.
func New(cfg Config) *System {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.TestTime == 0 {
		cfg.TestTime = defaultTest
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &System{cfg: cfg, zone: time.FixedZone("CST", 8*3600), pins: map[string]string{}}
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(*http.Request) (int, any){
		"GET /v1/customers/by-phone/{phone}":  s.getCustomer,
		"POST /v1/auth/pin":                   s.checkPIN,
		"POST /v1/auth/pin/change":            s.changePIN,
		"GET /v1/bills/{account}/latest":      s.getBill,
		"GET /v1/points/{account}":            s.getPoints,
		"GET /v1/orders/{number}":             s.getOrder,
		"GET /v1/plans/{account}":             s.getPlan,
		"POST /v1/tests":                      s.beginTest,
		"GET /v1/tests/{id}":                  s.getTest,
		"POST /v1/tickets":                    s.openTicket,
		"POST /v1/complaints":                 s.openComplaint,
		"GET /v1/complaints/by-phone/{phone}": s.getComplaint,
		"POST /v1/messages":                   s.takeMessage,
		"GET /messages":                       s.listMessages,
		"GET /faults":                         s.listFaults,
		"PUT /faults":                         s.setFaults,
		"DELETE /faults":                      s.setFaults,
	} {
		mux.Handle(pattern, s.handler(h))
	}
	s.serve = mux
	return s
}

// ServeHTTP implements http.Handler.
func (s *System) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := s.cfg.Now()
	if s.cfg.Token != "" && r.Header.Get("Authorization") != "Bearer "+s.cfg.Token {
		w.Header().Set("WWW-Authenticate", "Bearer")
		write(w, http.StatusUnauthorized, problem("sign in"))
		return
	}
	if !strings.HasPrefix(r.URL.Path, "/v1/") || !s.fault(w, r) {
		s.serve.ServeHTTP(w, r)
	}
	s.cfg.Log.Debug("asked", "method", r.Method, "took", s.cfg.Now().Sub(began)) // paths hold numbers
}

// handler writes what a function answers, and the same again for the same
// idempotency key.
func (s *System) handler(h func(*http.Request) (int, any)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		key := r.Header.Get("Idempotency-Key")
		if r.Method != http.MethodPost || key == "" {
			status, v := h(r)
			write(w, status, v)
			return
		}
		s.once(w, r, key, h)
	})
}

// repeated is an answer to a request that may come again.
type repeated struct {
	key    string
	done   chan struct{} // closed once there is an answer
	status int
	value  any
}

func (s *System) once(w http.ResponseWriter, r *http.Request, key string, h func(*http.Request) (int, any)) {
	key = r.URL.Path + " " + key
	s.mu.Lock()
	a := s.answers.find(func(a *repeated) bool { return a.key == key })
	first := a == nil
	if first {
		a = s.answers.add(repeated{key: key, done: make(chan struct{})})
	}
	s.mu.Unlock()
	if first {
		a.status, a.value = h(r)
		close(a.done)
	}
	select {
	case <-a.done:
		write(w, a.status, a.value)
	case <-r.Context().Done():
	}
}

// created is an answer with the place of what was made.
type created struct {
	location string
	value    any
}

func write(w http.ResponseWriter, status int, v any) {
	if c, ok := v.(created); ok {
		w.Header().Set("Location", c.location)
		v = c.value
	}
	w.Header().Set("Content-Type", "application/json")
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"title":"can't be written"}`)
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // who has gone needs no answer
}

func problem(title string) any { return map[string]string{"title": title} }

func notFound(what string) (int, any) { return http.StatusNotFound, problem("no such " + what) }

func bad(err error) (int, any) { return http.StatusBadRequest, problem(err.Error()) }

// errBody says that a request can't be read; never what stands in it.
var errBody = errors.New("the body must be one JSON object with the fields that the page names")

func read(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errBody
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errBody
	}
	return nil
}

// now is the time in the customers' zone.
func (s *System) now() time.Time { return s.cfg.Now().In(s.zone) }

// account finds a customer by his id or one of his numbers.
func (s *System) account(key string) (record, bool) {
	p, ok := s.cfg.Customers.ByID(key)
	if !ok {
		p, ok = s.cfg.Customers.ByNumber(trunk.Numbering{}.Normalise(key))
	}
	if !ok {
		return record{}, false
	}
	return newRecord(p), true
}

func (s *System) getCustomer(r *http.Request) (int, any) {
	if c, ok := s.account(r.PathValue("phone")); ok {
		return http.StatusOK, c.profile()
	}
	return notFound("customer")
}

func (s *System) getBill(r *http.Request) (int, any) {
	c, ok := s.account(r.PathValue("account"))
	switch {
	case !ok || c.is(noBill):
		return notFound("bill")
	case c.is(failing):
		return http.StatusInternalServerError, problem("bills can't be read now")
	case c.is(slow):
		if !pause(r, 1200*time.Millisecond) {
			return http.StatusServiceUnavailable, problem("nobody waits")
		}
	}
	return http.StatusOK, c.bill(s.now())
}

func (s *System) getPoints(r *http.Request) (int, any) {
	if c, ok := s.account(r.PathValue("account")); ok && !c.is(noPoints) {
		return http.StatusOK, c.points(s.now())
	}
	return notFound("account")
}

func (s *System) getPlan(r *http.Request) (int, any) {
	if c, ok := s.account(r.PathValue("account")); ok && !c.is(noPlan) {
		return http.StatusOK, c.plan(s.now())
	}
	return notFound("plan")
}

func (s *System) getOrder(r *http.Request) (int, any) {
	if o, ok := s.order(r.PathValue("number"), s.now()); ok {
		return http.StatusOK, o
	}
	return notFound("order")
}

var sixDigits = regexp.MustCompile(`^[0-9]{6}$`)

func (s *System) checkPIN(r *http.Request) (int, any) {
	var q struct{ Account, PIN string }
	if err := read(r, &q); err != nil {
		return bad(err)
	}
	if !s.right(q.Account, q.PIN) {
		return http.StatusUnauthorized, problem("not this PIN")
	}
	return http.StatusOK, struct{}{}
}

// right tells whether a PIN is the one of an account. Nobody learns whether
// the account exists.
func (s *System) right(account, pin string) bool {
	c, ok := s.account(account)
	if !ok || c.is(pinLocked) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	want, changed := s.pins[c.ID]
	if !changed {
		want = c.firstPIN()
	}
	return pin == want
}

func (s *System) changePIN(r *http.Request) (int, any) {
	var q struct{ Account, Old, New string }
	if err := read(r, &q); err != nil {
		return bad(err)
	}
	if !s.right(q.Account, q.Old) {
		return http.StatusUnauthorized, problem("not this PIN")
	}
	if !sixDigits.MatchString(q.New) || q.New == q.Old {
		return http.StatusUnprocessableEntity, problem("the new PIN must be six digits, other than before")
	}
	c, _ := s.account(q.Account)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pins[c.ID] = q.New // there are no more PINs than customers
	return http.StatusOK, struct{}{}
}

// pause waits, and tells whether anybody still waits with us.
func pause(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
