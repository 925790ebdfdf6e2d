// Package bss is the demo's business system: the customers' bills, points,
// orders, plans, lines, tickets and complaints behind 10001.
//
// # What it owns
//
// An [http.Handler] that answers as such a system would, data made from the
// customers' directory so that every branch of the demo's flows can be walked,
// and faults on demand: delays, errors, garbage.
//
// # What it does not own
//
// Who a customer is: routing/customer. How to ask: package backend, which knows
// nothing of it.
//
// # The rule
//
// The same directory and the same day give the same data. What callers change
// (PINs, tickets, messages) lives in memory and is bounded. It is for trying
// flows, never for real customers: PINs are known to everybody who reads its
// page.
//
// # Concurrency
//
// [System] is safe for concurrent use; one mutex guards what callers change.
//
// # Words
//
// Account: a customer's id or one of his numbers. Case: a ticket or a
// complaint. Fault: what goes wrong because somebody asked for it.
package bss
