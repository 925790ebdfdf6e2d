package app

import (
	"tierline/cmd/internal/console"
	"tierline/media"
)

func (n *Node) mediaFigures() []console.Figure {
	s := n.media.Stats()
	out := []console.Figure{
		console.Gauge("media_legs", "Open RTP legs", s.Legs),
		console.Gauge("media_ports", "RTP port pairs in the range", s.Ports),
		console.Gauge("media_ports_used", "RTP port pairs in use", s.PortsUsed),
		console.Counter("media_packets_received_total", "RTP packets", s.PacketsIn),
		console.Counter("media_packets_sent_total", "RTP packets", s.PacketsOut),
		console.Counter("media_faults_total", "Panics while handling packets", s.Faults),
		console.Gauge("media_lateness_max_seconds", "The latest frame since the start", s.LatenessMax.Seconds()),
	}
	dropped := map[string]uint64{}
	for d := range media.DropCount {
		dropped[d.String()] = s.Dropped[d]
	}
	return append(out, console.Counters("media_dropped_total", "Packets that went no further", "reason", dropped)...)
}

func (n *Node) registrarFigures() []console.Figure {
	s := n.registrar.Stats()
	return []console.Figure{
		console.Counter("registrar_failures_total", "Wrong SIP credentials", s.Failures),
		console.Counter("registrar_bans_total", "Bans begun after wrong SIP credentials", s.Bans),
		console.Counter("registrar_refused_total", "Attempts refused because of a ban", s.Refused),
		console.Gauge("registrar_banned", "Addresses and users that are banned", s.Banned),
	}
}
