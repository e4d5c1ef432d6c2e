package projections

import (
	"context"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// checkPages: what pages show agrees with what commands show: the list, in
// stretches, with CasesBehind and with the ledger's rows and records; the breakdown
// with FiguresBy.
func checkPages(t *rapid.T, r *Reader, b *book) {
	values := dimensionValues(b.rows(ledger.Position(len(b.records))))
	for range 5 {
		q := drawQuery(t, b, values)
		answers, err := r.Figures(context.Background(), []ledger.Query{q})
		if err != nil {
			t.Fatal(err)
		}
		checkListed(t, r, b, answers[0].Query)
		checkBreakdown(t, r, answers[0].Query)
	}
	checkExtent(t, r, b)
}

func checkListed(t *rapid.T, r *Reader, b *book, q ledger.Query) {
	ctx := context.Background()
	want, err := r.CasesBehind(ctx, q, 0)
	if err != nil {
		t.Fatal(err)
	}
	step := rapid.IntRange(1, 4).Draw(t, "stretch")
	var got []Counted
	rows, history := b.rows(q.KnownAt), b.history(q.KnownAt)
	for {
		list, total, err := r.List(ctx, q, len(got), step)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		if total != len(want) {
			t.Fatalf("%s: %d in all, not %d", describe(q), total, len(want))
		}
		for _, l := range list {
			got = append(got, l.Counted)
			checkStanding(t, rows, history[l.Case], q.AsOf, l)
		}
	}
	order := func(a, b Counted) int {
		return slices.Compare([]string{a.Measure, a.Key, a.Case, a.Respondent}, []string{b.Measure, b.Key, b.Case, b.Respondent})
	}
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if !slices.Equal(got, want) {
		t.Fatalf("%s: listed %+v, behind it %+v", describe(q), got, want)
	}
}

// checkStanding compares a line with the row that holds and the last record.
func checkStanding(t *rapid.T, rows []ledger.Row, history []ledger.CaseEvent, asOf time.Time, l Listed) {
	i := slices.IndexFunc(rows, func(r ledger.Row) bool {
		return r.Case == l.Case && r.Respondent == l.Respondent && !r.From.After(asOf) && (r.To.IsZero() || r.To.After(asOf))
	})
	if i < 0 {
		t.Fatalf("%+v: no row holds", l)
	}
	r := rows[i]
	if l.Stage != r.Stage || l.Control != r.Control || l.Remedy != r.Remedy || l.Holder != r.Holder || l.Institution != r.Institution || l.Office != r.Office {
		t.Fatalf("%+v does not say what the ledger does: %+v", l, r)
	}
	var last ledger.CaseEvent
	for _, e := range history {
		if !e.Time.After(asOf) {
			last = e
		}
	}
	if l.Last.Position != last.Position || l.Last.Kind != last.Kind || !l.Last.Happened.Equal(last.Time) || l.Last.Agency != last.Source {
		t.Fatalf("the last record is said to be %+v, and is %d %s", l.Last, last.Position, last.Kind)
	}
}

func checkBreakdown(t *rapid.T, r *Reader, q ledger.Query) {
	ctx := context.Background()
	by := pick(t, "by", ledger.Filters...)
	other := q
	other.Measures, other.Unit = []ledger.Measure{ledger.Opened, ledger.Recommended}, pick(t, "other unit", ledger.Units...)
	answers, err := r.Figures(ctx, []ledger.Query{q, other})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := r.Breakdown(ctx, answers, by)
	if err != nil {
		t.Fatal(err)
	}
	for i, one := range []ledger.Query{q, other} {
		_, want, err := r.FiguresBy(ctx, one, by)
		if err != nil {
			t.Fatal(err)
		}
		got, expected := map[string]uint64{}, map[string]uint64{}
		for _, row := range rows {
			if row.Counts[i] > 0 {
				got[row.Value] = row.Counts[i]
			}
		}
		for _, g := range want {
			expected[g.Value] = g.Count
		}
		if !maps.Equal(got, expected) {
			t.Fatalf("%s by %s: %v, not %v", describe(one), by, got, expected)
		}
	}
	other.AsOf = other.AsOf.Add(-time.Second)
	if _, err := r.Breakdown(ctx, []Answer{{Query: q}, {Query: other}}, by); err == nil {
		t.Fatal("a breakdown of two moments was given")
	}
}

func checkExtent(t *rapid.T, r *Reader, b *book) {
	e, err := r.Extent(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var first, last time.Time
	// Whatever was ever known: a correction may leave nothing of a case now.
	for known := range b.records {
		for _, row := range b.rows(ledger.Position(known + 1)) {
			if first.IsZero() || row.From.Before(first) {
				first = row.From
			}
			if row.From.After(last) {
				last = row.From
			}
		}
	}
	if !e.Recorded.Equal(b.records[0].Recorded) || e.First.After(first) || e.Last.Before(last) || e.First.IsZero() != first.IsZero() {
		t.Fatalf("the extent is said to be %+v; states began from %s to %s", e, first, last)
	}
}
