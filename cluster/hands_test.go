package cluster

import (
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestALeaderWithABadDiskHandsOver: somebody has something to write all the
// time, and within three seconds it can be written, at another node.
func TestALeaderWithABadDiskHandsOver(t *testing.T) {
	for what, harm := range map[string]func(d *disk){
		"it hangs":   func(d *disk) { d.delay = 6 * time.Second },
		"it crawls":  func(d *disk) { d.delay = 1200 * time.Millisecond },
		"it is full": func(d *disk) { d.err = syscall.ENOSPC },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { handsOver(t, harm) })
		})
	}
}

func handsOver(t *testing.T, harm func(d *disk)) {
	c := newTrio(t)
	mend := func(name string) {
		c.disks[name].set(func(d *disk) { d.delay, d.err = 0, nil })
		time.Sleep(7 * time.Second) // the write that is going on
	}
	lead, other := c.leader(), c.followers()[0]
	defer c.stop() // also if something below fails: what runs on keeps the bubble for ever
	defer mend(lead)
	c.ready()
	mustPropose(t, c.node[other], centre(1))
	mustPropose(t, c.node[other], arrive("c1"))
	c.disks[lead].set(harm)
	began := time.Now()
	work := make(chan struct{})
	go func() {
		defer close(work)
		for i := range 150 {
			c.node[other].Post(step("c1", i))
			time.Sleep(30 * time.Millisecond)
		}
	}()
	defer func() { <-work }()
	c.until("another leads", func() bool { return c.leader() != lead })
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("handed over after %v", took)
	}
	mustPropose(t, c.node[other], arrive("c2"))
	if took := time.Since(began); took > 3500*time.Millisecond {
		t.Errorf("something could be written after %v", took)
	}
	<-work
	for _, name := range trioNames() {
		if !c.node[name].May() || c.fenced[name].Load() > 0 {
			t.Errorf("%s was taken for dead", name)
		}
	}
	mend(lead)
	if told := steps(t, c.node[other])["c1"]; len(told) != 150 {
		t.Errorf("%d of 150 steps are told", len(told))
	}
	c.agree()
}
