package customer

import (
	"cmp"
	"encoding/csv"
	"slices"
	"sort"
	"strings"

	"tierline/routing"
)

// Profile is one customer.
type Profile struct {
	ID       string
	Name     string
	Tier     routing.Tier
	Language string   // "zh", "en"; "" if not known
	Phones   []string // normalised
	Extra    []Field  // further columns, in the order of the file
}

// Field is one further column of a customer.
type Field struct {
	Name, Value string
}

// Directory finds customers. The zero value has none.
//
// It keeps the text of the file and reads a row again when somebody asks for
// it: that is a few microseconds a call, and a tenth of the memory.
type Directory struct {
	text    string
	columns columns
	form    func(string) string
	rows    []uint32 // where each row begins in text
	phones  []phoneRow
	ids     []uint32 // indices into rows, sorted by customer id
}

// phoneRow leads from a number to its customer.
type phoneRow struct {
	key uint64
	row uint32
}

// Len is the number of customers.
func (d *Directory) Len() int { return len(d.rows) }

// ByNumber finds the customer that a normalised number belongs to.
func (d *Directory) ByNumber(number string) (Profile, bool) {
	key, ok := phoneKey(number)
	if !ok {
		return Profile{}, false
	}
	i, found := slices.BinarySearchFunc(d.phones, key, func(p phoneRow, k uint64) int { return cmp.Compare(p.key, k) })
	if !found {
		return Profile{}, false
	}
	return d.profile(d.phones[i].row), true
}

// ByID finds a customer by id.
func (d *Directory) ByID(id string) (Profile, bool) {
	i := sort.Search(len(d.ids), func(i int) bool { return d.id(d.ids[i]) >= id })
	if id == "" || i == len(d.ids) || d.id(d.ids[i]) != id {
		return Profile{}, false
	}
	return d.profile(d.ids[i]), true
}

// All visits the customers in the order of the file until visit returns false.
func (d *Directory) All(visit func(Profile) bool) {
	for row := range d.rows {
		if !visit(d.profile(uint32(row))) {
			return
		}
	}
}

// id reads the first column only: nearly always that of the id.
func (d *Directory) id(row uint32) string { return d.record(row)[d.columns.id] }

func (d *Directory) record(row uint32) []string {
	r := csv.NewReader(strings.NewReader(d.text[d.rows[row]:]))
	r.FieldsPerRecord = -1
	record, err := r.Read()
	if err != nil {
		return make([]string, d.columns.count) // Load read the same bytes without an error
	}
	return record
}

func (d *Directory) profile(row uint32) Profile {
	record := d.record(row)
	tier, _ := routing.ParseTier(record[d.columns.tier]) // checked by Load
	p := Profile{
		ID: record[d.columns.id], Name: record[d.columns.name], Tier: tier, Language: record[d.columns.language],
	}
	for phone := range phonesOf(record[d.columns.phone]) {
		p.Phones = append(p.Phones, d.form(phone))
	}
	for _, c := range d.columns.extra {
		p.Extra = append(p.Extra, Field{Name: c.name, Value: record[c.index]})
	}
	return p
}

// phoneKey packs a normalised number into 64 bits: the digits behind a leading
// one, which keeps their count, and the plus as the lowest bit.
func phoneKey(number string) (uint64, bool) {
	digits, plus := strings.CutPrefix(number, "+")
	if digits == "" || len(digits) > 17 {
		return 0, false
	}
	key := uint64(1)
	for i := range len(digits) {
		c := digits[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		key = key*10 + uint64(c-'0')
	}
	key *= 2
	if plus {
		key++
	}
	return key, true
}
