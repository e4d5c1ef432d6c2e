package eventstore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
)

// Flaw is something that a scan found wrong with a copy of the ledger, and where.
type Flaw struct {
	File string // within the copy's directory; "": it is about no file
	Byte int64  // in the file; -1: the file as a whole
	// First and Last are the positions that it takes away or puts in doubt, zero
	// if none can be named.
	First, Last ledger.Position
	Problem     string
	// Unfinished: bytes at the journal's very end that are no entry, as a power
	// cut leaves them. Nobody was promised them, unless another copy has more.
	Unfinished bool
}

// JournalScan is what lies in a journal's directory, flaws and all. Unlike
// OpenJournal, ScanJournal does not stop at what is broken and takes no lock.
type JournalScan struct {
	Dir        string
	ID, Origin string // "": journal.json does not say
	// Leaves are the leaf hashes by position, from 1 at index 0; zero where no
	// entry could be read.
	Leaves []ledger.Hash
	Flaws  []Flaw

	at    []uint32 // where each entry begins in its segment
	files []*os.File
	per   int
}

// ScanJournal reads every byte of a journal's files and changes nothing. What is
// wrong with them is in Flaws; an error means that they could not be read at all.
// A journal that grows meanwhile ends in an unfinished entry. Close it.
func ScanJournal(ctx context.Context, dir string, o JournalOptions) (_ *JournalScan, err error) {
	o.rig.complete()
	s := &JournalScan{Dir: dir, per: o.rig.perSegment}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	numbers, err := s.list()
	if err != nil || numbers == nil {
		return s, err
	}
	s.about()
	if len(numbers) == 0 {
		s.flaw(Flaw{File: segmentName(0), Byte: -1, First: 1, Last: 1, Problem: "the file is missing"})
		return s, nil
	}
	last := numbers[len(numbers)-1]
	s.files = make([]*os.File, last+1)
	for i := range last + 1 {
		if !slices.Contains(numbers, i) {
			s.flaw(Flaw{File: segmentName(i), Byte: -1, First: s.firstOf(i), Last: s.firstOf(i+1) - 1, Problem: "the file is missing"})
			continue
		}
		if s.files[i], err = os.Open(filepath.Join(dir, segmentName(i))); err != nil {
			return s, err
		}
		if err := s.segment(ctx, i, i == last); err != nil {
			return s, err
		}
	}
	return s, nil
}

// list gives the numbers of the segment files, nil if there is no directory.
func (s *JournalScan) list() ([]int, error) {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		s.flaw(Flaw{Byte: -1, First: 1, Last: 1, Problem: "the directory is gone"})
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	numbers := []int{}
	for _, e := range entries {
		var n int
		if _, err := fmt.Sscanf(e.Name(), "segment-%d", &n); err == nil && segmentName(n) == e.Name() {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func (s *JournalScan) about() {
	a, err := readAbout(s.Dir)
	if err != nil {
		s.flaw(Flaw{File: journalFile, Byte: -1, Problem: err.Error()})
		return
	}
	s.ID, s.Origin = a.ID, a.Origin
	text, err := os.ReadFile(filepath.Join(s.Dir, journalFile))
	want, _ := json.Marshal(a)
	if err != nil || string(text) != string(want)+"\n" {
		s.flaw(Flaw{File: journalFile, Byte: -1, Problem: "it is not as it was written"})
	}
}

func (s *JournalScan) flaw(f Flaw) { s.Flaws = append(s.Flaws, f) }

func (s *JournalScan) firstOf(segment int) ledger.Position {
	return ledger.Position(segment)*ledger.Position(s.per) + 1
}

// walk is the way through one segment.
type walk struct {
	*JournalScan
	index int
	file  *os.File
	size  int64
	at    int64
	prev  int64           // where the entry before begins, -1: none
	next  ledger.Position // due at the byte
	end   ledger.Position // first of the next segment
	in    *bufio.Reader
	leaf  []byte
}

// segment reads one file from its first byte to its last.
func (s *JournalScan) segment(ctx context.Context, index int, last bool) error {
	info, err := s.files[index].Stat()
	if err != nil {
		return err
	}
	w := &walk{JournalScan: s, index: index, file: s.files[index], size: info.Size(), next: s.firstOf(index), end: s.firstOf(index + 1), prev: -1, leaf: make([]byte, ledger.MaxLeaf)}
	w.seek(0)
	for w.at < w.size {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, r, why, err := w.entry()
		if err != nil {
			return err
		}
		switch {
		case why == "" && r.Position == w.next && w.next < w.end:
			w.take(n)
		case why == "":
			err = w.misplaced(n, r.Position)
		default:
			err = w.skip(why, last)
		}
		if err != nil {
			return err
		}
	}
	if !last && w.next < w.end {
		s.flaw(Flaw{File: segmentName(index), Byte: w.size, First: w.next, Last: w.end - 1, Problem: fmt.Sprintf("the file ends, but %s follows", segmentName(index+1))})
	}
	return nil
}

func (w *walk) seek(at int64) {
	w.at = at
	w.in = bufio.NewReaderSize(io.NewSectionReader(w.file, at, w.size-at), int(min(256<<10, max(w.size-at, 0))))
}

// entry reads the entry at the walk's byte.
func (w *walk) entry() (n int, r ledger.Record, why string, err error) {
	n, why, err = readEntry(w.in, w.leaf, w.size-w.at)
	if err != nil || why != "" {
		return n, r, why, err
	}
	r, bad := ledger.ParseLeaf(w.leaf[:n])
	if bad != nil {
		return n, r, bad.Error(), nil //nolint:nilerr // it is what was looked for
	}
	if bytes.Contains(r.Body, []byte(leafMagic)) { // which no event holds: its length is wrong
		return n, r, "the entry runs into the one behind it", nil
	}
	return n, r, "", nil
}

// take notes the entry just read under the position that is due.
func (w *walk) take(n int) {
	for ledger.Position(len(w.Leaves)) < w.next {
		w.Leaves = append(w.Leaves, ledger.Hash{})
		w.JournalScan.at = append(w.JournalScan.at, 0)
	}
	w.Leaves[w.next-1] = ledger.HashLeaf(w.leaf[:n])
	w.JournalScan.at[w.next-1] = uint32(w.at)
	w.next++
	w.prev = w.at
	w.at += lengthBytes + int64(n)
}

// misplaced deals with a sound entry of another position. If the entry behind it
// is the one after the one that is due, only its label is wrong; otherwise what
// lies between is missing, or this one stands here without belonging.
func (w *walk) misplaced(n int, found ledger.Position) error {
	f := Flaw{File: segmentName(w.index), Byte: w.at, First: w.next, Last: w.next, Problem: fmt.Sprintf("record %d stands where record %d belongs", found, w.next)}
	behind, err := w.peek(w.at + lengthBytes + int64(n))
	if err != nil {
		return err
	}
	switch {
	case w.next >= w.end, found < w.next, found >= w.end:
		if behind != w.next+1 { // it stands between two that belong
			f.First, f.Last = 0, 0
			break
		}
		w.next++
	case behind == w.next+1:
		w.next++
	default:
		f.Last = found - 1
		w.flaw(f)
		w.next = found
		w.take(n)
		return nil
	}
	w.flaw(f)
	w.at += lengthBytes + int64(n)
	return nil
}

// peek gives the position of the entry at a byte, 0 if none can be read there.
func (w *walk) peek(at int64) (ledger.Position, error) {
	there := walk{JournalScan: w.JournalScan, file: w.file, size: w.size, leaf: make([]byte, ledger.MaxLeaf)}
	there.seek(at)
	if at >= w.size {
		return 0, nil
	}
	_, r, why, err := there.entry()
	if why != "" {
		return 0, err
	}
	return r.Position, err
}

// skip looks for the next sound entry behind bytes that are none.
func (w *walk) skip(why string, last bool) error {
	f := Flaw{File: segmentName(w.index), Byte: w.at, First: w.next, Last: w.next, Problem: why}
	from := w.at + 1
	if w.prev >= 0 {
		from = w.prev + 1 // its length may reach into the next one
	}
	later, err := findEntry(w.file, from, w.size)
	if err != nil {
		return err
	}
	if later < 0 {
		f.Unfinished = last
		if f.Problem = fmt.Sprintf("%s; nothing behind it can be read", why); w.next >= w.end {
			f.First, f.Last = 0, 0
		}
		w.flaw(f)
		w.at = w.size
		return nil
	}
	position, err := w.peek(later)
	if err != nil {
		return err
	}
	f.Problem = fmt.Sprintf("%s; the next sound entry stands at byte %d", why, later)
	if later < w.at {
		f.Byte, f.First, f.Last = w.prev, w.next-1, w.next-1
		f.Problem = fmt.Sprintf("the entry's length is wrong; the next one stands at byte %d", later)
		w.Leaves[w.next-2] = ledger.Hash{}
	}
	switch {
	case position > w.next && position < w.end:
		f.Last = position - 1
		w.next = position
	case position == w.next: // the entry before is too short or too long
		f.First, f.Last = w.next-1, w.next-1
	default:
		f.First, f.Last = 0, 0
	}
	w.flaw(f)
	w.prev = -1
	w.seek(later)
	return nil
}

// Where says in which file and at which byte of it a record stands, or would
// stand; byte -1 if it was not found.
func (s *JournalScan) Where(p ledger.Position) (file string, at int64) {
	if !s.has(p) {
		return "", -1
	}
	return segmentName(int(p-1) / s.per), int64(s.at[p-1])
}

func (s *JournalScan) has(p ledger.Position) bool {
	return p >= 1 && p <= ledger.Position(len(s.Leaves)) && s.Leaves[p-1] != ledger.Hash{}
}

// Leaf reads the leaf of a position again; fs.ErrNotExist if the scan found none.
func (s *JournalScan) Leaf(p ledger.Position) ([]byte, error) {
	if !s.has(p) {
		return nil, fmt.Errorf("journal %s, record %d: %w", s.Dir, p, fs.ErrNotExist)
	}
	file, at := s.files[int(p-1)/s.per], int64(s.at[p-1])
	var length [lengthBytes]byte
	if _, err := file.ReadAt(length[:], at); err != nil {
		return nil, err
	}
	leaf := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := file.ReadAt(leaf, at+lengthBytes); err != nil {
		return nil, err
	}
	if ledger.HashLeaf(leaf) != s.Leaves[p-1] {
		return nil, &ledger.ErrBroken{Position: p, Problem: "the journal changed while it was read"}
	}
	return leaf, nil
}

// Close closes the files.
func (s *JournalScan) Close() error {
	var errs []error
	for _, f := range s.files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	s.files = nil
	return errors.Join(errs...)
}
