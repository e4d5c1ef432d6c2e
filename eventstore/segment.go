package eventstore

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/berkas-ledger/berkas/ledger"
)

// SegmentEntries is how many entries a full segment file holds.
const SegmentEntries = 65536

const (
	// lengthBytes go before each leaf: its length, big-endian.
	lengthBytes = 2
	// leafMagic is how a leaf begins. It holds a line break, which no string of
	// JSON does, so it cannot occur in a record's body.
	leafMagic = "berkas/record/v1\n"
)

func segmentName(n int) string { return fmt.Sprintf("segment-%06d", n) }

// segment is the index of one segment file. Where an entry begins fits 32 bits:
// the last of the longest entries begins at 65,535 * 65,537 = 2^32-1.
type segment struct {
	file   *os.File // to read from
	starts []uint32 // where the length of each entry stands
	size   int64    // bytes of whole entries
}

// span says where the entries from i up to but without k lie.
func (s *segment) span(i, k int) (start, end int64) {
	start = int64(s.starts[i])
	if k == len(s.starts) {
		return start, s.size
	}
	return start, int64(s.starts[k])
}

// appendEntry adds a leaf, of at most ledger.MaxLeaf bytes, as it stands in a
// segment.
func appendEntry(buf, leaf []byte) []byte {
	buf = binary.BigEndian.AppendUint16(buf, uint16(len(leaf)))
	return append(buf, leaf...)
}

// flaw is an entry that cannot be read.
type flaw struct {
	at  int64 // byte in the segment
	why string
	// later is where a sound entry lies behind it, -1 if there is none: then
	// this is an unfinished write, and nobody was promised anything.
	later int64
}

func (f *flaw) broken(name string, p ledger.Position) error {
	return &ledger.ErrBroken{Position: p, Problem: fmt.Sprintf("%s at byte %d: %s, but a sound entry follows at byte %d", name, f.at, f.why, f.later)}
}

// errMisplaced is a sound entry that is not the one that belongs there. No
// unfinished write leaves such a thing behind.
type errMisplaced struct {
	at          int64
	want, found ledger.Position
}

func (e *errMisplaced) Error() string {
	return fmt.Sprintf("record %d stands where record %d belongs, at byte %d", e.found, e.want, e.at)
}

// scan reads a segment's entries from the first, which has to be the record at
// the given position, up to a limit. It stops at the first flaw.
func scan(r io.ReaderAt, size int64, first ledger.Position, limit int) (*segment, *flaw, error) {
	s := &segment{starts: make([]uint32, 0, min(int64(limit), size/512+1))}
	in := bufio.NewReaderSize(io.NewSectionReader(r, 0, size), int(min(1<<20, size)))
	leaf := make([]byte, ledger.MaxLeaf)
	for s.size < size {
		if len(s.starts) == limit {
			return found(r, s, size, "the segment is full")
		}
		n, why, err := readEntry(in, leaf, size-s.size)
		if err != nil {
			return nil, nil, err
		}
		if why != "" {
			return found(r, s, size, why)
		}
		record, err := ledger.ParseLeaf(leaf[:n])
		if err != nil {
			return found(r, s, size, err.Error())
		}
		if want := first + ledger.Position(len(s.starts)); record.Position != want {
			return nil, nil, &errMisplaced{s.size, want, record.Position}
		}
		s.starts = append(s.starts, uint32(s.size))
		s.size += lengthBytes + int64(n)
	}
	return s, nil, nil
}

// readEntry reads one leaf; why says what is wrong with it, "" for nothing.
func readEntry(in *bufio.Reader, leaf []byte, left int64) (n int, why string, err error) {
	var length [lengthBytes]byte
	if left < lengthBytes {
		return 0, "the entry is incomplete", nil
	}
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return 0, "", err
	}
	n = int(binary.BigEndian.Uint16(length[:]))
	if int64(n) > left-lengthBytes {
		return 0, "the entry is incomplete", nil
	}
	_, err = io.ReadFull(in, leaf[:n])
	return n, "", err
}

// found describes the flaw at the end of what was read so far.
func found(r io.ReaderAt, s *segment, size int64, why string) (*segment, *flaw, error) {
	later, err := findEntry(r, s.size, size)
	if err != nil {
		return nil, nil, err
	}
	return s, &flaw{at: s.size, why: why, later: later}, nil
}

// findEntry looks from a byte on for anything that reads as an entry, and gives
// its place or -1.
func findEntry(r io.ReaderAt, from, size int64) (int64, error) {
	buf := make([]byte, min(1<<20, size-from))
	leaf := make([]byte, ledger.MaxLeaf)
	for at := from; at < size; {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return -1, err
		}
		if n == 0 {
			return -1, nil
		}
		for i := 0; ; {
			k := bytes.Index(buf[i:n], []byte(leafMagic))
			if k < 0 {
				break
			}
			i += k + 1
			start := at + int64(i-1) - lengthBytes
			if start < from {
				continue
			}
			ok, err := entryAt(r, start, size, leaf)
			if err != nil {
				return -1, err
			}
			if ok {
				return start, nil
			}
		}
		if at += int64(n); at < size {
			at -= int64(len(leafMagic) - 1) // it may lie across two windows
		}
	}
	return -1, nil
}

func entryAt(r io.ReaderAt, start, size int64, leaf []byte) (bool, error) {
	var length [lengthBytes]byte
	if _, err := r.ReadAt(length[:], start); err != nil {
		return false, err
	}
	n := int64(binary.BigEndian.Uint16(length[:]))
	if start+lengthBytes+n > size {
		return false, nil
	}
	if _, err := r.ReadAt(leaf[:n], start+lengthBytes); err != nil && n > 0 {
		return false, err
	}
	_, err := ledger.ParseLeaf(leaf[:n])
	return err == nil, nil
}
