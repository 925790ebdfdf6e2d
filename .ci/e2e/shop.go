package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"tierline/.ci/bed"
)

// openShop starts the demo's business system beside the switch.
func (l *lab) openShop(ctx context.Context) error {
	at := strings.TrimPrefix(l.shopURL(""), "http://")
	l.shop = exec.CommandContext(context.WithoutCancel(ctx), l.node.Binary, "bss", "--listen", at)
	l.shop.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := l.shop.Start(); err != nil {
		return fmt.Errorf("start business system: %w", err)
	}
	return bed.Eventually(10*time.Second, func() error {
		var none []struct{}
		return l.ask(ctx, "/messages", &none)
	})
}

func (l *lab) closeShop() {
	if l.shop != nil && l.shop.Process != nil {
		_ = l.shop.Process.Kill() // it keeps nothing
		_ = l.shop.Wait()
	}
}

func (l *lab) shopURL(path string) string { return fmt.Sprintf("http://%s:8090%s", l.switchIP, path) }

// ask reads what the business system knows.
func (l *lab) ask(ctx context.Context, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.shopURL(path), nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the business system: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the business system for %s: %s", path, res.Status)
	}
	if err = json.NewDecoder(res.Body).Decode(v); err != nil {
		return fmt.Errorf("ask the business system for %s: %w", path, err)
	}
	return nil
}

// promise is what a fault report or a complaint is answered with.
type promise struct {
	Number string `json:"number"`
	By     string `json:"promise"`
}

// ticket is what the customer was told of his fault report by message.
func (l *lab) ticket(ctx context.Context, number string) (p promise, err error) {
	var sent []struct {
		To, Template string
		Data         promise
	}
	if err = l.ask(ctx, "/messages", &sent); err != nil {
		return p, err
	}
	for _, m := range sent {
		if m.Template == "fault_ticket" && strings.HasSuffix(m.To, number) {
			p = m.Data
		}
	}
	if p.Number == "" {
		err = fmt.Errorf("no message about the fault of %s: %v", number, sent)
	}
	return p, err
}
