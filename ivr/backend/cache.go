package backend

import (
	"container/list"
	"fmt"
	"net/http"
	"sync"
	"time"

	"tierline/ivr"
)

// maxCacheBytes is what all answers that are kept take, with what was asked.
const maxCacheBytes = 16 << 20

// entryBytes is about what an entry takes beside its texts.
const entryBytes = 256

// cache keeps answers for a while, in memory only. Those that were not used
// for the longest time go first.
type cache struct {
	mu      sync.Mutex // guards all below
	most    int
	size    int
	entries map[string]*list.Element
	order   *list.List // of *cached, the last used first
}

type cached struct {
	key  string
	body []byte
	at   time.Time
	ends time.Time // nobody wanted it for longer
}

func newCache(most int) *cache {
	return &cache{most: most, entries: map[string]*list.Element{}, order: list.New()}
}

// cacheKey returns what an answer is kept under. What holds a secret, or may
// change something, is never kept.
func cacheKey(l ivr.Lookup) (string, bool) {
	q := l.Request
	if l.Cache <= 0 || q.Secret || q.Idempotency != "" || len(q.Body) > 0 {
		return "", false
	}
	if q.Method != http.MethodGet && q.Method != ivr.MethodSQL {
		return "", false
	}
	return fmt.Sprintf("%q %q %q %q", l.Source, q.Method, q.Path, q.Args), true
}

// get returns an answer that isn't older than wanted.
func (c *cache) get(key string, age time.Duration, now time.Time) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok {
		return nil, false
	}
	entry, _ := e.Value.(*cached)
	if !now.Before(entry.ends) {
		c.drop(e)
		return nil, false
	}
	if now.Sub(entry.at) >= age {
		return nil, false
	}
	c.order.MoveToFront(e)
	return entry.body, true
}

func (c *cache) put(key string, body []byte, age time.Duration, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[key]; ok {
		c.drop(e)
	}
	entry := &cached{key: key, body: body, at: now, ends: now.Add(age)}
	c.entries[key] = c.order.PushFront(entry)
	c.size += entry.bytes()
	for c.size > c.most {
		c.drop(c.order.Back())
	}
}

func (c *cache) drop(e *list.Element) {
	entry, _ := c.order.Remove(e).(*cached)
	delete(c.entries, entry.key)
	c.size -= entry.bytes()
}

func (e *cached) bytes() int { return len(e.key) + len(e.body) + entryBytes }

func (c *cache) bytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}
