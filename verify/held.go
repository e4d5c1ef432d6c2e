package verify

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/berkas-ledger/berkas/ledger"
)

// Held is another checkpoint that the log's key has signed, against which the
// log was held: one that the auditor saw before, that a witness keeps, that
// somebody brings.
type Held struct {
	// Source is where it is from, for the reader: a file, or "last" for the one
	// that this auditor saw last.
	Source string          `json:"source"`
	Size   ledger.Position `json:"size"`
	Root   string          `json:"root"`
	Agrees bool            `json:"agrees"`
	// Signed is the checkpoint as it is signed, if it does not agree: with the
	// one of the report it is evidence that anybody can check.
	Signed string `json:"signed,omitzero"`

	root ledger.Hash
}

// HeldLast is the source of the checkpoint that the auditor kept.
const HeldLast = "last"

// Hold has the log held against another signed checkpoint, when it is finished.
// That the policy's witnesses have cosigned that one, too, is not asked: the log
// has signed it. An error says that it is none of this log.
func (a *Auditor) Hold(source string, signed []byte) error {
	log, _, err := a.config.Policy.Verifiers()
	if err != nil {
		return err
	}
	c, _, err := ledger.OpenCheckpoint(signed, log)
	if err != nil {
		return err
	}
	a.held = append(a.held, Held{Source: source, Size: c.Size, Root: c.Root.String(), Signed: string(signed), root: c.Root})
	return nil
}

// Open verifies the checkpoint by which the log is to be judged. What is wrong
// with it is found: a checkpoint that the log has signed may still be compared
// with; of any other the result has no signature.
func (a *Auditor) Open(signed []byte) ledger.Witnessed {
	policy := a.config.Policy
	w, err := policy.Open(signed)
	switch {
	case err == nil:
		return w
	case errors.Is(err, ledger.ErrNoQuorum):
		a.add(Finding{Code: CodeQuorum, Expected: "quorum " + policy.Quorum, Found: err.Error()})
		return w
	}
	if log, _, bad := policy.Verifiers(); bad == nil {
		if c, _, bad := ledger.OpenCheckpoint(signed, log); bad == nil {
			a.add(Finding{Code: CodeCosignature, Expected: "cosignatures of the policy's witnesses", Found: err.Error()})
			return ledger.Witnessed{Checkpoint: c, Signed: signed}
		}
	}
	a.add(Finding{Code: CodeCheckpoint, Expected: "signed by " + policy.Log, Found: err.Error()})
	return ledger.Witnessed{}
}

// Agrees reports whether the leaves that were taken give a checkpoint's root.
func (a *Auditor) Agrees(c ledger.Checkpoint) bool {
	return c.Size <= ledger.Position(len(a.tree.leaves)) && a.tree.root(c.Size) == c.Root
}

// Compare holds leaves that are read again against those that were taken at
// their positions: which record is another now, when a log's root says that one
// is.
func (a *Auditor) Compare(first ledger.Position, leaves [][]byte) {
	for i, leaf := range leaves {
		a.differs(first+ledger.Position(i), leaf)
	}
}

// HashTiles lists the tiles of hashes that a log of a size serves.
func HashTiles(size ledger.Position) []ledger.Tile {
	var out []ledger.Tile
	for level := 0; ; level++ {
		list := ledger.Tiles(level, 0, size)
		if len(list) == 0 {
			return out
		}
		out = append(out, list...)
	}
}

// CompareTile holds a tile of hashes against those of the records. No proof that
// is made from other tiles would be one; the audit itself needs none.
func (a *Auditor) CompareTile(t ledger.Tile, raw []byte) {
	hashes := a.tree.level(t.Level)
	first := t.Index * ledger.TileWidth
	if first+uint64(t.Width) > uint64(len(hashes)) {
		return // said: records are missing
	}
	var want []byte
	for _, h := range hashes[first : first+uint64(t.Width)] {
		want = append(want, h[:]...)
	}
	if !bytes.Equal(want, raw) {
		a.add(Finding{Code: CodeTileDiffers, Expected: t.Path() + ", SHA-256 " + hashOf(want), Found: "SHA-256 " + hashOf(raw)})
	}
}

func hashOf(b []byte) string { return ledger.Hash(sha256.Sum256(b)).String() }

// judgeLog holds what was taken against the checkpoint and the others.
func (a *Auditor) judgeLog(w ledger.Witnessed) {
	n := ledger.Position(len(a.tree.leaves))
	switch {
	case n < w.Size && a.counts[CodeRecordsMissing] > 0: // said by who could not read them
	case n < w.Size:
		a.add(Finding{Position: n + 1, Code: CodeRecordsMissing, Expected: records(w.Size), Found: records(n)})
	case a.tree.root(w.Size) != w.Root:
		a.add(Finding{Code: CodeRootDiffers, Expected: root(w.Size, w.Root), Found: root(w.Size, a.tree.root(w.Size))})
	}
	for i := range a.held {
		h := &a.held[i]
		switch {
		case h.Size > w.Size:
			a.add(Finding{Position: w.Size + 1, Code: CodeLogShorter, Expected: records(h.Size) + ", as in " + h.Source, Found: records(w.Size)})
			continue
		case h.Size > n:
			continue // said: records are missing
		case a.tree.root(h.Size) != h.root:
			a.add(Finding{Code: CodeForked, Expected: root(h.Size, h.root) + ", as in " + h.Source, Found: root(h.Size, a.tree.root(h.Size))})
			continue
		}
		h.Agrees, h.Signed = true, ""
	}
}

func records(n ledger.Position) string { return fmt.Sprintf("%d records", n) }

func root(n ledger.Position, h ledger.Hash) string { return fmt.Sprintf("root %s of %d records", h, n) }
