package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// limitAgents lets each agent call outside once an hour.
func limitAgents(service string) error {
	file := filepath.Join(service, "agents.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read agents: %w", err)
	}
	return replace(file, "outward_limits: {hour: 1}\n"+string(b))
}

// farTrunks are the trunks of the other switch: %[1]s is ours.
const farTrunks = `trunks:
  main:
    sources: [%[1]s]
    auth: {realm: far.test, username: main, secret: hunter2}
    codecs: [pcmu, pcma]
    targets: ["sip:%[1]s"]
    allow: ["+86"]
`

// mainTrunks are ours: 1 proves itself, 2 and 3 have limits, 4 is the other
// switch, 5 the fake carrier, 6 its port.
const mainTrunks = `trunks:
  sipp:
    sources: [%[1]s]
    auth: {realm: trunks, username: sipp, secret: s1pp}
  few:
    sources: [%[2]s]
    limits: {in: {calls: 1}, full: busy}
  slow:
    sources: [%[3]s]
    limits: {in: {rate: 1}}
  ims:
    register: {registrars: ["sip:%[5]s:%[6]d"], domain: ims.test, expires: 1m, called: to}
    account: ims
    targets: ["sip:%[5]s:%[6]d"]
    allow: ["+86"]
    caller_id: "+8657187650000"
    caller_ids: ["+865718765"]
    numbering:
      area: "571"
      outward: {called: national, caller: e164, rewrites: [{prefix: "1", length: 11, add: "17909"}]}
  far:
    sources: [%[4]s]
    targets: ["sip:%[5]s:%[6]d", "sip:%[4]s"]
    allow: ["10001"]
    account: far
    caller_id: "+8657187650000"
  help:
    sources: ["%[4]s:5995"]
    targets: ["sip:%[4]s"]
    emergency: ["110"]
    account: far
  hourly:
    sources: ["%[4]s:5999"]
    targets: ["sip:%[4]s"]
    allow: ["10001"]
    account: far
    limits: {out: {hour: 1}}
  named:
    sources: ["%[4]s:5998"]
    targets: ["sip:carrier.test"]
    allow: ["10001"]
    account: far
  safe:
    sources: ["%[4]s:5997"]
    targets: ["sip:%[4]s:5061;transport=tls"]
    allow: ["10001"]
    account: far
    tls: {name: localhost}
  unsafe:
    sources: ["%[4]s:5996"]
    targets: ["sip:secure.test:5061;transport=tls"]
    allow: ["10001"]
    account: far
`
