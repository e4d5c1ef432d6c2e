package projections

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
)

// Reason says why a published figure and the ledger differ, as far as that can
// be known.
type Reason string

// Reasons, the likelier explanation of a difference first.
const (
	ReasonEqual Reason = "equal"
	// ReasonLate: equal with what was recorded by the end of the figure's day;
	// the rest was recorded later.
	ReasonLate     Reason = "late-recording"
	ReasonWindow   Reason = "window"   // equal on a neighbouring day
	ReasonObserver Reason = "observer" // equal when it does not matter who saw it
	ReasonUnit     Reason = "unit"     // equal in another unit
	// ReasonDuplicate: equal when cases that agree in everything the ledger
	// shows of them count once.
	ReasonDuplicate Reason = "duplicate"
	// ReasonScope: the ledger holds nothing of the agency's in that window, or
	// it is equal without a filter.
	ReasonScope      Reason = "out-of-scope"
	ReasonUnknown    Reason = "unknown"
	ReasonNotSettled Reason = "not-settled" // later than the last applied record
)

// Line is a published figure beside the ledger's.
type Line struct {
	Figure PublishedFigure
	Answer Answer
	// Difference is the ledger's value minus the published one.
	Difference int64
	Reason     Reason
	// Problem says why the figure cannot be asked for; Answer is empty then.
	Problem string
	// Of a difference only: the first of what counts in ours, and other readings
	// of the question that give the published number.
	Cases      []Counted
	Candidates []Candidate
	// Disputes are decrees of what counts in ours on which agencies do not agree.
	Disputes []Dispute
}

// Candidate is another reading of a figure's question that gives the published
// number, with the first of what counts on one side only.
type Candidate struct {
	Reason Reason
	Change string // in words, for instance "as-of 2020-11-27"
	// Query is the other reading; with ReasonDuplicate the question's own.
	Query     ledger.Query
	OnlyOurs  []Counted // counts in the question, not in this reading
	OnlyOther []Counted // counts in this reading, not in the question
}

// listed bounds the cases named for a line or a side.
const listed = 20

// Reconcile compares published figures with the ledger, known at a position (0:
// now). Nothing is forced to agree. A figure later than the last applied record
// is a line with ReasonNotSettled; known after it is an *ErrNotSettled.
func (r *Reader) Reconcile(ctx context.Context, figures []PublishedFigure, known ledger.Position) ([]Line, error) {
	lines, err := r.beside(ctx, figures, func(PublishedFigure) ledger.Position { return known })
	if err != nil {
		return nil, err
	}
	for i := range lines {
		if l := &lines[i]; l.Problem == "" && l.Difference != 0 {
			if err := r.explain(ctx, l); err != nil {
				return nil, err
			}
		}
	}
	return lines, nil
}

// beside asks the ledger for each figure, known at a position; 0: now. The reason
// of a difference is not looked for.
func (r *Reader) beside(ctx context.Context, figures []PublishedFigure, known func(PublishedFigure) ledger.Position) ([]Line, error) {
	p, err := r.Progress(ctx)
	if err != nil {
		return nil, err
	}
	lines := make([]Line, len(figures))
	var queries []ledger.Query
	var asked []int
	for i, f := range figures {
		lines[i] = Line{Figure: f, Reason: ReasonUnknown}
		q, err := f.Query(known(f))
		if err != nil {
			lines[i].Problem = err.Error()
			continue
		}
		_, err = p.settle(q)
		var late *ErrNotSettled
		switch {
		case errors.As(err, &late) && late.What == "as-of":
			lines[i].Reason, lines[i].Problem = ReasonNotSettled, err.Error()
			continue
		case err != nil:
			return nil, err
		}
		queries, asked = append(queries, q), append(asked, i)
	}
	if len(queries) == 0 {
		return lines, nil
	}
	answers, err := r.Figures(ctx, queries)
	if err != nil {
		return nil, err
	}
	for n, i := range asked {
		l := &lines[i]
		l.Answer, l.Difference = answers[n], difference(answers[n].Value, l.Figure.Value)
		if l.Difference == 0 {
			l.Reason = ReasonEqual
		}
	}
	return lines, nil
}

// difference is one minus other, held within what an int64 takes: a published
// number may be any.
func difference(one, other uint64) int64 {
	if one >= other {
		return int64(min(one-other, math.MaxInt64))
	}
	return -int64(min(other-one, math.MaxInt64))
}

// explain lists what counts in ours and looks for other readings of the question
// that give the published number.
func (r *Reader) explain(ctx context.Context, l *Line) error {
	tries, err := r.tries(ctx, l)
	if err != nil {
		return err
	}
	queries := make([]ledger.Query, len(tries))
	for i := range tries {
		queries[i] = tries[i].Query
	}
	behind, err := r.linesBehind(ctx, l.Answer, queries...)
	if err != nil {
		return err
	}
	l.Reason = ReasonUnknown
	if l.Cases, err = behind.first(ctx); err != nil {
		return err
	}
	if l.Disputes, err = behind.disputes(ctx); err != nil {
		return err
	}
	if l.Candidates, err = r.nothing(ctx, l); err != nil {
		return err
	}
	fitting, err := behind.fitting(ctx, l.Figure.Value, tries)
	if err != nil {
		return err
	}
	alike, err := behind.alike(ctx)
	if err != nil {
		return err
	}
	l.Candidates = append(l.Candidates, fitting...)
	if alike.lines > 0 && alike.left == l.Figure.Value {
		l.Candidates = append(l.Candidates, Candidate{
			Reason: ReasonDuplicate, Change: "cases that agree in all that is shown count once", Query: l.Answer.Query, OnlyOurs: alike.first,
		})
	}
	l.likeliest()
	return nil
}

// likely orders reasons, the likelier first.
var likely = []Reason{ReasonLate, ReasonWindow, ReasonObserver, ReasonUnit, ReasonDuplicate, ReasonScope}

// nothing finds that the ledger holds no case at all of the observer's in the
// figure's window.
func (r *Reader) nothing(ctx context.Context, l *Line) ([]Candidate, error) {
	q := l.Answer.Query
	q.Unit, q.Filter, q.Measures = ledger.UnitCase, nil, []ledger.Measure{ledger.InProcess, ledger.Concluded}
	a, err := r.Figure(ctx, q)
	if err != nil || a.Value > 0 {
		return nil, err
	}
	return []Candidate{{Reason: ReasonScope, Change: "the ledger holds nothing in that window that " + string(q.SeenBy) + " has seen", Query: a.Query}}, nil
}

// tries are the other readings of a figure's question, whatever they give: for
// neighbouring days, of any observer, in other units, without a filter, and as it
// was known then.
func (r *Reader) tries(ctx context.Context, l *Line) ([]Candidate, error) {
	var tries []Candidate
	q, settled := l.Answer.Query, l.Answer.Settled
	try := func(reason Reason, change string, alter func(*ledger.Query)) {
		other := q
		other.Filter = maps.Clone(q.Filter)
		alter(&other)
		if !other.AsOf.After(settled.Recorded) {
			tries = append(tries, Candidate{Reason: reason, Change: change, Query: other})
		}
	}
	then, err := r.PositionAt(ctx, q.AsOf)
	if err != nil {
		return nil, err
	}
	if then > 0 && then < q.KnownAt {
		try(ReasonLate, fmt.Sprintf("known at position %d, the last recorded by then", then), func(o *ledger.Query) { o.KnownAt = then })
	}
	if p := l.Figure.Position; p > 0 && p < q.KnownAt && p != then {
		try(ReasonLate, fmt.Sprintf("known at position %d, where it was published", p), func(o *ledger.Query) { o.KnownAt = p })
	}
	for _, days := range []int{-1, 1} {
		try(ReasonWindow, fmt.Sprintf("as-of %+d day", days), func(o *ledger.Query) { o.AsOf = q.AsOf.AddDate(0, 0, days) })
		if !q.Since.IsZero() {
			try(ReasonWindow, fmt.Sprintf("since %+d day", days), func(o *ledger.Query) { o.Since = q.Since.AddDate(0, 0, days) })
		}
	}
	try(ReasonObserver, "whoever saw it", func(o *ledger.Query) { o.SeenBy = "" })
	for _, u := range ledger.Units {
		if u != q.Unit {
			try(ReasonUnit, "unit "+string(u), func(o *ledger.Query) { o.Unit = u })
		}
	}
	for _, name := range slices.Sorted(maps.Keys(q.Filter)) {
		try(ReasonScope, "without filter "+name, func(o *ledger.Query) { delete(o.Filter, name) })
	}
	return tries, nil
}

// fitting keeps the readings that give the published number.
func (l *lines) fitting(ctx context.Context, value uint64, tries []Candidate) ([]Candidate, error) {
	queries := make([]ledger.Query, len(tries))
	for i := range tries {
		queries[i] = tries[i].Query
	}
	answers, err := l.Figures(ctx, queries)
	if err != nil {
		return nil, err
	}
	var out []Candidate
	queries = queries[:0]
	for i, c := range tries {
		if answers[i].Value == value {
			out, queries = append(out, c), append(queries, answers[i].Query)
		}
	}
	sides, err := l.apartFrom(ctx, queries)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].OnlyOurs, out[i].OnlyOther = sides[i].onlyOurs, sides[i].onlyOther
	}
	return out, nil
}
