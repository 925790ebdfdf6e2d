package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

func phoneSteps() []step {
	return []step{
		{"wss: a page in Chromium with JsSIP: DTLS-SRTP, tones both ways, hold, lost connection, reload", browserAgent},
		{"doors: plain SIP, garbage, old TLS and other protocols at the ports of TLS and WSS", doors},
		{"udp: linphone; tones both ways", linphoneBy("udp", "1002", "none")},
		{"tls: linphone with keys in the SDP; tones both ways", linphoneBy("tls", sealedAgent, "srtp")},
		{"tls: a trunk; carrier and switch prove to each other who they are, tones both ways", trunkByTLS},
		{"tcp: baresip; tones both ways, the end of the call comes over its connection", baresipBy("tcp", "1002", "", "")},
		{
			"tls: baresip checks the certificate, keys in the SDP are mandatory; tones both ways",
			baresipBy("tls", sealedAgent, ";mediaenc=srtp-mand", "srtp"),
		},
	}
}

// certificates makes an authority and a certificate for hosts, as users do.
func certificates(ctx context.Context, binary, work string, hosts ...string) (dir string, err error) {
	dir = filepath.Join(work, "tls")
	args := []string{"certs", "init", dir, "--host", "localhost"}
	for _, h := range hosts {
		args = append(args, "--host", h)
	}
	if out, err := exec.CommandContext(ctx, binary, args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("make certificates: %w\n%s", err, out)
	}
	return dir, nil
}

func baresipBy(transport, id, account, module string) func(context.Context, *lab) error {
	return func(ctx context.Context, l *lab) error {
		return l.withBaresip(ctx, handset{id: id, by: transport, account: account, modules: module}, false)
	}
}
