package ledger

import (
	"slices"
	"time"
)

// Sanction is what a decree, or the ruling on a remedy, imposes.
type Sanction struct {
	Family string
	Level  string // Sanctions
	Kind   string // SanctionKinds
}

// Verdict is the outcome of a decree for one respondent.
type Verdict struct {
	Outcome string // sanctioned, not-proven
	Sanction
}

// Decision is the appointing authority's decree as recorded, with what became of
// it. The verdict is that of the record that stands first on the ledger.
type Decision struct {
	Decree Letter
	Verdict
	// By recorded it first; Confirmed lists agencies that recorded the same
	// outcome of the same decree, Disputed those that recorded another one.
	By                  AgencyID
	Confirmed, Disputed []AgencyID
	// Records is what each agency recorded of the decree, by position.
	Records   []DecreeRecord
	Delivered time.Time // to the respondent; zero if that is not recorded
	Reviewed  string    // the conformity check's result; "" without
	Remedies  []Remedy  // in the order in which they were filed
}

// DecreeRecord is one agency's record of a decree.
type DecreeRecord struct {
	By       AgencyID
	Position Position
	Happened time.Time
	Verdict
}

// Remedy is one turn of a respondent against a decree.
type Remedy struct {
	Kind    string // Remedies
	Filed   time.Time
	Decided time.Time // zero while it is not
	Ruling  Letter
	Outcome string // RemedyOutcomes; "" while it is not decided
	// Named, for written flat in JSON its kind would be lost behind the remedy's.
	Sanction `json:"Sanction"`
}

// Standing is the sanction that stands: the decree's, or the last remedy's that
// gave another. ok is false where none does.
func (d *Decision) Standing() (s Sanction, ok bool) {
	s, ok = d.Sanction, d.Outcome == OutcomeSanctioned
	for _, m := range d.Remedies {
		switch m.Outcome {
		case OutcomeLightened, OutcomeIncreased, OutcomeChanged:
			s, ok = m.Sanction, true
		case OutcomeAnnulled:
			s, ok = Sanction{}, false
		}
	}
	return s, ok
}

// pending gives the remedy that is not decided, nil if there is none.
func (d *Decision) pending() *Remedy {
	if n := len(d.Remedies); n > 0 && d.Remedies[n-1].Outcome == "" {
		return &d.Remedies[n-1]
	}
	return nil
}

// Remedy says where the respondent's remedies stand: none, filed, or the outcome
// of the last one.
func (r *Respondent) Remedy() string {
	switch d := r.Decision; {
	case d == nil || len(d.Remedies) == 0:
		return RemedyNone
	case d.pending() != nil:
		return RemedyPending
	default:
		return d.Remedies[len(d.Remedies)-1].Outcome
	}
}

// decide records a decree, or another agency's record of the same one: that
// confirms the first or disputes it, and is not counted twice.
func (r *Respondent) decide(e CaseEvent, decree Letter, a DecidedRespondent) {
	record := DecreeRecord{e.Source, e.Position, e.Time, Verdict{a.Outcome, Sanction{a.Family, a.Level, a.Kind}}}
	if r.Stage != StageDecided || r.Decision == nil || r.Decision.Decree != decree {
		r.Stage = StageDecided
		r.Decision = &Decision{Decree: decree}
	}
	d := *r.Decision
	i := len(d.Records)
	for i > 0 && record.Position < d.Records[i-1].Position {
		i--
	}
	d.Records = slices.Insert(slices.Clone(d.Records), i, record)
	d.compare()
	r.Decision = &d
}

// compare holds the records against the first of them, which leads whatever
// moment the others claim.
func (d *Decision) compare() {
	d.By, d.Verdict, d.Confirmed, d.Disputed = d.Records[0].By, d.Records[0].Verdict, nil, nil
	for _, o := range d.Records[1:] {
		if o.Verdict == d.Verdict {
			d.Confirmed = append(d.Confirmed, o.By)
		} else {
			d.Disputed = append(d.Disputed, o.By)
		}
	}
}

// change gives the respondent another decision of the same decree. A record that
// names a decree which does not stand changes nothing.
func (r *Respondent) change(decree Letter, how func(*Decision)) {
	if r.Decision == nil || r.Decision.Decree != decree {
		return
	}
	d := *r.Decision
	how(&d)
	r.Decision = &d
}

// annul puts the decree that stood aside.
func (r *Respondent) annul() {
	if r.Decision != nil {
		r.Annulled = append(slices.Clone(r.Annulled), *r.Decision)
		r.Decision = nil
	}
}

// remedied decides the remedy that is pending. Where the ledger holds a decision
// on none, it stands for a remedy of its own.
func (d *Decision) remedied(p *RemedyDecided, a RemediedRespondent, at time.Time) {
	d.Remedies = slices.Clone(d.Remedies)
	if d.pending() == nil {
		d.Remedies = append(d.Remedies, Remedy{Kind: p.Remedy, Filed: at})
	}
	m := d.pending()
	m.Decided, m.Ruling, m.Outcome, m.Sanction = at, p.Ruling, a.Outcome, Sanction{a.Family, a.Level, a.Kind}
}
