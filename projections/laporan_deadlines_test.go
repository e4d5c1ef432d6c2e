package projections

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// askDeadlines reads what laporan says is owed, merged and ordered as the work
// list is.
func askDeadlines(t failer, conn *pgx.Conn, from string, args ...any) []ledger.Obligation {
	t.Helper()
	rows, err := conn.Query(context.Background(), `
		SELECT case_id::text, ARRAY[respondent], stage, code, string_to_array(also, ','), state, coalesce(owed_by, ''), coalesce(authority, ''),
			coalesce(instead_of, ''), coalesce(watched_by, ''), string_to_array(awaits, ','), since, coalesce(due, ''), due_ends, coalesce(at_most, ''),
			coalesce(in_force, ''), provisional, is_right, met_at, coalesce(regime, ''), coalesce(basis, ''), coalesce(doubt, '')
		FROM `+from+" ORDER BY case_id, respondent", args...)
	if err != nil {
		t.Fatal(err)
	}
	var list []ledger.Obligation
	for rows.Next() {
		var o ledger.Obligation
		var since, ends, met *time.Time
		if err := rows.Scan(&o.Case, &o.Respondents, &o.Stage, &o.Code, &o.Also, &o.State, &o.OwedBy, &o.Authority,
			&o.InsteadOf, &o.WatchedBy, &o.To, &since, &o.Due, &ends, &o.AtMost,
			&o.InForce, &o.Provisional, &o.Right, &met, &o.Regime, &o.Basis, &o.Doubt); err != nil {
			t.Fatal(err)
		}
		if since != nil {
			o.Since = since.UTC()
		}
		if met != nil {
			o.Met = met.UTC()
		}
		if (ends == nil) != (o.Due == "") || (ends != nil && !ends.Equal(o.Due.End())) {
			t.Fatalf("due %q ends %v", o.Due, ends)
		}
		list = append(list, o)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ledger.MergeObligations(list)
}

func sameObligations(t failer, what string, got, want []ledger.Obligation) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Fatalf("%s lacks\n%+v", what, want[i])
		case i >= len(want):
			t.Fatalf("%s has besides\n%+v", what, got[i])
		case !reflect.DeepEqual(got[i], want[i]):
			t.Fatalf("%s: obligation %d is\n%+v\nand for the ledger\n%+v", what, i, got[i], want[i])
		}
	}
}

// checkDeadlines compares the deadlines of laporan with the ledger's own
// definition: now, at some positions when they were the last, and at random pairs
// of times.
func checkDeadlines(t *rapid.T, conn *pgx.Conn, b *book) {
	last := b.records[len(b.records)-1]
	sameObligations(t, "laporan.deadlines", askDeadlines(t, conn, "laporan.deadlines"),
		b.obligations(WorkQuery{AsOf: last.Recorded, KnownAt: last.Position, All: true}))
	for range rapid.IntRange(3, 10).Draw(t, "pairs") {
		k := ledger.Position(rapid.IntRange(1, len(b.records)).Draw(t, "known at"))
		q := WorkQuery{AsOf: b.records[k-1].Recorded, KnownAt: k, All: true}
		switch rapid.IntRange(0, 3).Draw(t, "as of") {
		case 0:
			q.AsOf = drawMoment(t, b)
		case 1: // the edges of days, where days end and mandates begin
			at := firstDay.AddDate(0, 0, rapid.IntRange(0, 30).Draw(t, "day")).Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "off")) * time.Microsecond)
			if !at.After(last.Recorded) {
				q.AsOf = at
			}
		}
		got := askDeadlines(t, conn, "laporan.deadlines_at($1, $2)", q.AsOf.Format(ledger.RecordedFormat), fmt.Sprint(k))
		sameObligations(t, fmt.Sprintf("laporan.deadlines_at(%s, %d)", q.AsOf.Format(ledger.RecordedFormat), k), got, b.obligations(q))
	}
}

// TestDeadlinesOfThePublishedHistory: under the regimes, holidays and hand-overs
// of the demonstration, recorded in any order, laporan says what berkas worklist
// does.
func TestDeadlinesOfThePublishedHistory(t *testing.T) {
	url := testkit.DB(t)
	b := demo(t)
	project(t, url, b.feed(1000))
	conn, reader := connectTo(t, url), openReader(t, url)
	list, err := reader.WorkList(t.Context(), WorkQuery{All: true})
	if err != nil {
		t.Fatal(err)
	}
	if list.Total < 1000 || list.Overdue == 0 {
		t.Fatalf("%d obligations, %d overdue: the history is too small to tell", list.Total, list.Overdue)
	}
	sameObligations(t, "laporan.deadlines", askDeadlines(t, conn, "laporan.deadlines"), list.Obligations)
	for _, q := range []WorkQuery{
		{AsOf: ledger.Date("2020-11-26").End(), All: true},
		{AsOf: ledger.Date("2020-11-26").End(), KnownAt: ledger.Position(len(b.records) / 2), All: true},
	} {
		list, err := reader.WorkList(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		got := askDeadlines(t, conn, "laporan.deadlines_at($1, $2)", q.AsOf.Format(ledger.RecordedFormat), fmt.Sprint(list.Query.KnownAt))
		sameObligations(t, fmt.Sprintf("%+v", q), got, list.Obligations)
	}
}

// TestRulesMoveOnlyWhatTheyAreAbout: rows of the table are closed where a rule
// makes others of them, and stay where it does not.
func TestRulesMoveOnlyWhatTheyAreAbout(t *testing.T) {
	url := testkit.DB(t)
	b := newBook(firstDay)
	b.genesis(5)
	opened := year(1)
	e, err := ledger.DecodeRecord(opened.records[1])
	if err != nil {
		t.Fatal(err)
	}
	publish := func(kind ledger.Kind, subject string, payload any) {
		b.add(kind, 1, ledger.KemenPANRB, subject, b.recorded, payload)
	}
	b.add(e.Kind, 1, e.Source, caseNumber(1), firstDay, e.Payload) // position 2
	publish(ledger.RegimePublishedKind, "long", ledger.Regime{ID: "long", From: "2020-09-01", Deadlines: []ledger.Deadline{
		{Code: "completeness", From: "opened", To: []ledger.Milestone{"checked"}, OwedBy: "bawaslu", Length: &ledger.Length{Days: 3, Working: true}},
	}})
	publish(ledger.RegimePublishedKind, "later", ledger.Regime{ID: "later", From: "2021-01-01"})
	publish(ledger.HolidaysPublishedKind, "holidays-2020", ledger.Holidays{Year: 2020, Days: []ledger.Date{"2020-09-03"}})
	publish(ledger.HolidaysPublishedKind, "holidays-2021", ledger.Holidays{Year: 2021})
	project(t, url, b.feed(2))
	got := strs(t, connectTo(t, url), `
		SELECT concat_ws(' ', recorded_from, nullif(recorded_to, 9223372036854775807), due) FROM projection.obligation ORDER BY recorded_from`)
	if want := []string{"3 5 2020-09-04", "5 2020-09-07"}; !slices.Equal(got, want) {
		t.Errorf("rows are %q, want %q", got, want)
	}
}

// TestHandOverPassesByWhatHadEnded: a hand-over writes nothing about a state that
// ended before it, and a state that it turns out to have reached after all owes
// what it says.
func TestHandOverPassesByWhatHadEnded(t *testing.T) {
	url := testkit.DB(t)
	b := newBook(firstDay.Add(100 * day))
	on := func(n int) time.Time { return firstDay.Add(time.Duration(n) * day) }
	b.genesis(5)
	e, err := ledger.DecodeRecord(year(1).records[1])
	if err != nil {
		t.Fatal(err)
	}
	handOver := func(m ledger.Mandate, scope ledger.Scope) {
		b.add(ledger.MandateGrantedKind, 1, ledger.KemenPANRB, string(ledger.BKN), b.recorded, ledger.MandateGranted{Grant: ledger.Grant{
			Agency: ledger.BKN, Mandate: m, From: ledger.DayOf(on(10)), Scope: scope, Predecessor: ledger.Bawaslu, Basis: "UU 1/2020", Doubt: ledger.DoubtNone,
		}})
	}
	b.add(e.Kind, 1, e.Source, caseNumber(1), on(0), e.Payload) // position 2
	b.add(ledger.CaseRegisteredKind, 1, ledger.Bawaslu, caseNumber(1), on(3), ledger.CaseRegistered{Register: "1"})
	registered := testUUID(2, b.events)
	b.add(e.Kind, 1, e.Source, caseNumber(2), on(0), e.Payload) // 4
	b.add(ledger.CaseRegisteredKind, 1, ledger.Bawaslu, caseNumber(2), on(11), ledger.CaseRegistered{Register: "2"})
	handOver(ledger.MandateAssessment, ledger.ScopePredecessor)    // 6: they have processed nothing
	handOver(ledger.MandateAssessment, ledger.ScopeNotPredecessor) // 7
	handOver(ledger.MandateIntake, ledger.ScopeNotPredecessor)     // 8: it changes no heir
	conn := connectTo(t, url)
	project(t, url, b.feed(3))
	written := `SELECT concat_ws(' ', recorded_from, right(case_id::text, 1), (happened_from AT TIME ZONE 'UTC')::date, owed_by)
		FROM projection.obligation WHERE recorded_to = 9223372036854775807 ORDER BY recorded_from, case_id, happened_from, ordinal`
	begun := func(n int) string { return on(n).UTC().Format(time.DateOnly) }
	want := []string{
		"7 1 " + begun(3) + " bawaslu", "7 1 " + begun(3) + " bkn", // registered, and waiting to this day
		"7 2 " + begun(0) + " bawaslu", "7 2 " + begun(0) + " bkn", "7 2 " + begun(11) + " bkn",
	}
	if got := strs(t, conn, written); !slices.Equal(got, want) {
		t.Errorf("rows are\n%q\nand should be\n%q", got, want)
	}

	b.add(ledger.EventCorrectedKind, 1, ledger.Bawaslu, caseNumber(1), b.recorded, ledger.EventCorrected{ // 9
		Event: registered, Kind: ledger.CaseRegisteredKind, Version: 1, Action: ledger.ActionVoid, Reason: "wrong-data",
	})
	project(t, url, b.feed(3))
	last := ledger.Position(len(b.records))
	for _, at := range []time.Time{on(2), on(9), on(12), b.recorded} {
		for known := last - 3; known <= last; known++ {
			got := askDeadlines(t, conn, "laporan.deadlines_at($1, $2)", at.UTC().Format(ledger.RecordedFormat), fmt.Sprint(known))
			sameObligations(t, fmt.Sprintf("as of %s, known at %d", at, known), got, b.obligations(WorkQuery{AsOf: at, KnownAt: known, All: true}))
		}
	}
}

// TestHandOverOfAllTime: a grant may begin before the times that PostgreSQL has.
func TestHandOverOfAllTime(t *testing.T) {
	url := testkit.DB(t)
	b := newBook(firstDay)
	b.genesis(5)
	e, err := ledger.DecodeRecord(year(1).records[1])
	if err != nil {
		t.Fatal(err)
	}
	b.add(e.Kind, 1, e.Source, caseNumber(1), firstDay, e.Payload)
	b.add(ledger.MandateGrantedKind, 1, ledger.KemenPANRB, string(ledger.BKN), b.recorded, ledger.MandateGranted{Grant: ledger.Grant{
		Agency: ledger.BKN, Mandate: ledger.MandateIntake, From: "0001-01-01", Scope: ledger.ScopeAll, Predecessor: ledger.Bawaslu, Basis: "UU 1/2020", Doubt: ledger.DoubtNone,
	}})
	project(t, url, b.feed(3))
	got := strs(t, connectTo(t, url), "SELECT owed_by || ' for ' || instead_of FROM projection.obligation")
	if want := []string{"bkn for bawaslu"}; !slices.Equal(got, want) {
		t.Errorf("rows are %q, want %q", got, want)
	}
}
