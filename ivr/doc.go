// Package ivr runs self-service menus.
//
// # What it owns
//
// Flow format 1: reading a flow, checking it, and walking one caller through
// it. A [Flow] is data: nodes with names, checked once when it is loaded. A
// [Session] is one caller's place in a flow: what he pressed, the language, the
// variables, the path of milestones.
//
// # What it does not own
//
// RTP, prompts' audio, timers, queues, calendars. Whoever owns the session
// plays, waits and enqueues as the actions say and reports what happened.
//
// # The rule
//
// A session is a pure step machine: inputs in, actions out, time comes in with
// the input. It always waits for something that is bound to happen: a prompt's
// end, a timer, an answer. Nobody hears nothing for more than 800 ms unless it
// is his turn. Its state is serialisable and holds no secret: another node goes
// on from the same step ([Session.Restart]) with the same variables. One file a
// node type, all listed in [kinds].
//
// # Concurrency
//
// A Flow is immutable and shared by all calls. A Session belongs to one call
// and is not safe for concurrent use.
//
// # Words
//
// Node: one step of a flow. Target: where an outcome leads: a node, @repeat,
// @back or @hangup. Milestone: a node that reports name. Type-ahead: keys
// pressed before their prompt. Barge-in: a key that stops the prompt. Question:
// a prompt and the keys that answer it. Comfort: what is heard while an answer
// is awaited.
package ivr
