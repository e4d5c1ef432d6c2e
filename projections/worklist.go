package projections

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Obligations: who owes what by when. respondent_history has when each milestone
// was reached, in a column each; the rules are read as they had been published at
// the position that is asked about, and ledger.Row.Obligations says what follows.
// So a regime or a list of holidays that is published later moves deadlines from
// its position on. The table obligation has the same for BI tools.

// reachedColumns names a column for each milestone.
func reachedColumns() []string {
	out := make([]string, len(ledger.Milestones))
	for i, m := range ledger.Milestones {
		out[i] = reachedColumn(m)
	}
	return out
}

func reachedColumn(m ledger.Milestone) string {
	return "reached_" + strings.ReplaceAll(string(m), "-", "_")
}

func putReached(b []byte, r *ledger.Reached) []byte {
	for _, t := range r {
		b = putTimeOrNull(b, t)
	}
	return b
}

// WorkQuery asks for obligations.
type WorkQuery struct {
	// Agency has to act or to watch; "" for everybody's.
	Agency ledger.AgencyID
	// AsOf is the moment at which they stand, KnownAt the last record that is used.
	// Zero: as with figures.
	AsOf    time.Time
	KnownAt ledger.Position
	// All also lists what was done, what lapsed, and what ended otherwise.
	All bool
	// Filter narrows the list further.
	Filter WorkFilter
	// Offset is how many to pass over, Limit how many to list at most; 0: all.
	Offset, Limit int
}

// WorkList answers a WorkQuery.
type WorkList struct {
	// Query as answered: zero times became those of the last applied record.
	Query   WorkQuery
	Known   time.Time // when the record at Query.KnownAt was recorded
	Settled Settled
	// Total counts the obligations before offset and limit, Overdue those that
	// are, Cases the cases that they are about.
	Total, Overdue, Cases int
	Obligations           []ledger.Obligation
	// Regimes counts the published regimes, Holidays lists the years whose
	// holidays are published.
	Regimes  int
	Holidays []int
}

// WorkList lists obligations as ledger.Obligations says they are: overdue first,
// then by the day on which they fall due, then those without one. Offset and
// limit cut pages of one order. Asked for the latest, of a large ledger, it may be
// known at a position that is some seconds old.
func (r *Reader) WorkList(ctx context.Context, q WorkQuery) (WorkList, error) {
	if !q.AsOf.IsZero() || q.KnownAt != 0 {
		return r.workList(ctx, q)
	}
	of := q
	of.Offset, of.Limit = 0, 0 // pages are of one list
	return latestOf(ctx, r, fmt.Sprintf("work list %+v", of), func(ctx context.Context, at Settled) (WorkList, error) {
		one := q // it may be asked again when this one is answered
		one.AsOf, one.KnownAt = at.Recorded, at.Position
		return r.workList(ctx, one)
	})
}

func (r *Reader) workList(ctx context.Context, q WorkQuery) (WorkList, error) {
	p, columns, err := r.stand(ctx)
	if err != nil {
		return WorkList{}, err
	}
	settled, err := p.settle(ledger.Query{AsOf: q.AsOf, KnownAt: q.KnownAt})
	if err != nil {
		return WorkList{}, err
	}
	q.AsOf, q.KnownAt = settled.AsOf, settled.KnownAt
	out := WorkList{Query: q, Settled: Settled{p.Position, p.Recorded}}
	if err := r.pool.QueryRow(ctx, "SELECT recorded FROM projection.record WHERE position = $1", int64(q.KnownAt)).Scan(&out.Known); err != nil {
		return out, asking("the time of a record", err)
	}
	out.Known = out.Known.UTC()
	rules, err := r.rules(ctx, q.KnownAt)
	if err != nil {
		return out, err
	}
	out.Regimes, out.Holidays = len(rules.Regimes), rules.Calendar.Published()
	if columns != nil && columns.holds(q.AsOf) {
		if ok, err := r.columns.owedPage(ctx, columns, &out, rules); ok || err != nil {
			return out, err
		}
	}
	if out.Obligations, err = r.owed(ctx, columns, q, rules); err != nil {
		return out, err
	}
	out.Total = len(out.Obligations)
	cases := make(map[string]bool, out.Total)
	for i := range out.Obligations {
		if cases[out.Obligations[i].Case] = true; out.Obligations[i].State == ledger.ObligationOverdue {
			out.Overdue++
		}
	}
	out.Cases = len(cases)
	out.Obligations = out.Obligations[min(q.Offset, out.Total):]
	if q.Limit > 0 {
		out.Obligations = out.Obligations[:min(q.Limit, len(out.Obligations))]
	}
	out.Obligations = slices.Clone(out.Obligations)
	return out, nil
}

// owed lists what a settled query asks for, all pages of it. The list may be
// shared and must not be changed.
func (r *Reader) owed(ctx context.Context, columns *snapshot, q WorkQuery, rules ledger.Rules) ([]ledger.Obligation, error) {
	if columns != nil && columns.holds(q.AsOf) {
		return r.columns.owed(ctx, columns, q, rules)
	}
	var list []ledger.Obligation
	err := r.waitingRows(ctx, q, rules, func(row *ledger.Row) {
		for _, o := range row.Obligations(rules, q.AsOf) {
			if q.wants(&o) {
				list = append(list, o)
			}
		}
	})
	return ledger.MergeObligations(list), err
}

// ruleKinds are the kinds of record that rules are published by, in the words of
// the index record_of_rules.
const ruleKinds = `case_id IS NULL AND kind IN
	('contest.published', 'holidays.published', 'ledger.genesis', 'mandate.ended', 'mandate.granted', 'regime.published')`

// rules reads the rules as they had been published up to a position.
func (r *Reader) rules(ctx context.Context, known ledger.Position) (ledger.Rules, error) {
	payloads, err := publishedRules(ctx, r.pool, schemaCurrent, known)
	if err != nil {
		return ledger.Rules{}, asking("published rules", err)
	}
	return ledger.Publish(payloads), nil
}

// querier is a connection, a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// publishedRules reads what rules were published by up to a position, in order.
func publishedRules(ctx context.Context, db querier, schema schemaName, known ledger.Position) ([]any, error) {
	rows, err := db.Query(ctx, fmt.Sprintf(`
		SELECT position, kind, version, data FROM %s.record
		WHERE `+ruleKinds+` AND known AND position <= $1 ORDER BY position`, schema), int64(known))
	if err != nil {
		return nil, err
	}
	var payloads []any
	var position int64
	var kind ledger.Kind
	var version int
	var data []byte
	_, err = pgx.ForEachRow(rows, []any{&position, &kind, &version, &data}, func() error {
		p, err := ledger.DecodePayload(kind, version, data)
		if err != nil {
			return fmt.Errorf("record %d as it stands in PostgreSQL: %w; run berkas rebuild", position, err)
		}
		payloads = append(payloads, p)
		return nil
	})
	return payloads, err
}

// waitingRows reads the rows that hold at the times of a query, as far as an
// obligation may follow from them.
func (r *Reader) waitingRows(ctx context.Context, q WorkQuery, rules ledger.Rules, yield func(*ledger.Row)) error {
	var s question
	where := s.held(q.AsOf, q.KnownAt) + " AND duplicate_of IS NULL"
	if q.pending() {
		where += s.pending(rules, q.AsOf)
	}
	if q.Filter.Authority != "" {
		where += " AND ppk = " + s.arg(q.Filter.Authority)
	}
	rows, err := r.scan(ctx, fmt.Sprintf("SELECT %s FROM projection.respondent_history WHERE %s", rowColumns(), where), s.args...)
	if err == nil {
		err = scanRows(rows, func(_ uuid.UUID, row *ledger.Row) { yield(row) })
	}
	if err != nil {
		return asking("what is owed", err)
	}
	return nil
}

// rowColumns are those of a row from which obligations follow.
func rowColumns() string {
	return "case_id, respondent, stage, coalesce(holder, ''), coalesce(contest, ''), coalesce(ppk, ''), forwarded_to, " + strings.Join(reachedColumns(), ", ")
}

// scanRows reads rowColumns, and what is selected after them into more. What it
// yields is valid until the next row.
func scanRows(rows pgx.Rows, yield func(uuid.UUID, *ledger.Row), more ...any) error {
	var id uuid.UUID
	var row ledger.Row
	var reached [ledger.MilestoneCount]*time.Time
	into := []any{&id, &row.Respondent, &row.Stage, &row.Holder, &row.Contest, &row.PPK, &row.ForwardedTo}
	for i := range reached {
		into = append(into, &reached[i])
	}
	_, err := pgx.ForEachRow(rows, append(into, more...), func() error {
		row.Case, row.Reached = id.String(), new(ledger.Reached)
		for i, t := range reached {
			if t != nil {
				row.Reached[i] = t.UTC()
			}
		}
		yield(id, &row)
		return nil
	})
	return err
}

// pending leaves out rows from which nothing pending can follow: ends, and decrees
// after which all periods of all regimes are over. It may keep more than there is.
func (s *question) pending(rules ledger.Rules, asOf time.Time) string {
	var ends, open []string
	var seen []period
	for _, stage := range ledger.Stages {
		if stage.End() {
			ends = append(ends, string(stage))
		}
	}
	for _, g := range rules.Regimes {
		for _, d := range g.Deadlines {
			p := period{d.From, fmt.Sprint(d.To), 0}
			if d.Right && d.Length != nil {
				p.lapsed = lapsedAfter(d.Length.Days)
			}
			if !slices.Contains(seen, p) {
				seen, open = append(seen, p), append(open, s.unmet(d, p, asOf))
			}
		}
	}
	decided := "stage <> 'decided'"
	if len(open) > 0 {
		decided += " OR " + strings.Join(open, " OR ")
	}
	return fmt.Sprintf(" AND stage <> ALL (%s) AND (%s)", s.arg(ends), decided)
}

// period is what of a deadline decides whether it can be pending.
type period struct {
	from   ledger.Milestone
	to     string
	lapsed time.Duration // after it a right has lapsed for sure; 0: never
}

// lapsedAfter: no year has more than 100 holidays, so a third of all days are
// working days but for a year or so.
func lapsedAfter(days int) time.Duration { return time.Duration(3*days+370) * day }

// unmet is the condition under which a deadline's period has begun and not ended.
func (s *question) unmet(d ledger.Deadline, p period, asOf time.Time) string {
	from := reachedColumn(d.From)
	c := from + " IS NOT NULL"
	for _, m := range d.To {
		c += fmt.Sprintf(" AND coalesce(%s < %s, true)", reachedColumn(m), from)
	}
	if p.lapsed > 0 { // it may have begun anew by a reopening
		c += fmt.Sprintf(" AND greatest(%s, %s) > %s", from, reachedColumn(ledger.MilestoneReopened), s.arg(asOf.Add(-p.lapsed)))
	}
	return "(" + c + ")"
}
