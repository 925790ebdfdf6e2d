package bss

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"tierline/routing"
	"tierline/routing/customer"
)

// trait is what makes a customer worth calling as.
type trait uint8

const (
	noBill trait = iota + 1
	noPoints
	noPlan
	noOrders
	nothingExpires
	inArrears
	pinLocked // by his own wish: no PIN is right
	outage    // his area has none
	broken    // his line has a fault
	endless   // the test of his line never ends
	noLine    // the test doesn't know his line
	slow      // his bill takes 1.2 s
	failing   // his bill can't be read now
)

// special are customers whose data are as the documentation says. All others
// have what their number makes of them.
func special(id string) ([]trait, bool) {
	traits, ok := map[string][]trait{
		"C0001": {}, "C0002": {}, "C0005": {}, "C0011": {},
		"C0008": {nothingExpires}, "C0009": {outage}, "C0010": {noPlan}, "C0012": {pinLocked}, "C0013": {broken},
		"C0017": {noBill}, "C0019": {slow}, "C0020": {failing}, "C0021": {noPoints}, "C0023": {endless},
		"C0024": {noLine}, "C0025": {outage}, "C0034": {broken}, "C0037": {inArrears, nothingExpires}, "C0039": {noOrders},
	}[id]
	return traits, ok
}

// record is what the system has of one customer.
type record struct {
	customer.Profile
	seed   uint64
	traits []trait
}

func newRecord(p customer.Profile) record {
	h := fnv.New64a()
	_, _ = h.Write([]byte(p.ID)) // never fails
	r := record{Profile: p, seed: h.Sum64()}
	var ok bool
	if r.traits, ok = special(p.ID); ok {
		return r
	}
	for _, x := range []struct {
		every uint64
		trait trait
	}{{11, noBill}, {7, noPoints}, {13, inArrears}, {3, nothingExpires}, {9, outage}, {8, broken}} {
		if r.seed%x.every == 0 {
			r.traits = append(r.traits, x.trait)
		}
	}
	return r
}

func (r record) is(t trait) bool {
	return slices.Contains(r.traits, t)
}

// between draws a number of the customer, always the same for the same name.
func (r record) between(name string, low, high uint64) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(r.ID + "/" + name))
	return low + h.Sum64()%(high-low+1)
}

// phone is the first number, as people dial it.
func (r record) phone() string {
	if len(r.Phones) == 0 {
		return ""
	}
	national, ok := strings.CutPrefix(r.Phones[0], "+86")
	if ok && !strings.HasPrefix(national, "1") {
		return "0" + national
	}
	return national
}

// firstPIN is the PIN that a customer has until he changes it: the last six
// digits of his first number.
func (r record) firstPIN() string {
	digits := r.phone()
	if len(digits) < 6 {
		return "246813"
	}
	return digits[len(digits)-6:]
}

func yuan(fen uint64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

type profile struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Tier    string `json:"tier"`
	Lang    string `json:"lang"`
	Phone   string `json:"phone"`
	Arrears string `json:"arrears"`
	Locked  bool   `json:"locked"`
}

func (r record) profile() profile {
	p := profile{
		ID: r.ID, Name: r.Name, Tier: r.Tier.String(), Lang: r.Language, Phone: r.phone(), Arrears: "0.00",
		Locked: r.is(pinLocked),
	}
	if r.is(inArrears) {
		p.Arrears = yuan(r.between("arrears", 1000, 20000))
	}
	return p
}

type bill struct {
	Month   string `json:"month"`
	Total   string `json:"total"`
	Balance string `json:"balance"`
	Due     string `json:"due"`
}

// bill is that of last month. C0001's is the one that examples name.
func (r record) bill(now time.Time) bill {
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	b := bill{
		Month: first.AddDate(0, -1, 0).Format(time.DateOnly), Due: first.AddDate(0, 1, 9).Format(time.DateOnly),
		Total: yuan(r.between("total", 1900, 39900)), Balance: yuan(r.between("balance", 0, 15000)),
	}
	if r.ID == "C0001" {
		b.Total, b.Balance = "123.45", "20.00"
	}
	if r.is(inArrears) {
		b.Balance = "-" + r.profile().Arrears
	}
	return b
}

type points struct {
	Total    uint64 `json:"total"`
	Expiring uint64 `json:"expiring"`
	Expires  string `json:"expires"`
}

func (r record) points(now time.Time) points {
	p := points{Total: r.between("points", 100, 20000), Expires: fmt.Sprintf("%d-12-31", now.Year())}
	if !r.is(nothingExpires) {
		p.Expiring = r.between("expiring", 1, p.Total)
	}
	if r.ID == "C0001" {
		p.Total, p.Expiring = 2680, 300
	}
	return p
}

type plan struct {
	Name   string `json:"name"`
	Data   uint64 `json:"data_left"` // bytes
	Voice  uint64 `json:"voice_left"`
	SMS    uint64 `json:"sms_left"`
	Renews string `json:"renews"`
}

func (r record) plan(now time.Time) plan {
	names := map[routing.Tier][2]string{
		routing.Diamond: {"天翼尊享399", "Tianyi Prestige 399"}, routing.Gold: {"天翼畅享199", "Tianyi Plus 199"},
		routing.Silver: {"天翼畅享129", "Tianyi Plus 129"}, routing.Standard: {"天翼畅享59", "Tianyi Basic 59"},
	}
	p := plan{
		Name: names[r.Tier][0], Voice: r.between("voice", 0, 1000), SMS: r.between("sms", 0, 200),
		Data:   r.between("data", 1, 800) * 100 << 20, // hundreds of MB
		Renews: time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, now.Location()).Format(time.DateOnly),
	}
	if r.Language == "en" {
		p.Name = names[r.Tier][1]
	}
	if r.ID == "C0001" {
		p.Data, p.Voice = 5<<29, 300 // 2.5 GB
	}
	return p
}

type order struct {
	Number string `json:"number"`
	State  string `json:"state"`
	ETA    string `json:"eta"`
	Found  bool   `json:"found"`
}

// order reads a number such as 2026000102: the year, the customer, and which
// of his four orders.
func (s *System) order(number string, now time.Time) (order, bool) {
	if len(number) != 10 || !strings.HasPrefix(number, "2026") {
		return order{}, false
	}
	r, ok := s.account("C" + number[4:8])
	which, err := strconv.Atoi(number[8:])
	states := []string{"done", "installing", "dispatched", "cancelled"}
	if !ok || err != nil || which < 1 || which > len(states) || r.is(noOrders) {
		return order{}, false
	}
	eta := time.Date(now.Year(), now.Month(), now.Day()+2, 14, 30, 0, 0, now.Location())
	return order{Number: number, State: states[which-1], ETA: eta.Format(time.RFC3339), Found: true}, true
}
