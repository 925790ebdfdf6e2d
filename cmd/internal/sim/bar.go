package sim

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// patient is how long nothing is shown: most runs are over by then.
const patient = time.Second

// bar is the progress of a long run, on a terminal only.
type bar struct {
	w     io.Writer // nil: no terminal
	now   func() time.Time
	start time.Time

	mu   sync.Mutex
	last time.Time
	on   bool
}

func newBar(w io.Writer) *bar {
	b := &bar{now: time.Now, start: time.Now()}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		b.w = w
	}
	return b
}

// show draws the bar a few times a second. What can't be written is left out:
// it is only a bar.
func (b *bar) show(done, of int) {
	if b.w == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if now.Sub(b.start) < patient || now.Sub(b.last) < patient/5 || done == 0 {
		return
	}
	b.last, b.on = now, true
	const width = 40
	full := width * done / of
	left := time.Duration(float64(now.Sub(b.start)) * float64(of-done) / float64(done)).Round(time.Second)
	_, _ = fmt.Fprintf(b.w, "\r[%s%s] %3d %%  %d of %d calls, %s left \x1b[K",
		strings.Repeat("#", full), strings.Repeat(".", width-full), 100*done/of, done, of, left)
}

// clear takes the bar away.
func (b *bar) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.on {
		_, _ = io.WriteString(b.w, "\r\x1b[K")
	}
	b.on = false
}
