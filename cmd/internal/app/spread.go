package app

import (
	"context"
	"time"

	"tierline/cmd/internal/spread"
)

// fetchLimit is how long documents may wait for their sounds. What hasn't come
// then is looked for again.
const fetchLimit = 20 * time.Second

// spreadSounds lets all nodes of the cluster have the sounds of documents.
func (n *Node) spreadSounds(root context.Context) {
	if !n.shared() {
		return
	}
	n.spreader = spread.New(n.settings.Node, sounds{n.library}, n.cluster, n.log.With("part", "sounds"))
	n.undo(n.spreader.Close)
	n.publisher.Spread(n.spreader.Offer)
	n.services.Fetch(func(shas []string) {
		ctx, cancel := context.WithTimeout(root, fetchLimit)
		defer cancel()
		n.spreader.Fetch(ctx, shas)
	})
}
