package eventstore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// FuzzSegment opens a journal whose only segment is anything at all. It may
// halt; if it does not, it holds whole entries that were in the file, in the
// file's own bytes, and goes on from there.
func FuzzSegment(f *testing.F) {
	sound := readFile(f, filepath.Join("testdata", "segment.golden"))
	f.Add(sound)
	f.Add(sound[:len(sound)-7])
	f.Add(append(bytes.Clone(sound), make([]byte, 100)...))
	f.Add(append([]byte{0}, sound...))
	f.Add(append(bytes.Clone(sound[:len(sound)/2]), sound...))
	f.Add([]byte("\x00\x11" + leafMagic))
	dir := newJournal(f, 0)
	path := filepath.Join(dir, segmentName(0))
	f.Fuzz(func(t *testing.T, content []byte) {
		check(t, os.WriteFile(path, content, 0o644))
		j, err := OpenJournal(t.Context(), dir, "", JournalOptions{})
		if err != nil {
			var broken *ledger.ErrBroken
			if !errors.As(err, &broken) {
				t.Fatalf("opened with %v", err)
			}
			if after := readFile(t, path); !bytes.Equal(after, content) {
				t.Fatal("a journal that halts was changed")
			}
			return
		}
		var encoded []byte
		check(t, j.Leaves(t.Context(), 1, j.Len(), func(_ ledger.Position, leaf []byte) error {
			encoded = appendEntry(encoded, leaf)
			return nil
		}))
		check(t, j.Append(leavesOf(newRecords(j.Len()+1, 1, "", 200))))
		check(t, j.Close())
		after := readFile(t, path)
		if !bytes.HasPrefix(content, encoded) || !bytes.HasPrefix(after, encoded) {
			t.Fatalf("%d bytes of entries are not the file's", len(encoded))
		}
		again, err := OpenJournal(t.Context(), dir, "", JournalOptions{})
		check(t, err)
		if again.Len() != j.Len() {
			t.Fatalf("%d entries, then %d", j.Len(), again.Len())
		}
		check(t, again.Close())
	})
}
