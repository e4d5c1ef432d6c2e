package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// checkTimes: a trend is ledger.Count moment by moment, and durations are what
// ledger's rows say of the milestones that were reached.
func checkTimes(t *rapid.T, r *Reader, b *book) {
	values := dimensionValues(b.rows(ledger.Position(len(b.records))))
	for range 6 {
		checkTrend(t, r, b, drawQuery(t, b, values))
		checkDurations(t, r, b, drawQuery(t, b, values))
	}
}

func checkTrend(t *rapid.T, r *Reader, b *book, q ledger.Query) {
	measures := q.Measures
	at := make([]time.Time, rapid.IntRange(0, 12).Draw(t, "moments"))
	for i := range at {
		at[i] = drawMoment(t, b)
	}
	trend, err := r.Trend(context.Background(), q, measures, at)
	if err != nil {
		t.Fatal(err)
	}
	rows := b.rows(q.KnownAt)
	if len(trend.Counts) != len(measures) || trend.Query.KnownAt != q.KnownAt || !slices.Equal(trend.At, at) {
		t.Fatalf("a trend of %d measures at %d moments: %+v", len(measures), len(at), trend)
	}
	for i, m := range measures {
		for j, moment := range at {
			q.Measures, q.AsOf = []ledger.Measure{m}, moment
			if want := ledger.Count(rows, q); trend.Counts[i][j] != want {
				t.Fatalf("trend of %s: %d, the ledger says %d", describe(q), trend.Counts[i][j], want)
			}
		}
	}
}

func checkDurations(t *rapid.T, r *Reader, b *book, q ledger.Query) {
	q.Unit = ledger.UnitRespondent
	steps := make([]Step, rapid.IntRange(1, 3).Draw(t, "steps"))
	for i := range steps {
		// Mostly those that are reached at all.
		steps[i] = Step{
			pick(t, "from", append(ledger.Milestones[:13:13], ledger.Milestones...)...),
			pick(t, "to", append(ledger.Milestones[9:16:16], ledger.Milestones...)...),
		}
	}
	by := pick(t, "by", append([]string{"", "", "forwarded-to", "item"}, ledger.Filters...)...)
	a, got, err := r.Durations(context.Background(), q, steps, by)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Query.AsOf.Equal(q.AsOf) || a.Query.KnownAt != q.KnownAt || len(got) != len(steps) {
		t.Fatalf("durations of %s: %+v", describe(q), a)
	}
	rows := b.rows(q.KnownAt)
	for i, step := range steps {
		want := waits(rows, q, step, by)
		if diff := fmt.Sprint(got[i]); diff != fmt.Sprint(want) {
			t.Fatalf("%s from %s to %s by %q:\n%v, the ledger says\n%v", describe(q), step.From, step.To, by, diff, want)
		}
	}
}

// waits counts a step as the comment of Durations says.
func waits(rows []ledger.Row, q ledger.Query, step Step, by string) []Duration {
	q.Measures = []ledger.Measure{ledger.Opened}
	since := q.Since
	q.Since = time.Time{}
	groups := make(durationOf)
	for _, r := range rows {
		// What passes the filters is what counts once it is made to be opened.
		r.Began[ledger.Opened] = r.From
		from := r.Reached.At(step.From)
		if r.DuplicateOf != "" || from.IsZero() || !from.After(since) || ledger.Count([]ledger.Row{r}, q) == 0 {
			continue
		}
		to, end := r.Reached.At(step.To), q.AsOf
		met := !to.IsZero() && !to.Before(from)
		if step.To == ledger.MilestoneSent || step.To == ledger.MilestoneDecreed {
			met = !to.IsZero() && wholeDays(from, to) >= 0
		}
		early := slices.Index(ledger.Milestones, step.To) < slices.Index(ledger.Milestones, ledger.MilestoneDecided) ||
			step.To == ledger.MilestoneProcessed
		ended := time.Time{}
		switch {
		case r.Stage.End():
			ended = r.Reached.At(ledger.MilestoneEnded)
		case r.Stage == ledger.StageDecided && early:
			ended = r.Reached.At(ledger.MilestoneDecided)
		}
		switch {
		case met:
			end = to
		case !ended.IsZero() && ended.Before(end):
			end = ended
		}
		days := min(max(0, wholeDays(from, end)), MaxDays)
		for _, value := range valuesOf(&r, by) {
			groups.add(value, met, days, 1)
		}
	}
	return groups.ordered(by)
}

func wholeDays(from, to time.Time) int {
	day := func(t time.Time) time.Time {
		y, m, d := t.In(ledger.Jakarta).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(day(to).Sub(day(from)) / (24 * time.Hour))
}

// valuesOf gives a row's values of a dimension; "" if it has none.
func valuesOf(r *ledger.Row, by string) []string {
	var out []string
	if by != "" {
		out = dimensionValues([]ledger.Row{*r})[by]
	}
	if len(out) == 0 {
		return []string{""}
	}
	return out
}

func TestTrendsAndDurationsThatMakeNoSense(t *testing.T) {
	url := testkit.DB(t)
	r := openReader(t, url)
	b := findings(3)
	project(t, url, b.feed(10))
	last := b.records[len(b.records)-1]
	q := ledger.Query{Unit: ledger.UnitRespondent}
	var early *ErrNotSettled
	if _, err := r.Trend(t.Context(), q, []ledger.Measure{ledger.Opened}, []time.Time{last.Recorded.Add(time.Microsecond)}); !errors.As(err, &early) {
		t.Fatalf("a moment that is not settled: %v", err)
	}
	for name, ask := range map[string]func() error{
		"no measure": func() error { _, err := r.Trend(t.Context(), q, nil, nil); return err },
		"too much": func() error {
			_, err := r.Trend(t.Context(), q, make([]ledger.Measure, 1001), make([]time.Time, 100))
			return err
		},
		"no such milestone": func() error {
			_, _, err := r.Durations(t.Context(), q, []Step{{ledger.MilestoneOpened, "lost"}}, "")
			return err
		},
		"no such dimension": func() error { _, _, err := r.Durations(t.Context(), q, nil, "colour"); return err },
		"another unit": func() error {
			_, _, err := r.Durations(t.Context(), ledger.Query{Unit: ledger.UnitCase}, nil, "")
			return err
		},
	} {
		if ask() == nil {
			t.Errorf("%s is answered", name)
		}
	}
	_, groups, err := r.Durations(t.Context(), q, []Step{{ledger.MilestoneSent, ledger.MilestoneDecided}}, "")
	if err != nil || len(groups) != 1 || len(groups[0]) != 1 || groups[0][0].Value != "" || groups[0][0].Done != nil {
		t.Fatalf("of nobody: %v, %v", groups, err)
	}
}
