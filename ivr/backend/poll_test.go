package backend

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/ivr"
)

// job is a far end that works on a question for a while.
type job struct {
	began  time.Time
	takes  time.Duration
	after  string // Retry-After
	faults int    // polls that fail first
	end    func(w http.ResponseWriter)
	log    []string // who asked when
}

func (j *job) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if j.began.IsZero() {
		j.began = time.Now()
	}
	j.log = append(j.log, time.Since(j.began).String()+" "+r.Method+" "+r.URL.RequestURI())
	w.Header().Set("Retry-After", j.after)
	switch {
	case r.Method == http.MethodPost:
		w.Header().Set("Location", "/api/v1/tests/1?view=short")
		w.WriteHeader(http.StatusAccepted)
	case j.faults > 0:
		j.faults--
		w.WriteHeader(http.StatusBadGateway)
	case time.Since(j.began) < j.takes:
		w.WriteHeader(http.StatusAccepted)
	case j.end != nil:
		j.end(w)
	default:
		reply(w, 200, `{"result":"ok"}`)
	}
}

func TestPoll(t *testing.T) {
	const at = " GET /api/v1/tests/1?view=short"
	tests := map[string]struct {
		job    job
		status ivr.LookupStatus
		took   time.Duration
		log    []string
	}{
		"soon":         {job{takes: time.Second}, ivr.LookupOK, time.Second, []string{"1s" + at}},
		"later":        {job{takes: 2500 * time.Millisecond}, ivr.LookupOK, 3 * time.Second, []string{"1s" + at, "2s" + at, "3s" + at}},
		"less often":   {job{takes: 2500 * time.Millisecond, after: "2"}, ivr.LookupOK, 4 * time.Second, []string{"2s" + at, "4s" + at}},
		"faults":       {job{faults: 2}, ivr.LookupOK, 3 * time.Second, []string{"1s" + at, "2s" + at, "3s" + at}},
		"never":        {job{takes: time.Hour}, ivr.LookupError, 5 * time.Second, []string{"1s" + at, "2s" + at, "3s" + at, "4s" + at, "5s" + at}},
		"much later":   {job{takes: time.Hour, after: "60"}, ivr.LookupError, 0, nil},
		"no such line": {job{end: func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }}, ivr.LookupNotFound, time.Second, []string{"1s" + at}},
		"garbage":      {job{end: func(w http.ResponseWriter) { reply(w, 200, "?") }}, ivr.LookupError, time.Second, []string{"1s" + at}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := tt.job
			inLab(t, j.ServeHTTP, func(l *lab) {
				l.policy.Poll = ivr.Poll{Every: time.Second, Max: 5 * time.Second}
				a := l.ask(post("/v1/tests", "k", ivr.Field{Name: "number", Value: "1"}))
				if a.Status != tt.status || a.Took != tt.took {
					t.Errorf("%+v", a)
				}
			})
			if diff := cmp.Diff(append([]string{"0s POST /api/v1/tests"}, tt.log...), j.log); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// While a job runs, nobody is kept from asking.
func TestPollHoldsNoPlace(t *testing.T) {
	j := job{takes: 3 * time.Second}
	far := func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/v1/tests") {
			j.ServeHTTP(w, r)
			return
		}
		reply(w, 200, `{}`)
	}
	inLab(t, far, func(l *lab) {
		l.policy.Poll = ivr.Poll{Every: time.Second, Max: 5 * time.Second}
		l.policy.Concurrency = 1
		done := make(chan ivr.LookedUp)
		go func() { done <- l.Lookup(l.t.Context(), l.policy, post("/v1/tests", "")) }()
		time.Sleep(1500 * time.Millisecond)
		if a := l.ask(get("/x")); a.Took != 0 || a.Status != ivr.LookupOK {
			t.Errorf("%+v", a)
		}
		if a := <-done; a.Status != ivr.LookupOK {
			t.Errorf("%+v", a)
		}
	})
}

func TestJobElsewhere(t *testing.T) {
	for _, place := range []string{"http://evil.test/api/1", "//evil.test/api/1", "/other/1", "https://bss.test/api/1", "http://bss.test:8080/api/1", ":", "/api/../x"} {
		t.Run(place, func(t *testing.T) {
			var asked int
			far := func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.Header().Set("Location", place)
				w.WriteHeader(http.StatusAccepted)
			}
			inLab(t, far, func(l *lab) {
				l.policy.Poll = ivr.Poll{Every: time.Second, Max: 5 * time.Second}
				if a := l.ask(post("/v1/tests", "")); a.Status != ivr.LookupError || strings.Contains(a.Err, "evil") {
					t.Errorf("%+v", a)
				}
			})
			if asked != 1 {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}
