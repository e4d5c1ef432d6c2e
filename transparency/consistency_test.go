package transparency

import (
	"bytes"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestConsistencyFile: the file between two checkpoints is what a witness is asked
// by, and holds for these two alone.
func TestConsistencyFile(t *testing.T) {
	h := newHistory(t, 20)
	other := h.edited(3)
	sign := func(h *history, size int) []byte {
		_, signed := h.at(size)
		return signed
	}
	for older := 1; older <= 20; older++ {
		c := Consistency{ledger.Position(older), h.from(older, 20), sign(h, 20)}
		if !bytes.Equal(c.Text(), h.request(older, 20)) {
			t.Errorf("from %d the file is not the request", older)
		}
		again, err := ParseConsistency(c.Text())
		if err != nil {
			t.Fatal(err)
		}
		old, w, err := again.Verify(h.policy, sign(h, older))
		if err != nil || old.Size != ledger.Position(older) || w.Size != 20 {
			t.Errorf("from %d: %v, %v, %v", older, old, w, err)
		}
		if _, _, err := again.Verify(h.policy, sign(h, older%20+1)); err == nil {
			t.Errorf("from %d it holds for another size", older)
		}
		if _, _, err := again.Verify(h.policy, sign(other, older)); older >= 3 && err == nil {
			t.Errorf("from %d it holds for another history", older)
		}
	}
	if _, err := ParseConsistency([]byte("old 1\n")); err == nil {
		t.Error("a file without a checkpoint is read")
	}
}

// FuzzParseConsistency: what is read is written as it was.
func FuzzParseConsistency(f *testing.F) {
	h := newHistory(f, 9)
	f.Add(h.request(3, 9))
	f.Add(h.request(9, 9))
	f.Add([]byte("old 0\n\nx"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if c, err := ParseConsistency(raw); err == nil && !bytes.Equal(c.Text(), raw) {
			t.Errorf("%q is written %q", raw, c.Text())
		}
	})
}
