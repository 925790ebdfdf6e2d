package call

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"tierline/acd"
	"tierline/call/sipua"
)

// home is the address that the legs of a call have. The zero value is the
// node's own; others are those of nodes in whose place it serves.
type home struct {
	node  string
	sip   netip.Addr
	media netip.Addr
}

func (h home) rtp() netip.AddrPort {
	if !h.media.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(h.media, 0)
}

// ip is what stands in our SDP; ours is the node's own.
func (h home) ip(ours netip.Addr) netip.Addr {
	if h.media.IsValid() {
		return h.media
	}
	return ours
}

// homeAt finds whose address a call came to.
func (s *Switch) homeAt(local netip.Addr) home {
	s.estate.mu.Lock()
	defer s.estate.mu.Unlock()
	for _, h := range s.estate.homes {
		if h.sip == local {
			return h
		}
	}
	return home{}
}

// homeOf finds the address of a node, ours unless we serve in its place.
func (s *Switch) homeOf(node string) home {
	s.estate.mu.Lock()
	defer s.estate.mu.Unlock()
	return s.estate.homes[node]
}

// hold serves in another node's place from now on.
func (s *Switch) hold(e acd.HoldAddress) {
	if e.Home == s.cfg.Node {
		return // the user agent has it, or takes it as soon as it is free
	}
	h := home{node: e.Home}
	for _, l := range e.Listen {
		transport, at, _ := strings.Cut(l, ":")
		addr, err := netip.ParseAddrPort(at)
		switch {
		case err != nil:
			s.cfg.Log.Error("address of another node is unusable", "of", e.Home, "listen", l, "err", err)
		case transport == mediaListen:
			h.media = addr.Addr()
		default:
			h.sip = addr.Addr()
		}
	}
	if err := s.cfg.Addresses.Take(e.Home, h.sip); err != nil {
		s.cfg.Log.Error("address of another node can't be had", "of", e.Home, "address", h.sip.String(), "err", err)
	}
	for _, l := range e.Listen {
		if transport, _, _ := strings.Cut(l, ":"); transport != mediaListen {
			s.adopt(e.Home, l, e.Host)
		}
	}
	s.estate.mu.Lock()
	s.estate.homes[e.Home] = h
	s.estate.mu.Unlock()
}

// mediaListen is before the address of a node's RTP among those it serves.
const mediaListen = "rtp"

// MediaListen says where a node's RTP is, for [acd.NodeReady].
func MediaListen(ip netip.Addr) string { return mediaListen + ":" + netip.AddrPortFrom(ip, 0).String() }

// adopt opens one socket of another node. A process that stands still has its
// listeners for TCP until it is gone: it is tried again.
func (s *Switch) adopt(of, listen, host string) {
	err := s.cfg.UA.Adopt(listen, host)
	if err == nil {
		s.cfg.Log.Info("serving in another node's place", "of", of, "listen", listen)
		return
	}
	s.cfg.Log.Warn("can't serve in another node's place yet", "of", of, "listen", listen, "err", err)
	s.estate.retry(of, listen, host)
}

// free gives an address up.
func (s *Switch) free(e acd.FreeAddress) {
	s.estate.mu.Lock()
	h := s.estate.homes[e.Home]
	delete(s.estate.homes, e.Home)
	s.estate.mu.Unlock()
	if e.Home == s.cfg.Node {
		return // a node that gives up its own is about to stop
	}
	s.cfg.UA.Leave(h.sip)
	if err := s.cfg.Addresses.Leave(e.Home, h.sip); err != nil {
		s.cfg.Log.Error("address of another node can't be left", "of", e.Home, "err", err)
	}
	s.cfg.Log.Info("another node's address was given back", "of", e.Home, "to", e.To)
}

// stopGhost stops a phone that rings for a node that is dead.
func (s *Switch) stopGhost(e acd.StopGhost) {
	var from string
	var dead acd.MemberView
	s.cfg.Queue.Read(func(st *acd.State) {
		if v, ok := st.Call(e.Call); ok {
			from = v.From
		}
		for _, m := range st.Members() {
			if m.Node == e.Home {
				dead = m
			}
		}
	})
	h := s.homeOf(e.Home)
	for _, b := range e.Contacts {
		sender := ""
		if h.node == "" && e.Home != s.cfg.Node {
			sender = senderOf(dead, b.Transport)
		}
		err := s.cfg.UA.CancelGhost(sipua.DialRequest{
			Target: b.Contact, Destination: b.Received, Transport: b.Transport, From: from, To: e.Agent,
			Local: h.sip, Seed: seedOf(e.Call, e.Offer, b.Contact), Sender: sender,
		})
		if err != nil {
			s.cfg.Log.Info("a phone may go on ringing", "agent", e.Agent, "err", err)
		}
	}
}

// senderOf is the host and port that a node names as its own in what it sends
// by a transport; "": it doesn't serve that.
func senderOf(m acd.MemberView, transport string) string {
	for _, l := range m.Listen {
		by, text, _ := strings.Cut(l, ":")
		at, err := netip.ParseAddrPort(text)
		if err != nil || !strings.EqualFold(by, cmp.Or(transport, sipua.UDP)) {
			continue
		}
		return net.JoinHostPort(cmp.Or(m.Host, at.Addr().String()), strconv.Itoa(int(at.Port())))
	}
	return ""
}

// fromHome calls from the call's address, and so that another node can stop it.
func (c *Call) fromHome(r sipua.DialRequest, offer uint64) sipua.DialRequest {
	r.Local, r.Seed = c.home.sip, seedOf(c.id, offer, r.Target)
	return r
}

// seedOf names one phone of one offer. Nobody outside knows a call's id before
// his phone rings for it.
func seedOf(call string, offer uint64, contact string) string {
	return fmt.Sprintf("%s/%d/%s", call, offer, contact)
}

// Addresses moves addresses between machines, where that is more than to bind
// them.
type Addresses interface {
	Take(node string, at netip.Addr) error
	Leave(node string, at netip.Addr) error
}
