package backend

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tierline/ivr"
)

func TestCache(t *testing.T) {
	var asked atomic.Int64
	status := 200
	far := func(w http.ResponseWriter, _ *http.Request) {
		reply(w, status, fmt.Sprintf(`{"n":%d}`, asked.Add(1)))
	}
	inLab(t, far, func(l *lab) {
		kept := func(path string, age time.Duration) ivr.Lookup {
			q := get(path)
			q.Cache = age
			return q
		}
		ask := func(q ivr.Lookup, want string) {
			t.Helper()
			if a := l.ask(q); string(a.Body) != want {
				t.Errorf("%s, want %s", a.Body, want)
			}
		}
		ask(kept("/a", time.Minute), `{"n":1}`)
		ask(kept("/a", time.Minute), `{"n":1}`)
		ask(get("/a"), `{"n":2}`) // wants it fresh, and nobody keeps it
		ask(kept("/b", time.Minute), `{"n":3}`)
		time.Sleep(30 * time.Second)
		ask(kept("/a", time.Minute), `{"n":1}`)
		ask(kept("/a", 20*time.Second), `{"n":4}`) // the old one was too old for him
		time.Sleep(20 * time.Second)
		ask(kept("/a", time.Minute), `{"n":5}`) // kept only as long as somebody wanted it
		secret := kept("/a", time.Minute)
		secret.Request.Secret = true
		ask(secret, `{"n":6}`)
		ask(secret, `{"n":7}`)
		change := kept("/a", time.Minute)
		change.Request.Method = http.MethodPut
		ask(change, `{"n":8}`)
		status = 404
		ask(kept("/c", time.Minute), "")
		status = 200
		ask(kept("/c", time.Minute), `{"n":10}`)
		want := "ok cached ok ok cached ok ok ok ok ok not_found ok"
		var got []string
		for _, o := range l.outcomes() {
			got = append(got, string(o))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("outcomes %v", got)
		}
	})
}

// Whatever is put in, the cache stays within its size, and returns what was put
// in last, if anything.
func TestCacheIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCache(4000)
		last := map[string]string{}
		now := time.Unix(0, 0)
		for i := range rapid.IntRange(1, 100).Draw(t, "steps") {
			key := rapid.StringMatching("[a-j]").Draw(t, "key")
			now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "pause")) * time.Second)
			if rapid.Bool().Draw(t, "put") {
				last[key] = fmt.Sprint(i, strings.Repeat("x", rapid.IntRange(0, 5000).Draw(t, "size")))
				c.put(key, []byte(last[key]), 5*time.Second, now)
			} else if body, ok := c.get(key, 3*time.Second, now); ok && string(body) != last[key] {
				t.Fatalf("%s is not what was put in last", key)
			}
			sum := 0
			for e := c.order.Front(); e != nil; e = e.Next() {
				entry, _ := e.Value.(*cached)
				sum += entry.bytes()
			}
			if c.bytes() > 4000 || c.bytes() != sum || len(c.entries) != c.order.Len() {
				t.Fatalf("%d bytes, %d counted, %d entries", c.bytes(), sum, len(c.entries))
			}
		}
	})
}
