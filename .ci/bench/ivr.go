package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tierline/.ci/bed"
	"tierline/media/wav"
)

// The menu of the measurement: there is always something to hear, so every
// silence is the switch's. Callers press 1 again and again.
const (
	menuNumber = "2000"
	menuFlow   = `version: 1
flow: ivr
languages: [en]
start: hello
limits: {max_steps: 10000, max_visits: 1000, max_duration: 1h, on_exceeded: bye}
nodes:
  hello: {type: play, prompt: [hello], next: main}
  main:
    type: menu
    prompt: [main]
    keys: {"1": one, "9": bye}
    first: 10s
    attempts: 10
    exhausted: bye
  one: {type: play, prompt: [one], next: two}
  two: {type: play, prompt: [two], next: main}
  bye: {type: hangup}
prompts:
  hello: {en: Hello.}
  main: {en: Press one.}
  one: {en: One.}
  two: {en: Two.}
`
	keyEvery = 10 * time.Second
)

// menuDocuments adds the menu and its prompts, none of which ends with a
// packet.
func menuDocuments(to string) error {
	write := func(name string, b []byte) error {
		if err := os.WriteFile(filepath.Join(to, name), b, 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		return nil
	}
	if err := write(filepath.Join("flows", "ivr.yaml"), []byte(menuFlow)); err != nil {
		return err
	}
	numbers, err := os.ReadFile(filepath.Join(to, "numbers.yaml"))
	if err != nil {
		return fmt.Errorf("read numbers: %w", err)
	}
	more := fmt.Sprintf("  - {number: %q, flow: ivr}\n", menuNumber)
	if err = os.Remove(filepath.Join(to, "numbers.yaml")); err != nil { // the original may be write-protected
		return fmt.Errorf("replace numbers: %w", err)
	}
	if err = write("numbers.yaml", append(bytes.TrimRight(numbers, "\n"), "\n"+more...)); err != nil {
		return err
	}
	for name, p := range map[string]struct {
		code    byte
		samples int
	}{"hello": {0x21, 24_030}, "main": {0x31, 120_070}, "one": {0x41, 12_050}, "two": {0x51, 10_410}} {
		var b bytes.Buffer
		sound := wav.Audio{Format: wav.ALaw, Data: bytes.Repeat([]byte{p.code}, p.samples)}
		if err = wav.Write(&b, sound); err != nil {
			return fmt.Errorf("make prompt: %w", err)
		}
		if err = write(filepath.Join("prompts", name+".en.wav"), b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// ivr measures calls in a menu: callers who speak, and press a key now and
// then.
func (b *bench) ivr(ctx context.Context) (err error) {
	st, err := b.stage(ctx, menuNumber, 1, menuDocuments)
	if err != nil {
		return err
	}
	defer st.close()
	node, rtp, p := st.node, st.rtp, st.peers
	time.Sleep(time.Second)
	idle, err := node.Memory()
	if err != nil {
		return err
	}
	for range b.calls {
		p.call()
		time.Sleep(time.Second / setupRate)
	}
	if !settle(10*time.Second, func() bool { return len(p.speaking()) == b.calls }) {
		return fmt.Errorf("%d of %d calls were answered\n%s", len(p.speaking()), b.calls, node.Tail(5))
	}
	stop := make(chan struct{})
	defer close(stop)
	go pressAll(p, stop)
	time.Sleep(warmUp + keyEvery)
	f, err := sampleMenu(node, rtp)
	if err != nil {
		return err
	}
	full, err := resident(node)
	if err != nil {
		return err
	}
	return b.tellMenu(f, float64(full-idle)/1000/float64(b.calls))
}

// resident is the mean of a node's memory over some seconds: the heap breathes.
func resident(node *bed.Node) (sum int64, err error) {
	const n = 50
	for range n {
		m, err := node.Memory()
		if err != nil {
			return 0, err
		}
		sum += m
		time.Sleep(100 * time.Millisecond)
	}
	return sum / n, nil
}

// speaking returns the streams of the callers who are connected, oldest first.
func (p *peers) speaking() (out []*stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.calls {
		if l.stream != nil && !l.ended {
			out = append(out, l.stream)
		}
	}
	slices.SortFunc(out, func(a, b *stream) int { return cmp.Compare(a.id, b.id) })
	return out
}

// pressAll presses 1 in each call every ten seconds.
func pressAll(p *peers, stop chan struct{}) {
	for {
		streams, began := p.speaking(), time.Now()
		for i, st := range streams {
			due := began.Add(time.Duration(i+1) * keyEvery / time.Duration(len(streams)))
			select {
			case <-time.After(time.Until(due)):
				p.rtp.press(p.rtp.callers, st, 1)
			case <-stop:
				return
			}
		}
	}
}

// sampleMenu measures the calls that are going on.
func sampleMenu(node *bed.Node, rtp *generator) (figures, error) {
	before, err := node.CPU()
	if err != nil {
		return figures{}, err
	}
	rtp.begin()
	began, pressed := time.Now(), rtp.pressed.Load()
	time.Sleep(2 * measured)
	heard, _ := rtp.end()
	f := figures{stats: heard, span: time.Since(began), pressed: rtp.pressed.Load() - pressed}
	after, err := node.CPU()
	f.cpu = after - before
	return f, err
}

func (b *bench) tellMenu(f figures, memory float64) error {
	n := float64(b.calls)
	cost := ms(f.cpu) / f.span.Seconds() / n
	changes := len(f.silences)
	b.printf("Calls in a menu, callers speak (A-law, 20 ms) and press a key every 10 s; "+
		"%d prompts one after the other:\n\n"+
		"| calls | CPU ms per call-second | of a core | memory per call | "+
		"silence between prompts p50 / p99 / max | key to its prompt p50 / p99 / max | between packets p99 / max |\n"+
		"|---|---|---|---|---|---|---|\n", changes)
	row := fmt.Sprintf("| %d | %.2f | %.0f %% | %.0f kB | %s | %s | %.1f / %.1f ms |\n", b.calls, cost,
		100*f.cpu.Seconds()/f.span.Seconds(), memory, spreadOf(f.silences), spreadOf(f.reactions),
		ms(percentile(f.stalls, 0.99)), ms(percentile(f.stalls, 1)))
	progress("ivr %s", row)
	b.printf("%s\n", row)
	if expected := 3 * int(f.pressed); changes < expected*95/100 || changes > expected*105/100 {
		return fmt.Errorf("%d changes of prompts after %d keys, three each were to come", changes, f.pressed)
	}
	return nil
}

func spreadOf(all []time.Duration) string {
	return fmt.Sprintf("%.1f / %.1f / %.1f ms",
		ms(percentile(all, 0.5)), ms(percentile(all, 0.99)), ms(percentile(all, 1)))
}
