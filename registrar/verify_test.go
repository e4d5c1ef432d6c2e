package registrar_test

import (
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/ledger"
	auditing "github.com/berkas-ledger/berkas/verify"
)

// verified holds a ledger against the auditor that everybody may run: it has to
// find nothing in whatever the registrar let in, and no receipt uncovered; and
// it has to find whatever the registrar refused, if somebody who has all its
// keys had put that on the ledger all the same.
func (n *node) verified(records []ledger.Record, refused map[ledger.Position][]ledger.Submission) {
	n.t.Helper()
	leaves := make([][]byte, len(records))
	for i, r := range records {
		leaves[i] = r.Leaf()
	}
	// Batches of different sizes look ahead by different rosters.
	for _, many := range []int{len(leaves), 1 + len(leaves)%7} {
		var given uint64
		report := n.auditOf(leaves, many, func(a *auditing.Auditor) { given = n.hold(a) })
		if !report.Valid || report.Receipts != nil && report.Receipts.Covered != given {
			n.t.Errorf("the auditor finds, of %d records and %d receipts:\n%+v", len(records), given, report)
		}
	}
	const most = 12 // of a ledger, in the order of a map
	tried := 0
	for at, list := range refused {
		e, err := ledger.DecodeRecord(records[at-1])
		if err != nil {
			n.t.Fatalf("%v", err)
		}
		forged, ok := forgery(records[at-1], list)
		if !ok || tried == most {
			continue
		}
		tried++
		n.found(append(leaves[:at-1:at-1], forged), at, e.Payload.(*ledger.SubmissionRefused).Reason)
	}
}

// audited is verified for a node that stands still.
func (n *node) audited() {
	n.t.Helper()
	n.intake.mu.Lock()
	defer n.intake.mu.Unlock()
	refused := map[ledger.Position][]ledger.Submission{}
	for subject, list := range n.intake.receipts {
		for _, signed := range list {
			if r := n.open(signed); r.Outcome == ledger.Refused {
				refused[r.Position] = n.intake.seen[subject]
			}
		}
	}
	n.verified(n.store.all(), refused)
}

// found audits a ledger whose last record should have been refused.
func (n *node) found(leaves [][]byte, at ledger.Position, reason ledger.Code) {
	n.t.Helper()
	report := n.auditOf(leaves, 100, func(*auditing.Auditor) {})
	if reason == ledger.CodeUnknownKind && report.Judged.Unknown == 1 {
		return // shown, and not judged: a newer registrar may know the kind
	}
	if len(report.Findings) == 0 || report.Findings[0].Position != at || report.Findings[0].Code != auditing.Code(reason) {
		n.t.Errorf("position %d, which should have been refused as %s: the auditor finds %+v\n%s", at, reason, report.Findings, leaves[at-1])
	}
}

// forgery is the record that stands in a refusal's place if what was refused is
// taken. ok is false for what cannot be written as a record, such as a wrong
// header, or is right as a record, such as what another had handed in.
func forgery(refusal ledger.Record, list []ledger.Submission) (leaf []byte, ok bool) {
	s := list[0]
	e, bad := ledger.Decode(s.Body)
	if bad != nil && bad.Code != ledger.CodePersonalData {
		e = ledger.Event{Source: s.Agency} // the subject may be anything
	}
	p := refusalOf(refusal).Reason
	unwritten := []ledger.Code{ledger.CodeForbiddenHeader, ledger.CodeContentType, ledger.CodeTooLarge, ledger.CodeVersionNotOpen}
	other := func(o ledger.Submission) bool { return !slices.Equal(o.Signatures, s.Signatures) }
	if slices.ContainsFunc(list, other) || len(s.Signatures) == 0 || e.Source != s.Agency || slices.Contains(unwritten, p) {
		return nil, false
	}
	r := ledger.Record{Position: refusal.Position, Recorded: refusal.Recorded, Subject: ledger.SubjectRoster, Signatures: s.Signatures, Body: s.Body}
	if info, known := ledger.LookupKind(e.Kind, e.Version); known {
		r.Subject = ledger.SubjectOf(e, info)
	}
	_, err := ledger.ParseLeaf(r.Leaf())
	return r.Leaf(), err == nil
}

func refusalOf(r ledger.Record) ledger.SubmissionRefused {
	e, _ := ledger.DecodeRecord(r)
	return *e.Payload.(*ledger.SubmissionRefused)
}

// auditOf audits leaves under a checkpoint whose root x/mod's tlog made.
func (n *node) auditOf(leaves [][]byte, many int, before func(*auditing.Auditor)) auditing.Report {
	n.t.Helper()
	signer, _, log := n.NoteKeys("")
	_, _, receipt := n.NoteKeys("receipt")
	policy := ledger.Policy{Origin: n.Origin, Log: log, Receipt: receipt, Genesis: ledger.HashLeaf(leaves[0]), Quorum: ledger.QuorumNone}
	signed, err := ledger.SignCheckpoint(ledger.Checkpoint{Origin: n.Origin, Size: ledger.Position(len(leaves)), Root: n.rootOf(leaves)}, signer)
	if err != nil {
		n.t.Fatalf("%v", err)
	}
	witnessed, err := policy.Open(signed)
	if err != nil {
		n.t.Fatalf("%v", err)
	}
	a := auditing.New(auditing.Config{
		Policy: policy, Schemas: validator(), Workers: 2,
		Read: func(p ledger.Position) ([]byte, error) { return leaves[p-1], nil },
	})
	for i := 0; i < len(leaves); i += many {
		if err := a.Take(ledger.Position(i+1), leaves[i:min(i+many, len(leaves))]); err != nil {
			n.t.Fatalf("%v", err)
		}
	}
	before(a)
	report, err := a.Finish(witnessed)
	if err != nil {
		n.t.Fatalf("%v", err)
	}
	return report
}

func (n *node) rootOf(leaves [][]byte) ledger.Hash {
	n.t.Helper()
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(list []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(list))
		for i, at := range list {
			out[i] = hashes[at]
		}
		return out, nil
	})
	for i, leaf := range leaves {
		more, err := tlog.StoredHashes(int64(i), leaf, reader)
		if err != nil {
			n.t.Fatalf("%v", err)
		}
		hashes = append(hashes, more...)
	}
	root, err := tlog.TreeHash(int64(len(leaves)), reader)
	if err != nil {
		n.t.Fatalf("%v", err)
	}
	return ledger.Hash(root)
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
