package verify

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

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
	// Without is the first record after it, if that says that it was recorded more
	// than CoverWithin before Seen, when a witness saw the log without it: it was
	// back-dated, or the log was not sealed meanwhile.
	Without  ledger.Position `json:"without,omitzero"`
	Recorded string          `json:"recorded,omitzero"`
	Seen     string          `json:"seen,omitzero"`

	root ledger.Hash
	by   []ledger.Cosignature
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
	// Who has cosigned it tells when it was seen, and no more.
	w, _ := a.config.Policy.Open(signed)
	a.held = append(a.held, Held{Source: source, Size: c.Size, Root: c.Root.String(), Signed: string(signed), root: c.Root, by: w.By})
	return nil
}

// clocksApart is how much clocks of witnesses and of the ledger may differ.
const clocksApart = time.Hour

// judgeAhead holds the recorded time of the last record against those at which
// witnesses saw it: what was not recorded yet nobody can have seen.
func (a *Auditor) judgeAhead(w ledger.Witnessed) {
	var latest time.Time
	for _, c := range w.By {
		if c.At.After(latest) {
			latest = c.At
		}
	}
	f := Finding{Position: a.position, Code: CodeRecordedAhead, Expected: "not after " + stamp(latest), Found: stamp(a.recorded)}
	if !latest.IsZero() && a.recorded.After(latest.Add(clocksApart)) && !slices.Contains(a.list, f) {
		a.add(f)
	}
}

// judgeMissed holds the recorded times of what came after earlier checkpoints
// against those at which witnesses saw these.
func (a *Auditor) judgeMissed() error {
	for i := range a.held {
		if err := a.missedBy(&a.held[i]); err != nil {
			return err
		}
	}
	return nil
}

// missedBy looks for a record that witnesses of an earlier checkpoint should have
// seen, had it been recorded when it says.
func (a *Auditor) missedBy(h *Held) error {
	next := h.Size + 1
	if !h.Agrees || len(h.by) == 0 || next > ledger.Position(len(a.tree.leaves)) {
		return nil
	}
	seen := h.by[0].At
	for _, c := range h.by {
		if c.At.Before(seen) {
			seen = c.At
		}
	}
	leaf, err := a.leafAt(next)
	if err != nil || leaf == nil {
		return err
	}
	r, err := ledger.ParseLeaf(leaf)
	if err == nil && seen.Sub(r.Recorded) > CoverWithin {
		h.Without, h.Recorded, h.Seen = next, stamp(r.Recorded), seen.UTC().Format(time.RFC3339)
	}
	return nil // what is no record was found
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
