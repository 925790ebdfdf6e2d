package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

func (t *trunkLab) limits(ctx context.Context, l *lab) error {
	if err := l.tooMany(l.agentIP, 486); err != nil {
		return err
	}
	if err := l.tooMany(l.at(26), 503); err != nil {
		return err
	}
	first, err := l.try(ctx, "hourly", "10001")
	if err != nil {
		return err
	}
	second, err := l.try(ctx, "hourly", "10001")
	if err != nil {
		return err
	}
	k, err := l.trunk(ctx, "hourly")
	if err != nil {
		return err
	}
	if second.Call.Outcome != "switch_failed" || !strings.Contains(k.Error, "limit of trunk hourly: hour") {
		return fmt.Errorf("%+v, %+v", second, k)
	}
	return first.works(200)
}

// tooMany calls twice at once; the second one is refused for a while.
func (l *lab) tooMany(from string, status int) error {
	p, err := newProber(from, l.node.Address())
	if err != nil {
		return err
	}
	defer p.close()
	first := p.draft("INVITE", "10001")
	if err = p.send(first.text()); err != nil {
		return err
	}
	in := p.final(patience)
	if in.Status() != 200 {
		return fmt.Errorf("the first: %s", firstLine(in))
	}
	if err = p.send(p.follow(first, in, "ACK", 1).text()); err != nil {
		return err
	}
	second := p.draft("INVITE", "10001")
	if err = p.send(second.text()); err != nil {
		return err
	}
	out := p.final(patience)
	after, _ := strconv.Atoi(out.Header("Retry-After")) // none is 0
	if out.Status() != status || after < 2 || after > 10 {
		return fmt.Errorf("the second: %s, again after %d s", firstLine(out), after)
	}
	return errors.Join(p.send(p.follow(second, out, "ACK", 1).text()), p.send(p.follow(first, in, "BYE", 2).text()))
}
