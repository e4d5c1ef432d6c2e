package projections

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// openColumnReader opens a reader with columns in very small blocks.
func openColumnReader(t testing.TB, url string, stretch, full int) *Reader {
	t.Helper()
	r := openReader(t, url)
	r.keepColumns(slog.New(slog.DiscardHandler), stretch, full)
	return r
}

// awaitColumns waits until columns answer for the tables as they are now.
func awaitColumns(t failer, r *Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		if err := r.WaitColumns(ctx); err != nil {
			t.Fatal(err)
		}
		// They may be of tables that are gone: the question tells.
		if _, s, err := r.stand(ctx); err != nil {
			t.Fatal(err)
		} else if s != nil {
			return
		}
	}
}

// TestColumnsAnswerAsTheLedgerCounts is the oracle of columns: for random
// histories, told in parts with questions between, through rebuilds and while
// tables are replaced, they answer random questions of any pair of times as
// ledger.Count does, and otherwise just as SQL.
func TestColumnsAnswerAsTheLedgerCounts(t *testing.T) {
	url := testkit.DB(t)
	conn := connectTo(t, url)
	sql := openReader(t, url)
	readers := []*Reader{openColumnReader(t, url, 7, 3), openColumnReader(t, url, 5000, 40)}
	rapid.Check(t, func(t *rapid.T) {
		b := drawBook(t)
		dropTables(t, conn)
		reader := pick(t, "reader", readers...)
		ends := rapid.SliceOfN(rapid.IntRange(1, len(b.records)), 0, 2).Draw(t, "ends")
		slices.Sort(ends)
		for _, end := range append(ends, len(b.records)) {
			part := &book{records: b.records[:end], recorded: b.recorded, events: b.events}
			if err := NewProjector(Config{URL: url}).Run(context.Background(), part.feed(100)); err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 3).Draw(t, "waits") > 0 {
				awaitColumns(t, reader)
				if rapid.Bool().Draw(t, "in order") {
					putInOrder(t, reader)
				}
			}
			checkColumns(t, reader, sql, part)
			if rapid.IntRange(0, 4).Draw(t, "rebuilds") == 0 {
				if _, err := Rebuild(context.Background(), Config{URL: url}, part.feed(100), RebuildOptions{}); err != nil {
					t.Fatal(err)
				}
				checkColumns(t, reader, sql, part)
			}
		}
		awaitColumns(t, reader)
		checkColumns(t, reader, sql, b)
		checkExtent(t, reader, b)
		checkSize(t, reader)
	})
}

// checkColumns asks random questions about a book.
func checkColumns(t *rapid.T, r, sql *Reader, b *book) {
	checkFigures(t, r, b)
	checkMoments(t, r, b)
	values := dimensionValues(b.rows(ledger.Position(len(b.records))))
	for range 2 {
		q := drawQuery(t, b, values)
		checkTrend(t, r, b, q)
		checkDurations(t, r, b, drawQuery(t, b, values))
		checkBreakdown(t, r, q)
		checkListed(t, r, b, q)
		sameAsSQL(t, r, sql, q)
		other := drawQuery(t, b, values)
		sameLines(t, r, sql, q, other, drawQuery(t, b, values))
		q.Measures = q.Measures[:1]
		sameChanges(t, r, sql, q, Moment{q.AsOf, q.KnownAt}, Moment{other.AsOf, other.KnownAt})
	}
}

// sameLines compares what is asked of the lines behind a figure.
func sameLines(t *rapid.T, r, sql *Reader, q ledger.Query, others ...ledger.Query) {
	ctx := context.Background()
	for i := range others {
		others[i].Measures = q.Measures
	}
	var says [2]string
	for i, reader := range []*Reader{r, sql} {
		answers, err := reader.Figures(ctx, []ledger.Query{q})
		if err != nil {
			t.Fatal(err)
		}
		l, err := reader.linesBehind(ctx, answers[0], others...)
		if err != nil {
			t.Fatal(err)
		}
		first, err := l.first(ctx)
		if err != nil {
			t.Fatal(err)
		}
		sides, err := l.apartFrom(ctx, others)
		if err != nil {
			t.Fatal(err)
		}
		alike, err := l.alike(ctx)
		if err != nil {
			t.Fatal(err)
		}
		corrected, list, err := l.corrected(ctx)
		if err != nil {
			t.Fatal(err)
		}
		disputed, err := l.disputes(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if alike.lines == 0 {
			alike = doubles{}
		}
		says[i] = fmt.Sprintln(first, sides, alike, corrected, list, disputed)
	}
	if says[0] != says[1] {
		t.Fatalf("lines of %s, beside %v:\n%s\nSQL says\n%s", describe(q), others, says[0], says[1])
	}
}

// sameChanges compares what changed between two moments, and its order.
func sameChanges(t *rapid.T, r, sql *Reader, q ledger.Query, from, to Moment) {
	offset, limit := rapid.IntRange(0, 5).Draw(t, "offset"), rapid.IntRange(1, 9).Draw(t, "at most")
	got, err := r.Changes(context.Background(), q, from, to, offset, limit)
	if err != nil {
		t.Fatal(err)
	}
	want, err := sql.Changes(context.Background(), q, from, to, offset, limit)
	if err != nil {
		t.Fatal(err)
	}
	// Far behind the end SQL counts as well as before it.
	if fmt.Sprint(got.Entered, got.Left, got.List) != fmt.Sprint(want.Entered, want.Left, want.List) {
		t.Fatalf("%s, %v to %v, from line %d:\n%+v %+v %+v\nSQL says\n%+v %+v %+v", describe(q), from, to, offset,
			got.Entered, got.Left, got.List, want.Entered, want.Left, want.List)
	}
}

// sameAsSQL compares what has an order.
func sameAsSQL(t *rapid.T, r, sql *Reader, q ledger.Query) {
	by, n := pick(t, "by", ledger.Filters...), rapid.IntRange(1, 9).Draw(t, "at most")
	for name, ask := range map[string]func(*Reader) (any, error){
		"groups": func(r *Reader) (any, error) { _, g, err := r.FiguresBy(context.Background(), q, by); return g, err },
		"behind": func(r *Reader) (any, error) { return r.CasesBehind(context.Background(), q, n) },
		"listed": func(r *Reader) (any, error) {
			list, total, err := r.List(context.Background(), q, n/2, n)
			return fmt.Sprint(list, total), err
		},
		"extent": func(r *Reader) (any, error) { return r.Extent(context.Background()) },
	} {
		got, err := ask(r)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ask(sql)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) && fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s of %s by %s:\n%+v\nSQL says\n%+v", name, describe(q), by, got, want)
		}
	}
}

// checkSize compares the number of rows.
func checkSize(t *rapid.T, r *Reader) {
	var n int
	if err := r.pool.QueryRow(context.Background(), "SELECT count(*) FROM projection.respondent_history").Scan(&n); err != nil {
		t.Fatal(err)
	}
	s := r.columns.now.Load()
	living := 0
	for i := range s.blocks {
		p := &s.blocks[i]
		living += placed{block: merged(*p, placed{})}.rowsOrNone()
	}
	if living != n {
		t.Fatalf("columns hold %d rows, the table %d", living, n)
	}
}

func (p placed) rowsOrNone() int {
	if p.block == nil {
		return 0
	}
	return p.rows()
}

// TestColumnsWhileRecordsCome: many ask while records come and a rebuild switches
// generations; every answer is right for the position that it names.
func TestColumnsWhileRecordsCome(t *testing.T) {
	url := testkit.DB(t)
	r := openColumnReader(t, url, 50, 20)
	b := year(40)
	source := newTap()
	r.columns.turn <- struct{}{}
	r.columns.ordering = ordering{from: 1, step: 7}
	<-r.columns.turn
	start(t, Config{URL: url, batchRecords: 7}, source.feed)
	half := len(b.records) / 2
	source.add(b.records[:half]...)
	waitFor(t, r, ledger.Position(half))
	awaitColumns(t, r)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan struct{})
	var wait sync.WaitGroup
	for n := range 4 {
		wait.Go(func() {
			for i := 0; ; i++ {
				askWhileRecordsCome(ctx, t, r, b, n+i)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := half; i < len(b.records); i += 5 {
		source.add(b.records[i:min(i+5, len(b.records))]...)
		waitFor(t, r, ledger.Position(min(i+5, len(b.records))))
		if err := r.columns.keepOrder(ctx); err != nil {
			t.Error(err)
		}
		if i-half == 50 {
			if _, err := Rebuild(ctx, Config{URL: url}, b.feed(100), RebuildOptions{UpTo: ledger.Position(i)}); err != nil {
				t.Error(err)
			}
		}
	}
	close(done)
	wait.Wait()
	awaitColumns(t, r)
	askWhileRecordsCome(ctx, t, r, b, 0)
	if s := r.columns.now.Load(); s == nil || s.position != ledger.Position(len(b.records)) {
		t.Fatalf("columns are not at the end: %+v", s)
	}
}

func askWhileRecordsCome(ctx context.Context, t *testing.T, r *Reader, b *book, n int) {
	q := ledger.Query{Measures: []ledger.Measure{ledger.Opened, ledger.Sanctioned}, Unit: ledger.Units[n%len(ledger.Units)]}
	answers, err := r.Figures(ctx, []ledger.Query{q})
	if err != nil {
		t.Error(err)
		return
	}
	a := answers[0]
	if want := ledger.Count(b.rows(a.Query.KnownAt), a.Query); a.Value != want {
		t.Errorf("%s: %d, the ledger says %d", describe(a.Query), a.Value, want)
	}
	rows, err := r.Breakdown(ctx, answers, "class")
	if err != nil {
		t.Error(err)
		return
	}
	if len(rows) != 1 || rows[0].Counts[0] != a.Value {
		t.Errorf("%s by class: %+v, not %d", describe(a.Query), rows, a.Value)
	}
	list, total, err := r.List(ctx, a.Query, 0, 3)
	if err != nil {
		t.Error(err)
	} else if a.Query.Unit == ledger.UnitRespondent && uint64(total) != a.Value || len(list) > 3 {
		t.Errorf("%s: %d lines", describe(a.Query), total)
	}
}
