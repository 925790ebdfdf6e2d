package config

// Trace says what is remembered of calls, message by message.
type Trace struct {
	Enabled  bool `mapstructure:"enabled"`
	MemoryMB int  `mapstructure:"memory_mb"`
	CallKB   int  `mapstructure:"call_kb"`
	Calls    int  `mapstructure:"calls"`
}

// HEP says where copies of SIP messages go.
type HEP struct {
	Address      string `mapstructure:"address"`
	NodeID       int    `mapstructure:"node_id"`
	PasswordFile string `mapstructure:"password_file"`
}

func defaultTrace() Trace {
	return Trace{Enabled: true, MemoryMB: 32, CallKB: 64, Calls: 5000}
}

func (t Trace) validate(c *checker) {
	c.check(t.MemoryMB >= 1 && t.MemoryMB <= 65536, "trace.memory_mb", "%d is not between 1 and 65536", t.MemoryMB)
	c.check(t.CallKB >= 8 && t.CallKB <= 65536, "trace.call_kb", "%d is not between 8 and 65536", t.CallKB)
	c.check(t.Calls >= 1 && t.Calls <= 10_000_000, "trace.calls", "%d is not between 1 and 10000000", t.Calls)
}

func (h HEP) validate(c *checker, traced bool) {
	c.check(h.Address == "" || isHostPort(h.Address), "hep.address", "%q is no host:port", h.Address)
	c.check(h.Address == "" || traced, "trace.enabled", "is off, but hep.address is set")
	c.check(h.NodeID >= 1 && int64(h.NodeID) <= 1<<32-1, "hep.node_id", "%d is not between 1 and 4294967295", h.NodeID)
}
