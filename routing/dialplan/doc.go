// Package dialplan turns the number a caller dialled into the flow that
// answers.
//
// # What it owns
//
// The rules and which of them wins: an exact number before any prefix, a longer
// prefix before a shorter one, a rule for some trunks before a rule for all.
//
// # What it does not own
//
// Bringing numbers into one form (routing/trunk does), the flows, reading
// documents.
//
// # The rule
//
// Pure, and never a matter of order: two rules that could tie are refused by
// [New].
//
// # Concurrency
//
// A [Plan] is not changed after New.
package dialplan
