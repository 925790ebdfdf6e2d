package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// openWAL opens a wal. One whose last file was full when its process was killed
// takes no entry any more, ever: raft-wal begins the next file a moment after
// it has closed the last one, and doesn't make up for it when it is opened.
func openWAL(path string, log *bridge, size int) (*wal.WAL, error) {
	if err := beginNextFile(path, size); err != nil {
		return nil, err
	}
	return wal.Open(path, wal.WithLogger(log), wal.WithSegmentSize(size))
}

// beginNextFile notes that the last file is full, and the next one, which
// raft-wal creates if it isn't there. Whatever can't be read is left to raft-wal.
func beginNextFile(path string, size int) (err error) {
	if _, err = os.Stat(filepath.Join(path, metadb.FileName)); err != nil {
		return nil // a new log
	}
	meta := &metadb.BoltMetaDB{}
	state, err := meta.Load(path)
	if err != nil {
		return nil // raft-wal says it better
	}
	defer func() { err = errors.Join(err, meta.Close()) }()
	n := len(state.Segments)
	if n == 0 || !state.Segments[n-1].SealTime.IsZero() {
		return nil
	}
	last := &state.Segments[n-1]
	w, err := segment.NewFiler(path, fs.New()).RecoverTail(*last)
	if err != nil {
		return nil // not there yet, or damaged: so finds raft-wal
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	full, index, err := w.Sealed()
	if err != nil || !full {
		return err
	}
	last.SealTime, last.IndexStart, last.MaxIndex = time.Now(), index, w.LastIndex()
	next := last.MaxIndex + 1
	state.Segments = append(state.Segments, types.SegmentInfo{
		ID: state.NextSegmentID, BaseIndex: next, MinIndex: next,
		SizeLimit: uint32(size), Codec: last.Codec, CreateTime: time.Now(),
	})
	state.NextSegmentID++
	if err = meta.CommitState(state); err != nil {
		return fmt.Errorf("begin the next file of the log: %w", err)
	}
	return nil
}
