// Package trunk says which peer a call comes from, which takes a call that we
// make, and what either may do.
//
// # What it owns
//
// The table of trunks, the match of a source address, the numbering of a trunk
// (what it sends becomes E.164, and back), which numbers may be called through
// it, and the arithmetic of its limits.
//
// # What it does not own
//
// Sockets, the count of live calls (the owner of a [Limiter] keeps it), reading
// documents.
//
// # The rule
//
// Pure: time comes in. The most specific source wins, and two trunks can't
// claim the same one, so the order of the document never decides whom a call
// comes from. Outward nothing may be called that no rule permits.
//
// # Concurrency
//
// A [Table] is not changed after [New]. A [Limiter] belongs to one owner, who
// locks it.
//
// # Words
//
// ANI: the number that calls. DNIS: the number that was dialled. Service code:
// a short number such as 10000 that has no E.164 form.
package trunk
