package eventstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

func scanJournal(tb testing.TB, dir string, o JournalOptions) *JournalScan {
	tb.Helper()
	s, err := ScanJournal(tb.Context(), dir, o)
	check(tb, err)
	tb.Cleanup(func() { check(tb, s.Close()) })
	return s
}

func TestScanOfASoundJournal(t *testing.T) {
	for _, o := range []JournalOptions{{}, {rig: rig{perSegment: 4}}} {
		dir := newJournal(t, 0)
		j := openTestJournal(t, dir, o)
		for range 3 {
			check(t, j.Append(leavesOf(newRecords(j.Len()+1, 3, "", 300))))
		}
		s := scanJournal(t, dir, o) // beside the one that holds the lock
		if len(s.Flaws) > 0 || len(s.Leaves) != 10 || s.ID != j.ID() || s.Origin != testOrigin {
			t.Fatalf("scan: %+v", s)
		}
		for i, r := range newRecords(1, 10, "", 300) {
			leaf, err := s.Leaf(r.Position)
			check(t, err)
			file, at := s.Where(r.Position)
			raw := readFile(t, filepath.Join(dir, file))[at:]
			if s.Leaves[i] != r.LeafHash() || !bytes.Equal(leaf, r.Leaf()) || !bytes.HasPrefix(raw[2:], leaf) {
				t.Fatalf("record %d is not found where it stands: %s at %d", r.Position, file, at)
			}
		}
		if _, err := s.Leaf(11); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a leaf behind the end: %v", err)
		}
	}
}

// TestScanFindsEveryFlippedBit flips bits in every byte of a small journal of two
// segments, one after the other. Each is either a flaw or another leaf hash, at the record
// that it belongs to, and takes no other record away.
func TestScanFindsEveryFlippedBit(t *testing.T) {
	o := JournalOptions{rig: rig{perSegment: 4}}
	dir := newJournal(t, 0)
	j := openTestJournal(t, dir, o)
	for range 2 {
		check(t, j.Append(leavesOf(newRecords(j.Len()+1, 3, "", 60))))
	}
	check(t, j.Close())
	sound := scanJournal(t, dir, o)
	flips := 0
	for _, name := range []string{segmentName(0), segmentName(1), journalFile} {
		path := filepath.Join(dir, name)
		bytes := readFile(t, path)
		for bit := 0; bit < 8*len(bytes); bit += 3 { // all in every third byte; at least two in each
			bytes[bit/8] ^= 1 << (bit % 8)
			check(t, os.WriteFile(path, bytes, 0o644))
			foundFlip(t, dir, o, sound, name, int64(bit/8))
			bytes[bit/8] ^= 1 << (bit % 8)
			flips++
		}
		check(t, os.WriteFile(path, bytes, 0o644))
	}
	t.Logf("%d flips", flips)
}

func foundFlip(t *testing.T, dir string, o JournalOptions, sound *JournalScan, name string, at int64) {
	t.Helper()
	s, err := ScanJournal(t.Context(), dir, o)
	check(t, err)
	defer s.Close()
	var hit ledger.Position // the record that the byte belongs to
	for p := range sound.Leaves {
		if file, from := sound.Where(ledger.Position(p + 1)); file == name && from <= at {
			hit = ledger.Position(p + 1)
		}
	}
	if len(s.Leaves) > len(sound.Leaves) {
		t.Fatalf("%s, byte %d: %d records", name, at, len(s.Leaves))
	}
	differ := 0
	for p := range sound.Leaves {
		if p >= len(s.Leaves) || s.Leaves[p] != sound.Leaves[p] {
			differ++
			if ledger.Position(p+1) != hit {
				t.Fatalf("%s, byte %d: it changed record %d, not %d: %+v", name, at, p+1, hit, s.Flaws)
			}
		}
	}
	named := false
	for _, f := range s.Flaws {
		named = named || f.File == name
	}
	if differ == 0 && !named && s.ID == sound.ID && s.Origin == sound.Origin {
		t.Fatalf("%s, byte %d: nothing was found", name, at)
	}
}

// TestScanOfDamagedSegments names the place of coarser damage and reads on.
func TestScanOfDamagedSegments(t *testing.T) {
	dir := newJournal(t, 9)
	path := filepath.Join(dir, segmentName(0))
	sound := readFile(t, path)
	starts := []int{}
	for at := 0; at < len(sound); at += 2 + int(binary.BigEndian.Uint16(sound[at:])) {
		starts = append(starts, at)
	}
	swapped := append(bytes.Clone(sound[:starts[3]]), sound[starts[4]:starts[5]]...)
	swapped = append(append(swapped, sound[starts[3]:starts[4]]...), sound[starts[5]:]...)
	for _, c := range []struct {
		name        string
		bytes       []byte
		first, last ledger.Position // of the first flaw
		lost        int
		says        string
		unfinished  bool
	}{
		{"half an entry at the end", sound[:starts[9]+50], 10, 10, 1, "the entry is incomplete", true},
		{"zeros behind", append(bytes.Clone(sound), make([]byte, 5000)...), 11, 11, 0, "nothing behind it can be read", true},
		{"zeros in the middle", append(append(bytes.Clone(sound[:starts[3]]), make([]byte, starts[6]-starts[3])...), sound[starts[6]:]...), 4, 6, 3, "the next sound entry stands at byte", false},
		{"an entry left out", append(bytes.Clone(sound[:starts[4]]), sound[starts[5]:]...), 5, 5, 1, "record 6 stands where record 5 belongs", false},
		{"an entry twice", append(bytes.Clone(sound[:starts[5]]), sound[starts[4]:]...), 0, 0, 0, "record 5 stands where record 6 belongs", false},
		{"two entries swapped", swapped, 4, 4, 1, "record 5 stands where record 4 belongs", false},
		{"bytes between entries", append(append(bytes.Clone(sound[:starts[5]]), "something else"...), sound[starts[5]:]...), 5, 5, 0, "the next sound entry", false},
		{"nothing", nil, 0, 0, 10, "", false},
		{"only zeros", make([]byte, 5000), 1, 1, 10, "nothing behind it", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, os.WriteFile(path, c.bytes, 0o644))
			s := scanJournal(t, dir, JournalOptions{})
			lost := 10
			for i, r := range newRecords(1, 10, "", 300) {
				if i < len(s.Leaves) && s.Leaves[i] == r.LeafHash() {
					lost--
				}
			}
			if lost != c.lost {
				t.Errorf("%d records are lost, want %d: %+v", lost, c.lost, s.Flaws)
			}
			if c.says == "" {
				return
			}
			if len(s.Flaws) == 0 || !strings.Contains(s.Flaws[0].Problem, c.says) || s.Flaws[0].First != c.first || s.Flaws[0].Last != c.last || s.Flaws[0].Unfinished != c.unfinished {
				t.Errorf("flaws are %+v, want %q at %d to %d", s.Flaws, c.says, c.first, c.last)
			}
		})
	}
}

func TestScanOfMissingFiles(t *testing.T) {
	o := JournalOptions{rig: rig{perSegment: 4}}
	dir := newJournalWith(t, 3, o)
	j := openTestJournal(t, dir, o)
	for range 2 {
		check(t, j.Append(leavesOf(newRecords(j.Len()+1, 4, "", 300))))
	}
	check(t, j.Close())
	check(t, os.Remove(filepath.Join(dir, segmentName(1))))
	check(t, os.Remove(filepath.Join(dir, journalFile)))
	s := scanJournal(t, dir, o)
	if len(s.Flaws) != 2 || s.Flaws[0].File != journalFile || s.Flaws[1].First != 5 || s.Flaws[1].Last != 8 || len(s.Leaves) != 12 || s.ID != "" {
		t.Errorf("flaws are %+v", s.Flaws)
	}
	gone := scanJournal(t, filepath.Join(dir, "nowhere"), o)
	if len(gone.Flaws) != 1 || len(gone.Leaves) != 0 {
		t.Errorf("flaws of a journal that is gone are %+v", gone.Flaws)
	}
}

// FuzzScanJournal: whatever lies in a segment, the scan ends, and gives again what
// it says it found.
func FuzzScanJournal(f *testing.F) {
	var sound []byte
	for _, leaf := range leavesOf(newRecords(1, 6, "", 80)) {
		sound = appendEntry(sound, leaf)
	}
	f.Add(sound)
	f.Add(sound[100:])
	f.Add(bytes.Repeat([]byte(leafMagic), 3))
	random := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		b := bytes.Clone(sound)
		for range 4 {
			b[random.IntN(len(b))] ^= 1 << random.IntN(8)
		}
		f.Add(b)
	}
	dir := newJournal(f, 0)
	f.Fuzz(func(t *testing.T, b []byte) {
		check(t, os.WriteFile(filepath.Join(dir, segmentName(0)), b, 0o644))
		s, err := ScanJournal(t.Context(), dir, JournalOptions{rig: rig{perSegment: 4}})
		check(t, err)
		defer s.Close()
		for i, h := range s.Leaves {
			if h == (ledger.Hash{}) {
				continue
			}
			p := ledger.Position(i + 1)
			if leaf, err := s.Leaf(p); err != nil || ledger.HashLeaf(leaf) != h {
				t.Fatalf("record %d: %v", p, err)
			}
		}
	})
}
