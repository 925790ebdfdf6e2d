package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tierline/acd"
	"tierline/call"
	"tierline/call/bucket"
	"tierline/cmd/internal/config"
	"tierline/cmd/internal/console"
)

// openRecordings makes what keeps recordings of conversations and messages.
func (n *Node) openRecordings() (err error) {
	n.archive = &call.Archive{}
	n.archive.Tapes, err = call.OpenTapes(filepath.Join(n.settings.DataDir, "recordings"), n.log)
	if err != nil {
		return err
	}
	n.archive.Messages, err = call.OpenMessages(filepath.Join(n.settings.DataDir, "messages"))
	if err != nil {
		return err
	}
	s3 := n.settings.Recordings.S3
	if s3.Endpoint == "" {
		return nil
	}
	store, err := openBucket(s3)
	if err != nil {
		return fmt.Errorf("recordings.s3: %w", err)
	}
	n.archive.Bucket = store
	n.shipper = call.NewShipper(n.archive, n.log.With("part", "recordings"), n.goesOn, func(ref, place string) {
		n.cluster.Post(acd.RecordingUsed{Ref: ref, Use: "stored", By: place})
	})
	return nil
}

// goesOn tells whether a call is not over.
func (n *Node) goesOn(call string) (yes bool) {
	n.cluster.Read(func(s *acd.State) { _, yes = s.Call(call) })
	return yes
}

// keepRecordings removes what is too old and ships what is new, in the
// background.
func (n *Node) keepRecordings(root context.Context) {
	for _, ev := range n.archive.Tapes.Mended() {
		n.cluster.Post(ev)
	}
	n.beside.Go(func() { n.archive.Tapes.Keep(n.settings.Recordings.Keep(), n.log, root.Done()) })
	if n.shipper != nil {
		n.beside.Go(func() { n.shipper.Run(root) })
	}
}

func openBucket(s config.S3) (*bucket.Bucket, error) {
	c := bucket.Config{
		Endpoint: s.Endpoint, Bucket: s.Bucket, Region: s.Region, Prefix: s.Prefix, AccessKey: s.AccessKey,
	}
	var err error
	switch {
	case s.Credentials == config.S3Role:
		c.Role = true
	case s.SecretKeyFile != "":
		c.SecretKey, err = readSecret(s.SecretKeyFile)
	default:
		c.SecretKey, err = checkedSecret(os.Getenv(s.SecretKeyEnv), s.SecretKeyEnv)
	}
	if err == nil && s.CAFile != "" {
		c.CA, err = readCA(s.CAFile)
	}
	if err != nil {
		return nil, err
	}
	return bucket.Open(c) //nolint:wrapcheck // says all
}

func (n *Node) shipperFigures() []console.Figure {
	if n.shipper == nil {
		return nil
	}
	s := n.shipper.Stats()
	return []console.Figure{
		console.Gauge("recordings_unstored", "Recordings that are complete and not in the bucket yet", s.Waiting),
		console.Counter("recordings_stored_total", "Recordings that the bucket confirmed", s.Stored),
		console.Counter("recordings_store_failures_total", "Tries to store a recording that failed", s.Failed),
	}
}
