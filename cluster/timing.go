package cluster

import (
	"time"

	"github.com/hashicorp/raft"
)

// timing is how long things may take.
type timing struct {
	heartbeat time.Duration // Raft's heartbeat and election time-out, of a node alone
	together  time.Duration // the same among several
	wires     time.Duration // for a connection to another node, and for each of Raft's requests
	propose   time.Duration // until a proposal is given up
	slow      time.Duration // a write to the log that takes longer is trouble
	watch     time.Duration // between two looks at the disk
	watchdog  time.Duration // a leader whose own entries take longer hands over
	snapshot  time.Duration // between two looks whether a snapshot is due
	drain     time.Duration // for posted events, at the end
	shutdown  time.Duration // for Raft, at the end
	backlog   int           // stories
}

func raftConfig(c Config, t timing) *raft.Config {
	conf := raft.DefaultConfig()
	conf.LocalID = raft.ServerID(c.Node)
	conf.Logger = newBridge(c.Logger)
	conf.HeartbeatTimeout, conf.ElectionTimeout = t.heartbeat, t.heartbeat
	conf.LeaderLeaseTimeout = t.heartbeat                // more would let two lead, less gives up for a hiccup
	conf.CommitTimeout = 25 * time.Millisecond           // the herald is faster
	conf.MaxAppendEntries, conf.BatchApplyCh = 128, true // what came during one fsync is committed by the next
	conf.SnapshotThreshold = uint64(c.SnapshotEvery)
	conf.SnapshotInterval = t.snapshot
	conf.NoSnapshotRestoreOnStart = true // done by recovery
	return conf
}
