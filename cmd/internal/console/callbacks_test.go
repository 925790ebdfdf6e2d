package console_test

import (
	"net/http"
	"testing"

	"tierline/acd"
	"tierline/call/service"
	"tierline/cmd/internal/console/wire"
	"tierline/cmd/internal/explain"
	"tierline/routing"
)

func TestCallbacksOverTheAPI(t *testing.T) {
	b := newBed(t)
	b.config.Customer = func(number string) (acd.Customer, bool) {
		return acd.Customer{ID: "c1", Name: "Zhang", Tier: routing.Gold, Language: "zh"}, number == "+8613800138000"
	}
	b.start()
	b.centre()
	const at = "/api/v1/callbacks"
	if n := len(get[wire.Callbacks](b, at).Callbacks); n != 0 {
		t.Fatalf("%d call-backs at the start", n)
	}
	status, text := b.do(http.MethodPost, at, `{"number":"13800138000","queue":"human","not_before":"2026-11-23T03:39:00Z","by":"lead"}`)
	if status != http.StatusCreated {
		t.Fatalf("request: %d %s", status, text)
	}
	var c wire.Callback
	decode(t, text, &c)
	if c.Phase != "dormant" || c.Tier != "gold" || c.Customer.Name != "Zhang" || c.Language != "zh" || c.By != "lead" ||
		c.DueInMS < 3_500_000 || c.DueInMS > 3_600_000 || c.Number != "+8613800138000" {
		t.Errorf("requested: %+v", c)
	}
	p := b.problem(http.MethodPost, at, `{"number":"13800138000","queue":"human"}`, http.StatusConflict)
	if p.Detail != "there is a call-back for this customer or number" {
		t.Errorf("a second one: %q", p.Detail)
	}
	b.problem(http.MethodPost, at, `{"number":"13800138001","queue":"nowhere"}`, http.StatusConflict)
	b.problem(http.MethodPost, at, `{"number":"13800138001","queue":"human","not_after":"2026-11-22T00:00:00Z"}`, http.StatusConflict)
	b.problem(http.MethodPost, at, `{"number":"13800138001","queue":"human","tier":"emerald"}`, http.StatusUnprocessableEntity)
	b.problem(http.MethodPost, at, `{"queue":"human"}`, http.StatusUnprocessableEntity)
	if got := get[wire.Callback](b, at+"/"+c.ID); got.ID != c.ID {
		t.Errorf("looked at again: %+v", got)
	}
	b.problem(http.MethodDelete, at+"/nobody", "", http.StatusNotFound)
	if status, text = b.do(http.MethodDelete, at+"/"+c.ID+"?by=lead", ""); status != http.StatusNoContent || text != "" {
		t.Errorf("cancel: %d %s", status, text)
	}
	b.problem(http.MethodGet, at+"/"+c.ID, "", http.StatusNotFound)
}

func TestACallbackToANumberThatNoTrunkMayCallIsRefusedAtOnce(t *testing.T) {
	bundle, problems := service.ReadDir("../../../testdata/call", nil)
	svc, more := service.Compile(bundle)
	if svc == nil {
		t.Fatal(problems, more)
	}
	b := newBed(t)
	b.config.Documents = func() (explain.World, bool) { return explain.World{Service: svc}, true }
	b.start()
	b.centre()
	const at = "/api/v1/callbacks"
	p := b.problem(http.MethodPost, at, `{"number":"00441632960000","queue":"human"}`, http.StatusConflict)
	if want := "+441632960000 can't be called: the trunk's allow list doesn't permit the number"; p.Detail != want {
		t.Errorf("refused with %q, want %q", p.Detail, want)
	}
	if n := len(get[wire.Callbacks](b, at).Callbacks); n != 0 {
		t.Errorf("%d call-backs", n)
	}
	if status, text := b.do(http.MethodPost, at, `{"number":"13800138000","queue":"human"}`); status != http.StatusCreated {
		t.Errorf("a number that may be called: %d %s", status, text)
	}
}

func TestLockoutsOverTheAPI(t *testing.T) {
	b := newBed(t)
	b.centre()
	for range 2 {
		b.core.must(t, acd.AuthTried{Policy: "pin", Key: acd.AccountKey("pin", "8812"), Max: 2, Window: 60_000})
	}
	list := get[wire.Lockouts](b, "/api/v1/lockouts").Lockouts
	if len(list) != 1 || !list[0].Locked || list[0].Failures != 2 || list[0].Policy != "pin" {
		t.Errorf("lockouts %+v", list)
	}
	const at = "/api/v1/lockouts/clear"
	b.problem(http.MethodPost, at, `{"policy":"pin"}`, http.StatusUnprocessableEntity)
	b.problem(http.MethodPost, at, `{"policy":"pin","account":"1","key":"2"}`, http.StatusUnprocessableEntity)
	b.problem(http.MethodPost, at, `{"policy":"pin","account":"9999"}`, http.StatusConflict)
	if status, text := b.do(http.MethodPost, at, `{"policy":"pin","account":"8812"}`); status != http.StatusNoContent {
		t.Errorf("clear: %d %s", status, text)
	}
	if list = get[wire.Lockouts](b, "/api/v1/lockouts").Lockouts; len(list) != 0 {
		t.Errorf("after it: %+v", list)
	}
}
