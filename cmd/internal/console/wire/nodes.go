package wire

// Node is one node of the cluster.
type Node struct {
	Name    string `json:"name"`
	Address string `json:"address,omitempty" doc:"Where it takes what other nodes send; absent: it is alone"`
	Version string `json:"version,omitempty"`
	State   string `json:"state" enum:"leader,follower,candidate,learner,shutdown,unreachable"`
	Term    uint64 `json:"term"`
	Index   uint64 `json:"index" doc:"The last entry of the log that it has applied"`
	Lag     uint64 `json:"lag" doc:"Entries that the leader has applied and it has not"`
	Calls   int    `json:"calls" doc:"Live calls on it"`
	Trouble string `json:"trouble,omitempty" doc:"Why it takes no new calls, or can't be reached"`
}

// Drained is what came of taking a node out of service.
type Drained struct {
	Node  string `json:"node"`
	Heir  string `json:"heir,omitempty" doc:"Who has its address and calls; absent: nobody could take them"`
	Moved int    `json:"moved" doc:"Calls that the heir goes on with"`
	Left  int    `json:"left" doc:"Calls that can't move; they end, at the latest when drain.timeout has passed"`
}

// Nodes are all nodes of the cluster, by name.
type Nodes struct {
	Node  string `json:"node" doc:"The one that answers"`
	Nodes []Node `json:"nodes"`
}
