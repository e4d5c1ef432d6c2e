package projections

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// What pages ask, each in one statement over respondent_history.

// Row is one value of a dimension with a count for each query; Value is "" for
// those that have none.
type Row struct {
	Value  string
	Counts []uint64
}

// Breakdown breaks answers down by a dimension, one of ledger.Filters, in one
// scan: each row has a count for every answer, in their order. The answers are
// those of Figures, and all of the same two times. Groups may add up to more
// than the whole, as with FiguresBy. Rows that count nothing are left out; the
// order is that of the first count, the largest first, then of the value.
func (r *Reader) Breakdown(ctx context.Context, answers []Answer, by string) ([]Row, error) {
	d, ok := dimensions[by]
	if !ok {
		return nil, fmt.Errorf("unknown dimension %q: one of %s", by, strings.Join(ledger.Filters, ", "))
	}
	if len(answers) == 0 {
		return nil, nil
	}
	queries, err := ofOneMoment(answers)
	if err != nil {
		return nil, err
	}
	if _, columns, err := r.stand(ctx); err != nil {
		return nil, err
	} else if columns != nil && columns.answers(queries...) {
		return r.columns.breakdown(ctx, columns, queries, by)
	}
	return r.breakdown(ctx, queries, d)
}

// ofOneMoment gives the queries of answers of the same two times.
func ofOneMoment(answers []Answer) ([]ledger.Query, error) {
	queries := make([]ledger.Query, len(answers))
	for i, a := range answers {
		queries[i] = a.Query
		if !a.Query.AsOf.Equal(queries[0].AsOf) || a.Query.KnownAt != queries[0].KnownAt {
			return nil, fmt.Errorf("a breakdown is of one moment: answer %d is of another", i)
		}
	}
	return queries, nil
}

// breakdown breaks queries of one moment down in SQL.
func (r *Reader) breakdown(ctx context.Context, queries []ledger.Query, d dimension) ([]Row, error) {
	var s question
	held := s.held(queries[0].AsOf, queries[0].KnownAt)
	sums := make([]string, len(queries))
	for i, q := range queries {
		counts := make([]string, len(q.Measures))
		for j, m := range q.Measures {
			count := "count(DISTINCT " + unitKeys[q.Unit] + ")"
			if q.Unit == ledger.UnitRespondent && !d.many {
				count = "count(*)" // as in count
			}
			counts[j] = fmt.Sprintf("%s FILTER (WHERE %s)", count, s.counts(m, q))
		}
		sums[i] = strings.Join(counts, " + ")
	}
	rows, err := r.scan(ctx, fmt.Sprintf(`
		SELECT value, n FROM (
			SELECT value, ARRAY[%s] AS n
			FROM projection.respondent_history CROSS JOIN LATERAL (%s) v
			WHERE %s GROUP BY value) g
		WHERE 0 < ANY (n) ORDER BY n[1] DESC, value COLLATE "C"`, strings.Join(sums, ", "), d.values(), held), s.args...)
	if err != nil {
		return nil, asking("figures by "+d.column, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Row, error) {
		var out Row
		var counts []int64
		err := row.Scan(&out.Value, &counts)
		for _, n := range counts {
			out.Counts = append(out.Counts, uint64(n))
		}
		return out, err
	})
	if err != nil {
		return nil, asking("figures by "+d.column, err)
	}
	return list, nil
}

// Listed is one line of the list behind a number: a respondent's part of a case
// at the two times of the question, and the last record then.
type Listed struct {
	Counted
	Stage       ledger.Stage
	Control     ledger.Control
	Remedy      string
	Holder      ledger.AgencyID // "" if nobody holds the case
	Institution string          // as Institution.Key writes it
	Office      string

	Last LastRecord
}

// LastRecord is the last thing that had happened in a case.
type LastRecord struct {
	Position ledger.Position
	Kind     ledger.Kind
	Version  int
	Agency   ledger.AgencyID
	Happened time.Time
	Recorded time.Time
}

// List gives a stretch of what a settled query counts, by measure, key, case and
// respondent, and how many lines there are in all; 0 when offset lies beyond
// them. The query is that of an Answer.
func (r *Reader) List(ctx context.Context, q ledger.Query, offset, limit int) (list []Listed, total int, err error) {
	if err := q.Validate(); err != nil {
		return nil, 0, err
	}
	if _, columns, err := r.stand(ctx); err != nil {
		return nil, 0, err
	} else if columns != nil && columns.answers(q) {
		return r.listColumns(ctx, columns, q, offset, limit)
	}
	var s question
	held := s.held(q.AsOf, q.KnownAt)
	parts := make([]string, len(q.Measures))
	for i, m := range q.Measures {
		parts[i] = fmt.Sprintf(`
			SELECT %d AS measure, case_id, respondent, %s AS key, %s AS since, stage, control, remedy, holder, institution, office
			FROM projection.respondent_history WHERE %s AND %s`, i, unitNames[q.Unit], sinceColumn(m, q.Unit), held, s.counts(m, q))
	}
	known, asOf := s.arg(int64(q.KnownAt)), s.arg(q.AsOf)
	rows, err := r.scan(ctx, fmt.Sprintf(`
		SELECT c.*, l.* FROM (
			SELECT *, count(*) OVER () AS total FROM (%s) u WHERE key IS NOT NULL
			ORDER BY measure, key COLLATE "C", case_id, respondent LIMIT %s OFFSET %s) c
		CROSS JOIN LATERAL (
			SELECT position, kind, version, agency, happened, recorded FROM projection.record
			WHERE case_id = c.case_id AND position <= %s AND happened <= %s
			ORDER BY happened DESC, position DESC LIMIT 1) l
		ORDER BY measure, key COLLATE "C", c.case_id, respondent`,
		strings.Join(parts, " UNION ALL"), s.arg(limit), s.arg(offset), known, asOf), s.args...)
	if err != nil {
		return nil, 0, asking("the list behind a figure", err)
	}
	list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Listed, error) {
		var l Listed
		var measure int
		var id uuid.UUID
		var holder, institution, office *string
		err := row.Scan(&measure, &id, &l.Respondent, &l.Key, &l.Since, &l.Stage, &l.Control, &l.Remedy, &holder, &institution, &office,
			&total, &l.Last.Position, &l.Last.Kind, &l.Last.Version, &l.Last.Agency, &l.Last.Happened, &l.Last.Recorded)
		l.Case, l.Measure, l.Since = id.String(), q.Measures[measure].String(), l.Since.UTC()
		l.Last.Happened, l.Last.Recorded = l.Last.Happened.UTC(), l.Last.Recorded.UTC()
		if holder != nil {
			l.Holder = ledger.AgencyID(*holder)
		}
		for _, v := range []struct{ from, to *string }{{institution, &l.Institution}, {office, &l.Office}} {
			if v.from != nil {
				*v.to = *v.from
			}
		}
		return l, err
	})
	if err != nil {
		return nil, 0, asking("the list behind a figure", err)
	}
	return list, total, nil
}

// Extent is the span of time that the read models speak of.
type Extent struct {
	First    time.Time // when the first state of a case began; zero without cases
	Last     time.Time // when the last one did
	Recorded time.Time // the first record: nothing was recorded before
}

// Extent reads the span. Without columns it is a scan: whoever asks often should
// keep it.
func (r *Reader) Extent(ctx context.Context) (Extent, error) {
	if _, columns, err := r.stand(ctx); err != nil {
		return Extent{}, err
	} else if columns != nil {
		return r.extentOf(ctx, columns)
	}
	var first, last, recorded *time.Time
	err := r.scanRow(ctx, `SELECT min(happened_from), max(happened_from),
			(SELECT recorded FROM projection.record WHERE position = 1)
		FROM projection.respondent_history`, nil, &first, &last, &recorded)
	if err != nil {
		return Extent{}, asking("the extent", err)
	}
	var e Extent
	if first != nil && last != nil {
		e.First, e.Last = first.UTC(), last.UTC()
	}
	if recorded != nil {
		e.Recorded = recorded.UTC()
	}
	return e, nil
}
