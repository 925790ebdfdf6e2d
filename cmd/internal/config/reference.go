package config

import (
	"fmt"
	"strings"
)

// Reference returns the reference of all settings as Markdown, made from the
// same struct that is read. docs/reference/settings.md is a copy of it.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Settings of a node

<!-- Written by "go test ./cmd/internal/config -update" from the settings themselves: change those. -->

Each node reads its own settings: from a YAML file (` + "`tierline serve --config FILE`" + `), from environment
variables and from flags. A flag overrides the environment, the environment overrides the file, the file overrides the default.
An unknown setting is an error; all mistakes are told at once. Nothing is read again while the node runs.

Trunks, numbers, menus, queues and agents are no settings: they are service documents, published with
` + "`tierline apply`" + ` for all nodes together.

| Setting | Default | Environment | Flag | Meaning |
|---|---|---|---|---|
`)
	for _, l := range leaves() {
		fmt.Fprintf(&b, "| `%s` | `%s` | `%s` | `--%s` | %s |\n", l.path, quoted(l.value), l.env(), l.flag, l.doc)
	}
	b.WriteString("\nThe defaults as a file:\n\n```yaml\n" + example() + "```\n")
	return b.String()
}

// example writes the defaults as a settings file.
func example() string {
	var b strings.Builder
	section := ""
	for _, l := range leaves() {
		name, key, nested := strings.Cut(l.path, ".")
		if !nested {
			fmt.Fprintf(&b, "%s: %s\n", l.path, quoted(l.value))
			continue
		}
		if name != section {
			fmt.Fprintf(&b, "%s:\n", name)
			section = name
		}
		listeners, isList := l.value.([]Listen)
		if !isList {
			fmt.Fprintf(&b, "  %s: %s\n", key, quoted(l.value))
			continue
		}
		fmt.Fprintf(&b, "  %s:\n", key)
		for _, each := range listeners {
			fmt.Fprintf(&b, "    - {transport: %s, address: \"%s\"}\n", each.Transport, each.Address)
		}
	}
	return b.String()
}

// meaning says what a setting does.
func meaning(path string) string {
	switch path {
	case "node":
		return "Name of this node in the cluster; it stays the same over restarts"
	case "data_dir":
		return "Directory of everything the node keeps: log, snapshots, call records, prompts"
	case "service_dir":
		return "Directory of service documents to publish at the start; empty: keep what was published"
	case "sip.listen":
		return "Where to listen, each with transport (udp or tcp) and address (ip:port); in flags and " +
			"environment written udp:ip:port,tcp:ip:port"
	case "sip.advertise":
		return "Host that peers reach this node under, for Contact and Via; empty: the address listened " +
			"on"
	case "rtp.ip":
		return "Address of the audio sockets, as SDP names it"
	case "rtp.port_min":
		return "First port; even. Every leg takes two ports, for RTP and RTCP"
	case "rtp.port_max":
		return "Last port"
	case "http.listen":
		return "Address of the API, /metrics, /healthz and /readyz"
	case "http.allow_remote":
		return "Permit an address other than loopback. The API has no sign-in yet: whoever reaches it " +
			"may change the service"
	case "raft.log_store":
		return "Engine of the log: wal (fast) or bolt (conservative). Don't change it over an existing " +
			"data directory"
	case "log.level":
		return "debug, info, warn or error"
	case "log.format":
		return "text or json"
	case "drain.timeout":
		return "How long running calls may go on after SIGTERM, for example 30s; then they are ended"
	case "report.retention_days":
		return "Days that call records and events are kept; 0: for ever"
	}
	return ""
}
