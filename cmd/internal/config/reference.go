package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// Reference returns the reference of all settings as Markdown, made from the
// same struct that is read. docs/reference/settings.md is a copy of it.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Settings of a node

<!-- Written by "go test ./cmd/internal/config -update" from the settings themselves: change those. -->

Each node reads its own settings: from a YAML file (` + "`tierline serve --config FILE`" + `), from environment
variables and from flags. A flag overrides the environment, the environment overrides the file, the file overrides the
default. An unknown setting is an error; all mistakes are told at once. Nothing is read again while the node runs but
the files that ` + "`tls`" + ` names.

Trunks, numbers, menus, queues and agents are no settings: they are service documents, published with
` + "`tierline apply`" + ` for all nodes together.

| Setting | Default | Environment | Flag | Meaning |
|---|---|---|---|---|
`)
	for _, l := range leaves() {
		fmt.Fprintf(&b, "| `%s` | `%s` | `%s` | `--%s` | %s |\n", l.path, quoted(l.value), l.env(), l.flag, l.doc)
	}
	b.WriteString("\nThe defaults as a file:\n\n```yaml\n# tierline.yaml\n" + example() + "```\n")
	b.WriteString(`
## Sources

Where the sources that flows ask are, by the name that flows or ` + "`sources.yaml`" + ` give them. They stand in
the file only. A source that a flow asks and this node doesn't know fails at once.

| Setting | Meaning |
|---|---|
`)
	for _, row := range sourceMeanings() {
		fmt.Fprintf(&b, "| `sources.NAME.%s` | %s |\n", row[0], row[1])
	}
	b.WriteString("\n```yaml\n# tierline.yaml\nsources:\n" +
		"  bss: {url: \"https://bss.example.net:8443\", token_file: /etc/tierline/bss.token}\n" +
		"  crm: {url: \"sqlite:crm.db\"}\n```\n\nProxies named in the environment are not used.\n")
	b.WriteString(accountReference())
	b.WriteString(speechReference())
	b.WriteString(clusterReference())
	return b.String()
}

// example writes the defaults as a settings file.
func example() string {
	var b strings.Builder
	var open []string // sections
	for _, l := range leaves() {
		path := strings.Split(l.path, ".")
		sections, key := path[:len(path)-1], path[len(path)-1]
		for i, name := range sections {
			if i >= len(open) || open[i] != name {
				fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", i), name)
				open = append(open[:i:i], name)
			}
		}
		open = open[:len(sections)]
		indent := strings.Repeat("  ", len(sections))
		switch v := l.value.(type) {
		case []netip.AddrPort, []string:
			fmt.Fprintf(&b, "%s%s: [%s]\n", indent, key, quoted(v))
		case []Listen:
			fmt.Fprintf(&b, "%s%s:\n", indent, key)
			for _, each := range v {
				fmt.Fprintf(&b, "%s  - {transport: %s, address: \"%s\"}\n", indent, each.Transport, each.Address)
			}
		default:
			fmt.Fprintf(&b, "%s%s: %s\n", indent, key, quoted(v))
		}
	}
	return b.String()
}

// sourceMeanings says what each setting of a source does.
func sourceMeanings() [][2]string {
	return [][2]string{
		{"url", "`http://…`, `https://…`, `postgres://user@host/db` or `sqlite:FILE`; paths of requests are put behind it"},
		{"token_file", "File with the secret: a bearer token, or the password of a database. Nobody but the owner may " +
			"read it"},
		{"token_env", "Environment variable with the secret, in place of a file"},
		{"header", "Header that carries the token as it is; empty: `Authorization: Bearer`"},
		{"ca_file", "Certificates to trust (PEM); empty: those of the system"},
		{"write", "`true`: SQL statements may change data"},
	}
}

// meanings says what each setting does.
//
//nolint:funlen // a table: a line or two for each setting
func meanings() map[string]string {
	return map[string]string{
		"node":        "Name of this node in the cluster; it stays the same over restarts",
		"data_dir":    "Directory of everything the node keeps: log, snapshots, call records, prompts",
		"service_dir": "Directory of service documents to publish at the start; empty: keep what was published",
		"sip.listen": "Where to listen, each with transport (udp, tcp, tls, ws or wss) and address (ip:port); in flags " +
			"and environment written udp:ip:port,tcp:ip:port",
		"sip.advertise": "Host that peers reach this node under, for Contact and Via; empty: the address listened " +
			"on",
		"sip.origins": "Web pages that may open a WebSocket (ws, wss), as https://host; empty: those of the host that " +
			"they connect to; *: all. Programs that are no browsers say no origin and may",
		"sip.connections_per_source": "Connections (tcp, tls, ws, wss) that one address may hold; more where many " +
			"phones are behind one NAT",
		"sip.admission": "auto: when the node can't keep up, new calls are limited and the rest get 503 with " +
			"Retry-After; off: never",
		"sip.max_calls": "Callers at once on this node; more get 503 with Retry-After. 0: as many as have ports for " +
			"two legs",
		"rtp.ip":       "Address of the audio sockets, as SDP names it",
		"rtp.port_min": "First port; even. Every leg takes two ports, for RTP and RTCP",
		"rtp.port_max": "Last port",
		"rtp.check_after": "Who talks and sends no packet (RTP, RTCP) for so long is asked by OPTIONS whether he is " +
			"there, and is gone if he isn't; 0s: never",
		"dns.servers": "DNS servers to ask for hosts of trunks that are names, as addresses with ports, at most three; " +
			"empty: those of /etc/resolv.conf, after /etc/hosts",
		"http.listen": "Address of the API, /metrics, /healthz and /readyz",
		"http.users_file": "File with the users of the API, their roles and the hashes of their tokens, as " +
			"`tierline users` writes it; empty: nobody signs in, which is permitted on loopback only. " +
			"Read again when it changes",
		"http.tls": "Serve all this over HTTPS, with the certificate of tls",
		"tls.cert_file": "Certificate chain (PEM) for SIP over TLS and WSS and for HTTPS; also shown to trunks that ask " +
			"who calls. Read again when it changes",
		"tls.key_file": "Its key (PEM). Nobody but the owner may read it",
		"tls.ca_file": "Authorities (PEM) that must have signed certificates of trunks, and of phones that have one; " +
			"empty: those of the system",
		"tls.client_certificates": "Whether peers that connect to a tls port must show a certificate: off, ask (checked " +
			"if they show one) or require. Browsers (wss) are never asked",
		"raft.log_store": "Engine of the log: wal (fast) or bolt (conservative). Don't change it over an existing " +
			"data directory",
		"seal.key_file": "File with the key that log and snapshots on the disk are sealed with; `tierline node key` " +
			"makes it. Empty: `node.key` in data_dir, made at the first start. Nobody but the owner may read it",
		"cluster.name": "Name of the cluster this node is one of; empty: the node is alone",
		"cluster.listen": "Where this node takes what the others send, host:port; empty: its address in " +
			"cluster.nodes",
		"cluster.ca_file":   "Who signed the nodes' certificates (PEM)",
		"cluster.cert_file": "This node's certificate (PEM), with the name tierline://CLUSTER/NODE",
		"cluster.key_file":  "Its key (PEM)",
		"log.level":         "debug, info, warn or error",
		"log.format":        "text or json",
		"takeover.mode": "What becomes of the calls of a process that died: " +
			"`address` (who goes on with them serves at its address), " +
			"`reinvite` (who goes on tells their peers where), `off` (they end)",
		"takeover.command": "Run as `COMMAND take NODE ADDRESS` before another node's address is served " +
			"and `COMMAND leave …` " +
			"after it: moves the address to this machine, where that is more than to bind it",
		"drain.timeout":         "How long running calls may go on after SIGTERM, for example 30s; then they are ended",
		"report.retention_days": "Days that call records and events are kept; 0: for ever",
		"report.database.url": "PostgreSQL that all nodes write call records and events to: " +
			"`postgres://user@host/database?sslmode=verify-full`; empty: each node into a file of its own",
		"report.database.password_file": "File with the password. Nobody but the owner may read it",
		"report.database.password_env":  "Environment variable with the password, in place of a file",
		"report.database.ca_file":       "Certificates to trust (PEM); empty: those of the system",
		"recordings.keep_days": "Days that recorded conversations are kept on this node, days by UTC; 0: for ever. " +
			"What a bucket holds is the bucket's",
		"recordings.s3.endpoint": "S3 store that recorded conversations go to when they are complete: `https://host` or " +
			"`https://host:port`; empty: they stay here",
		"recordings.s3.bucket": "Its bucket, which exists already",
		"recordings.s3.region": "The region of the bucket",
		"recordings.s3.prefix": "Before the names of all recordings, with a slash at its end: `centre/`",
		"recordings.s3.credentials": "Who the node is to the store: keys (`access_key` and its secret), or role: " +
			"that of the EC2 instance, the ECS task or the EKS pod that it runs in, whose keys come and go by themselves",
		"recordings.s3.access_key":      "Name of the key that may put and get objects there",
		"recordings.s3.secret_key_file": "File with the secret key. Nobody but the owner may read it",
		"recordings.s3.secret_key_env":  "Environment variable with the secret key, in place of a file",
		"recordings.s3.ca_file":         "Certificates to trust (PEM); empty: those of the system",
		"recordings.s3.allow_http":      "Permit an endpoint without TLS",
		"trace.enabled": "Remember what happens to calls message by message, for `tierline trace`; in memory, until a " +
			"restart",
		"trace.memory_mb":   "Memory for all of that; calls that are over go first, the oldest first",
		"trace.call_kb":     "The most for one call",
		"trace.calls":       "Calls remembered at most, those that are over included",
		"hep.address":       "Collector of SIP traffic (Homer) that gets copies by HEPv3 over UDP, host:port; empty: none",
		"hep.node_id":       "Number that it knows this node by",
		"hep.password_file": "File with the password that it asks for; empty: none. Nobody but the owner may read it",
	}
}
