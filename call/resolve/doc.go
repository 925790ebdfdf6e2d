// Package resolve finds where a SIP URI's host is: the transports, addresses and
// ports to try, in order (RFC 3263).
//
// # What it owns
//
// Questions to DNS servers and their answers, what is remembered of them and for
// how long, the order of NAPTR and SRV records, which addresses failed lately.
//
// # What it does not own
//
// Sending SIP, and trying the next hop when one fails: whoever calls does that
// and tells with [Resolver.Report] how it went.
//
// # The rule
//
// An address is never looked up. No call waits for DNS longer than a question
// may take, and none waits twice for the same silence: failures are remembered
// for some seconds. Servers that don't answer take nothing away that was known:
// then old records hold on.
//
// # Concurrency
//
// A [Resolver] may be used by many goroutines. The same question is asked once
// at a time; its mutex is never held while a server is asked.
//
// # Words
//
// Hop: a transport and an address with a port. Stale: past its time to live.
package resolve
