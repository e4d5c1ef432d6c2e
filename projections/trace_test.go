package projections

import (
	"fmt"
	"slices"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// TestTrace: every reading has the number that ledger.Count gives and the lines
// that count on one side only; the reason is Reconcile's.
func TestTrace(t *testing.T) {
	url := testkit.DB(t)
	b := reconciled()
	figure := func(seen ledger.AgencyID, asOf, since ledger.Date, unit ledger.Unit, value uint64, filter map[string]string) ledger.FigureV1 {
		return ledger.FigureV1{AsOf: asOf, Since: since, SeenBy: seen, Unit: unit, Measure: "opened", Value: value, Filter: filter}
	}
	b.add(ledger.FiguresPublishedKind, 1, ledger.Bawaslu, "t20", b.recorded, ledger.FiguresPublished{
		Table: "t20", Publisher: ledger.Bawaslu, Doubt: ledger.DoubtNone, Sources: []string{"paper/1"},
		Figures: []ledger.FigureV1{
			figure("", "2020-09-02", "", ledger.UnitCase, 2, nil), figure("", "2020-09-02", "", ledger.UnitCase, 1, nil),
			figure("", "2020-09-04", "", ledger.UnitCase, 3, nil), figure(ledger.BKN, "2020-09-03", "", ledger.UnitCase, 3, nil),
			figure("", "2020-09-08", "", ledger.UnitRespondent, 6, map[string]string{"office": "IV"}), figure("", "2020-09-03", "2020-09-02", ledger.UnitCase, 3, nil),
			figure("", "2020-09-08", "", ledger.UnitCase, 77, nil),
		},
	})
	project(t, url, b.feed(10))
	for name, r := range bothReaders(t, url) {
		t.Run(name, func(t *testing.T) { checkTraces(t, r, b) })
	}
}

// TestAnnalsAreReadBeside: SQL answers while corrections and decrees are read, and
// annals afterwards, also of what came since.
func TestAnnalsAreReadBeside(t *testing.T) {
	url := testkit.DB(t)
	b := yearUnderRules(20)
	half := &book{records: b.records[:len(b.records)/2]}
	project(t, url, half.feed(100))
	sql, r := openReader(t, url), openColumnReader(t, url, 100, 40)
	r.columns.near = 3
	ask := func(b *book) {
		t.Helper()
		last := b.records[len(b.records)-1]
		var says [2]string
		for i, reader := range []*Reader{sql, r} {
			l, err := reader.linesBehind(t.Context(), Answer{Query: ledger.Query{
				Measures: []ledger.Measure{ledger.Opened, ledger.Sanctioned}, Unit: ledger.UnitRespondent, AsOf: last.Recorded, KnownAt: last.Position,
			}})
			if err != nil {
				t.Fatal(err)
			}
			n, list, err := l.corrected(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ids, err := l.disputes(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			says[i] = fmt.Sprintln(n, list, ids)
		}
		if says[0] != says[1] {
			t.Fatalf("%s, SQL says %s", says[1], says[0])
		}
	}
	awaitColumns(t, r)
	for _, part := range []*book{half, b} {
		project(t, url, part.feed(100))
		awaitColumns(t, r)
		ask(part)
		r.columns.under.Wait()
		if a := r.columns.annals.Load(); a == nil || a.upTo != ledger.Position(len(part.records)) {
			t.Fatalf("annals are %+v", a)
		}
		ask(part)
	}
}

// bothReaders are one that asks SQL and one that asks columns.
func bothReaders(t *testing.T, url string) map[string]*Reader {
	columns := openColumnReader(t, url, 100, 40)
	awaitColumns(t, columns)
	return map[string]*Reader{"SQL": openReader(t, url), "columns": columns}
}

func checkTraces(t *testing.T, r *Reader, b *book) {
	figures, err := r.PublishedFigures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reconciled, err := r.Reconcile(t.Context(), figures, 0)
	if err != nil {
		t.Fatal(err)
	}
	beside, err := r.Beside(t.Context(), figures, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range figures {
		if f.Ordinal != i+1 || !f.Recorded.Equal(b.records[f.Position-1].Recorded) || f.Published.IsZero() {
			t.Errorf("figure %+v", f)
		}
		trace, err := r.Trace(t.Context(), f, 0)
		if err != nil {
			t.Fatal(err)
		}
		if trace.Reason != reconciled[i].Reason || trace.Difference != reconciled[i].Difference || beside[i].Answer.Value != trace.Answer.Value {
			t.Errorf("figure %d: %s and %d; reconciled %s and %d", i, trace.Reason, trace.Difference, reconciled[i].Reason, reconciled[i].Difference)
		}
		if want := reconciled[i].Reason; beside[i].Reason != want && want != ReasonDuplicate && want != ReasonScope {
			t.Errorf("figure %d beside the ledger's: %s, not %s", i, beside[i].Reason, want)
		}
		if len(trace.Readings) < 6 {
			t.Errorf("figure %d: only %d readings", i, len(trace.Readings))
		}
		for _, reading := range trace.Readings {
			compareReading(t, b, trace, reading)
		}
	}
	// Each as it was known where it was published: the last case was not later.
	then, err := r.Beside(t.Context(), figures, 0, true)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range then {
		if l.Answer.Query.KnownAt != figures[i].Position || l.Answer.Value != ledger.Count(b.rows(figures[i].Position), l.Answer.Query) {
			t.Errorf("figure %d when it was published: %+v", i, l.Answer)
		}
	}
}

func compareReading(t *testing.T, b *book, trace Trace, reading Reading) {
	t.Helper()
	if reading.Fits != (reading.Value == trace.Figure.Value) {
		t.Errorf("%s: %d fits %d: %v", reading.Reason, reading.Value, trace.Figure.Value, reading.Fits)
	}
	if reading.Reason == ReasonDuplicate {
		if reading.Ours != 1 || reading.OnlyOurs[0].Case != caseNumber(2) || reading.Value+1 != trace.Answer.Value {
			t.Errorf("alike: %+v", reading)
		}
		return
	}
	if want := ledger.Count(b.rows(reading.Query.KnownAt), reading.Query); reading.Value != want {
		t.Errorf("%s: %d, the ledger says %d", describe(reading.Query), reading.Value, want)
	}
	ours, theirs := linesOf(b, trace.Answer.Query), linesOf(b, reading.Query)
	check := func(side string, total int, list []Counted, one, other map[string]bool) {
		var want []string
		for key := range one {
			if !other[key] {
				want = append(want, key)
			}
		}
		var got []string
		for _, c := range list {
			got = append(got, c.Case+" "+c.Respondent)
		}
		slices.Sort(want)
		slices.Sort(got)
		if total != len(want) || !slices.Equal(got, want) {
			t.Errorf("%s, %s only: %q (%d), the ledger says %q", describe(reading.Query), side, got, total, want)
		}
	}
	check("ours", reading.Ours, reading.OnlyOurs, ours, theirs)
	check("other", reading.Other, reading.OnlyOther, theirs, ours)
}

// linesOf are the respondents that count, by the ledger's own definition.
func linesOf(b *book, q ledger.Query) map[string]bool {
	out := map[string]bool{}
	rows := b.rows(q.KnownAt)
	for _, row := range rows {
		key := row.Case + " " + row.Respondent
		if out[key] {
			continue
		}
		own := slices.DeleteFunc(slices.Clone(rows), func(o ledger.Row) bool { return o.Case != row.Case || o.Respondent != row.Respondent })
		if ledger.Count(own, q) > 0 {
			out[key] = true
		}
	}
	return out
}

// TestTraceShowsCorrections: what counts and rests on a correction is named.
func TestTraceShowsCorrections(t *testing.T) {
	url := testkit.DB(t)
	b := reconciled()
	e, err := ledger.DecodeRecord(b.records[len(b.records)-1])
	if err != nil {
		t.Fatal(err)
	}
	before := ledger.Position(len(b.records))
	b.add(ledger.EventCorrectedKind, 1, ledger.Bawaslu, caseNumber(5), b.recorded, ledger.EventCorrected{
		Event: e.ID, Kind: e.Kind, Version: 1, Action: ledger.ActionReplace, Reason: "wrong-data", Data: jsontext.Value(e.Data),
	})
	project(t, url, b.feed(10))
	f := PublishedFigure{Table: "t", Publisher: ledger.Bawaslu, AsOf: "2020-09-08", Unit: ledger.UnitCase, Measure: "opened", Value: 4}
	for name, r := range bothReaders(t, url) {
		for known, want := range map[ledger.Position]int{before: 0, before + 1: 1} {
			trace, err := r.Trace(t.Context(), f, known)
			if err != nil || trace.Corrected != want || len(trace.CorrectedList) != want || want > 0 && trace.CorrectedList[0].Case != caseNumber(5) {
				t.Errorf("%s, known at %d: %d corrected, %+v, %v", name, known, trace.Corrected, trace.CorrectedList, err)
			}
		}
	}
}
