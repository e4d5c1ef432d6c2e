package projections

import (
	"slices"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// span is a row's place in the two times, without what it says.
type span struct {
	Respondent string
	From, To   int // days after firstDay; -1: it lasts
	Since      int64
	Until      int64 // -1: nothing replaced it
	Stage      string
}

func spans(t *testing.T, url string) []span {
	t.Helper()
	rows, err := connectTo(t, url).Query(t.Context(), `
		SELECT respondent, (happened_from::date - $1::date),
			CASE WHEN happened_to = 'infinity' THEN -1 ELSE happened_to::date - $1::date END,
			recorded_from, CASE WHEN recorded_to = 9223372036854775807 THEN -1 ELSE recorded_to END, stage
		FROM projection.respondent_history ORDER BY respondent, recorded_from, happened_from`, firstDay)
	if err != nil {
		t.Fatal(err)
	}
	var out []span
	for rows.Next() {
		var s span
		if err := rows.Scan(&s.Respondent, &s.From, &s.To, &s.Since, &s.Until, &s.Stage); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// The table holds each state once, and a record touches only the rows that it
// changes: another respondent's stay, and so do those before and after a late
// record that says nothing about them.
func TestOnlyChangedRowsAreReplaced(t *testing.T) {
	url := testkit.DB(t)
	b := newBook(firstDay.Add(100 * day))
	on := func(n int) time.Time { return firstDay.Add(time.Duration(n) * day) }
	open := ledger.CaseOpened{Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: "pilkada-2020", Catalogue: ledger.CatalogueSKB2022, Act: ledger.Act{Date: "2020-09-01", Region: "73.71"}, Items: items[:1]}
	for _, id := range []string{"r1", "r2"} {
		open.Respondents = append(open.Respondents, ledger.NewRespondent{ID: id, Employment: "pns", Class: "pelaksana", Institution: institution[0]})
	}
	left := func(id string) ledger.LeftService {
		return ledger.LeftService{Reason: "retired", Respondents: []string{id}}
	}
	b.add(ledger.CaseOpenedKind, 1, ledger.Bawaslu, caseNumber(1), on(0), open)
	b.add(ledger.LeftServiceKind, 1, ledger.Bawaslu, caseNumber(1), on(4), left("r1"))
	b.add("case.foretold", 1, ledger.Bawaslu, caseNumber(1), on(2), map[string]any{})                               // late, and moves nothing
	b.add(ledger.CaseRegisteredKind, 1, ledger.Bawaslu, caseNumber(1), on(3), ledger.CaseRegistered{Register: "1"}) // late
	want := []span{
		{"r1", 0, -1, 1, 2, "received"},
		{"r1", 0, 4, 2, 4, "received"},
		{"r1", 4, -1, 2, 4, "left_service"},
		{"r1", 0, 3, 4, -1, "received"},
		{"r1", 3, 4, 4, -1, "registered"},
		{"r1", 4, -1, 4, -1, "left_service"}, // registered since day 3 is new of it
		{"r2", 0, -1, 1, 4, "received"},
		{"r2", 0, 3, 4, -1, "received"},
		{"r2", 3, -1, 4, -1, "registered"},
	}
	for _, size := range []int{1, 2, 4} {
		dropTables(t, connectTo(t, url))
		if err := NewProjector(Config{URL: url, batchRecords: size, CacheEvents: 1}).Run(t.Context(), b.feed(1)); err != nil {
			t.Fatal(err)
		}
		if got := spans(t, url); !slices.Equal(got, want) {
			t.Fatalf("in batches of %d:\n%v\nwant\n%v", size, got, want)
		}
	}
}

// Batches of thousands use buffers again that PostgreSQL has just been sent.
func TestLargeBatches(t *testing.T) {
	url := testkit.DB(t)
	b := year(1000)
	if err := NewProjector(Config{URL: url, batchRecords: 1000}).Run(t.Context(), b.feed(700)); err != nil {
		t.Fatal(err)
	}
	out, err := Rebuild(t.Context(), Config{URL: url, batchRecords: 500, CacheEvents: 100}, b.feed(5000), RebuildOptions{Compare: true})
	if err != nil || !out.Compared || len(out.Differences) > 0 {
		t.Fatalf("small batches give other tables than large ones: %+v, %v", out, err)
	}
}

func TestMeasureCatchUp(t *testing.T) {
	url := testkit.DB(t)
	b := year(50)
	m, err := MeasureCatchUp(t.Context(), Config{URL: url}, b.feed(100), 300)
	if err != nil {
		t.Fatal(err)
	}
	// A row of progress, one a record, and more than one of history a record.
	if m.Records != 300 || m.Rows <= 601 || m.Ratio() <= 0 {
		t.Fatalf("measured %+v", m)
	}
	var left int
	if err := connectTo(t, url).QueryRow(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'projection%'").Scan(&left); err != nil || left != 0 {
		t.Fatalf("%d schemas are left (%v)", left, err)
	}
}
