package projections

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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
	for i, c := range tries {
		one := Reading{Reason: c.Reason, Query: answers[i].Query, Value: answers[i].Value, Fits: answers[i].Value == f.Value}
		if err := r.compareLines(ctx, t.Answer.Query, &one); err != nil {
			return t, err
		}
		t.Readings = append(t.Readings, one)
	}
	ours, err := r.behind(ctx, t.Answer.Query, 0)
	if err != nil {
		return t, err
	}
	t.Cases = first(ours)
	if err := r.alike(ctx, &t, ours); err != nil {
		return t, err
	}
	if t.Difference != 0 {
		t.explained()
		if t.Disputes, err = r.disputes(ctx, t.Answer.Query, ours); err != nil {
			return t, err
		}
	}
	return t, r.corrected(ctx, &t)
}

// explained takes the reason of the likeliest reading that gives the number.
func (t *Trace) explained() {
	for _, reading := range t.Readings {
		if reading.Fits && (t.Reason == ReasonUnknown || slices.Index(likely, reading.Reason) < slices.Index(likely, t.Reason)) {
			t.Reason = reading.Reason
		}
	}
}

// behindParts selects the lines behind a settled query, each with the number of its
// measure.
func (s *question) behindParts(q ledger.Query) string {
	held := s.held(q.AsOf, q.KnownAt)
	parts := make([]string, len(q.Measures))
	for i, m := range q.Measures {
		parts[i] = fmt.Sprintf("SELECT %d AS measure, case_id, respondent, %s AS key, %s AS since FROM projection.respondent_history WHERE %s AND %s",
			i, unitNames[q.Unit], sinceColumn(m, q.Unit), held, s.counts(m, q))
	}
	return "SELECT * FROM (" + strings.Join(parts, " UNION ALL ") + ") b WHERE key IS NOT NULL"
}

// compareLines finds the lines on one side only.
func (r *Reader) compareLines(ctx context.Context, q ledger.Query, other *Reading) error {
	var s question
	ours, theirs := s.behindParts(q), s.behindParts(other.Query)
	side := func(n int, one, not string) string {
		return fmt.Sprintf(`SELECT %d AS side, a.*, count(*) OVER () AS total, row_number() OVER (ORDER BY measure, case_id, respondent) AS n
			FROM %s a WHERE NOT EXISTS (SELECT FROM %s b WHERE b.measure = a.measure AND b.case_id = a.case_id AND b.respondent = a.respondent)`, n, one, not)
	}
	rows, err := r.pool.Query(ctx, fmt.Sprintf(`WITH ours AS (%s), theirs AS (%s)
		SELECT side, measure, case_id, respondent, key, since, total FROM (%s UNION ALL %s) x WHERE n <= %s ORDER BY side, n`,
		ours, theirs, side(0, "ours", "theirs"), side(1, "theirs", "ours"), s.arg(listed)), s.args...)
	if err != nil {
		return asking("what another reading counts", err)
	}
	var where, measure, total int
	var id uuid.UUID
	var c Counted
	_, err = pgx.ForEachRow(rows, []any{&where, &measure, &id, &c.Respondent, &c.Key, &c.Since, &total}, func() error {
		line := c
		line.Case, line.Measure, line.Since = id.String(), q.Measures[measure].String(), c.Since.UTC()
		if where == 0 {
			other.Ours, other.OnlyOurs = total, append(other.OnlyOurs, line)
		} else {
			other.Other, other.OnlyOther = total, append(other.OnlyOther, line)
		}
		return nil
	})
	if err != nil {
		return asking("what another reading counts", err)
	}
	return nil
}

// alike adds the reading under which cases that agree in all that is shown count
// once, where there are any.
func (r *Reader) alike(ctx context.Context, t *Trace, ours []Counted) error {
	doubles, value, err := r.alikeOf(ctx, t.Answer.Query, ours)
	if err != nil || len(doubles) == 0 {
		return err
	}
	t.Readings = append(t.Readings, Reading{
		Reason: ReasonDuplicate, Query: t.Answer.Query, Value: value, Fits: value == t.Figure.Value, Ours: len(doubles), OnlyOurs: first(doubles),
	})
	return nil
}

// corrected counts the lines whose case has a correction that was known.
func (r *Reader) corrected(ctx context.Context, t *Trace) error {
	var s question
	q := t.Answer.Query
	rows, err := r.pool.Query(ctx, fmt.Sprintf(`
		SELECT measure, case_id, respondent, key, since, count(*) OVER () FROM (%s) c
		WHERE EXISTS (SELECT FROM projection.record r WHERE r.case_id = c.case_id AND r.kind = %s AND r.position <= %s)
		ORDER BY measure, case_id, respondent LIMIT %s`,
		s.behindParts(q), s.arg(string(ledger.EventCorrectedKind)), s.arg(int64(q.KnownAt)), s.arg(listed)), s.args...)
	if err != nil {
		return asking("corrections", err)
	}
	var measure int
	var id uuid.UUID
	var c Counted
	if _, err := pgx.ForEachRow(rows, []any{&measure, &id, &c.Respondent, &c.Key, &c.Since, &t.Corrected}, func() error {
		line := c
		line.Case, line.Measure, line.Since = id.String(), q.Measures[measure].String(), c.Since.UTC()
		t.CorrectedList = append(t.CorrectedList, line)
		return nil
	}); err != nil {
		return asking("corrections", err)
	}
	return nil
}
