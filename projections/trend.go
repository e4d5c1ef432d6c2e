package projections

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Trend counts measures at each of many moments.
type Trend struct {
	Answer
	At     []time.Time
	Counts [][]uint64 // Counts[measure][moment], in the order asked for
}

// maxTrend bounds the counts of one trend: moments times measures.
const maxTrend = 100_000

// Trend counts each of the measures at each moment, as known at q.KnownAt: what
// Figure says of one measure as of that moment. q.AsOf and q.Measures are
// ignored, and so is Answer.Value. Moments come in any order; one after the last
// applied record's time is an *ErrNotSettled.
func (r *Reader) Trend(ctx context.Context, q ledger.Query, measures []ledger.Measure, at []time.Time) (Trend, error) {
	if len(measures)*len(at) > maxTrend {
		return Trend{}, fmt.Errorf("a trend of %d measures at %d moments: at most %d counts", len(measures), len(at), maxTrend)
	}
	q.Measures, q.AsOf = measures, time.Time{}
	answers, columns, err := r.openColumns(ctx, []ledger.Query{q})
	if err != nil {
		return Trend{}, err
	}
	t := Trend{Answer: answers[0], At: at, Counts: make([][]uint64, len(measures))}
	for i := range t.Counts {
		t.Counts[i] = make([]uint64, len(at))
	}
	for _, moment := range at {
		if moment.After(t.Settled.Recorded) {
			return Trend{}, &ErrNotSettled{"as-of", t.Settled.Position, t.Settled.Recorded}
		}
	}
	if columns != nil {
		return t, r.columns.trend(ctx, columns, &t)
	}
	return t, r.trend(ctx, &t)
}

// trend fills in counts from the table.
func (r *Reader) trend(ctx context.Context, t *Trend) error {
	var s question
	moments, known := s.arg(t.At), s.arg(int64(t.Query.KnownAt))
	counts := make([]string, len(t.Query.Measures))
	for i, m := range t.Query.Measures {
		counts[i] = fmt.Sprintf("count(DISTINCT %s) FILTER (WHERE %s)", unitKeys[t.Query.Unit], s.counts(m, t.Query))
	}
	rows, err := r.scan(ctx, fmt.Sprintf(`
		SELECT n, ARRAY[%s] FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS moment (at, n)
		JOIN projection.respondent_history ON happened_from <= at AND happened_to > at
		WHERE recorded_from <= %[3]s AND recorded_to > %[3]s GROUP BY n`,
		strings.Join(counts, ", "), moments, known), s.args...)
	if err != nil {
		return asking("a trend", err)
	}
	var n int64
	var list []int64
	if _, err := pgx.ForEachRow(rows, []any{&n, &list}, func() error {
		for i, count := range list {
			t.Counts[i][n-1] = uint64(count)
		}
		return nil
	}); err != nil {
		return asking("a trend", err)
	}
	return nil
}
