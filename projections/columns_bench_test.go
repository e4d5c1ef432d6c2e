package projections

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// columnsLedger is a simulated ledger of BERKAS_BENCH_CASES cases (2,000 if it is
// not set) in the database that BERKAS_BENCH_URL names, filled if it is not yet,
// or in one of the tests.
func columnsLedger(b *testing.B) (url string) {
	b.Helper()
	cases := 2_000
	if s := os.Getenv("BERKAS_BENCH_CASES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatal(err)
		}
		cases = n
	}
	if url = os.Getenv("BERKAS_BENCH_URL"); url == "" {
		url = testkit.DB(b)
	}
	if p, err := openReader(b, url).Progress(b.Context()); err == nil && p.Position > 0 {
		return url
	}
	began := time.Now()
	l := simulate.Ledger{Course: simulate.Course{Cases: cases, Seed: 1, Until: "2025-12-31"}, Unsigned: true}
	project(b, url, l.Feed())
	conn := connectTo(b, url)
	if _, err := conn.Exec(b.Context(), "VACUUM ANALYZE"); err != nil {
		b.Fatal(err)
	}
	b.Logf("filled with %d cases in %v", cases, time.Since(began).Round(time.Second))
	return url
}

// anotherMoment is another one for each n, in a span that ends with the last
// record.
func anotherMoment(p Progress, n int, span time.Duration) time.Time {
	return p.Recorded.Add(-span/997*time.Duration(n%997) - time.Duration(n)*time.Microsecond)
}

// figureQuestions ask for all measures, at the latest and at other times.
func figureQuestions(b *testing.B, p Progress) map[string]func(*Reader, int) error {
	ctx := b.Context()
	all := func(change func(q *ledger.Query, n int)) func(*Reader, int) error {
		return func(r *Reader, n int) error {
			queries := make([]ledger.Query, ledger.MeasureCount)
			for m := range queries {
				queries[m] = ledger.Query{Measures: []ledger.Measure{ledger.Measure(m)}, Unit: ledger.UnitCase}
				change(&queries[m], n)
			}
			_, err := r.Figures(ctx, queries)
			return err
		}
	}
	back := func(n int, span time.Duration) time.Time { return anotherMoment(p, n, span) }
	const years = 5 * 365 * day
	return map[string]func(*Reader, int) error{
		"figures of cases, latest":          all(func(q *ledger.Query, n int) { q.AsOf = back(n, time.Hour) }),
		"figures of cases, any as-of":       all(func(q *ledger.Query, n int) { q.AsOf = back(n, years) }),
		"figures of respondents, any as-of": all(func(q *ledger.Query, n int) { q.AsOf, q.Unit = back(n, years), ledger.UnitRespondent }),
		"figures of recommendations":        all(func(q *ledger.Query, n int) { q.AsOf, q.Unit = back(n, years), ledger.UnitRecommendation }),
		"figures of authorities":            all(func(q *ledger.Query, n int) { q.AsOf, q.Unit = back(n, years), ledger.UnitPPK }),
		"figures, any known-at": all(func(q *ledger.Query, n int) {
			q.AsOf, q.KnownAt = back(n, years), p.Position-p.Position*ledger.Position(n%97)/98
		}),
		"figures, filtered": all(func(q *ledger.Query, n int) {
			q.AsOf, q.Filter, q.SeenBy = back(n, years), map[string]string{"province": "73", "class": "pelaksana"}, ledger.BKN
		}),
		"figures, end of a day": all(func(q *ledger.Query, n int) { q.AsOf = ledger.DayOf(back(n, years)).End() }),
		"figures, end of a day, known a month later": all(func(q *ledger.Query, n int) {
			at := ledger.DayOf(back(n, years)).End()
			q.AsOf = at
			q.KnownAt = laterPosition(p, at.AddDate(0, 1, 0))
		}),
		"figures, since": all(func(q *ledger.Query, n int) { q.AsOf, q.Since = back(n, years), back(n, years).Add(-365*day) }),
	}
}

// nationalSteps are as many and such as pages ask for.
var nationalSteps = []Step{
	{From: ledger.MilestoneOpened, To: ledger.MilestoneRegistered},
	{From: ledger.MilestoneReported, To: ledger.MilestoneVerified},
	{From: ledger.MilestoneRegistered, To: ledger.MilestoneAssessed},
	{From: ledger.MilestoneForwarded, To: ledger.MilestoneReceived},
	{From: ledger.MilestoneReceived, To: ledger.MilestoneRecommended},
	{From: ledger.MilestoneSent, To: ledger.MilestoneDecided},
	{From: ledger.MilestoneDecided, To: ledger.MilestoneDelivered},
}

// durationQuestions ask how long steps took.
func durationQuestions(b *testing.B, p Progress) map[string]func(*Reader, int) error {
	ask := func(steps []Step, by string, known func(n int) ledger.Position) func(*Reader, int) error {
		return func(r *Reader, n int) error {
			q := ledger.Query{Unit: ledger.UnitRespondent, AsOf: anotherMoment(p, n, 5*365*day), KnownAt: known(n)}
			_, _, err := r.Durations(b.Context(), q, steps, by)
			return err
		}
	}
	latest := func(int) ledger.Position { return p.Position }
	return map[string]func(*Reader, int) error{
		"durations of 7 steps":             ask(nationalSteps, "", latest),
		"durations of 5 steps by province": ask(nationalSteps[2:], "province", latest),
		"durations of 3 steps by office":   ask(nationalSteps[:3], "office", latest),
		"durations of 7 steps, any known-at": ask(nationalSteps, "", func(n int) ledger.Position {
			return p.Position - p.Position*ledger.Position(n%97)/98
		}),
	}
}

// otherQuestions are breakdowns, trends, lists and what is owed.
func otherQuestions(b *testing.B, p Progress) map[string]func(*Reader, int) error {
	ctx := b.Context()
	back := func(n int) time.Time { return anotherMoment(p, n, 5*365*day) }
	one := func(u ledger.Unit, n int) ledger.Query {
		return ledger.Query{Measures: []ledger.Measure{ledger.Recommended}, Unit: u, AsOf: back(n)}
	}
	trend := func(u ledger.Unit) func(*Reader, int) error {
		return func(r *Reader, n int) error {
			at := make([]time.Time, 300)
			for i := range at {
				at[i] = p.Recorded.Add(-time.Duration(i)*7*day - time.Duration(n)*time.Microsecond)
			}
			_, err := r.Trend(ctx, ledger.Query{Unit: u}, []ledger.Measure{ledger.Opened, ledger.Recommended, ledger.FollowedUp, ledger.NotFollowedUp, ledger.Sanctioned, ledger.Blocked}, at)
			return err
		}
	}
	changes := func(u ledger.Unit) func(*Reader, int) error {
		return func(r *Reader, n int) error {
			from, to := back(n).Add(-365*day), back(n)
			_, err := r.Changes(ctx, one(u, n), Moment{from, p.Position / 2}, Moment{to, p.Position}, 0, 50)
			return err
		}
	}
	out := map[string]func(*Reader, int) error{
		"by institution, respondents": func(r *Reader, n int) error {
			_, _, err := r.FiguresBy(ctx, one(ledger.UnitRespondent, n), "institution")
			return err
		},
		"by item, cases": func(r *Reader, n int) error {
			_, _, err := r.FiguresBy(ctx, one(ledger.UnitCase, n), "item")
			return err
		},
		"by office, recommendations": func(r *Reader, n int) error {
			_, _, err := r.FiguresBy(ctx, one(ledger.UnitRecommendation, n), "office")
			return err
		},
		"trend of 300 weeks, cases":           trend(ledger.UnitCase),
		"trend of 300 weeks, recommendations": trend(ledger.UnitRecommendation),
		"list, page 1":                        func(r *Reader, n int) error { return listPage(ctx, r, one(ledger.UnitCase, n), p.Position, 0) },
		"list, far page": func(r *Reader, n int) error {
			return listPage(ctx, r, one(ledger.UnitCase, n), p.Position, 500)
		},
		"list of recommendations": func(r *Reader, n int) error {
			return listPage(ctx, r, one(ledger.UnitRecommendation, n), p.Position, 500)
		},
		"everything behind a figure": func(r *Reader, n int) error {
			_, err := r.CasesBehind(ctx, one(ledger.UnitCase, n), 0)
			return err
		},
		"a published figure traced": func(r *Reader, n int) error {
			_, err := r.Trace(ctx, PublishedFigure{AsOf: ledger.DayOf(back(n)), Unit: ledger.UnitCase, Measure: "recommended", SeenBy: ledger.BKN, Value: uint64(n), Filter: map[string]string{"class": "pelaksana"}}, p.Position)
			return err
		},
	}
	maps.Copy(out, owedQuestions(b, p, back))
	out["what changed in a year, cases"], out["what changed in a year, recommendations"] = changes(ledger.UnitCase), changes(ledger.UnitRecommendation)
	return out
}

// owedQuestions are of what is owed.
func owedQuestions(b *testing.B, p Progress, back func(n int) time.Time) map[string]func(*Reader, int) error {
	ctx := b.Context()
	return map[string]func(*Reader, int) error{
		"work list, a page": func(r *Reader, n int) error {
			_, err := r.WorkList(ctx, WorkQuery{AsOf: back(n), Limit: 50})
			return err
		},
		"work list, all of it, a page": func(r *Reader, n int) error {
			_, err := r.WorkList(ctx, WorkQuery{AsOf: back(n), All: true, Limit: 50})
			return err
		},
		"backlog": func(r *Reader, n int) error {
			_, err := r.Backlog(ctx, BacklogQuery{AsOf: back(n), Longest: 20})
			return err
		},
		"backlog with a trend of 12 months": func(r *Reader, n int) error {
			q := BacklogQuery{AsOf: back(n), Longest: 20}
			for i := range 12 {
				q.Trend = append(q.Trend, q.AsOf.AddDate(0, -i, 0))
			}
			_, err := r.Backlog(ctx, q)
			return err
		},
		"backlog with a trend of ends of months": func(r *Reader, n int) error { // as pages ask
			q := BacklogQuery{AsOf: back(n), Longest: 20}
			for i := range 36 {
				month := time.Date(q.AsOf.Year(), q.AsOf.Month()-time.Month(i), 0, 0, 0, 0, 0, time.UTC)
				q.Trend = append(q.Trend, ledger.Date(month.Format(time.DateOnly)).End())
			}
			q.Trend = append(slices.DeleteFunc(q.Trend, q.AsOf.Before), q.AsOf)
			_, err := r.Backlog(ctx, q)
			return err
		},
		"backlog with a trend, any known-at": func(r *Reader, n int) error {
			q := BacklogQuery{AsOf: back(n), Longest: 20, KnownAt: p.Position - p.Position*ledger.Position(n%97)/98}
			for i := range 12 {
				month := time.Date(q.AsOf.Year(), q.AsOf.Month()-time.Month(3*i), 0, 0, 0, 0, 0, time.UTC)
				q.Trend = append(q.Trend, ledger.Date(month.Format(time.DateOnly)).End())
			}
			q.Trend = append(slices.DeleteFunc(q.Trend, q.AsOf.Before), q.AsOf)
			_, err := r.Backlog(ctx, q)
			return err
		},
		"extent": func(r *Reader, n int) error { _, err := r.Extent(ctx); return err },
	}
}

func listPage(ctx context.Context, r *Reader, q ledger.Query, known ledger.Position, offset int) error {
	q.KnownAt = known
	_, _, err := r.List(ctx, q, offset, 50)
	return err
}

// BenchmarkColumns compares questions asked of columns and of SQL, no two the
// same. BERKAS_BENCH_SQL=no
// leaves SQL out, =only columns.
func BenchmarkColumns(b *testing.B) {
	url := columnsLedger(b)
	sql, r := openReader(b, url), openReader(b, url)
	began := time.Now()
	before := heap()
	r.KeepColumns(slog.New(slog.DiscardHandler))
	if err := r.WaitColumns(b.Context()); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	rows, bytes := r.ColumnsSize()
	b.Logf("%d rows in %v: %.0f rows/s; %.1f bytes a row counted, %.1f on the heap", rows, took.Round(time.Millisecond),
		float64(rows)/took.Seconds(), float64(bytes)/float64(rows), float64(heap()-before)/float64(rows))
	s := r.columns.now.Load()
	b.Logf("%d blocks, %d shapes, %d natures, %d letters, %d sets of items", len(s.blocks), len(s.shapes), len(s.natures), len(s.letters), len(s.members[setItems]))
	var sizes [6]int
	for _, p := range s.blocks {
		for i, n := range []int{len(p.ids), len(p.names), len(p.from), len(p.pastFrom), len(p.at), len(p.index)} {
			sizes[i] += n
		}
	}
	b.Logf("cases, respondents, present rows with fillers, replaced rows, moments, entries: %v; words take %d bytes", sizes, s.wordBytes())
	p, err := r.Progress(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	questions := figureQuestions(b, p)
	maps.Copy(questions, otherQuestions(b, p))
	maps.Copy(questions, durationQuestions(b, p))
	for name, ask := range questions {
		for how, reader := range map[string]*Reader{"columns": r, "SQL": sql} {
			if skip := map[string]string{"no": "SQL", "only": "columns"}; how == skip[os.Getenv("BERKAS_BENCH_SQL")] {
				continue
			}
			b.Run(fmt.Sprintf("%s/%s", name, how), func(b *testing.B) {
				began := processorTime(b)
				for n := 0; b.Loop(); n++ {
					if reader.columns != nil {
						reader.columns.memo.clear()
					}
					if err := ask(reader, n+int(time.Now().UnixNano()%1000000)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric((processorTime(b)-began).Seconds()*1000/float64(b.N), "cpu-ms/op")
			})
		}
	}
	kept := uint64(0)
	for _, p := range r.columns.now.Load().blocks {
		kept += p.outcomes.bytes()
	}
	b.Logf("what became of steps takes %d bytes, %.1f a respondent", kept, float64(kept)/float64(sizes[1]))
}

// processorTime is what this process has used of processors: on a machine with
// other work it tells more than a clock does.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// laterPosition is about the last position that was recorded by a moment, as if
// records were spread evenly over the years.
func laterPosition(p Progress, at time.Time) ledger.Position {
	first := ledger.Date("2020-01-01").Start()
	part := float64(at.Sub(first)) / float64(p.Recorded.Sub(first))
	return ledger.Position(min(1, max(0.01, part)) * float64(p.Position))
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
