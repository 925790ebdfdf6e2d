package main

import (
	"context"
	"errors"
	"net/netip"

	"tierline/.ci/bed"
)

// stage is a node and those who call it, with sound.
type stage struct {
	node  *bed.Node
	rtp   *generator
	peers *peers
}

// stage starts a node with so many agents, and peers who call a number.
func (b *bench) stage(
	ctx context.Context, number string, agents int, change ...func(documents string) error,
) (*stage, error) {
	node, err := b.node(ctx, agents, change...)
	if err != nil {
		return nil, err
	}
	rtp, err := newGenerator(netip.MustParseAddr(host))
	if err != nil {
		return nil, errors.Join(err, node.Kill())
	}
	p, err := openPeers(number, node)
	if err != nil {
		rtp.close()
		return nil, errors.Join(err, node.Kill())
	}
	p.rtp = rtp
	return &stage{node, rtp, p}, nil
}

// close ends all of it: what there was to measure is measured.
func (s *stage) close() {
	_ = s.peers.close()
	s.rtp.close()
	_ = s.node.Kill()
}
