package verify

import (
	"errors"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

// BundleReport is what is to be said of a bundle: the report of an audit of its
// records, and the history that they tell.
type BundleReport struct {
	Report
	Case string `json:"case"`
	// History has the records of the case with which nothing was found wrong, in
	// the order in which things happened.
	History []BundleStep `json:"history"`
}

// BundleStep is a record of a bundle's case.
type BundleStep struct {
	Position ledger.Position `json:"position"`
	Happened time.Time       `json:"happened"` // the agency says
	Recorded time.Time       `json:"recorded"` // the ledger says
	Late     bool            `json:"late,omitzero"`
	Agency   ledger.AgencyID `json:"agency"`
	Kind     ledger.Kind     `json:"kind"`
	Version  int             `json:"version"`
	Event    string          `json:"event"`
	Keys     []ledger.KeyID  `json:"keys"`
	// Mandate is what it was recorded under, and Basis the legal bases of the
	// grants of it; "" where the kind asks for a part in the case instead.
	Mandate ledger.Mandate `json:"mandate,omitzero"`
	Basis   []string       `json:"basis,omitzero"`
	// Corrected is the position of the correction in this bundle by which it says
	// something else, or is void.
	Corrected ledger.Position `json:"corrected_by,omitzero"`
	Void      bool            `json:"void,omitzero"`
}

// JudgeBundle judges a bundle by the policy of a configuration, of which Sparse
// and Read do not matter. An error says that the bundle cannot be read, so that
// nothing can be said of it.
func JudgeBundle(raw []byte, c Config) (BundleReport, error) {
	b, err := ParseBundle(raw)
	if err != nil {
		return BundleReport{}, err
	}
	c.Sparse, c.Read = true, nil
	j := bundleJudge{Auditor: New(c), bundle: b}
	w := j.open()
	if err := j.records(w); err != nil {
		return BundleReport{}, err
	}
	if j.roster != nil && j.stats.Cases == 0 {
		j.add(Finding{Code: Code(ledger.CodeCaseUnknown), Expected: "records of case " + b.Case, Found: "none"})
	}
	report, err := j.Finish(w)
	if err != nil {
		return BundleReport{}, err
	}
	return BundleReport{report, b.Case, j.story()}, nil
}

type bundleJudge struct {
	*Auditor
	bundle Bundle
	steps  map[ledger.Position]BundleStep
	events []ledger.CaseEvent
}

// open verifies the checkpoint. One that does not open has no signature.
func (j *bundleJudge) open() ledger.Witnessed {
	policy := j.config.Policy
	w, err := policy.Open(j.bundle.Checkpoint)
	if err == nil {
		return w
	}
	f := Finding{Code: CodeCheckpoint, Expected: "signed by " + policy.Log, Found: err.Error()}
	if log, _, bad := policy.Verifiers(); bad == nil {
		if _, _, bad := ledger.OpenCheckpoint(j.bundle.Checkpoint, log); bad == nil {
			f.Code, f.Expected = CodeCosignature, "cosignatures of the policy's witnesses"
		}
	}
	if errors.Is(err, ledger.ErrNoQuorum) {
		f.Code, f.Expected = CodeQuorum, "quorum "+policy.Quorum
	}
	j.add(f)
	return ledger.Witnessed{}
}

// records judges each record: first that it stands in the log, and what does not
// is not looked at any further.
func (j *bundleJudge) records(w ledger.Witnessed) error {
	j.steps = map[ledger.Position]BundleStep{}
	for i, p := range j.bundle.Records {
		r, err := ledger.ParseLeaf(p.Leaf)
		switch {
		case err != nil:
			j.add(Finding{Code: CodeLeafMalformed, Expected: "berkas/record/v1", Found: err.Error()})
		case j.misplaced(r, p, w):
		default:
			if err := j.weigh(r, p); err != nil {
				return err
			}
		}
		if i == 0 && j.roster == nil {
			if r.Position != 1 {
				j.add(Finding{Code: CodeGenesisOther, Expected: "the genesis record first", Found: "another record"})
			}
			return nil // without the genesis record nothing more can be judged
		}
	}
	return nil
}

// misplaced reports whether a record does not belong where it stands.
func (j *bundleJudge) misplaced(r ledger.Record, p Proven, w ledger.Witnessed) bool {
	f := Finding{Position: r.Position}
	switch {
	case r.Position <= j.taken:
		f.Code, f.Expected, f.Found = CodePositionWrong, "a position after the one before", "an earlier one, or the same"
	case len(w.Signed) > 0 && ledger.CheckInclusion(w.Checkpoint, r.Position, ledger.HashLeaf(p.Leaf), p.Inclusion) != nil:
		f.Code, f.Expected, f.Found = CodeNotInLog, root(w.Size, w.Root), "leaf "+ledger.HashLeaf(p.Leaf).String()
	case r.Subject != ledger.SubjectRoster && r.CaseID() != j.bundle.Case:
		f.Code, f.Expected, f.Found = CodeRecordForeign, ledger.SubjectCase(j.bundle.Case), r.Subject
	default:
		return false
	}
	j.add(f)
	return true
}

// weigh has the auditor take a record, and notes the step that it tells of.
func (j *bundleJudge) weigh(r ledger.Record, p Proven) error {
	before, found := j.roster, j.total()
	if err := j.Take(r.Position, [][]byte{p.Leaf}); err != nil {
		return err
	}
	if err := j.Settle(); err != nil {
		return err
	}
	if r.CaseID() != "" && before != nil && j.total() == found {
		j.note(r, before)
	}
	return nil
}

// note keeps a record with which nothing was found wrong under the roster before
// it.
func (j *bundleJudge) note(r ledger.Record, before *roster.Roster) {
	e, err := ledger.DecodeRecord(r)
	if err != nil {
		return // found, and so not called for
	}
	s := BundleStep{
		Position: r.Position, Happened: e.Time, Recorded: r.Recorded, Agency: e.Source, Kind: e.Kind, Version: e.Version, Event: e.ID,
	}
	for _, sig := range r.Signatures {
		s.Keys = append(s.Keys, sig.Key)
	}
	if info, known := ledger.LookupKind(e.Kind, e.Version); known {
		if info.Party == ledger.PartyMandate {
			s.Mandate = info.MandateFor(e.Payload)
		}
		if authority, bad := before.Authorize(e.Source, s.Mandate, e.Time, r.Recorded); bad == nil {
			s.Late = authority.Late
			for _, g := range authority.Grants {
				if s.Mandate != "" && !slices.Contains(s.Basis, g.Basis) {
					s.Basis = append(s.Basis, g.Basis)
				}
			}
		}
	}
	j.steps[r.Position] = s
	j.events = ledger.Insert(j.events, ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
}

// story gives the history with its corrections marked.
func (j *bundleJudge) story() []BundleStep {
	out := []BundleStep{}
	for _, e := range ledger.Effective(j.events) {
		s := j.steps[e.Position]
		s.Corrected, s.Void = e.Corrected, e.Void
		out = append(out, s)
	}
	return out
}
