package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"tierline/.ci/bed"
)

// chrome is one running Chromium, led by its DevTools protocol.
type chrome struct {
	cmd  *exec.Cmd
	done chan error
	out  bytes.Buffer
	page net.Conn
	last int
}

// startChrome opens a browser without a window. Its microphone is a file, and it
// trusts the key of one certificate beside what the system does.
func startChrome(ctx context.Context, dir, microphone, key string) (*chrome, error) {
	profile := filepath.Join(dir, "profile")
	c := &chrome{done: make(chan error, 1)}
	c.cmd = exec.CommandContext(ctx, "chromium",
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--user-data-dir="+profile, "--remote-debugging-port=0", "--autoplay-policy=no-user-gesture-required",
		"--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
		"--use-file-for-fake-audio-capture="+microphone, "--allow-loopback-in-peer-connection",
		"--ignore-certificate-errors-spki-list="+key, "about:blank")
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL} // it is many processes
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start chromium: %w", err)
	}
	go func() { c.done <- c.cmd.Wait() }()
	err := bed.Eventually(20*time.Second, func() error { return c.attach(ctx, profile) })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, c.complaint()), c.close())
	}
	return c, nil
}

// attach finds the one page and opens the channel to it.
func (c *chrome) attach(ctx context.Context, profile string) error {
	b, err := os.ReadFile(filepath.Join(profile, "DevToolsActivePort"))
	if err != nil {
		return fmt.Errorf("chromium does not say its port: %w", err)
	}
	port, _, _ := strings.Cut(string(b), "\n")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/json/list", nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask chromium: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	var targets []struct{ Type, WebSocketDebuggerURL string }
	if err = json.NewDecoder(res.Body).Decode(&targets); err != nil {
		return fmt.Errorf("ask chromium: %w", err)
	}
	for _, t := range targets {
		if t.Type != "page" {
			continue
		}
		if c.page, _, _, err = ws.Dial(ctx, t.WebSocketDebuggerURL); err != nil {
			return fmt.Errorf("attach to chromium's page: %w", err)
		}
		return nil
	}
	return errors.New("chromium has no page")
}

// tell sends a command and waits for its answer.
func (c *chrome) tell(method string, params map[string]any, out any) error {
	c.last++
	b, err := json.Marshal(map[string]any{"id": c.last, "method": method, "params": params})
	if err != nil {
		return fmt.Errorf("encode %s: %w", method, err)
	}
	deadline := time.Now().Add(20 * time.Second)
	if err = errors.Join(c.page.SetDeadline(deadline), wsutil.WriteClientText(c.page, b)); err != nil {
		return fmt.Errorf("tell chromium %s: %w", method, err)
	}
	for {
		b, err := wsutil.ReadServerText(c.page)
		if err != nil {
			return fmt.Errorf("chromium on %s: %w", method, err)
		}
		var answer struct {
			ID     int
			Error  *struct{ Message string }
			Result json.RawMessage
		}
		if err = json.Unmarshal(b, &answer); err != nil {
			return fmt.Errorf("chromium on %s: %w", method, err)
		}
		switch {
		case answer.ID != c.last: // an event
		case answer.Error != nil:
			return fmt.Errorf("chromium refuses %s: %s", method, answer.Error.Message)
		case out == nil:
			return nil
		default:
			return json.Unmarshal(answer.Result, out) //nolint:wrapcheck // of our own types
		}
	}
}

// run evaluates an expression in the page; a promise is waited for.
func (c *chrome) run(expression string, out any) error {
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	err := c.tell("Runtime.evaluate", map[string]any{
		"expression": expression, "awaitPromise": true, "returnByValue": true,
	}, &answer)
	switch {
	case err != nil:
		return err
	case answer.ExceptionDetails != nil:
		return fmt.Errorf("page: %s: %s", expression, answer.ExceptionDetails.Exception.Description)
	case out == nil:
		return nil
	}
	if err = json.Unmarshal(answer.Result.Value, out); err != nil {
		return fmt.Errorf("page: %s gives %s: %w", expression, answer.Result.Value, err)
	}
	return nil
}

func (c *chrome) complaint() string {
	s := c.out.String()
	return s[max(0, len(s)-1500):]
}

func (c *chrome) close() error {
	if c.page != nil {
		_ = c.page.Close() // the process goes next
	}
	if err := syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop chromium: %w", err)
	}
	err := <-c.done
	_ = err // killed, as it was to be
	return nil
}
