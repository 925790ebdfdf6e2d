// Command e2e checks a built switch from outside, with the peers that users
// have: sipp with RTP and RFC 4733 digits, baresip, linphone, Chromium with JsSIP (which npm
// fetches), and plain sockets.
//
//	go run ./.ci/e2e -tierline bin/tierline [-run REGEXP] [-lanes N] [-keep DIR]
//
// Steps that build on one another stand in a lane. Each lane has a switch and
// addresses of its own; some lanes run side by side, because a check of calls is
// mostly waiting.
//
// It installs nothing; what is missing is named. It listens to the loopback
// interface to hear what sipp cannot record, so it wants root or CAP_NET_RAW,
// as sipp's own RTP does.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"tierline/.ci/bed"
)

func main() {
	binary := flag.String("tierline", "bin/tierline", "the switch")
	only := flag.String("run", "", "run only the steps that match")
	keep := flag.String("keep", "", "work in this directory and leave it behind")
	abreast := flag.Int("lanes", 3, "so many lanes run side by side")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	failed, err := run(ctx, *binary, *only, *keep, *abreast)
	stop()
	if err != nil {
		fmt.Println("e2e:", err)
		os.Exit(2)
	}
	if failed {
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, only, keep string, abreast int) (failed bool, err error) {
	missing := bed.Missing(map[string]string{
		"sipp": "sip-tester", "baresip": "baresip-core", "linphonec": "linphone-cli", "chromium": "chromium", "npm": "npm",
	})
	if missing != "" {
		return false, fmt.Errorf("missing: %s", missing)
	}
	match, err := regexp.Compile(only)
	if err != nil {
		return false, fmt.Errorf("-run: %w", err)
	}
	work := keep
	if work == "" {
		if work, err = os.MkdirTemp("", "tierline-e2e-"); err != nil {
			return false, fmt.Errorf("make work directory: %w", err)
		}
		defer func() { _ = os.RemoveAll(work) }() // what is left is in the temporary directory
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return false, fmt.Errorf("find the switch: %w", err)
	}
	r := &runner{work: work, binary: binary, match: match, abreast: max(1, abreast)}
	return r.all(ctx, lanes()), nil
}
