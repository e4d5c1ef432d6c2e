package eventstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/berkas-ledger/berkas/ledger"
)

// load reads every segment, passes over an unfinished tail and opens the last
// segment for writing. Segments tell their positions, so they are read side by side.
func (j *Journal) load(ctx context.Context) error {
	n, err := j.countSegments()
	if err != nil {
		return err
	}
	scans := make([]scanned, n)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range next {
				scans[i] = j.scanFile(i)
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	return errors.Join(ctx.Err(), j.take(scans))
}

type scanned struct {
	segment *segment
	size    int64
	flaw    *flaw
	err     error
}

func (j *Journal) scanFile(i int) scanned {
	f, err := os.Open(filepath.Join(j.dir, segmentName(i)))
	if err != nil {
		return scanned{err: err}
	}
	info, err := f.Stat()
	if err != nil {
		return scanned{err: errors.Join(err, f.Close())}
	}
	first := j.firstOf(i)
	s, flaw, err := scan(f, info.Size(), first, j.rig.perSegment)
	var misplaced *errMisplaced
	if errors.As(err, &misplaced) {
		err = &ledger.ErrBroken{Position: misplaced.want, Problem: segmentName(i) + ": " + misplaced.Error()}
	}
	if err != nil {
		return scanned{err: errors.Join(err, f.Close())}
	}
	s.file = f
	return scanned{s, info.Size(), flaw, nil}
}

// take makes the scanned segments the journal's, or says why they are none.
func (j *Journal) take(scans []scanned) error {
	var errs []error
	for i, s := range scans {
		if s.segment != nil {
			j.segments = append(j.segments, s.segment) // Close closes its file
		}
		if s.err != nil || s.segment == nil {
			errs = append(errs, s.err)
			continue
		}
		have := j.firstOf(i) + ledger.Position(len(s.segment.starts)) - 1
		switch last := i == len(scans)-1; {
		case s.flaw != nil && s.flaw.later >= 0:
			errs = append(errs, s.flaw.broken(segmentName(i), have+1))
		case s.flaw != nil && !last:
			errs = append(errs, &ledger.ErrBroken{Position: have + 1, Problem: fmt.Sprintf("%s at byte %d: %s, but %s follows", segmentName(i), s.flaw.at, s.flaw.why, segmentName(i+1))})
		case len(s.segment.starts) < j.rig.perSegment && !last:
			errs = append(errs, &ledger.ErrBroken{Position: have + 1, Problem: fmt.Sprintf("%s ends after %d entries, but %s follows", segmentName(i), len(s.segment.starts), segmentName(i+1))})
		}
		j.length = have
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("journal %s: %w", j.dir, err)
	}
	if j.length == 0 {
		return fmt.Errorf("journal %s: %w", j.dir, &ledger.ErrBroken{Position: 1, Problem: "the genesis record cannot be read"})
	}
	return j.openLast(scans[len(scans)-1])
}

// openLast opens the last segment for writing and notes what is no entry.
func (j *Journal) openLast(s scanned) error {
	path := filepath.Join(j.dir, segmentName(len(j.segments)-1))
	file, err := j.rig.disk.open(path)
	if err != nil {
		return err
	}
	j.tail = tail{file, len(j.segments) - 1, len(s.segment.starts), s.segment.size}
	if s.flaw == nil {
		return nil
	}
	j.unfinished = true
	j.log.Warn("the journal ends in an unfinished write, which the next record takes the place of", "file", path,
		"position", j.length+1, "bytes", s.size-s.segment.size, "because", s.flaw.why)
	return nil
}

// cutUnfinished cuts off what an earlier process did not finish to write.
func (j *Journal) cutUnfinished() error {
	if !j.unfinished {
		return nil
	}
	if err := errors.Join(j.tail.file.Truncate(j.tail.size), j.tail.file.Sync()); err != nil {
		return j.fail(j.tail, &syncError{err})
	}
	j.unfinished = false
	return nil
}

// firstOf is the position of a segment's first entry.
func (j *Journal) firstOf(segment int) ledger.Position {
	return ledger.Position(segment)*ledger.Position(j.rig.perSegment) + 1
}

// countSegments counts the segment files, which have to run on from 0.
func (j *Journal) countSegments() (int, error) {
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return 0, err
	}
	var numbers []int
	for _, e := range entries {
		var n int
		if _, err := fmt.Sscanf(e.Name(), "segment-%d", &n); err == nil && segmentName(n) == e.Name() {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if i != n {
			return 0, fmt.Errorf("journal %s: %w", j.dir, &ledger.ErrBroken{Position: j.firstOf(i), Problem: segmentName(i) + " is missing"})
		}
	}
	if len(numbers) == 0 {
		return 0, fmt.Errorf("journal %s: %w", j.dir, &ledger.ErrBroken{Position: 1, Problem: segmentName(0) + " is missing"})
	}
	return len(numbers), nil
}
