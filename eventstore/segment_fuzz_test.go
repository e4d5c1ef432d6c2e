package eventstore

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// FuzzSegment scans anything at all. What the scan accepts are whole entries,
// in the file's own bytes, from its beginning; what it stops at reads as no
// entry; and it says that nothing follows only if nothing does.
func FuzzSegment(f *testing.F) {
	sound := readFile(f, filepath.Join("testdata", "segment.golden"))
	f.Add(sound)
	f.Add(sound[:len(sound)-7])
	f.Add(append(bytes.Clone(sound), make([]byte, 100)...))
	f.Add(append([]byte{0}, sound...))
	f.Add(append(bytes.Clone(sound[:len(sound)/2]), sound...))
	f.Add([]byte("\x00\x11" + leafMagic))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, flaw, err := scan(bytes.NewReader(content), int64(len(content)), 1, SegmentEntries)
		var misplaced *errMisplaced
		if errors.As(err, &misplaced) {
			return
		}
		check(t, err)
		var encoded []byte
		for i := range s.starts {
			start, end := s.span(i, i+1)
			leaf := content[start+lengthBytes : end]
			r, err := ledger.ParseLeaf(leaf)
			if err != nil || r.Position != ledger.Position(i+1) {
				t.Fatalf("entry %d is record %d: %v", i, r.Position, err)
			}
			encoded = appendEntry(encoded, leaf)
		}
		if !bytes.HasPrefix(content, encoded) || int64(len(encoded)) != s.size {
			t.Fatalf("%d bytes of entries are not the file's first %d", len(encoded), s.size)
		}
		if (flaw == nil) != (s.size == int64(len(content))) {
			t.Fatalf("%d of %d bytes are entries, flaw %v", s.size, len(content), flaw)
		}
		if flaw == nil {
			return
		}
		first := int64(-1)
		for at := flaw.at; at+lengthBytes <= int64(len(content)) && first < 0; at++ {
			n := int64(content[at])<<8 | int64(content[at+1])
			if rest := content[at+lengthBytes:]; n <= int64(len(rest)) {
				if _, err := ledger.ParseLeaf(rest[:n]); err == nil {
					first = at
				}
			}
		}
		if first != flaw.later {
			t.Fatalf("a sound entry lies at %d, the scan says %d", first, flaw.later)
		}
	})
}
