package verify

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// CoverWithin is how soon a checkpoint has to cover a receipt.
const CoverWithin = 60 * time.Second

// receipts are those that the ledger is to be held against.
type receipts struct {
	opened []opened
	proofs []Proof
	sum    ReceiptStats
}

type opened struct {
	ledger.Receipt
	name   string
	signed []byte
	body   []byte // nil if the sender did not bring it
}

// ReceiptStats counts receipts.
type ReceiptStats struct {
	Checked uint64 `json:"checked"`
	// Covered stand where they say; Newer are of after the checkpoint.
	Covered uint64 `json:"covered"`
	Newer   uint64 `json:"newer"`
}

// Proof is what shows that whoever keeps the ledger cheated: a receipt that the
// registrar signed, a checkpoint that the log signed, and the leaf that stands
// where the receipt's should.
type Proof struct {
	File       string          `json:"file"`
	Position   ledger.Position `json:"position"`
	Agency     ledger.AgencyID `json:"agency"`
	Event      string          `json:"event"`
	Recorded   string          `json:"recorded"` // as the receipt says
	Promised   string          `json:"promised"` // leaf hash of the receipt
	Stands     string          `json:"stands"`   // leaf hash in the log
	Receipt    string          `json:"receipt"`
	Checkpoint string          `json:"checkpoint"`
	Leaf       string          `json:"leaf"` // empty if it could not be read
}

// Receipt has a signed receipt held against the ledger, when it is finished. The
// body is the submission's, if the sender has it: only with it can anybody check
// what was refused.
func (a *Auditor) Receipt(name string, signed, body []byte) {
	a.sum.Checked++
	r, err := a.config.Policy.OpenReceipt(signed)
	if err != nil {
		a.add(Finding{Code: CodeReceiptForged, Expected: "a receipt by " + a.config.Policy.Receipt, Found: name + ": " + err.Error()})
		return
	}
	if body != nil && r.Sum != sha256.Sum256(body) {
		body = nil // of another submission
	}
	a.opened = append(a.opened, opened{r, name, signed, body})
}

// judgeReceipts looks every receipt up.
func (a *Auditor) judgeReceipts(w ledger.Witnessed) error {
	slices.SortStableFunc(a.opened, func(x, y opened) int {
		switch {
		case x.Position < y.Position:
			return -1
		case x.Position > y.Position:
			return 1
		default:
			return 0
		}
	})
	seen := a.recorded
	for _, c := range w.By {
		if c.At.After(seen) {
			seen = c.At
		}
	}
	for _, r := range a.opened {
		if r.Position > ledger.Position(len(a.tree.leaves)) || r.Position > w.Size {
			a.sum.Newer++
			if seen.Sub(r.Recorded) > CoverWithin {
				a.add(r.finding(CodeReceiptOverdue, "a checkpoint that covers it within "+CoverWithin.String()+" of "+stamp(r.Recorded), fmt.Sprintf("at %s the log has %d records", stamp(seen), w.Size)))
			}
			continue
		}
		if err := a.judgeReceipt(r, w); err != nil {
			return err
		}
	}
	return nil
}

func (r *opened) finding(c Code, expected, found string) Finding {
	return Finding{Position: r.Position, Agency: r.Agency, Event: r.Event, Code: c, Expected: expected, Found: r.name + ": " + found}
}

func (a *Auditor) judgeReceipt(r opened, w ledger.Witnessed) error {
	stands := a.tree.leaves[r.Position-1]
	leaf, err := a.leafAt(r.Position)
	if err != nil {
		return err
	}
	if stands != r.Leaf {
		a.add(r.finding(CodeReceiptMissing, "leaf "+r.Leaf.String(), "leaf "+stands.String()))
		if len(a.proofs) < maxKept {
			a.proofs = append(a.proofs, Proof{
				File: r.name, Position: r.Position, Agency: r.Agency, Event: r.Event, Recorded: stamp(r.Recorded),
				Promised: r.Leaf.String(), Stands: stands.String(),
				Receipt: string(r.signed), Checkpoint: string(w.Signed), Leaf: string(leaf),
			})
		}
		return nil
	}
	a.sum.Covered++
	if leaf == nil {
		return nil
	}
	if err := r.agrees(leaf); err != nil {
		a.add(r.finding(CodeReceiptContradicts, "what the record says", err.Error()))
	}
	return nil
}

// leafAt reads a leaf again; nil if there is nothing to read it from, or if
// another is given now, which is a finding.
func (a *Auditor) leafAt(p ledger.Position) ([]byte, error) {
	if a.config.Read == nil {
		return a.kept[p], nil
	}
	leaf, err := a.config.Read(p)
	if err != nil {
		return nil, fmt.Errorf("read position %d again: %w", p, err)
	}
	if a.differs(p, leaf) {
		return nil, nil
	}
	return leaf, nil
}

// agrees holds a receipt against the record that it names.
func (r *opened) agrees(leaf []byte) error {
	record, err := ledger.ParseLeaf(leaf)
	if err != nil {
		return err
	}
	if !record.Recorded.Equal(r.Recorded) {
		return fmt.Errorf("it was recorded at %s, not %s", stamp(record.Recorded), stamp(r.Recorded))
	}
	e, err := ledger.DecodeRecord(record)
	if err != nil {
		return err
	}
	if r.Outcome == ledger.Admitted {
		if sum := ledger.Hash(sha256.Sum256(record.Body)); sum != r.Sum || e.Source != r.Agency || e.ID != r.Event {
			return fmt.Errorf("it holds event %s of %s with SHA-256 %s, not %s of %s with %s", e.ID, e.Source, sum, r.Event, r.Agency, r.Sum)
		}
		return nil
	}
	p, ok := e.Payload.(*ledger.SubmissionRefused)
	if !ok {
		return errors.New("it is no refusal")
	}
	if p.Agency != r.Agency || p.Reason != r.Reason || p.First != r.First || !slices.Equal(p.Pointers, r.Pointers) {
		return fmt.Errorf("it refuses for %s, not for %s", p.Reason, r.Reason)
	}
	if r.body == nil {
		return nil
	}
	if sum := ledger.Hash(sha256.Sum256(append(r.Nonce[:], r.body...))); sum.String() != p.Digest {
		return fmt.Errorf("its digest %s is not of the submission (%s)", p.Digest, sum)
	}
	return nil
}
