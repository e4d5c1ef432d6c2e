package eventstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/berkas-ledger/berkas/ledger"
)

// tailFile is the end of the last segment. Write appends. What was written is
// on the disk when Sync has returned nil, and not before; a new file only when
// its directory was synced as well.
type tailFile interface {
	Write(p []byte) (int, error)
	Sync() error
	Truncate(size int64) error
	Close() error
}

// disk is the operating system as the journal writes through it. Tests put one
// in its place that forgets, fails or writes short.
type disk struct {
	open    func(path string) (tailFile, error) // made if it is missing
	syncDir func(path string) error
}

func openTail(path string) (tailFile, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// keepBuffer is how large a write buffer is kept for the next write.
const keepBuffer = 4 << 20

// tail is the open end of the journal. Append works on a copy, which becomes
// the journal's when everything is on the disk.
type tail struct {
	file  tailFile
	index int // of the segment
	count int // entries in it
	size  int64
}

// part is what one Append puts into one segment.
type part struct {
	index  int
	file   *os.File // to read from, for a new segment
	starts []uint32
	size   int64
}

// Append writes leaves, at most SegmentEntries, and returns when they are on
// the disk: one write and one fsync, or two of each if they fill a segment.
// Each leaf has to name the position at which it is put. After ErrNoSpace, or a
// leaf that does not fit, the journal is as it was; after any other error it is
// poisoned.
func (j *Journal) Append(leaves [][]byte) error {
	j.appending.Lock()
	defer j.appending.Unlock()
	if j.poison != nil {
		return j.poison
	}
	if err := j.fit(leaves); err != nil {
		return err
	}
	if err := j.cutUnfinished(); err != nil {
		return err
	}
	end := j.tail
	var parts []part
	for len(leaves) > 0 {
		if end.count == j.rig.perSegment {
			next, err := j.nextTail(end)
			if err != nil {
				return j.fail(end, err)
			}
			end = next
		}
		n := min(len(leaves), j.rig.perSegment-end.count)
		p, err := j.writePart(&end, leaves[:n])
		if err != nil {
			return j.fail(end, err)
		}
		parts = append(parts, p)
		leaves = leaves[n:]
	}
	return j.publish(end, parts)
}

// fit checks what would otherwise be found when the journal is opened again,
// and would stop the ledger then.
func (j *Journal) fit(leaves [][]byte) error {
	if len(leaves) > j.rig.perSegment {
		return fmt.Errorf("journal: %d leaves at once, at most %d", len(leaves), j.rig.perSegment)
	}
	p := j.Len()
	for _, leaf := range leaves {
		p++
		r, err := ledger.ParseLeaf(leaf)
		if err != nil {
			return fmt.Errorf("journal: the leaf given for position %d: %w", p, err)
		}
		if r.Position != p {
			return fmt.Errorf("journal: the leaf given for position %d says %d", p, r.Position)
		}
	}
	return nil
}

func (j *Journal) nextTail(end tail) (tail, error) {
	next := tail{index: end.index + 1}
	var err error
	next.file, err = j.rig.disk.open(filepath.Join(j.dir, segmentName(next.index)))
	return next, err
}

// writePart writes and syncs leaves that one segment has room for. A segment is
// full and on the disk before the next one gets its first byte; otherwise a
// power cut could leave sound entries behind a torn one.
func (j *Journal) writePart(end *tail, leaves [][]byte) (part, error) {
	p := part{index: end.index, starts: make([]uint32, len(leaves)), size: end.size}
	buf := j.buf[:0]
	for i, leaf := range leaves {
		p.starts[i] = uint32(p.size)
		p.size += lengthBytes + int64(len(leaf))
		buf = appendEntry(buf, leaf)
	}
	if cap(buf) <= keepBuffer {
		j.buf = buf
	}
	if n, err := end.file.Write(buf); err != nil || n != len(buf) {
		return p, errors.Join(err, fmt.Errorf("wrote %d of %d bytes", n, len(buf)))
	}
	if err := j.rig.step(stepWritten); err != nil {
		return p, &syncError{err}
	}
	if err := end.file.Sync(); err != nil {
		return p, &syncError{err}
	}
	if end.count == 0 {
		if err := j.rig.disk.syncDir(j.dir); err != nil {
			return p, &syncError{err}
		}
		var err error
		if p.file, err = os.Open(filepath.Join(j.dir, segmentName(end.index))); err != nil {
			return p, err
		}
	}
	end.count += len(leaves)
	end.size = p.size
	return p, nil
}

// publish shows to readers what is on the disk now.
func (j *Journal) publish(end tail, parts []part) error {
	if end.index != j.tail.index {
		if err := j.tail.file.Close(); err != nil {
			return j.fail(end, &syncError{err})
		}
	}
	j.tail = end
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, p := range parts {
		if p.index == len(j.segments) {
			j.segments = append(j.segments, &segment{file: p.file})
		}
		s := j.segments[p.index]
		// Readers hold older headers of the slice; what those cover never changes.
		s.starts = append(s.starts, p.starts...)
		s.size = p.size
		j.length += ledger.Position(len(p.starts))
	}
	close(j.grown)
	j.grown = make(chan struct{})
	return nil
}

// syncError marks an fsync that failed. The kernel may have dropped the pages
// and say yes when asked again, so no answer after it is worth anything.
type syncError struct{ err error }

func (e *syncError) Error() string { return e.err.Error() }
func (e *syncError) Unwrap() error { return e.err }

// fail answers for a write that did not succeed. When the disk was full before
// any fsync had failed, what was written is taken back; everything else
// poisons the journal.
func (j *Journal) fail(end tail, err error) error {
	var sync *syncError
	full := errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
	if full && !errors.As(err, &sync) {
		undone := j.undo(end)
		if undone == nil {
			return fmt.Errorf("journal %s: %w: %w", j.dir, ErrNoSpace, err)
		}
		err = errors.Join(err, undone)
	}
	j.poison = fmt.Errorf("journal %s: %w: %w", j.dir, ErrPoisoned, err)
	return j.poison
}

// undo cuts off what an Append wrote before the disk was full.
func (j *Journal) undo(end tail) error {
	if end.index != j.tail.index {
		err := errors.Join(end.file.Close(), os.Remove(filepath.Join(j.dir, segmentName(end.index))), j.rig.disk.syncDir(j.dir))
		if err != nil {
			return err
		}
	}
	if err := j.tail.file.Truncate(j.tail.size); err != nil {
		return err
	}
	return j.tail.file.Sync()
}
