package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"tierline/.ci/bed"
	"tierline/call/bucket/s3test"
)

const (
	storePort   = 9443
	storeSecret = "e2e-secret-of-the-store"
)

// recordingStored gives the switch a bucket that is away at first. What was
// recorded stays, also over a kill -9, and goes there when the store is back.
func recordingStored(ctx context.Context, l *lab) error {
	store := &s3test.Store{Bucket: "tapes", Region: "eu-test-1", AccessKey: "AKE2E", SecretKey: storeSecret}
	var down atomic.Bool
	store.Fault = func(*http.Request) int {
		if down.Load() {
			return http.StatusServiceUnavailable
		}
		return 0
	}
	down.Store(true)
	closeStore, err := l.serveStore(ctx, store)
	if err != nil {
		return err
	}
	defer closeStore()
	if err = l.restartWithStore(ctx); err != nil {
		return err
	}
	made, err := l.recordCalls(ctx, recordedCall{
		number: recordedBridge, from: "13950000001", before: 500 * time.Millisecond, ring: 300 * time.Millisecond,
		talk: 3 * time.Second, sound: []part{hum(callerHz, 10*time.Second)},
	})
	if err != nil {
		return err
	}
	r := made[0]
	unstored, err := l.node.Metric(ctx, "tierline_recordings_unstored")
	if err != nil || unstored < 1 || r.about.Stored != "" {
		return fmt.Errorf("%v recordings wait for the store: %w; %+v", unstored, err, r.about)
	}
	if err = errors.Join(l.node.Kill(), l.node.Start(ctx)); err != nil {
		return err
	}
	down.Store(false)
	err = bed.Eventually(15*time.Second, func() error {
		left, bad := l.node.Metric(ctx, "tierline_recordings_unstored")
		if bad != nil || left > 0 {
			return fmt.Errorf("%v recordings wait for the store: %w; refused: %q", left, bad, store.Refused())
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errors.Join(l.storedRight(ctx, store, r), l.keepsSecret())
}

// serveStore serves a store over TLS, with the lab's certificate.
func (l *lab) serveStore(ctx context.Context, store *s3test.Store) (stop func(), err error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", fmt.Sprintf("%s:%d", l.agentIP, storePort))
	if err != nil {
		return nil, fmt.Errorf("serve the store: %w", err)
	}
	srv := &http.Server{Handler: store, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		_ = srv.ServeTLS(ln, filepath.Join(l.node.Certs, "node.pem"), filepath.Join(l.node.Certs, "node.key"))
	}()
	return func() { _ = srv.Close() }, nil
}

func (l *lab) restartWithStore(ctx context.Context) error {
	key := filepath.Join(l.node.Dir, "store.key")
	err := errors.Join(os.WriteFile(key, []byte(storeSecret+"\n"), 0o600), l.node.Stop())
	if err != nil {
		return err
	}
	l.node.More = strings.Replace(l.node.More, "recordings: {keep_days: 1}\n", fmt.Sprintf(`recordings:
  keep_days: 1
  s3:
    endpoint: https://%s:%d
    bucket: tapes
    region: eu-test-1
    prefix: centre/
    access_key: AKE2E
    secret_key_file: %s
    ca_file: %s/ca.pem
`, l.agentIP, storePort, key, l.node.Certs), 1)
	return l.node.Start(ctx)
}

// storedRight compares what the bucket has with what was recorded, and reads it
// by the API.
func (l *lab) storedRight(ctx context.Context, store *s3test.Store, r recording) error {
	if left, err := filepath.Glob(filepath.Join(l.tapes(), "*", "*", "*", "*.wav")); err != nil || len(left) > 0 {
		return fmt.Errorf("still here: %q, %w", left, err)
	}
	again, err := l.recordingOf(ctx, "13950000001") // whole file and checksum
	if err != nil {
		return fmt.Errorf("from the store: %w", err)
	}
	if again.about.Stored != "s3://tapes/centre/"+r.Ref+".wav" || again.SHA256 != r.SHA256 {
		return fmt.Errorf("from the store: %+v", again.about)
	}
	o, ok := store.Object("centre/" + r.Ref + ".wav")
	if sum := o.Header.Get("X-Amz-Meta-Sha256"); !ok || sum != r.SHA256 {
		return fmt.Errorf("the bucket says %q of %s: %q", sum, r.Ref, store.Keys())
	}
	return errors.Join(l.partsOf(ctx, again), l.plays(ctx, again))
}

// keepsSecret looks for the secret key where it must not be.
func (l *lab) keepsSecret() error {
	log, err := os.ReadFile(l.node.LogFile())
	if err == nil && strings.Contains(string(log), storeSecret) {
		err = errors.New("the log has the store's secret key")
	}
	return err
}
