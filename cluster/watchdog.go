package cluster

import (
	"time"

	"github.com/hashicorp/raft"
)

// between two times that a leader hands over because it is slow.
const handoverPause = 5 * time.Second

// watchdog lets another node lead if this one is too slow for it: its disk, or
// whoever carries out what it applies. A write that never ends is the carrier's
// business: Raft can't be asked for anything then.
func (n *Node) watchdog(last time.Time) time.Time {
	if n.wires == nil || n.raft.State() != raft.Leader || time.Since(last) < handoverPause {
		return last
	}
	age, dragged := n.proposer.oldest(), n.guard.dragged(n.timing.watchdog)
	if age < n.timing.watchdog && !dragged {
		return last
	}
	n.log.Warn("this node is too slow to lead, another one takes over", "oldest_entry", age.Round(time.Millisecond))
	if dragged { // Raft would bring the other one up to date first, at the pace of this disk
		n.pulses.replace()
	} else {
		n.raft.LeadershipTransfer() // what becomes of it is seen in the log
	}
	return time.Now()
}
