// Package console is the node's face to people and programs: the HTTP API,
// the event stream, health checks and metrics.
//
// # What it owns
//
// Paths, JSON (package wire), problem+json errors, the OpenAPI description,
// server-sent events, the Prometheus collectors, and the guards in front of
// them all.
//
// # What it does not own
//
// Business rules: it proposes events and reads views. What documents mean and
// when they are refused is publish's and call/service's.
//
// # The rule
//
// Nothing here can hold up a call: views are copies, streams have deadlines
// and are cut off when their reader is slow, requests have limits. There is no
// sign-in yet, so the listener is loopback by default, requests from web pages
// of other origins are refused, and so are host names that aren't this
// machine's (a page may rebind its own name to 127.0.0.1). Telephone numbers
// never get into the log.
//
// # Concurrency
//
// Each request has its own goroutine, an event stream two. [Meter.Run] is one
// goroutine that counts what the story tells.
package console
