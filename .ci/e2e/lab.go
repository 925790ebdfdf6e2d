package main

import (
	"fmt"
	"path/filepath"

	"tierline/.ci/bed"
)

// The lab lives on addresses of its own, so that it disturbs no demo.
const (
	switchIP   = "127.0.0.21"
	callerIP   = "127.0.0.22"
	agentIP    = "127.0.0.23"
	callerHz   = 1400.0
	agentHz    = 700.0
	callerPort = 20000 // media of sipp callers
	agentPort  = 30000 // media of sipp agents
)

// lab is the switch under test and what listens beside it.
type lab struct {
	work string
	node *bed.Node
	tap  *tap
}

func newLab(work, binary string) (*lab, error) {
	service, err := filepath.Abs("testdata/demo")
	if err != nil {
		return nil, fmt.Errorf("find service documents: %w", err)
	}
	l := &lab{work: work, node: &bed.Node{
		Binary: binary, Dir: filepath.Join(work, "node"), Service: service,
		IP: switchIP, SIP: 5060, HTTP: 8080, RTPMin: 40000, RTPMax: 49999,
	}}
	if l.tap, err = openTap(switchIP, callerHz, agentHz); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *lab) close() {
	l.tap.close()
	if l.node.Running() {
		_ = l.node.Kill() // the steps have said what there is to say
	}
}
