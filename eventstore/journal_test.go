package eventstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/berkas-ledger/berkas/ledger"
)

var update = flag.Bool("update", false, "write the golden files")

// TestJournalGolden freezes the bytes of a segment: they are served as entry
// bundles and kept for ever.
func TestJournalGolden(t *testing.T) {
	dir := newJournal(t, 2)
	got := readFile(t, filepath.Join(dir, segmentName(0)))
	golden := filepath.Join("testdata", "segment.golden")
	if *update {
		check(t, os.WriteFile(golden, got, 0o644))
	}
	if want := readFile(t, golden); !bytes.Equal(got, want) {
		t.Fatalf("the segment is not %s any more:\n%q\n%q", golden, got, want)
	}
	// What tlog-tiles says of an entry bundle, read by other code than ours.
	for p := ledger.Position(1); len(got) > 0; p++ {
		n := binary.BigEndian.Uint16(got)
		leaf := got[2 : 2+n]
		if want := newRecord(p, "", 300).Leaf(); !bytes.Equal(leaf, want) {
			t.Fatalf("entry %d is %q, want %q", p, leaf, want)
		}
		got = got[2+n:]
	}
}

func TestJournalKeepsWhatWasAppended(t *testing.T) {
	dir := newJournal(t, 0)
	j := openTestJournal(t, dir, JournalOptions{})
	want := []ledger.Record{newRecord(1, "", 300)}
	for _, n := range []int{1, 5, 700, 1} {
		batch := newRecords(j.Len()+1, n, "", 900)
		check(t, j.Append(leavesOf(batch)))
		want = append(want, batch...)
	}
	holds(t, j, want)
	check(t, j.Close())
	if err := j.Append(leavesOf(newRecords(708, 1, "", 10))); !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed journal: %v", err)
	}
	again := openTestJournal(t, dir, JournalOptions{})
	holds(t, again, want)
	if again.ID() != j.ID() || len(again.ID()) != 32 || again.Origin() != testOrigin || again.Dir() != dir {
		t.Errorf("journal is %q of %q", again.ID(), again.Origin())
	}
}

// holds reads a journal in every way there is.
func holds(t *testing.T, j *Journal, want []ledger.Record) {
	t.Helper()
	if j.Len() != ledger.Position(len(want)) {
		t.Fatalf("journal has %d entries, want %d", j.Len(), len(want))
	}
	for _, after := range []int{0, 1, len(want) / 2, len(want) - 1, len(want)} {
		got := collect(t, j.Feed(), ledger.Position(after))
		if len(got) != len(want)-after {
			t.Fatalf("feed after %d: %d records, want %d", after, len(got), len(want)-after)
		}
		for i, r := range got {
			if r.LeafHash() != want[after+i].LeafHash() {
				t.Fatalf("record %d differs", r.Position)
			}
		}
	}
	next := ledger.Position(0)
	check(t, j.Leaves(t.Context(), 1, j.Len(), func(p ledger.Position, leaf []byte) error {
		if next++; p != next || !bytes.Equal(leaf, want[p-1].Leaf()) {
			t.Fatalf("leaf %d (expected %d) is %q", p, next, leaf)
		}
		return nil
	}))
	for _, p := range []ledger.Position{1, j.Len()} {
		leaf, err := j.Leaf(p)
		check(t, err)
		if !bytes.Equal(leaf, want[p-1].Leaf()) {
			t.Fatalf("leaf %d is %q", p, leaf)
		}
	}
	if _, err := j.Leaf(j.Len() + 1); err == nil {
		t.Fatal("a leaf behind the end was read")
	}
	var broken *ledger.ErrBroken
	if err := j.Feed()(t.Context(), j.Len()+1, nil); !errors.As(err, &broken) {
		t.Fatalf("feed from behind the end: %v", err)
	}
}

func collect(tb testing.TB, feed ledger.Feed, after ledger.Position) []ledger.Record {
	tb.Helper()
	var out []ledger.Record
	check(tb, feed(tb.Context(), after, func(r []ledger.Record) error {
		out = append(out, r...)
		return nil
	}))
	return out
}

func TestJournalFollowSeesWhatIsAppended(t *testing.T) {
	j := openTestJournal(t, newJournal(t, 3), JournalOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	var chain ledger.Chain
	seen := make(chan ledger.Position, 100)
	done := make(chan error, 1)
	go func() {
		done <- j.Follow()(ctx, 0, func(records []ledger.Record) error {
			for _, r := range records {
				if _, err := chain.Next(r); err != nil {
					return err
				}
			}
			seen <- chain.Position
			return nil
		})
	}()
	for p := ledger.Position(0); p < 10; {
		select {
		case p = <-seen:
			check(t, j.Append(leavesOf(newRecords(p+1, 2, "", 300))))
		case err := <-done:
			t.Fatal(err)
		}
	}
	cancel()
	check(t, <-done)
}

// small makes segments of a size that tests can fill.
const small = 64

func TestJournalRotatesAndReadsAcrossSegments(t *testing.T) {
	for _, c := range []struct {
		per     int
		batches []int
	}{
		{small, []int{small - 10, 20, small - 11, 1, 5, small, small}},
		{SegmentEntries, []int{SegmentEntries - 10, 20}},
	} {
		dir := newJournal(t, 0)
		o := JournalOptions{rig: rig{perSegment: c.per}}
		j := openTestJournal(t, dir, o)
		want := []ledger.Record{newRecord(1, "", 300)}
		for _, n := range c.batches {
			batch := newRecords(j.Len()+1, n, "", 10)
			check(t, j.Append(leavesOf(batch)))
			want = append(want, batch...)
		}
		holds(t, j, want)
		check(t, j.Close())
		holds(t, openTestJournal(t, dir, o), want)
		names, err := filepath.Glob(filepath.Join(dir, "segment-*"))
		check(t, err)
		if len(names) != (len(want)-1)/c.per+1 {
			t.Errorf("%d records are in %v", len(want), names)
		}
	}
}

func TestJournalRefusesWhatDoesNotFit(t *testing.T) {
	j := openTestJournal(t, newJournal(t, 1), JournalOptions{rig: rig{perSegment: small}})
	for name, leaves := range map[string][][]byte{
		"a wrong position":  leavesOf(newRecords(4, 1, "", 100)),
		"a position twice":  leavesOf([]ledger.Record{newRecord(3, "a", 100), newRecord(3, "b", 100)}),
		"something else":    {[]byte("berkas/record/v2\nposition: 3\n")},
		"nothing":           {nil},
		"too long":          {append(newRecord(3, "", 100).Leaf(), make([]byte, ledger.MaxLeaf)...)},
		"too much at once":  make([][]byte, small+1),
		"position 3 and 33": {newRecord(33, "", 100).Leaf()},
	} {
		if err := j.Append(leaves); err == nil {
			t.Errorf("%s was appended", name)
		}
	}
	check(t, j.Append(leavesOf(newRecords(3, 2, "", 100))))
}

func TestJournalWrongDirectories(t *testing.T) {
	dir := newJournal(t, 1)
	if _, err := OpenJournal(t.Context(), t.TempDir(), testOrigin, JournalOptions{}); !errors.Is(err, ErrNoJournal) || !strings.Contains(err.Error(), "berkas init") {
		t.Errorf("empty directory: %v", err)
	}
	if _, err := OpenJournal(t.Context(), dir, "other.example", JournalOptions{}); !errors.Is(err, ErrWrongJournal) {
		t.Errorf("wrong origin: %v", err)
	}
	if err := CreateJournal(dir, testOrigin, newRecord(1, "", 10)); err == nil {
		t.Error("a journal was created over another")
	}
	if err := CreateJournal(filepath.Join(t.TempDir(), "x"), testOrigin, newRecord(2, "", 10)); err == nil {
		t.Error("a journal was created with record 2")
	}
	empty := t.TempDir()
	check(t, CreateJournal(empty, testOrigin, newRecord(1, "", 10)))
	openTestJournal(t, empty, JournalOptions{})
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestJournalLock(t *testing.T) {
	dir := newJournal(t, 1)
	j := openTestJournal(t, dir, JournalOptions{})
	if _, err := OpenJournal(t.Context(), dir, testOrigin, JournalOptions{}); !errors.Is(err, ErrLocked) {
		t.Fatalf("second holder: %v", err)
	}
	if _, err := OpenJournal(t.Context(), dir, testOrigin, JournalOptions{LockWait: time.Millisecond}); !errors.Is(err, ErrLocked) {
		t.Fatalf("second holder, waiting: %v", err)
	}
	got := make(chan error, 1)
	go func() {
		second, err := OpenJournal(t.Context(), dir, testOrigin, JournalOptions{LockWait: -1})
		if err == nil {
			err = second.Close()
		}
		got <- err
	}()
	check(t, j.Close())
	check(t, <-got)
}

// TestJournalTail damages the end and the middle of the last segment in every
// way that a power cut or a failing disk may.
func TestJournalTail(t *testing.T) {
	dir := newJournal(t, 9)
	path := filepath.Join(dir, segmentName(0))
	sound := readFile(t, path)
	starts := []int{}
	for at := 0; at < len(sound); at += 2 + int(binary.BigEndian.Uint16(sound[at:])) {
		starts = append(starts, at)
	}
	zeros := make([]byte, 5000)
	misplaced := func() []byte { return appendEntry(nil, newRecord(3, "", 300).Leaf()) }
	flip := func(at int) []byte {
		b := bytes.Clone(sound)
		b[at] ^= 0x40
		return b
	}
	for _, c := range []struct {
		name  string
		bytes []byte
		keeps int // entries; -1 halts
		says  string
	}{
		{"sound", sound, 10, ""},
		{"half an entry", sound[:starts[9]+50], 9, ""},
		{"half a length", sound[:starts[9]+1], 9, ""},
		{"a length only", sound[:starts[9]+2], 9, ""},
		{"zeros behind", append(bytes.Clone(sound), zeros...), 10, ""},
		{"zeros in place of an entry", append(bytes.Clone(sound[:starts[9]]), zeros...), 9, ""},
		{"garbage behind", append(bytes.Clone(sound), bytes.Repeat([]byte("garbage"), 400000)...), 10, ""},
		{"the magic and garbage", append(bytes.Clone(sound), ("\x00\x20" + leafMagic + "position: 11\nnonsense")...), 10, ""},
		{"last entry's head flipped", flip(starts[9] + 10), 9, ""},
		{"entry 6's head flipped", flip(starts[5] + 10), -1, "position 6: segment-000000 at byte"},
		{"entry 6's length flipped", flip(starts[5]), -1, "position 6: segment-000000 at byte"},
		{"the first entry flipped", flip(5), -1, "position 1"},
		{"an entry left out", append(bytes.Clone(sound[:starts[4]]), sound[starts[5]:]...), -1, "record 6 stands where record 5 belongs"},
		{"a misplaced entry behind", append(bytes.Clone(sound), misplaced()...), -1, "record 3 stands where record 11 belongs"},
		{"a hole far before a sound entry", append(append(bytes.Clone(sound), make([]byte, 3<<20)...), appendEntry(nil, newRecord(11, "", 100).Leaf())...), -1, "position 11"},
		{"nothing", nil, -1, "genesis"},
		{"only zeros", zeros, -1, "genesis"},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, os.WriteFile(path, c.bytes, 0o644))
			j, err := OpenJournal(t.Context(), dir, testOrigin, JournalOptions{})
			if c.keeps < 0 {
				var broken *ledger.ErrBroken
				if !errors.As(err, &broken) || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("opened with %v, want it to halt: %s", err, c.says)
				}
				return
			}
			check(t, err)
			want := newRecords(1, c.keeps, "", 300)
			holds(t, j, want)
			if !bytes.Equal(readFile(t, path), c.bytes) {
				t.Fatal("opening the journal changed it")
			}
			// What is cut then leaves no trace: the next entry stands where it stood.
			more := newRecords(j.Len()+1, 2, "second", 300)
			check(t, j.Append(leavesOf(more)))
			check(t, j.Close())
			holds(t, openTestJournal(t, dir, JournalOptions{}), append(want, more...))
		})
	}
}

func TestJournalMissingSegments(t *testing.T) {
	o := JournalOptions{rig: rig{perSegment: small}}
	dir := newJournalWith(t, small, o)
	first, second, third := filepath.Join(dir, segmentName(0)), filepath.Join(dir, segmentName(1)), filepath.Join(dir, segmentName(2))
	open := func() error {
		j, err := OpenJournal(t.Context(), dir, testOrigin, o)
		if err == nil {
			return j.Close()
		}
		return err
	}
	broken := func(what, says string) {
		t.Helper()
		var b *ledger.ErrBroken
		if err := open(); !errors.As(err, &b) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	check(t, os.Rename(second, third))
	broken("a missing segment", "segment-000001 is missing")
	check(t, os.Rename(third, second))
	sound := readFile(t, first)
	check(t, os.WriteFile(first, sound[:len(sound)-400], 0o644))
	broken("a short segment before another", "but segment-000001 follows")
	check(t, os.WriteFile(first, append(bytes.Clone(sound), 0, 0), 0o644))
	broken("a long segment before another", "the segment is full")
	check(t, os.WriteFile(first, sound, 0o644))
	check(t, os.WriteFile(third, nil, 0o644))
	broken("an empty segment behind a short one", "but segment-000002 follows")
	check(t, os.Remove(third))
	check(t, open())
	check(t, os.Remove(first))
	broken("the first missing", "segment-000000 is missing")
	// A file whose directory entry reached the disk before its bytes is no
	// damage: it stands behind a full segment.
	check(t, os.WriteFile(first, sound, 0o644))
	check(t, os.WriteFile(second, nil, 0o644))
	check(t, open())
}

// TestJournalFailedWrites fails each operation of an append, with and without
// its effect, and cuts the power after it.
func TestJournalFailedWrites(t *testing.T) {
	errDisk := errors.New("input/output error")
	for _, c := range []struct {
		name     string
		op       string
		at       int // position after which the batch begins
		err      error
		happened bool
		is       error
		undo     error // what truncate says
	}{
		{"write fails", "write", 5, errDisk, false, ErrPoisoned, nil},
		{"write fails half done", "write", 5, errDisk, true, ErrPoisoned, nil},
		{"write is short and says nothing", "write", 5, nil, true, ErrPoisoned, nil},
		{"disk full", "write", 5, unix.ENOSPC, false, ErrNoSpace, nil},
		{"disk full half done", "write", 5, unix.ENOSPC, true, ErrNoSpace, nil},
		{"quota exceeded", "write", 5, unix.EDQUOT, true, ErrNoSpace, nil},
		{"disk full, cannot be undone", "write", 5, unix.ENOSPC, true, ErrPoisoned, errDisk},
		{"disk full in the second segment", "write", small - 2, unix.ENOSPC, true, ErrNoSpace, nil},
		{"sync fails", "sync", 5, errDisk, false, ErrPoisoned, nil},
		{"sync fails but happened", "sync", 5, errDisk, true, ErrPoisoned, nil},
		{"disk full at sync", "sync", 5, unix.ENOSPC, false, ErrPoisoned, nil},
		{"directory sync fails", "syncdir", small - 2, errDisk, false, ErrPoisoned, nil},
		{"disk full at directory sync", "syncdir", small - 2, unix.ENOSPC, false, ErrPoisoned, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := newJournalWith(t, c.at-1, JournalOptions{rig: rig{perSegment: small}})
			d := newForgetful()
			j := openTestJournal(t, dir, JournalOptions{rig: rig{disk: d.disk(), perSegment: small}})
			armed := c.at > 10 // the first write fills a segment, the second meets the fault
			d.fault = func(op string) (bool, error) {
				if op == "truncate" && c.undo != nil {
					return false, c.undo
				}
				if op != c.op {
					return true, nil
				}
				if armed && op == "write" {
					armed = false
					return true, nil
				}
				if c.err == nil {
					return true, errShort
				}
				return c.happened, c.err
			}
			batch := newRecords(ledger.Position(c.at)+1, 5, "first", 300)
			if err := j.Append(leavesOf(batch)); !errors.Is(err, c.is) {
				t.Fatalf("append: %v, want %v", err, c.is)
			}
			if j.Len() != ledger.Position(c.at) {
				t.Fatalf("%d entries are shown", j.Len())
			}
			d.fault = nil
			again := newRecords(ledger.Position(c.at)+1, 6, "second", 300)
			err := j.Append(leavesOf(again))
			if errors.Is(c.is, ErrPoisoned) {
				if !errors.Is(err, ErrPoisoned) {
					t.Fatalf("a poisoned journal took more: %v", err)
				}
				check(t, d.cutPower())
				check(t, j.Close())
				// Nothing of the batch was promised; a prefix of it may be there.
				after := openTestJournal(t, dir, JournalOptions{rig: rig{perSegment: small}})
				holds(t, after, append(newRecords(1, c.at, "", 300), batch[:after.Len()-ledger.Position(c.at)]...))
				return
			}
			check(t, err)
			check(t, d.cutPower())
			check(t, j.Close())
			holds(t, openTestJournal(t, dir, JournalOptions{rig: rig{perSegment: small}}), append(newRecords(1, c.at, "", 300), again...))
		})
	}
}
