package verify

import (
	"errors"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// ReportFormat names the report's form. Members are added, never changed.
const ReportFormat = "berkas/audit-report/v1"

// Report is what an audit comes to.
type Report struct {
	Format string `json:"format"`
	// Valid says that nothing was found and that a checkpoint which the policy
	// accepts covers all that was checked.
	Valid  bool   `json:"valid"`
	Origin string `json:"origin"`
	// Checkpoint is the one the ledger was held against.
	Checkpoint ReportCheckpoint `json:"checkpoint"`
	// From is the first position whose record was judged in this run; what stands
	// before it was judged in an earlier one, and is the same by its hashes.
	From      ledger.Position   `json:"from"`
	Recorded  string            `json:"recorded"` // when the last record was, "" without records
	Judged    Stats             `json:"judged"`   // in all runs
	Schemas   bool              `json:"schemas"`
	Receipts  *ReceiptStats     `json:"receipts,omitzero"`
	Tables    *TableStats       `json:"tables,omitzero"`
	Held      []Held            `json:"held"`
	Unchecked []Unchecked       `json:"unchecked"`
	Total     uint64            `json:"findings_total"`
	Counts    map[Code]uint64   `json:"findings_by_code"`
	Findings  []ReportedFinding `json:"findings"`
	Proofs    []Proof           `json:"proofs"`
}

// ReportCheckpoint is a checkpoint with who vouches for it.
type ReportCheckpoint struct {
	Size      ledger.Position `json:"size"`
	Root      string          `json:"root"`
	Signed    string          `json:"signed"`
	Quorum    string          `json:"quorum"`
	Witnesses []ReportWitness `json:"witnesses"`
}

// ReportWitness is a verified cosignature.
type ReportWitness struct {
	Name string `json:"name"` // in the policy
	At   string `json:"at"`
}

// TableStats says what of the database was compared.
type TableStats struct {
	Position ledger.Position `json:"position"` // up to which the tables are filled
	Tables   []string        `json:"tables"`
}

// ReportedFinding is a finding with its message in both languages.
type ReportedFinding struct {
	Finding
	English    string `json:"en"`
	Indonesian string `json:"id"`
}

// Unchecked names something that was not checked.
type Unchecked string

// What an audit may leave out.
const (
	UncheckedSchemas   Unchecked = "schemas"
	UncheckedWitnesses Unchecked = "witnesses"
	UncheckedEarlier   Unchecked = "earlier-checkpoints"
	UncheckedReceipts  Unchecked = "receipts"
	UncheckedTables    Unchecked = "tables"
	UncheckedUnknown   Unchecked = "unknown-kinds"
	UncheckedOthers    Unchecked = "other-records"
	// UncheckedTruth is said by every report's text: no audit can tell it.
	UncheckedTruth Unchecked = "truth"
)

// Finish settles everything and holds it against the checkpoint, the other
// checkpoints and the receipts. A Witnessed without a signature, for a
// checkpoint that did not open, leaves the log unproven: the caller says why by
// Found. An error is Config.Read's.
func (a *Auditor) Finish(w ledger.Witnessed) (Report, error) {
	if err := a.Settle(); err != nil {
		return Report{}, err
	}
	if a.roster == nil && a.counts[CodeGenesisInvalid] == 0 {
		a.add(Finding{Position: 1, Code: CodeGenesisInvalid, Expected: "ledger.genesis.v1", Found: "no genesis record"})
	}
	proven := len(w.Signed) > 0
	if proven {
		a.judgeAhead(w)
	}
	if proven && !a.config.Sparse {
		a.judgeLog(w)
		if err := errors.Join(a.judgeMissed(), a.judgeReceipts(w)); err != nil {
			return Report{}, err
		}
		if a.counts[CodeRootDiffers]+a.counts[CodeRecordsMissing]+a.counts[CodeLogShorter]+a.counts[CodeForked] == 0 {
			a.last = w.Signed
		}
	}
	out := Report{
		Format: ReportFormat, Valid: proven && a.total() == 0 && a.roster != nil, Origin: a.config.Policy.Origin,
		Checkpoint: a.reportCheckpoint(w), From: a.from + 1, Judged: a.stats, Schemas: a.config.Schemas != nil,
		Held: a.held, Unchecked: a.unchecked(), Total: a.total(), Counts: a.counts, Proofs: a.proofs, Tables: a.tables,
	}
	if !a.recorded.IsZero() {
		out.Recorded = stamp(a.recorded)
	}
	if a.sum.Checked > 0 {
		sum := a.sum
		out.Receipts = &sum
	}
	for _, f := range a.sorted() {
		m, _ := MessageOf(f.Code)
		out.Findings = append(out.Findings, ReportedFinding{f, m.English, m.Indonesian})
	}
	out.fill()
	return out, nil
}

// fill makes lists that are empty of those that are not there: every encoder
// writes them alike.
func (r *Report) fill() {
	if r.Counts == nil {
		r.Counts = map[Code]uint64{}
	}
	r.Held = append([]Held{}, r.Held...)
	r.Unchecked = append([]Unchecked{}, r.Unchecked...)
	r.Findings = append([]ReportedFinding{}, r.Findings...)
	r.Proofs = append([]Proof{}, r.Proofs...)
	r.Checkpoint.Witnesses = append([]ReportWitness{}, r.Checkpoint.Witnesses...)
}

func (a *Auditor) reportCheckpoint(w ledger.Witnessed) ReportCheckpoint {
	c := ReportCheckpoint{Size: w.Size, Signed: string(w.Signed), Quorum: a.config.Policy.Quorum}
	if len(w.Signed) > 0 {
		c.Root = w.Root.String()
	}
	for _, by := range w.By {
		c.Witnesses = append(c.Witnesses, ReportWitness{by.Witness, by.At.UTC().Format(time.RFC3339)})
	}
	return c
}

// unchecked lists what this audit did not look at.
func (a *Auditor) unchecked() []Unchecked {
	var out []Unchecked
	for _, x := range []struct {
		what Unchecked
		left bool
	}{
		{UncheckedOthers, a.config.Sparse},
		{UncheckedSchemas, a.config.Schemas == nil},
		{UncheckedWitnesses, a.config.Policy.Quorum == ledger.QuorumNone},
		{UncheckedEarlier, len(a.held) == 0 && a.config.Policy.Quorum == ledger.QuorumNone},
		{UncheckedReceipts, a.sum.Checked == 0},
		{UncheckedTables, a.tables == nil},
		{UncheckedUnknown, a.stats.Unknown > 0},
	} {
		if x.left {
			out = append(out, x.what)
		}
	}
	return out
}

// Tables says that tables of the database were compared; how they differ is said
// by Found.
func (a *Auditor) Tables(t TableStats) { a.tables = &t }
