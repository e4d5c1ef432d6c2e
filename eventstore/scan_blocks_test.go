package eventstore

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// storedLedger gives the files of a LEDGER with records 1 to n, whose server has
// ended.
func storedLedger(tb testing.TB, n int) (dir string) {
	tb.Helper()
	one := newNode(tb)
	s := one.open(tb)
	commit(tb, s, newRecords(2, n-1, "", 300))
	check(tb, s.Close())
	one.server.stop()
	return LedgerDir(one.server.config.Dir)
}

func scanBlocks(tb testing.TB, dir string) *BlockScan {
	tb.Helper()
	s, err := ScanBlocks(dir)
	check(tb, err)
	return s
}

// TestScanBlocks reads what a server has stored, and finds in it what no server
// may be given.
func TestScanBlocks(t *testing.T) {
	dir := storedLedger(t, 50)
	s := scanBlocks(t, dir)
	if len(s.Flaws) > 0 || len(s.Leaves) != 50 {
		t.Fatalf("%d records, flaws %+v", len(s.Leaves), s.Flaws)
	}
	out := s.Scan()
	if out.Origin != testOrigin || len(out.Journal) != 32 {
		t.Errorf("it belongs to %q of %q", out.Journal, out.Origin)
	}
	for p := ledger.Position(1); p <= 50; p++ {
		leaf, err := out.Leaf(t.Context(), p)
		check(t, err)
		if !bytes.Equal(leaf, newRecord(p, "", 300).Leaf()) {
			t.Fatalf("record %d is %q", p, leaf)
		}
	}
	store := filepath.Join(dir, "..", "..", "..", "..")
	check(t, CheckStored(store))
	file, at := s.Where(20)
	path := filepath.Join(dir, file)
	sound := readFile(t, path)
	for _, c := range []struct {
		name   string
		offset int64
		flip   byte
		says   string
		left   int // records that are read nevertheless
	}{
		{"a high bit of the sequence", 4 + 5, 1, "stands where message 20 belongs", 49},
		{"a low bit of the sequence", 4, 1, "message 21 stands where message 20 belongs", 49},
		{"the mark of a deletion", 4 + 7, 0x40, "marked as deleted", 49},
		{"a high bit of the length", 2, 1, "length is wrong", 19},
		{"a low bit of the length", 0, 1, "", 19},
		{"the subject's length", 21, 0x80, "length is wrong", 19},
	} {
		raw := bytes.Clone(sound)
		raw[at+c.offset] ^= c.flip
		check(t, os.WriteFile(path, raw, 0o600))
		if err := CheckStored(store); (err != nil) != (c.offset == 4+5) {
			t.Errorf("%s: may a server be started? %v", c.name, err)
		}
		s := scanBlocks(t, dir)
		if len(s.Flaws) == 0 || !strings.Contains(s.Flaws[0].Problem, c.says) || c.says != "" && (s.Flaws[0].Byte != at || s.Flaws[0].First != 20) {
			t.Errorf("%s: flaws are %+v", c.name, s.Flaws)
		}
		left := 0
		for i, h := range s.Leaves {
			if h == newRecord(ledger.Position(i+1), "", 300).LeafHash() {
				left++
			}
		}
		if left != c.left {
			t.Errorf("%s: %d records are left, want %d", c.name, left, c.left)
		}
	}
}

// FuzzScanBlocks: whatever stands in a block, the scan ends, takes no more memory
// than the file, and gives again what it says it found.
func FuzzScanBlocks(f *testing.F) {
	var sound []byte
	for _, r := range newRecords(1, 4, "", 80) {
		var head []byte
		head = append(head, "NATS/1.0\r\n"...)
		for name, values := range r.Header() {
			for _, v := range values {
				head = append(head, name+": "+v+"\r\n"...)
			}
		}
		head = append(head, "\r\n"...)
		record := make([]byte, blockHead)
		binary.LittleEndian.PutUint64(record[4:], uint64(r.Position))
		binary.LittleEndian.PutUint16(record[20:], uint16(len(r.Subject)))
		record = append(record, r.Subject...)
		record = binary.LittleEndian.AppendUint32(record, uint32(len(head)))
		record = append(append(append(record, head...), r.Body...), make([]byte, blockSum)...)
		binary.LittleEndian.PutUint32(record, uint32(len(record))|blockHeaders)
		sound = append(sound, record...)
	}
	f.Add(sound)
	random := rand.New(rand.NewPCG(3, 4))
	for range 8 {
		b := bytes.Clone(sound)
		b[random.IntN(len(b))] ^= 1 << random.IntN(8)
		f.Add(b)
	}
	dir := f.TempDir()
	check(f, os.Mkdir(filepath.Join(dir, "msgs"), 0o755))
	f.Fuzz(func(t *testing.T, b []byte) {
		check(t, os.WriteFile(filepath.Join(dir, "msgs", "1.blk"), b, 0o600))
		s := scanBlocks(t, dir)
		if len(s.Leaves) > len(b) {
			t.Fatalf("%d records in %d bytes", len(s.Leaves), len(b))
		}
		for i, h := range s.Leaves {
			if leaf, err := s.Scan().Leaf(t.Context(), ledger.Position(i+1)); h != (ledger.Hash{}) && (err != nil || ledger.HashLeaf(leaf) != h) {
				t.Fatalf("record %d: %v", i+1, err)
			}
		}
	})
}
