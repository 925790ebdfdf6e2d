package bss

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/routing/customer"
	"tierline/routing/trunk"
)

// demo is the system of the demo centre's customers, on a Saturday in November.
func demo(t testing.TB, cfg Config) *System {
	t.Helper()
	src, err := os.ReadFile("../../../testdata/demo/customers.csv")
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	d, found := customer.Load("customers.csv", src, trunk.Numbering{}.Normalise)
	for _, p := range found {
		problems = append(problems, p.String())
	}
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	cfg.Customers = d
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Date(2026, 11, 21, 2, 10, 0, 0, time.UTC) }
	}
	return New(cfg)
}

// call asks the system and returns status and body.
func call(t testing.TB, s http.Handler, method, path, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String()), w.Header()
}

// What the page docs/reference/demo-business-system.md says.
func TestAnswers(t *testing.T) {
	tests := []struct {
		ask    string // method, path, body
		status int
		body   string
	}{
		{"GET /v1/customers/by-phone/13800138000", 200, `{"id":"C0001","name":"周建国","tier":"gold","lang":"zh","phone":"13800138000","arrears":"0.00","locked":false}`},
		{"GET /v1/customers/by-phone/%2B8613800138000", 200, `{"id":"C0001","name":"周建国","tier":"gold","lang":"zh","phone":"13800138000","arrears":"0.00","locked":false}`},
		{"GET /v1/customers/by-phone/057187650013", 200, `{"id":"C0013","name":"郭秀英","tier":"gold","lang":"zh","phone":"057187650013","arrears":"0.00","locked":false}`},
		{"GET /v1/customers/by-phone/13700137012", 200, `{"id":"C0012","name":"胡俊杰","tier":"gold","lang":"zh","phone":"13700137012","arrears":"0.00","locked":true}`},
		{"GET /v1/customers/by-phone/13999999999", 404, `{"title":"no such customer"}`},
		{"GET /v1/bills/C0001/latest", 200, `{"month":"2026-10-01","total":"123.45","balance":"20.00","due":"2026-12-10"}`},
		{"GET /v1/bills/13800138000/latest", 200, `{"month":"2026-10-01","total":"123.45","balance":"20.00","due":"2026-12-10"}`},
		{"GET /v1/bills/C0017/latest", 404, `{"title":"no such bill"}`},
		{"GET /v1/bills/C0020/latest", 500, `{"title":"bills can't be read now"}`},
		{"GET /v1/points/C0001", 200, `{"total":2680,"expiring":300,"expires":"2026-12-31"}`},
		{"GET /v1/points/C0008", 200, `{"total":12032,"expiring":0,"expires":"2026-12-31"}`},
		{"GET /v1/points/C0021", 404, `{"title":"no such account"}`},
		{"GET /v1/plans/C0001", 200, `{"name":"天翼畅享199","data_left":2684354560,"voice_left":300,"sms_left":92,"renews":"2026-12-01"}`},
		{"GET /v1/plans/C0010", 404, `{"title":"no such plan"}`},
		{"GET /v1/orders/2026000101", 200, `{"number":"2026000101","state":"done","eta":"2026-11-23T14:30:00+08:00","found":true}`},
		{"GET /v1/orders/2026000102", 200, `{"number":"2026000102","state":"installing","eta":"2026-11-23T14:30:00+08:00","found":true}`},
		{"GET /v1/orders/2026000104", 200, `{"number":"2026000104","state":"cancelled","eta":"2026-11-23T14:30:00+08:00","found":true}`},
		{"GET /v1/orders/2026000105", 404, `{"title":"no such order"}`},
		{"GET /v1/orders/2026003901", 404, `{"title":"no such order"}`},
		{`POST /v1/auth/pin {"account":"C0001","pin":"138000"}`, 200, `{}`},
		{`POST /v1/auth/pin {"account":"13800138000","pin":"138000"}`, 200, `{}`},
		{`POST /v1/auth/pin {"account":"C0001","pin":"000000"}`, 401, `{"title":"not this PIN"}`},
		{`POST /v1/auth/pin {"account":"C0012","pin":"137012"}`, 401, `{"title":"not this PIN"}`},
		{`POST /v1/auth/pin {"account":"nobody","pin":""}`, 401, `{"title":"not this PIN"}`},
		{`POST /v1/auth/pin {"account":"C0001","pin":138000}`, 400, `{"title":"the body must be one JSON object with the fields that the page names"}`},
		{`POST /v1/auth/pin [`, 400, `{"title":"the body must be one JSON object with the fields that the page names"}`},
		{`POST /v1/tickets {"number":"13800138000","kind":"broadband","test":"no_signal"}`, 201, `{"number":"811210001","promise":"2026-11-21T19:00:00+08:00","repeated":false}`},
		{`POST /v1/tickets {"number":"13800138000","kind":"broadband","test":""}`, 200, `{"number":"811210001","promise":"2026-11-21T19:00:00+08:00","repeated":true}`},
		{`POST /v1/complaints {"phone":"13900139001","recording":"r1"}`, 201, `{"number":"611210002","promise":"2026-11-21T15:00:00+08:00","owner":"1001","repeated":false}`},
		{`POST /v1/complaints {"phone":"057187650001"}`, 201, `{"number":"611210003","promise":"2026-11-21T15:00:00+08:00","owner":"1001","repeated":true}`},
		{"GET /v1/complaints/by-phone/13900139001", 200, `{"number":"611210003","promise":"2026-11-21T15:00:00+08:00","owner":"1001","repeated":true}`},
		{"GET /v1/complaints/by-phone/13800138000", 404, `{"title":"no such complaint"}`},
		{`POST /v1/messages {"channel":"sms","to":"13800138000","template":"bill_detail","language":"zh","data":{"total":"1"}}`, 202, `{}`},
		{`POST /v1/messages {"channel":"sms","to":"","template":"bill_detail"}`, 400, `{"title":"the body must be one JSON object with the fields that the page names"}`},
		{"GET /messages", 200, `[{"at":"2026-11-21T10:10:00+08:00","channel":"sms","to":"13800138000","template":"bill_detail","language":"zh","data":{"total":"1"}}]`},
		{`POST /v1/tests {"number":"13500135024","kind":"fixed"}`, 404, `{"title":"no such line"}`},
		{"GET /v1/tests/99", 404, `{"title":"no such test"}`},
	}
	s := demo(t, Config{})
	for _, tt := range tests {
		parts := strings.SplitN(tt.ask, " ", 3)
		status, body, _ := call(t, s, parts[0], parts[1], strings.Join(parts[2:], ""))
		if diff := cmp.Diff(fmt.Sprintln(tt.status, tt.body), fmt.Sprintln(status, body)); diff != "" {
			t.Errorf("%s\n%s", tt.ask, diff)
		}
	}
}

func TestLineTests(t *testing.T) {
	for number, want := range map[string]string{
		"13800138000":  `{"result":"ok","outage":false,"restore":""}`,
		"13700137009":  `{"result":"outage","outage":true,"restore":"2026-11-21T13:00:00+08:00"}`,
		"057187650013": `{"result":"no_signal","outage":false,"restore":""}`,
		"13500135023":  `{}`, // never ends
	} {
		now := time.Date(2026, 11, 21, 2, 10, 0, 0, time.UTC)
		s := demo(t, Config{Now: func() time.Time { return now }})
		status, _, h := call(t, s, "POST", "/v1/tests", `{"number":"`+number+`","kind":"broadband"}`)
		place := h.Get("Location")
		if status != http.StatusAccepted || place == "" {
			t.Fatalf("%s: status %d, %q", number, status, place)
		}
		if status, _, _ = call(t, s, "GET", place, ""); status != http.StatusAccepted {
			t.Errorf("%s is tested at once", number)
		}
		now = now.Add(3 * time.Second)
		if _, body, _ := call(t, s, "GET", place, ""); body != want {
			t.Errorf("%s: %s, want %s", number, body, want)
		}
	}
}

func TestChangePIN(t *testing.T) {
	s := demo(t, Config{})
	change := func(was, to string, want int) {
		t.Helper()
		if status, body, _ := call(t, s, "POST", "/v1/auth/pin/change", fmt.Sprintf(`{"account":"C0001","old":%q,"new":%q}`, was, to)); status != want {
			t.Errorf("%s to %s: %d %s", was, to, status, body)
		}
	}
	change("000000", "424242", 401)
	change("138000", "4242", 422)
	change("138000", "138000", 422)
	change("138000", "424242", 200)
	change("138000", "555555", 401)
	change("424242", "138000", 200)
}

// The same key gives the same answer, also while the first is on its way.
func TestIdempotency(t *testing.T) {
	s := demo(t, Config{})
	var all sync.WaitGroup
	answers := make([]string, 8)
	for i := range answers {
		all.Go(func() {
			_, answers[i], _ = call(t, s, "POST", "/v1/complaints", `{"phone":"13800138000"}`, "Idempotency-Key", "call1.msg.1")
		})
	}
	all.Wait()
	for _, a := range answers {
		if a != answers[0] {
			t.Errorf("%s and %s", a, answers[0])
		}
	}
	if _, other, _ := call(t, s, "POST", "/v1/complaints", `{"phone":"13800138000"}`, "Idempotency-Key", "call2.msg.1"); other == answers[0] || !strings.Contains(other, `"repeated":true`) {
		t.Errorf("another call gets %s", other)
	}
}

func TestToken(t *testing.T) {
	s := demo(t, Config{Token: "geheim"})
	for auth, want := range map[string]int{"": 401, "Bearer x": 401, "Bearer geheim": 200} {
		status, _, h := call(t, s, "GET", "/v1/points/C0001", "", "Authorization", auth)
		if status != want || (h.Get("WWW-Authenticate") == "Bearer") != (want == 401) {
			t.Errorf("%q: %d", auth, status)
		}
	}
}

// Data made from numbers are such as the flows can read, and every branch has
// customers who reach it.
func TestEveryCustomer(t *testing.T) {
	s := demo(t, Config{})
	seen := map[string]int{}
	s.cfg.Customers.All(func(p customer.Profile) bool {
		r, again := newRecord(p), newRecord(p)
		if diff := cmp.Diff(r.bill(s.now()), again.bill(s.now())); diff != "" || r.firstPIN() != again.firstPIN() {
			t.Errorf("%s differs: %s", p.ID, diff)
		}
		if x := r.points(s.now()); x.Expiring > x.Total {
			t.Errorf("%s: %+v", p.ID, x)
		}
		if len(r.firstPIN()) != 6 || len(r.phone()) < 11 {
			t.Errorf("%s: PIN %s, phone %s", p.ID, r.firstPIN(), r.phone())
		}
		for _, x := range r.traits {
			seen[fmt.Sprint(p.Language, x)]++
		}
		return true
	})
	for _, x := range []trait{noBill, noPoints, noPlan, noOrders, nothingExpires, inArrears, pinLocked, outage, broken, endless, noLine, slow, failing} {
		if seen[fmt.Sprint("zh", x)] == 0 {
			t.Errorf("nobody has trait %d", x)
		}
	}
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := demo(t, Config{Now: time.Now})
		set := func(list string, want int) {
			t.Helper()
			if status, body, _ := call(t, s, "PUT", "/faults", list); status != want {
				t.Errorf("%s: %d %s", list, status, body)
			}
		}
		ask := func() (int, string, time.Duration) {
			began := time.Now()
			status, body, _ := call(t, s, "GET", "/v1/points/C0001", "")
			return status, body, time.Since(began)
		}
		set(`[{"match":"GET /v1/points/","delay":"2s","times":1},{"match":"GET /v1/","status":503,"times":2}]`, 200)
		if status, _, took := ask(); status != 200 || took != 2*time.Second {
			t.Errorf("%d after %v", status, took)
		}
		for _, want := range []int{503, 503, 200} {
			if status, _, _ := ask(); status != want {
				t.Errorf("%d, want %d", status, want)
			}
		}
		for kind, want := range map[string]int{"garbage": 14, "html": 30, "huge": 10 << 20, "wrong_types": 100, "drip": 300, "close": 9} {
			set(`[{"match":"GET /v1/points/","body":"`+kind+`"}]`, 200)
			if status, body, _ := ask(); status != 200 || (len(body) < want && kind != "drip") {
				t.Errorf("%s: %d, %d bytes", kind, status, len(body))
			}
			if _, body, _ := call(t, s, "GET", "/faults", ""); !strings.Contains(body, kind) {
				t.Errorf("faults: %s", body)
			}
		}
		for _, bad := range []string{`{`, `[{}]`, `[{"match":"GET /","delay":"2"}]`, `[{"match":"GET /","status":99}]`, `[{"match":"GET /","body":"x"}]`, `[{"match":"GET /","times":-1}]`} {
			set(bad, 400)
		}
		if status, _, _ := call(t, s, "DELETE", "/faults", ""); status != 200 {
			t.Error(status)
		}
		if status, _, _ := ask(); status != 200 {
			t.Error(status)
		}
	})
}

// What callers leave behind is bounded.
func TestBounded(t *testing.T) {
	s := demo(t, Config{})
	for i := range 3 * maxKept {
		call(t, s, "POST", "/v1/messages", fmt.Sprintf(`{"to":"%d","template":"x"}`, i), "Idempotency-Key", fmt.Sprint(i))
		call(t, s, "POST", "/v1/complaints", fmt.Sprintf(`{"phone":"%d"}`, i))
	}
	if m, c, a := len(s.messages.list), len(s.cases.list), len(s.answers.list); m > maxKept || c > maxKept || a > maxKept {
		t.Errorf("%d messages, %d cases, %d answers", m, c, a)
	}
	if all := s.Messages(); all[len(all)-1].To != fmt.Sprint(3*maxKept-1) {
		t.Error("the newest is gone")
	}
}

// FuzzSystem: whatever is asked, there is an answer in JSON, never one that says
// that the system itself failed.
func FuzzSystem(f *testing.F) {
	f.Add("GET", "/v1/bills/C0001/latest", "", "")
	f.Add("POST", "/v1/auth/pin", `{"account":"C0001","pin":"138000"}`, "k")
	f.Add("POST", "/v1/tests", `{"number":"13800138000"}`, "k")
	f.Add("PUT", "/faults", `[{"match":"GET /v1/x","status":503}]`, "")
	f.Fuzz(func(t *testing.T, method, path, body, key string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://bss"+path, strings.NewReader(body))
		if err != nil || strings.HasPrefix(path, "/v1/bills") && strings.Contains(body, "hang") {
			return
		}
		r.Header.Set("Idempotency-Key", key)
		w := httptest.NewRecorder()
		demo(t, Config{}).ServeHTTP(w, r)
		if w.Code >= 500 && !strings.Contains(path, "/bills/") {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		if w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %s: %s", method, path, w.Body)
		}
	})
}
