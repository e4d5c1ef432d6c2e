package projections

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Figures are counted over respondent_history, in SQL or in columns that hold the
// same. ledger.Count is what they have to equal.

// Answer is a figure with everything that says what it counts.
type Answer struct {
	Value uint64
	// Query as answered: a zero AsOf became Settled.Recorded, a zero KnownAt
	// Settled.Position.
	Query ledger.Query
	// Known is when the record at Query.KnownAt was recorded.
	Known time.Time
	// Settled is the last applied record.
	Settled Settled
}

// Settled is the last applied record: nothing later can be asked for.
type Settled struct {
	Position ledger.Position
	Recorded time.Time
}

// Group is a figure for one value of a dimension; Value is "" for those that
// have none.
type Group struct {
	Value string
	Count uint64
}

// Counted is one thing behind a number.
type Counted struct {
	Case       string
	Respondent string
	Measure    string
	Key        string    // what is counted: case, "case respondent", "agency letter", authority
	Since      time.Time // since when the measure is true
}

// dimension is a column that a filter compares.
type dimension struct {
	column string
	many   bool // an array: one of its values is enough
}

// values selects the dimension's values of a row; "" stands for none.
func (d dimension) values() string {
	if d.many {
		return "SELECT unnest(CASE WHEN " + d.column + " = '{}' THEN '{\"\"}' ELSE " + d.column + " END) AS value"
	}
	return "SELECT coalesce(" + d.column + ", '') AS value"
}

// dimensions has a column for each of ledger.Filters.
var dimensions = map[string]dimension{
	"origin":           {column: "origin"},
	"forwarded-to":     {column: "forwarded_to", many: true},
	"holder":           {column: "holder"},
	"family":           {column: "family"},
	"sanction":         {column: "sanction"},
	"office":           {column: "office"},
	"ppk-kind":         {column: "ppk_kind"},
	"province-of-act":  {column: "province_of_act"},
	"province":         {column: "province"},
	"institution":      {column: "institution"},
	"institution-kind": {column: "institution_kind"},
	"class":            {column: "class"},
	"item":             {column: "items", many: true},
	"contest":          {column: "contest"},
}

// unitKeys says what each unit counts distinct values of; NULL is not counted.
var unitKeys = map[ledger.Unit]string{
	ledger.UnitCase:           "case_id",
	ledger.UnitRespondent:     "(case_id, respondent)",
	ledger.UnitRecommendation: "recommendation",
	ledger.UnitPPK:            "ppk",
}

// unitNames writes what a unit counts as text.
var unitNames = map[ledger.Unit]string{
	ledger.UnitCase:           "case_id::text",
	ledger.UnitRespondent:     "case_id || ' ' || respondent",
	ledger.UnitRecommendation: "recommendation",
	ledger.UnitPPK:            "ppk",
}

// question builds a statement and its arguments.
type question struct{ args []any }

func (s *question) arg(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args))
}

// held selects the rows that hold at a pair of times.
func (s *question) held(asOf time.Time, known ledger.Position) string {
	t, k := s.arg(asOf), s.arg(int64(known))
	return fmt.Sprintf("happened_from <= %[1]s AND happened_to > %[1]s AND recorded_from <= %[2]s AND recorded_to > %[2]s", t, k)
}

// since is the column that dates a measure under a unit.
func sinceColumn(m ledger.Measure, u ledger.Unit) string {
	if u == ledger.UnitCase && ledger.MeasureTable[m].All {
		return caseColumn(m)
	}
	return m.String()
}

// counts is the condition under which a row that holds counts for a measure.
func (s *question) counts(m ledger.Measure, q ledger.Query) string {
	column := sinceColumn(m, q.Unit)
	if q.Since.IsZero() {
		return column + " IS NOT NULL" + s.filters(q)
	}
	return column + " > " + s.arg(q.Since) + s.filters(q)
}

func (s *question) filters(q ledger.Query) string {
	var b strings.Builder
	if q.SeenBy != "" {
		b.WriteString(" AND " + s.arg(string(q.SeenBy)) + " = ANY (seen_by)")
	}
	for _, name := range slices.Sorted(maps.Keys(q.Filter)) {
		d, value := dimensions[name], s.arg(q.Filter[name])
		if d.many {
			b.WriteString(" AND " + value + " = ANY (" + d.column + ")")
		} else {
			b.WriteString(" AND " + d.column + " = " + value)
		}
	}
	return b.String()
}

// Figure answers one query, as ledger.Count over ledger.History of the records
// known then would. A zero AsOf means the last applied record's recorded time,
// a zero KnownAt its position; a moment beyond them is an *ErrNotSettled.
func (r *Reader) Figure(ctx context.Context, q ledger.Query) (Answer, error) {
	list, err := r.Figures(ctx, []ledger.Query{q})
	if err != nil {
		return Answer{}, err
	}
	return list[0], nil
}

// moment is a pair of times at which rows hold.
type moment struct {
	asOf  int64 // microseconds, as the tables keep
	known ledger.Position
}

// scanColumns bounds the figures of one scan; PostgreSQL takes 1,664 columns.
const scanColumns = 500

// Figures answers many queries, those of the same two times in one scan.
func (r *Reader) Figures(ctx context.Context, queries []ledger.Query) ([]Answer, error) {
	answers, columns, err := r.openColumns(ctx, queries)
	if err != nil {
		return nil, err
	}
	if columns != nil {
		return answers, r.columns.figures(ctx, columns, answers)
	}
	byMoment := make(map[moment][]int)
	for i := range answers {
		q := answers[i].Query
		m := moment{q.AsOf.UnixMicro(), q.KnownAt}
		byMoment[m] = append(byMoment[m], i)
	}
	for _, indexes := range byMoment {
		if err := r.count(ctx, answers, indexes); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// open checks queries and settles their times.
func (r *Reader) open(ctx context.Context, queries []ledger.Query) ([]Answer, error) {
	answers, _, err := r.openColumns(ctx, queries)
	return answers, err
}

// openColumns does so, and gives columns that can answer them, nil where SQL has
// to.
func (r *Reader) openColumns(ctx context.Context, queries []ledger.Query) ([]Answer, *snapshot, error) {
	for _, q := range queries {
		if err := q.Validate(); err != nil {
			return nil, nil, err
		}
	}
	p, columns, err := r.stand(ctx)
	if err != nil {
		return nil, nil, err
	}
	answers := make([]Answer, len(queries))
	positions := make(map[int64]time.Time)
	for i, q := range queries {
		a := Answer{Settled: Settled{p.Position, p.Recorded}}
		if a.Query, err = p.settle(q); err != nil {
			return nil, nil, err
		}
		answers[i] = a
		if columns != nil && !columns.answers(a.Query) {
			columns = nil
		}
		positions[int64(a.Query.KnownAt)] = time.Time{}
	}
	rows, err := r.pool.Query(ctx, "SELECT position, recorded FROM projection.record WHERE position = ANY ($1)",
		slices.Collect(maps.Keys(positions)))
	if err != nil {
		return nil, nil, asking("recorded times", err)
	}
	var position int64
	var recorded time.Time
	if _, err := pgx.ForEachRow(rows, []any{&position, &recorded}, func() error {
		positions[position] = recorded.UTC()
		return nil
	}); err != nil {
		return nil, nil, asking("recorded times", err)
	}
	for i := range answers {
		answers[i].Known = positions[int64(answers[i].Query.KnownAt)]
	}
	return answers, columns, nil
}

// count answers queries of one moment, reading the rows that hold then once.
func (r *Reader) count(ctx context.Context, answers []Answer, indexes []int) error {
	type figure struct {
		answer  int
		measure ledger.Measure
	}
	var figures []figure
	for _, i := range indexes {
		for _, m := range answers[i].Query.Measures {
			figures = append(figures, figure{i, m})
		}
	}
	for part := range slices.Chunk(figures, scanColumns) {
		var s question
		q := answers[indexes[0]].Query
		held := s.held(q.AsOf, q.KnownAt)
		columns := make([]string, len(part))
		for i, f := range part {
			q := answers[f.answer].Query
			count := "count(DISTINCT " + unitKeys[q.Unit] + ")"
			if q.Unit == ledger.UnitRespondent {
				count = "count(*)" // the same, for of one respondent one row holds; and several times faster
			}
			columns[i] = fmt.Sprintf("%s FILTER (WHERE %s)", count, s.counts(f.measure, q))
		}
		values := make([]int64, len(part))
		into := make([]any, len(part))
		for i := range values {
			into[i] = &values[i]
		}
		if err := r.scanRow(ctx, "SELECT "+strings.Join(columns, ", ")+
			" FROM projection.respondent_history WHERE "+held, s.args, into...); err != nil {
			return asking("figures", err)
		}
		for i, f := range part {
			answers[f.answer].Value += uint64(values[i])
		}
	}
	return nil
}

// FiguresBy breaks a figure down by a dimension, one of ledger.Filters. Where a
// dimension may have several values (forwarded-to, item) or a case several
// respondents, the groups may add up to more than the whole, which Answer
// gives. Groups that count nothing are left out.
func (r *Reader) FiguresBy(ctx context.Context, q ledger.Query, by string) (Answer, []Group, error) {
	d, ok := dimensions[by]
	if !ok {
		return Answer{}, nil, fmt.Errorf("unknown dimension %q: one of %s", by, strings.Join(ledger.Filters, ", "))
	}
	a, err := r.Figure(ctx, q)
	if err != nil {
		return a, nil, err
	}
	q = a.Query
	if _, columns, err := r.stand(ctx); err != nil {
		return a, nil, err
	} else if columns != nil && columns.answers(q) {
		groups, err := r.columns.groups(ctx, columns, q, by)
		return a, groups, err
	}
	var s question
	held := s.held(q.AsOf, q.KnownAt)
	counts := make([]string, len(q.Measures))
	for i, m := range q.Measures {
		counts[i] = fmt.Sprintf("count(DISTINCT %s) FILTER (WHERE %s)", unitKeys[q.Unit], s.counts(m, q))
	}
	rows, err := r.scan(ctx, fmt.Sprintf(`
		SELECT value, n FROM (
			SELECT value, %s AS n
			FROM projection.respondent_history CROSS JOIN LATERAL (%s) v
			WHERE %s GROUP BY value) g
		WHERE n > 0 ORDER BY n DESC, value COLLATE "C"`, strings.Join(counts, " + "), d.values(), held), s.args...)
	if err != nil {
		return a, nil, asking("figures by "+by, err)
	}
	groups, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Group, error) {
		var g Group
		var n int64
		err := row.Scan(&g.Value, &n)
		g.Count = uint64(n)
		return g, err
	})
	if err != nil {
		return a, nil, asking("figures by "+by, err)
	}
	return a, groups, nil
}

// CasesBehind lists what a figure counts, by measure, case and respondent, at
// most limit lines (0: all). Under units above the respondent a key may stand on
// several lines, one for each respondent that makes it count.
func (r *Reader) CasesBehind(ctx context.Context, q ledger.Query, limit int) ([]Counted, error) {
	answers, columns, err := r.openColumns(ctx, []ledger.Query{q})
	if err != nil {
		return nil, err
	}
	if columns != nil {
		return r.columns.behind(ctx, columns, answers[0].Query, limit)
	}
	return r.behind(ctx, answers[0].Query, limit)
}

// linesOf selects the rows behind a settled query, each with the number of its
// measure; those without a key do not count.
func (s *question) linesOf(q ledger.Query) string {
	held := s.held(q.AsOf, q.KnownAt)
	parts := make([]string, len(q.Measures))
	for i, m := range q.Measures {
		parts[i] = fmt.Sprintf(`
			SELECT %d AS measure, case_id, respondent, %s AS key, %s AS since
			FROM projection.respondent_history WHERE %s AND %s`, i, unitNames[q.Unit], sinceColumn(m, q.Unit), held, s.counts(m, q))
	}
	return strings.Join(parts, " UNION ALL")
}

// behind lists what a settled query counts, in SQL.
func (r *Reader) behind(ctx context.Context, q ledger.Query, limit int) ([]Counted, error) {
	var s question
	sql := s.behindParts(q) + " ORDER BY measure, case_id, respondent"
	if limit > 0 {
		sql += " LIMIT " + s.arg(limit)
	}
	rows, err := r.scan(ctx, sql, s.args...)
	if err != nil {
		return nil, asking("cases behind a figure", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Counted, error) {
		var c Counted
		var id uuid.UUID
		var measure int
		err := row.Scan(&measure, &id, &c.Respondent, &c.Key, &c.Since)
		c.Case, c.Measure, c.Since = id.String(), q.Measures[measure].String(), c.Since.UTC()
		return c, err
	})
	if err != nil {
		return nil, asking("cases behind a figure", err)
	}
	return list, nil
}
