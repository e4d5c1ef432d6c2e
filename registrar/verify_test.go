package registrar_test

import (
	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/ledger"
	auditing "github.com/berkas-ledger/berkas/verify"
)

// verified holds a ledger against the auditor that everybody may run: it has to
// find nothing in whatever the registrar let in, and no receipt uncovered.
// Batches of different sizes let it look ahead by different rosters.
func (n *node) verified(records []ledger.Record) {
	n.t.Helper()
	signer, _, log := n.NoteKeys("")
	_, _, receipt := n.NoteKeys("receipt")
	policy := ledger.Policy{Origin: n.Origin, Log: log, Receipt: receipt, Genesis: records[0].LeafHash(), Quorum: ledger.QuorumNone}
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(list []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(list))
		for i, at := range list {
			out[i] = hashes[at]
		}
		return out, nil
	})
	leaves := make([][]byte, len(records))
	for i, r := range records {
		leaves[i] = r.Leaf()
		more, err := tlog.StoredHashes(int64(i), leaves[i], reader)
		if err != nil {
			n.t.Fatalf("%v", err)
		}
		hashes = append(hashes, more...)
	}
	root, err := tlog.TreeHash(int64(len(records)), reader)
	if err != nil {
		n.t.Fatalf("%v", err)
	}
	signed, err := ledger.SignCheckpoint(ledger.Checkpoint{Origin: n.Origin, Size: ledger.Position(len(records)), Root: ledger.Hash(root)}, signer)
	if err != nil {
		n.t.Fatalf("%v", err)
	}
	witnessed, err := policy.Open(signed)
	if err != nil {
		n.t.Fatalf("%v", err)
	}
	for _, many := range []int{len(leaves), 1 + len(leaves)%7} {
		a := auditing.New(auditing.Config{
			Policy: policy, Schemas: validator(), Workers: 2,
			Read: func(p ledger.Position) ([]byte, error) { return leaves[p-1], nil },
		})
		for i := 0; i < len(leaves); i += many {
			if err := a.Take(ledger.Position(i+1), leaves[i:min(i+many, len(leaves))]); err != nil {
				n.t.Fatalf("%v", err)
			}
		}
		given := n.hold(a)
		report, err := a.Finish(witnessed)
		if err != nil {
			n.t.Fatalf("%v", err)
		}
		if !report.Valid || report.Receipts != nil && report.Receipts.Covered != given {
			n.t.Errorf("the auditor finds, of %d records and %d receipts:\n%+v", len(records), given, report)
		}
	}
}

// hold hands every receipt that was sent to the auditor, with what it is about.
func (n *node) hold(a *auditing.Auditor) (given uint64) {
	for subject, list := range n.intake.receipts {
		for _, signed := range list {
			given++
			a.Receipt(subject, signed, n.intake.seen[subject][0].Body)
		}
	}
	return given
}
