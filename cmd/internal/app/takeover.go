package app

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"time"

	"tierline/acd"
	"tierline/call"
	"tierline/call/sipua"
)

// shared says whether other nodes may take our addresses while we still hold
// them.
func (n *Node) shared() bool { return n.settings.Cluster.Name != "" }

// livingAgain is how often phones register that live on their connections. When
// this node dies the others know them from then on.
const livingAgain = 30 * time.Second

func (n *Node) livingExpires() time.Duration {
	if !n.shared() {
		return 0 // their next try is to the same node
	}
	return livingAgain
}

// announce says in the log that the node serves, and where. Whoever had its
// address gives it back, so that it is free within a moment.
func (n *Node) announce(ctx context.Context) error {
	if !n.shared() {
		return nil
	}
	ev := acd.NodeReady{
		Node: n.settings.Node, Listen: []string{call.MediaListen(n.settings.RTP.IP)}, Host: n.settings.SIP.Advertise,
	}
	for _, l := range n.settings.SIP.Listen {
		ev.Listen = append(ev.Listen, l.String())
	}
	if _, _, err := n.cluster.Propose(ctx, ev); err != nil {
		return fmt.Errorf("say that the node is ready: %w", err)
	}
	return nil
}

const (
	// backWithin is how long the node that has our address may need to leave it.
	backWithin = 15 * time.Second
	// backAgain is how often we look.
	backAgain = 5 * time.Millisecond
)

// openUA opens the user agent, as soon as the address is ours again.
func (n *Node) openUA(ctx context.Context, c sipua.Config) (*sipua.UA, error) {
	for began := time.Now(); ; {
		if n.hasAddress() {
			ua, err := sipua.Open(c) //nolint:contextcheck // serves until Close
			if err == nil || !n.shared() || !errors.Is(err, syscall.EADDRINUSE) || time.Since(began) > backWithin {
				return ua, err
			}
		} else if time.Since(began) > backWithin {
			return nil, fmt.Errorf("another node has had the address for %v and doesn't give it back", backWithin)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(backAgain):
		}
	}
}

// hasAddress reports whether nobody serves in our place.
func (n *Node) hasAddress() bool {
	if !n.shared() {
		return true
	}
	ours := true
	n.cluster.Read(func(s *acd.State) {
		for _, m := range s.Members() {
			if m.Node == n.settings.Node {
				ours = m.Holder == m.Node
			}
		}
	})
	return ours
}

// wellOnes are the nodes that take calls, with how many they have.
func (n *Node) wellOnes(ctx context.Context) map[string]int {
	load := map[string]int{}
	for _, s := range n.cluster.Nodes(ctx) {
		if (s.State == "leader" || s.State == "follower") && s.Trouble == "" {
			load[s.Node] = s.Calls
		}
	}
	return load
}

// rehome gives the node's address to another one, with the calls that live
// there, before the node stops: nobody is cut off for a restart. It returns who
// has them then, "" if nobody can go on with them.
func (n *Node) rehome(ctx context.Context) (heir string) {
	if !n.shared() || n.settings.Takeover.Mode == "off" || n.cluster == nil {
		return ""
	}
	load := n.wellOnes(ctx)
	me := n.settings.Node
	var homes []string
	n.cluster.Read(func(s *acd.State) {
		for _, m := range s.Members() {
			calls, well := load[m.Node]
			switch {
			case m.Holder == me:
				homes = append(homes, m.Node)
			case m.Node == m.Holder && !m.Down && !m.Out && well && (heir == "" || calls < load[heir]):
				heir = m.Node
			}
		}
	})
	if heir == "" {
		return "" // they are drained
	}
	for _, home := range homes {
		ev := acd.AddressMoved{Home: home, From: me, To: heir, Away: n.settings.Takeover.Mode == "reinvite"}
		if _, _, err := n.cluster.Propose(ctx, ev); err != nil {
			n.log.Warn("calls can't be given to another node", "to", heir, "err", err)
		}
	}
	return heir
}

// may reports whether anything may leave this node. Before it has a place among
// the others it has no calls either.
func (n *Node) may() bool {
	c := n.lease.Load()
	return c == nil || c.May()
}

// fenced is called when the others have taken this node for dead: it stood
// still, or was cut off. What it holds is theirs by now, so not a word may go to
// anybody. The process begins anew with nothing in its hands; the kernel closes
// what was open.
func (n *Node) fenced() {
	n.log.Error("the others have taken this node for dead and gone on with its calls: it begins anew")
	if n.ground.fenced != nil {
		n.ground.fenced()
		return
	}
	if err := syscall.Exec("/proc/self/exe", os.Args, os.Environ()); err != nil {
		n.log.Error("can't begin anew: it stops", "err", err)
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // nothing else is sure to say nothing
}

// addresses moves service addresses between machines by a command of the
// operator; without one they are only bound.
type addresses struct{ command string }

// commandLimit bounds the command: callers hear nothing meanwhile.
const commandLimit = 2 * time.Second

// Take implements call.Addresses.
func (a addresses) Take(node string, at netip.Addr) error { return a.run("take", node, at) }

// Leave implements call.Addresses.
func (a addresses) Leave(node string, at netip.Addr) error { return a.run("leave", node, at) }

func (a addresses) run(what, node string, at netip.Addr) error {
	if a.command == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, a.command, what, node, at.String()) //nolint:gosec // the operator's
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("takeover.command %s: %w: %.200s", what, err, out)
	}
	return nil
}
