package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// apart runs this program again in a network and with mounts of its own, so
// that cutting cables and filling disks is nobody else's trouble, and returns
// its exit status. It needs to be root.
func apart() int {
	cmd := exec.CommandContext(context.Background(), "/proc/self/exe", append([]string{"-inside"}, os.Args[1:]...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL,
	}
	err := cmd.Run()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		return ended.ExitCode()
	case err != nil:
		fmt.Fprintln(os.Stderr, "chaos needs root, to have a network and mounts of its own:", err)
		return 1
	}
	return 0
}

// tool runs a program.
func tool(ctx context.Context, words ...string) error {
	_, err := said(ctx, words...)
	return err
}

// said runs a program and returns what it says.
func said(ctx context.Context, words ...string) (string, error) {
	out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput() //nolint:gosec // our own words
	text := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, text)
	}
	return text, nil
}

// tools runs several, a line each.
func tools(ctx context.Context, script string) error {
	for line := range strings.Lines(script) {
		if words := strings.Fields(line); len(words) > 0 {
			if err := tool(ctx, words...); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin makes the network and the mounts usable.
func begin(ctx context.Context) error {
	return tools(ctx, `
		mount --make-rprivate /
		mount -t tmpfs tmpfs /run
		ip link set lo up`)
}
