package projections

import (
	"context"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
)

// Published figures for those who look at many, and then at one: Beside gives the
// numbers and what explains them, Trace the cases on each side.

// Trace is a published figure with every other reading of its question.
type Trace struct {
	Line
	Readings []Reading
	// Corrected is how many of the lines that count rest on a correction, and
	// the first of them.
	Corrected     int
	CorrectedList []Counted
}

// Reading is another reading of a figure's question: what it would count.
type Reading struct {
	Reason Reason
	Query  ledger.Query // with ReasonDuplicate the question's own
	Value  uint64
	Fits   bool // it gives the published number
	// Ours counts lines that are in the question and not in this reading, Other
	// those in this reading only; the lists have the first of them.
	Ours, Other         int
	OnlyOurs, OnlyOther []Counted
}

// Beside sets figures beside the ledger's, known at a position (0: now), or each
// at the position where it was published. A difference gets the first reason by
// which another reading gives the number, and Candidates without their cases;
// what looks alike is not searched for, which takes Trace.
func (r *Reader) Beside(ctx context.Context, figures []PublishedFigure, known ledger.Position, asPublished bool) ([]Line, error) {
	lines, err := r.beside(ctx, figures, func(f PublishedFigure) ledger.Position {
		if asPublished {
			return f.Position
		}
		return known
	})
	if err != nil {
		return nil, err
	}
	var queries []ledger.Query
	var tries []Candidate
	var of []int
	for i := range lines {
		if l := &lines[i]; l.Problem == "" && l.Difference != 0 {
			found, err := r.tries(ctx, l)
			if err != nil {
				return nil, err
			}
			for _, c := range found {
				queries, tries, of = append(queries, c.Query), append(tries, c), append(of, i)
			}
		}
	}
	if len(queries) == 0 {
		return lines, nil
	}
	answers, err := r.Figures(ctx, queries)
	if err != nil {
		return nil, err
	}
	for n, i := range of {
		if l := &lines[i]; answers[n].Value == l.Figure.Value {
			l.Candidates = append(l.Candidates, tries[n])
		}
	}
	for i := range lines {
		lines[i].likeliest()
	}
	return lines, nil
}

// likeliest orders the candidates and takes the first one's reason.
func (l *Line) likeliest() {
	slices.SortStableFunc(l.Candidates, func(a, b Candidate) int {
		return slices.Index(likely, a.Reason) - slices.Index(likely, b.Reason)
	})
	if len(l.Candidates) > 0 {
		l.Reason = l.Candidates[0].Reason
	}
}

// Trace asks a figure's question in every other way, whatever that gives, and
// compares the cases of each with those of the question.
func (r *Reader) Trace(ctx context.Context, f PublishedFigure, known ledger.Position) (Trace, error) {
	lines, err := r.beside(ctx, []PublishedFigure{f}, func(PublishedFigure) ledger.Position { return known })
	if err != nil {
		return Trace{}, err
	}
	t := Trace{Line: lines[0]}
	if t.Problem != "" {
		return t, nil
	}
	tries, err := r.tries(ctx, &t.Line)
	if err != nil {
		return t, err
	}
	queries := make([]ledger.Query, len(tries))
	for i := range tries {
		queries[i] = tries[i].Query
	}
	answers, err := r.Figures(ctx, queries)
	if err != nil {
		return t, err
	}
	behind, err := r.linesBehind(ctx, t.Answer, settledOf(answers)...)
	if err != nil {
		return t, err
	}
	sides, err := behind.apartFrom(ctx, settledOf(answers))
	if err != nil {
		return t, err
	}
	for i, c := range tries {
		side := sides[i]
		t.Readings = append(t.Readings, Reading{
			Reason: c.Reason, Query: answers[i].Query, Value: answers[i].Value, Fits: answers[i].Value == f.Value,
			Ours: side.ours, Other: side.other, OnlyOurs: side.onlyOurs, OnlyOther: side.onlyOther,
		})
	}
	if t.Cases, err = behind.first(ctx); err != nil {
		return t, err
	}
	// The reading under which cases that agree in all that is shown count once.
	alike, err := behind.alike(ctx)
	if err != nil {
		return t, err
	}
	if alike.lines > 0 {
		t.Readings = append(t.Readings, Reading{
			Reason: ReasonDuplicate, Query: t.Answer.Query, Value: alike.left, Fits: alike.left == f.Value, Ours: alike.lines, OnlyOurs: alike.first,
		})
	}
	if t.Difference != 0 {
		t.explained()
		if t.Disputes, err = behind.disputes(ctx); err != nil {
			return t, err
		}
	}
	t.Corrected, t.CorrectedList, err = behind.corrected(ctx)
	return t, err
}

// settledOf are the questions as they were answered.
func settledOf(answers []Answer) []ledger.Query {
	out := make([]ledger.Query, len(answers))
	for i, a := range answers {
		out[i] = a.Query
	}
	return out
}

// explained takes the reason of the likeliest reading that gives the number.
func (t *Trace) explained() {
	for _, reading := range t.Readings {
		if reading.Fits && (t.Reason == ReasonUnknown || slices.Index(likely, reading.Reason) < slices.Index(likely, t.Reason)) {
			t.Reason = reading.Reason
		}
	}
}
