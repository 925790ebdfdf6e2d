package sipua

import (
	"time"

	"tierline/call/gate"
)

// Age is how long a datagram waited.
var Age = age

// RawCallID is the Call-ID of a message that isn't parsed.
var RawCallID = rawCallID

// Outdated tells whether a datagram that waited so long is worth no look.
func Outdated(g *gate.Gate, waited time.Duration, b []byte) bool {
	return (&endpoint{ua: &UA{gate: g}, waited: waited}).outdated(b)
}
