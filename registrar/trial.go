package registrar

import (
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Check gives the refusal that the bytes of an event would meet if an agency
// handed them in and they were decided at a moment; nil if they would be
// admitted, or recognised. Without signatures the rules about those are left
// out. Nothing is recorded and the judge stays as it is.
//
// An error says that the ledger could not be read.
func (j *Judge) Check(agency ledger.AgencyID, body []byte, recorded time.Time, signatures ...ledger.Signature) (*ledger.Refusal, error) {
	t := j.begin()
	p := t.trial(ledger.Submission{Agency: agency, Body: body, Signatures: signatures})
	if _, ok := t.admitted(&p); ok {
		return nil, nil
	}
	return t.judge(&p, recorded)
}

// Rehearse is Check without signatures for one event after the other: what would
// be admitted counts for those that are rehearsed after it, as in a file that is
// to be imported. Everything is kept in memory. Only Rehearse sees it.
func (j *Judge) Rehearse(agency ledger.AgencyID, body []byte, recorded time.Time) (*ledger.Refusal, error) {
	if j.rehearsal == nil {
		j.rehearsal = j.begin()
	}
	t := j.rehearsal
	p := t.trial(ledger.Submission{Agency: agency, Body: body})
	if _, ok := t.admitted(&p); ok {
		return nil, nil
	}
	recorded = recorded.UTC().Truncate(time.Microsecond)
	bad, err := t.judge(&p, recorded)
	if bad != nil || err != nil {
		return bad, err
	}
	r := ledger.Record{Position: t.chain.Position + 1, Recorded: recorded, Subject: ledger.SubjectOf(p.event, p.info), Body: body}
	return nil, t.admit(r, r.LeafHash(), p.event, p.sum)
}

// trial prepares a submission for a dry run.
func (t *tx) trial(s ledger.Submission) prepared {
	p := prepared{sub: s, sum: s.Sum(), unsigned: len(s.Signatures) == 0}
	u := rules{t.roster, t.j.schemas, t.j.open}
	if u.decode(&p); p.form == nil {
		u.check(&p)
	}
	return p
}

// Next says of every kind of a case's events whether an agency may record it of
// something that happens at a moment and is recorded then, after everything
// that is on the ledger. The case need not exist.
func (j *Judge) Next(caseID string, agency ledger.AgencyID, at time.Time) []ledger.Possible {
	t := j.begin()
	c := t.caseOf(caseID).folded
	var out []ledger.Possible
	for _, info := range ledger.Kinds {
		if info.Stream != ledger.StreamCase {
			continue
		}
		bad := t.roster.Entitled(c, info, agency, at)
		if bad == nil && !j.open(info.Kind, info.Version) {
			bad = ledger.Refuse(ledger.CodeVersionNotOpen, "", "this version is not taken yet")
		}
		if bad != nil {
			out = append(out, ledger.Possible{Kind: info.Kind, Version: info.Version, WhyNot: bad.Detail})
			continue
		}
		out = append(out, c.May(agency, info, j.roster.LawAt(at)))
	}
	return out
}
