package projections

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// The backlog: what is owed, counted from several sides at once. What counts is
// what WorkList lists, so every number opens the list behind it.

// BacklogQuery asks for the backlog.
type BacklogQuery struct {
	// Agency has to act or to watch; "" for everybody's.
	Agency ledger.AgencyID
	// AsOf and KnownAt as with WorkQuery.
	AsOf    time.Time
	KnownAt ledger.Position
	// Trend are moments, none after AsOf, at which what was pending is counted too;
	// TrendOf gives them for an as-of, where that is left open.
	Trend   []time.Time
	TrendOf func(asOf time.Time) []time.Time
	// Longest is how many of those that wait longest are named.
	Longest int
}

// Backlog answers a BacklogQuery. It counts duties; rights, which may be exercised
// and need not, are only in Rights and Heaps.
type Backlog struct {
	Query   BacklogQuery // as answered
	Known   time.Time    // when the record at Query.KnownAt was recorded
	Settled Settled

	Rules    ledger.Rules
	Holidays []ledger.Holidays // in force, by year

	All    Tally // of duties
	Rights int   // pending rights
	// Heaps add up to All and Rights: by who owes which deadline.
	Heaps []Heap
	// Authorities are those that ever owed a decision; the most overdue first.
	Authorities []AuthorityTally
	// Ages counts by days since the periods began; Unaged those of which nothing
	// says it.
	Ages   []AgeCount
	Unaged int
	// Due counts by due day and deadline.
	Due []DueCount
	// Longest are those that began first.
	Longest []ledger.Obligation
	// Trend is in the order of Query.Trend.
	Trend []TrendCount
}

// Tally counts pending obligations.
type Tally struct {
	Pending, Overdue int
	Undated          int // without a due day
	Soon             int // due as-of's day or in the six days after it
	Provisional      int // later published holidays may still move the day
	// Oldest is when the first of the pending periods began, OldestDue the first
	// due day that is over; zero without any.
	Oldest    time.Time
	OldestDue ledger.Date
}

// Heap is what one party owes under one deadline of a regime.
type Heap struct {
	OwedBy string
	Code   string
	Regime string // "" if none was in force
	Basis  string
	Doubt  ledger.Doubt
	Right  bool
	Tally  Tally
}

// AuthorityTally counts cases in which an appointing authority owed a decision,
// each under the first of overdue, open, decided and ended that holds.
type AuthorityTally struct {
	Authority                           string // its key; "" where no record names it
	Owed, Overdue, Open, Decided, Ended int
	OldestDue                           ledger.Date // the first due day that is over
}

// AgeCount counts what began so many days before as-of's day.
type AgeCount struct{ Days, Pending, Overdue, Undated int }

// DueCount counts what falls due on a day, or fell due and still waits.
type DueCount struct {
	Day              ledger.Date
	Code             string
	Pending, Overdue int
	Provisional      bool
}

// TrendCount counts what was pending at a moment.
type TrendCount struct {
	At               time.Time
	Pending, Overdue int
}

// Backlog counts in one pass over the rows known at the position. Asked for the
// latest, of a large ledger, it may be known at a position that is some seconds old.
func (r *Reader) Backlog(ctx context.Context, q BacklogQuery) (Backlog, error) {
	if !q.AsOf.IsZero() || q.KnownAt != 0 {
		return r.backlog(ctx, q)
	}
	key := fmt.Sprintf("backlog %q %d %v %t", q.Agency, q.Longest, q.Trend, q.TrendOf != nil)
	return latestOf(ctx, r, key, func(ctx context.Context, at Settled) (Backlog, error) {
		one := q // it may be asked again when this one is answered
		one.AsOf, one.KnownAt = at.Recorded, at.Position
		return r.backlog(ctx, one)
	})
}

func (r *Reader) backlog(ctx context.Context, q BacklogQuery) (Backlog, error) {
	p, columns, err := r.stand(ctx)
	if err != nil {
		return Backlog{}, err
	}
	settled, err := p.settle(ledger.Query{AsOf: q.AsOf, KnownAt: q.KnownAt})
	if err != nil {
		return Backlog{}, err
	}
	q.AsOf, q.KnownAt = settled.AsOf, settled.KnownAt
	if q.TrendOf != nil {
		q.Trend, q.TrendOf = q.TrendOf(q.AsOf), nil
	}
	for _, t := range q.Trend {
		if t.After(q.AsOf) {
			return Backlog{}, fmt.Errorf("a moment of the trend lies after as-of")
		}
	}
	c := newCounter(q)
	c.out.Settled = Settled{p.Position, p.Recorded}
	if err := r.pool.QueryRow(ctx, "SELECT recorded FROM projection.record WHERE position = $1", int64(q.KnownAt)).Scan(&c.out.Known); err != nil {
		return c.out, asking("the time of a record", err)
	}
	c.out.Known = c.out.Known.UTC()
	payloads, err := publishedRules(ctx, r.pool, schemaCurrent, q.KnownAt)
	if err != nil {
		return c.out, asking("published rules", err)
	}
	c.out.Rules, c.out.Holidays = ledger.Publish(payloads), holidaysOf(payloads)
	if columns != nil && columns.holds(q.AsOf) && columns.holds(q.Trend...) {
		counted, err := r.columns.backlog(ctx, columns, q, c.out.Rules)
		if err != nil {
			return c.out, err
		}
		c.count(counted)
	} else if err := r.rowsByCase(ctx, q, c.add); err != nil {
		return c.out, err
	}
	return c.finish(), nil
}

// holidaysOf gives the last publication of each year.
func holidaysOf(payloads []any) []ledger.Holidays {
	last := map[int]ledger.Holidays{}
	for _, p := range payloads {
		if h, ok := p.(*ledger.Holidays); ok {
			last[h.Year] = *h
		}
	}
	var out []ledger.Holidays
	for _, h := range last {
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b ledger.Holidays) int { return cmp.Compare(a.Year, b.Year) })
	return out
}

// rowsByCase reads what is known of the cases at a position, case by case: rows
// that hold at as-of, and of those before it the ones that may matter to a trend.
func (r *Reader) rowsByCase(ctx context.Context, q BacklogQuery, yield func([]ledger.Row)) error {
	first := q.AsOf
	for _, t := range q.Trend {
		if t.Before(first) {
			first = t
		}
	}
	var s question
	asOf, known := s.arg(q.AsOf), s.arg(int64(q.KnownAt))
	where := fmt.Sprintf("recorded_from <= %s AND recorded_to > %[1]s AND happened_from <= %s AND happened_to > %s AND duplicate_of IS NULL", known, asOf, s.arg(first))
	var ends []string
	for _, stage := range ledger.Stages {
		if stage.End() {
			ends = append(ends, string(stage))
		}
	}
	where += fmt.Sprintf(" AND (happened_to > %s OR stage <> ALL (%s))", asOf, s.arg(ends))
	rows, err := r.scan(ctx, fmt.Sprintf(
		"SELECT %s, happened_from, CASE WHEN isfinite(happened_to) THEN happened_to END FROM projection.respondent_history WHERE %s ORDER BY case_id",
		rowColumns(), where), s.args...)
	if err == nil {
		err = groupRows(rows, yield)
	}
	if err != nil {
		return asking("the backlog", err)
	}
	return nil
}

// groupRows gathers the rows of each case, which follow one another.
func groupRows(rows pgx.Rows, yield func([]ledger.Row)) error {
	var from time.Time
	var to *time.Time
	var of uuid.UUID
	var list []ledger.Row
	err := scanRows(rows, func(id uuid.UUID, row *ledger.Row) {
		if id != of && len(list) > 0 {
			yield(list)
			list = list[:0]
		}
		of = id
		one := *row
		one.ForwardedTo = slices.Clone(row.ForwardedTo)
		if one.From, one.To = from.UTC(), (time.Time{}); to != nil {
			one.To = to.UTC()
		}
		list = append(list, one)
	}, &from, &to)
	if len(list) > 0 {
		yield(list)
	}
	return err
}
