package projections

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// TestWhatIsReadIsWhatTheLedgerSays is the oracle of P5 and P8: for random
// histories and rules, recorded in any order and applied in any batches, with
// everything in memory and with nothing, whatever is read of any pair of times is
// what the ledger's own fold says; and so it is after a rebuild, which gives the
// same tables, row by row. To make such tables takes longer than to ask them, so
// each history is asked everything.
func TestWhatIsReadIsWhatTheLedgerSays(t *testing.T) {
	url := testkit.DB(t)
	conn := connectTo(t, url)
	reader, columns := openReader(t, url), openColumnReader(t, url, 9, 4)
	columns.columns.few = 3
	rapid.Check(t, func(t *rapid.T) {
		b := drawBook(t)
		publish(t, b)
		dropTables(t, conn)
		applyInParts(t, url, b)
		checkRowsAreDisjoint(t, conn)
		checkFigures(t, reader, b)
		checkMoments(t, reader, b)
		checkTimes(t, reader, b)
		checkPages(t, reader, b)
		checkSearch(t, reader, b)
		checkReports(t, conn, b)
		checkWorkList(t, reader, b)
		checkBacklog(t, reader, b)
		awaitColumns(t, columns)
		checkWorkList(t, columns, b)
		checkBacklog(t, columns, b)
		checkOrder(t, columns, b)
		if _, s, err := columns.stand(context.Background()); err != nil || s == nil {
			t.Fatalf("columns did not answer: %v", err)
		}
		rebuilt, err := Rebuild(context.Background(), Config{URL: url}, b.feed(7), RebuildOptions{Compare: true})
		if err != nil {
			t.Fatal(err)
		}
		if !rebuilt.Compared || len(rebuilt.Differences) > 0 {
			t.Fatalf("the new generation differs: %+v", rebuilt)
		}
		checkFigures(t, reader, b)
		checkReports(t, conn, b)
		checkWorkList(t, reader, b)
		checkDeadlines(t, conn, b)
	})
}

type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func connectTo(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeConn(context.Background(), conn) })
	return conn
}

func dropTables(t failer, conn *pgx.Conn) {
	t.Helper()
	if err := dropSchemas(context.Background(), conn, schemaCurrent, schemaNext, schemaOld); err != nil {
		t.Fatal(err)
	}
}

// applyInParts projects a book with several projectors, one after the other, as
// if each had been killed.
func applyInParts(t *rapid.T, url string, b *book) {
	ctx := context.Background()
	ends := rapid.SliceOfN(rapid.IntRange(1, len(b.records)), 0, 5).Draw(t, "ends")
	slices.Sort(ends)
	for _, end := range append(ends, len(b.records)) {
		c := Config{URL: url, CacheEvents: rapid.IntRange(1, 50).Draw(t, "cache"), batchRecords: rapid.IntRange(1, 10).Draw(t, "batch")}
		size := rapid.IntRange(1, 10).Draw(t, "piece")
		if err := NewProjector(c).Run(ctx, until(b.feed(size), ledger.Position(end))); err != nil {
			t.Fatal(err)
		}
	}
}

// checkRowsAreDisjoint looks for two rows of a respondent that hold at one point
// of the two times.
func checkRowsAreDisjoint(t failer, conn *pgx.Conn) {
	t.Helper()
	var n int
	if err := conn.QueryRow(context.Background(), `
		SELECT count(*) FROM projection.respondent_history a JOIN projection.respondent_history b
			ON a.case_id = b.case_id AND a.respondent = b.respondent AND a.ctid <> b.ctid
		WHERE a.happened_from < b.happened_to AND b.happened_from < a.happened_to
		  AND a.recorded_from < b.recorded_to AND b.recorded_from < a.recorded_to`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n > 0 {
		t.Fatalf("%d pairs of rows hold for one respondent at one point", n)
	}
}

// checkFigures asks random questions.
func checkFigures(t *rapid.T, r *Reader, b *book) {
	ctx := context.Background()
	values := dimensionValues(b.rows(ledger.Position(len(b.records))))
	queries := make([]ledger.Query, rapid.IntRange(5, 40).Draw(t, "questions"))
	for i := range queries {
		queries[i] = drawQuery(t, b, values)
	}
	answers, err := r.Figures(ctx, queries)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range queries {
		rows := b.rows(q.KnownAt)
		if want := ledger.Count(rows, q); answers[i].Value != want {
			t.Fatalf("question %s:\ntables say %d, the ledger %d", describe(q), answers[i].Value, want)
		}
		checkBehind(t, r, q, rows)
		checkGroups(t, r, q, rows)
	}
}

// checkBehind compares the keys behind a figure.
func checkBehind(t *rapid.T, r *Reader, q ledger.Query, rows []ledger.Row) {
	list, err := r.CasesBehind(context.Background(), q, 0)
	if err != nil {
		t.Fatal(err)
	}
	keys := make(map[string]bool)
	for _, c := range list {
		keys[c.Measure+" "+c.Key] = true
		own := ledger.Query{Measures: q.Measures, Unit: ledger.UnitRespondent, Filter: q.Filter, SeenBy: q.SeenBy, AsOf: q.AsOf}
		if ledger.Count(slices.DeleteFunc(slices.Clone(rows), func(r ledger.Row) bool {
			return r.Case != c.Case || r.Respondent != c.Respondent
		}), own) == 0 {
			t.Fatalf("question %s: %+v does not count", describe(q), c)
		}
	}
	if want := ledger.Count(rows, q); uint64(len(keys)) != want {
		t.Fatalf("question %s: %d keys behind a figure of %d", describe(q), len(keys), want)
	}
}

// checkGroups compares a breakdown with the same question under each value.
func checkGroups(t *rapid.T, r *Reader, q ledger.Query, rows []ledger.Row) {
	by := pick(t, "by", ledger.Filters...)
	_, groups, err := r.FiguresBy(context.Background(), q, by)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]uint64)
	for _, g := range groups {
		got[g.Value] = g.Count
	}
	for _, value := range append(dimensionValues(rows)[by], "nowhere") {
		one := q
		one.Filter = maps.Clone(q.Filter)
		if one.Filter == nil {
			one.Filter = make(map[string]string)
		}
		if old, filtered := one.Filter[by]; filtered && old != value {
			if _, many := map[string]bool{"item": true, "forwarded-to": true}[by]; many {
				continue // both values have to be there, which no filter can say
			}
			one.Filter[by] = "nowhere" // no row has both
		} else {
			one.Filter[by] = value
		}
		if want := ledger.Count(rows, one); got[value] != want {
			t.Fatalf("question %s by %s: %q has %d, the ledger %d", describe(q), by, value, got[value], want)
		}
	}
}

// dimensionValues lists the values that rows have in each dimension.
func dimensionValues(rows []ledger.Row) map[string][]string {
	out := make(map[string][]string)
	add := func(name string, values ...string) {
		for _, v := range values {
			if v != "" && !slices.Contains(out[name], v) {
				out[name] = append(out[name], v)
			}
		}
	}
	for _, r := range rows {
		for name, v := range map[string]string{
			"origin": r.Origin, "holder": string(r.Holder), "family": r.Family, "sanction": r.Sanction,
			"office": r.Office, "ppk-kind": r.PPKKind, "province-of-act": r.ProvinceOfAct, "province": r.Province,
			"institution": r.Institution, "institution-kind": r.InstitutionKind, "class": r.Class, "contest": r.Contest,
		} {
			add(name, v)
		}
		add("item", r.Items...)
		for _, a := range r.ForwardedTo {
			add("forwarded-to", string(a))
		}
	}
	for _, list := range out {
		slices.Sort(list)
	}
	return out
}

// drawQuery draws a question whose times lie in the book's.
func drawQuery(t *rapid.T, b *book, values map[string][]string) ledger.Query {
	last := b.records[len(b.records)-1]
	q := ledger.Query{
		Unit:    pick(t, "unit", ledger.Units...),
		SeenBy:  pick(t, "seen by", "", "", "", ledger.Bawaslu, ledger.KASN, ledger.BKN, "nobody"),
		AsOf:    drawMoment(t, b),
		KnownAt: ledger.Position(rapid.IntRange(1, len(b.records)).Draw(t, "known at")),
	}
	if rapid.Bool().Draw(t, "as of the end") {
		q.AsOf = last.Recorded
	}
	if end := ledger.DayOf(q.AsOf).End(); end.Before(last.Recorded) && rapid.Bool().Draw(t, "as of the end of the day") {
		q.AsOf = end
	}
	if rapid.Bool().Draw(t, "known at the end") {
		q.KnownAt = last.Position
	}
	if rapid.IntRange(0, 3).Draw(t, "with since") == 0 {
		q.Since = drawMoment(t, b)
	}
	for range rapid.IntRange(1, 3).Draw(t, "measures") {
		if m := ledger.Measure(rapid.IntRange(0, ledger.MeasureCount-1).Draw(t, "measure")); !slices.Contains(q.Measures, m) {
			q.Measures = append(q.Measures, m)
		}
	}
	for range pick(t, "filters", 0, 0, 1, 2) {
		name := pick(t, "filter", ledger.Filters...)
		if len(values[name]) > 0 {
			if q.Filter == nil {
				q.Filter = make(map[string]string)
			}
			q.Filter[name] = pick(t, "value", values[name]...)
		}
	}
	return q
}

// drawMoment draws a moment at, just before or just after an event.
func drawMoment(t *rapid.T, b *book) time.Time {
	e, err := ledger.DecodeRecord(b.records[rapid.IntRange(0, len(b.records)-1).Draw(t, "event")])
	if err != nil {
		t.Fatal(err)
	}
	at := e.Time.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "off")) * time.Microsecond)
	if last := b.records[len(b.records)-1].Recorded; at.After(last) {
		return last
	}
	return at
}

func describe(q ledger.Query) string {
	return fmt.Sprintf("%v unit %s filter %v seen-by %q since %s as-of %s known-at %d",
		q.Measures, q.Unit, q.Filter, q.SeenBy, q.Since.Format(ledger.RecordedFormat), q.AsOf.Format(ledger.RecordedFormat), q.KnownAt)
}
