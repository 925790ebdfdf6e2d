package call

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	shippers     = 4 // recordings on their way at once
	messageSweep = 30 * time.Second
	shipPatience = time.Minute
	shipSpeed    = 50_000 // bytes a second that a slow line does at least
	firstRetry   = time.Second
	lastRetry    = 5 * time.Minute
)

// Shipper brings recordings that are complete to a bucket, and messages whose
// call is over. A file stays here until the bucket has confirmed it; what waits is
// found again after a restart.
type Shipper struct {
	tapes  *Tapes
	bucket Bucket
	desk   *Messages
	live   func(call string) bool
	log    *slog.Logger
	stored func(ref, place string)
	wake   chan struct{} // holds one: somebody may look again

	mu       sync.Mutex
	waiting  []string // names of recordings, the first is next
	known    map[string]bool
	failures int       // in a row
	rest     time.Time // nothing is tried before
	stats    ShipperStats
}

// ShipperStats are a shipper's counters.
type ShipperStats struct {
	Waiting int    // recordings that are complete and not in the bucket
	Stored  uint64 // recordings that the bucket confirmed
	Failed  uint64 // tries that failed
}

// NewShipper makes a shipper from an archive to its bucket: of all recordings
// that are completed from now on, of those that are left there, and of messages.
// live says whether a call goes on, who may still discard what he said. stored is
// told each that the bucket has.
func NewShipper(a *Archive, log *slog.Logger, live func(call string) bool, stored func(ref, place string)) *Shipper {
	s := &Shipper{
		tapes: a.Tapes, bucket: a.Bucket, desk: a.Messages, live: live, log: log, stored: stored,
		wake: make(chan struct{}, 1), known: map[string]bool{},
	}
	a.Tapes.settled = s.add
	return s
}

// Run works until the context ends.
func (s *Shipper) Run(ctx context.Context) {
	if err := s.collect(); err != nil {
		s.log.Error("recordings that wait for the store can't be found", "err", err)
	}
	var all sync.WaitGroup
	all.Go(func() { s.sweep(ctx) })
	for range shippers {
		all.Go(func() {
			for {
				ref, ok := s.next(ctx)
				if !ok {
					return
				}
				s.done(ctx, ref, s.guarded(ctx, ref))
			}
		})
	}
	all.Wait()
}

// Stats returns the counters.
func (s *Shipper) Stats() ShipperStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.Waiting = len(s.known)
	return out
}

// collect finds what earlier runs left here.
func (s *Shipper) collect() error {
	return filepath.WalkDir(s.tapes.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, bad := filepath.Rel(s.tapes.dir, path)
		ref, isSound := strings.CutSuffix(filepath.ToSlash(name), ".wav")
		if bad != nil || !isSound || !isTape(ref) {
			return nil //nolint:nilerr // none of ours
		}
		s.add(ref)
		return nil
	})
}

// sweep looks for messages whose call is over.
func (s *Shipper) sweep(ctx context.Context) {
	tick := time.NewTicker(messageSweep)
	defer tick.Stop()
	for {
		found, err := s.desk.all()
		if err != nil {
			s.log.Error("messages that wait for the store can't be found", "err", err)
		}
		for _, ref := range found {
			if call, _, _ := strings.Cut(ref, "-"); !s.live(call) {
				s.add(ref)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// add puts a recording in the line.
func (s *Shipper) add(ref string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known[ref] {
		s.known[ref] = true
		s.waiting = append(s.waiting, ref)
		s.signal()
	}
}

func (s *Shipper) signal() {
	select {
	case s.wake <- struct{}{}:
	default: // somebody will look
	}
}

// next waits for a recording whose turn it is.
func (s *Shipper) next(ctx context.Context) (ref string, ok bool) {
	for ctx.Err() == nil {
		ref, wait := s.take()
		if ref != "" {
			return ref, true
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return "", false
}

// take returns the next recording, or how long there certainly is none.
func (s *Shipper) take() (ref string, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return "", lastRetry
	}
	if wait = time.Until(s.rest); wait > 0 {
		return "", wait
	}
	ref, s.waiting = s.waiting[0], s.waiting[1:]
	if len(s.waiting) > 0 {
		s.signal()
	}
	return ref, 0
}

// done counts what became of a try. What failed goes to the end of the line, so
// that one that can't be stored doesn't keep the others back.
func (s *Shipper) done(ctx context.Context, ref string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.known, ref)
		if s.failures > 0 {
			s.log.Info("recordings are stored again", "waiting", len(s.known))
		}
		s.failures, s.rest = 0, time.Time{}
		return
	}
	s.waiting = append(s.waiting, ref)
	if ctx.Err() != nil {
		return // the node stops
	}
	s.stats.Failed++
	wait := min(firstRetry<<min(s.failures, 10), lastRetry)
	wait += time.Duration(rand.Int64N(int64(wait) / 4)) //nolint:gosec // nobody should guess it, but anybody may
	s.failures++
	s.rest = time.Now().Add(wait)
	s.log.Warn("recording can't be stored now", "recording", ref, "waiting", len(s.known), "again_in", wait.String(),
		"err", err)
}

// guarded keeps a fault in one recording from ending the work on the others.
func (s *Shipper) guarded(ctx context.Context, ref string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errShipFault, p)
		}
	}()
	return s.ship(ctx, ref)
}

var errShipFault = errors.New("fault")

// longEnough bounds how long a file may take.
func longEnough(ctx context.Context, size int64) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, shipPatience+time.Duration(size)*time.Second/shipSpeed)
}

// shipMessage brings what a caller recorded to the bucket.
func (s *Shipper) shipMessage(ctx context.Context, ref string) error {
	path, err := s.desk.Path(ref)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err == nil {
		var cancel context.CancelFunc
		ctx, cancel = longEnough(ctx, info.Size())
		defer cancel()
		if err = s.bucket.Put(ctx, messageKey(ref), path, "audio/wav"); err == nil {
			err = os.Remove(path)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // somebody removed it
	case err != nil:
		return err //nolint:wrapcheck // says all
	}
	s.brought(ref, s.bucket.Place(messageKey(ref)))
	return nil
}

// brought tells of a recording that the bucket has.
func (s *Shipper) brought(ref, place string) {
	s.mu.Lock()
	s.stats.Stored++
	s.mu.Unlock()
	s.stored(ref, place)
}

// ship brings one recording to the bucket.
func (s *Shipper) ship(ctx context.Context, ref string) error {
	if !isTape(ref) {
		return s.shipMessage(ctx, ref)
	}
	path := s.tapes.Path(ref)
	about, err := s.tapes.about(ref)
	info, gone := os.Stat(path)
	switch {
	case errors.Is(gone, fs.ErrNotExist) || errors.Is(err, fs.ErrNotExist):
		return nil // it was too old to be kept, or it isn't complete
	case err != nil || gone != nil:
		return errors.Join(err, gone)
	case about.Stored != "": // a crash came between
		return os.Remove(path) //nolint:wrapcheck // names the file
	}
	ctx, cancel := longEnough(ctx, info.Size())
	defer cancel()
	err = s.bucket.Put(ctx, ref+".wav", path, "audio/wav")
	if err == nil {
		err = s.bucket.Put(ctx, ref+".json", s.tapes.sidecar(ref), "application/json")
	}
	switch {
	case errors.Is(err, fs.ErrNotExist): // it became too old
		return nil
	case err != nil:
		return err //nolint:wrapcheck // says all
	}
	about.Stored = s.bucket.Place(ref + ".wav")
	if err = s.tapes.describe(about); err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		return err
	}
	s.brought(ref, about.Stored)
	return nil
}
