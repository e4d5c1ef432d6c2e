package projections

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// sameEverywhere compares columns with SQL over every unit, some moments and some
// positions: figures, and lists page by page.
func sameEverywhere(t *testing.T, r, sql *Reader, b *book) {
	t.Helper()
	last := b.records[len(b.records)-1]
	ask := func(q ledger.Query, offset int) (columns, table string) {
		var out [2]string
		for i, reader := range []*Reader{r, sql} {
			answers, err := reader.Figures(t.Context(), []ledger.Query{q})
			if err != nil {
				t.Fatal(err)
			}
			list, total, err := reader.List(t.Context(), answers[0].Query, offset, 7)
			if err != nil {
				t.Fatal(err)
			}
			steps := []Step{{ledger.MilestoneOpened, ledger.MilestoneReopened}, {ledger.MilestoneReceived, ledger.MilestoneDecided}}
			_, waits, err := reader.Durations(t.Context(), ledger.Query{Unit: ledger.UnitRespondent, AsOf: q.AsOf, KnownAt: q.KnownAt}, steps, "office")
			if err != nil {
				t.Fatal(err)
			}
			out[i] = fmt.Sprint(answers[0].Value, total, list, waits)
		}
		return out[0], out[1]
	}
	for _, unit := range ledger.Units {
		for i := range 4 {
			q := ledger.Query{
				Measures: []ledger.Measure{ledger.InProcess, ledger.Recommended, ledger.Opened}, Unit: unit,
				AsOf: last.Recorded.Add(-last.Recorded.Sub(b.records[0].Recorded) / 7 * time.Duration(i)), KnownAt: last.Position - ledger.Position(i*len(b.records)/5),
			}
			if i > 1 {
				q.Since = q.AsOf.Add(-last.Recorded.Sub(b.records[0].Recorded) / 4)
			}
			for offset := 0; offset < 60; offset += 6 {
				if columns, table := ask(q, offset); columns != table {
					t.Fatalf("%s from line %d:\n%s\nSQL says\n%s", describe(q), offset, columns, table)
				}
			}
		}
	}
}

// TestColumnsOfManyMoments: of a respondent with more moments than a byte tells
// apart, read at once or bit by bit, beside cases with few.
func TestColumnsOfManyMoments(t *testing.T) {
	url := testkit.DB(t)
	b := findings(12)
	b.recorded = b.records[len(b.records)-1].Recorded
	for i := range 400 {
		b.recorded = b.recorded.Add(time.Hour)
		b.add(ledger.CaseReopenedKind, 1, ledger.KASN, caseNumber(4), b.recorded, ledger.CaseReopened{Reason: "court-order", Respondents: []string{"r1"}})
		if i%40 == 0 {
			b.add(ledger.CaseReceivedKind, 1, ledger.KASN, caseNumber(i/40), b.recorded, ledger.CaseReceived{From: ledger.Bawaslu})
		}
	}
	sql, following := openReader(t, url), openColumnReader(t, url, 30, 20)
	wide := func(r *Reader) bool {
		for _, p := range r.columns.now.Load().blocks {
			if p.wide {
				return true
			}
		}
		return false
	}
	for _, part := range []int{30, 100, 300, 350, len(b.records)} {
		project(t, url, (&book{records: b.records[:part]}).feed(100))
		awaitColumns(t, following)
		sameEverywhere(t, following, sql, &book{records: b.records[:part]})
	}
	loaded := openColumnReader(t, url, 1000, 4000)
	awaitColumns(t, loaded)
	sameEverywhere(t, loaded, sql, b)
	if !wide(following) || !wide(loaded) {
		t.Fatal("no respondent had many moments")
	}
}

// TestColumnsPutTogether: after many small changes in any order the lists are
// whole and in order, and the blocks few.
func TestColumnsPutTogether(t *testing.T) {
	url := testkit.DB(t)
	b := year(60)
	sql, r := openReader(t, url), openColumnReader(t, url, 100, 40)
	project(t, url, (&book{records: b.records[:150]}).feed(100))
	awaitColumns(t, r)
	for at := 150; at <= len(b.records); at += 3 {
		project(t, url, (&book{records: b.records[:at]}).feed(100))
		if _, s, err := r.stand(t.Context()); err != nil || s == nil {
			t.Fatalf("columns did not follow to %d: %v", at, err)
		}
	}
	project(t, url, b.feed(100))
	sameEverywhere(t, r, sql, b)
	s := r.columns.now.Load()
	if rows, _ := s.size(); s.base == len(s.blocks) || len(s.blocks) > 6+2*rows/40 {
		t.Fatalf("%d blocks, %d of them from the beginning, of %d rows", len(s.blocks), s.base, rows)
	}
	for _, p := range s.blocks {
		if 2*p.buried > len(p.ids) {
			t.Errorf("of a block with %d cases %d have been put elsewhere", len(p.ids), p.buried)
		}
	}
}

// TestColumnsOfOtherTables: a rebuild's tables are noticed, as are tables that
// stand further back and tables of another ledger.
func TestColumnsOfOtherTables(t *testing.T) {
	url := testkit.DB(t)
	conn := connectTo(t, url)
	r, sql := openColumnReader(t, url, 100, 40), openReader(t, url)
	b := year(12)
	tell := func(b *book) {
		t.Helper()
		project(t, url, b.feed(100))
		q := ledger.Query{Measures: []ledger.Measure{ledger.Opened}, Unit: ledger.UnitCase}
		for range 2 { // before columns are there, and after
			got, err := r.Figure(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			want, err := sql.Figure(t.Context(), q)
			if err != nil || got.Value != want.Value || got.Settled.Position != want.Settled.Position {
				t.Fatalf("%+v, SQL says %+v, %v", got, want, err)
			}
			awaitColumns(t, r)
		}
		sameEverywhere(t, r, sql, b)
		var generation uint32
		if err := conn.QueryRow(context.Background(), "SELECT tableoid FROM projection.progress").Scan(&generation); err != nil {
			t.Fatal(err)
		}
		if s := r.columns.now.Load(); s == nil || s.generation != generation {
			t.Fatal("columns are not of these tables")
		}
	}
	tell(b)
	if _, err := Rebuild(t.Context(), Config{URL: url}, b.feed(100), RebuildOptions{}); err != nil {
		t.Fatal(err)
	}
	tell(b)
	dropTables(t, conn)
	tell(&book{records: b.records[:40]})
	other := year(15)
	dropTables(t, conn)
	tell(other)
	// The same tables, of which records and rows were taken back and others put.
	at := ledger.Position(len(other.records))
	for _, change := range []string{
		fmt.Sprintf("UPDATE projection.record SET leaf = decode(repeat('01', 32), 'hex') WHERE position = %d", at),
		"UPDATE projection.respondent_history SET opened = NULL WHERE case_id = (SELECT case_id FROM projection.respondent_history ORDER BY case_id LIMIT 1)",
		"UPDATE projection.progress SET leaf = decode(repeat('01', 32), 'hex')",
	} {
		if _, err := conn.Exec(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	awaitColumns(t, r)
	sameEverywhere(t, r, sql, other)
	// And such that went on since.
	for _, change := range []string{
		"UPDATE projection.respondent_history SET opened = NULL WHERE case_id = (SELECT case_id FROM projection.respondent_history ORDER BY case_id DESC LIMIT 1)",
		fmt.Sprintf("CREATE TEMP TABLE one AS SELECT * FROM projection.record WHERE position = %d", at),
		"UPDATE one SET position = position + 1",
		"INSERT INTO projection.record SELECT * FROM one",
		fmt.Sprintf("UPDATE projection.record SET leaf = decode(repeat('02', 32), 'hex') WHERE position = %d", at),
		"UPDATE projection.progress SET position = position + 1",
	} {
		if _, err := conn.Exec(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	awaitColumns(t, r)
	sameEverywhere(t, r, sql, other)
}

// TestColumnsBesideAHungTable: while PostgreSQL lets one question wait, the others wait
// no longer than they have time, and afterwards all is as before.
func TestColumnsBesideAHungTable(t *testing.T) {
	url := testkit.DB(t)
	b := year(12)
	r := openColumnReader(t, url, 100, 40)
	half := len(b.records) / 2
	project(t, url, (&book{records: b.records[:half]}).feed(100))
	awaitColumns(t, r)
	conn, other := connectTo(t, url), connectTo(t, url)
	move := func(by int) {
		t.Helper()
		if _, err := other.Exec(t.Context(), "UPDATE projection.progress SET position = position + $1", by); err != nil {
			t.Fatal(err)
		}
	}
	hold, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// What records touched cannot be read; where the tables stand can.
	if _, err := hold.Exec(t.Context(), "LOCK TABLE projection.record IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	move(1)
	var hanging sync.WaitGroup
	hanging.Go(func() { _, _, _ = r.stand(t.Context()) })
	for waiting := 0; waiting == 0; {
		if err := other.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'projection.record'::regclass").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	answered := make(chan error, 1)
	go func() {
		ctx, end := context.WithTimeout(context.Background(), time.Second) // to open a connection, too
		defer end()
		_, s, err := r.stand(ctx)
		if s != nil {
			err = fmt.Errorf("columns answered at %d", s.position)
		}
		answered <- err
	}()
	select {
	case err := <-answered:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("a question waits for another's query, beyond its own time")
	}
	if err := hold.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	hanging.Wait()
	move(-1)
	project(t, url, b.feed(100))
	awaitColumns(t, r)
	sameEverywhere(t, r, openReader(t, url), b)
}

// TestWaits: a letter of the day on which it was recorded was sent on that day;
// whoever has a decree waits no more for what comes before it, and goes on waiting
// for what comes after it.
func TestWaits(t *testing.T) {
	url := testkit.DB(t)
	sql, r := openReader(t, url), openColumnReader(t, url, 100, 40)
	b := year(6)
	at := ledger.Date("2021-12-01").Start().Add(10 * time.Hour)
	b.recorded = at
	opened := ledger.CaseOpened{
		Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: "pilkada-2020", Catalogue: ledger.CatalogueSKB2020,
		Act: ledger.Act{Date: "2021-11-01", Region: "73.71"}, Items: []string{"ethics-1"},
		Respondents: []ledger.NewRespondent{{ID: "r1", Employment: "pns", Class: "pelaksana", Institution: institution[0]}},
	}
	letter := ledger.Letter{Number: "R-9/2021", Date: "2021-12-01"}
	b.add(ledger.CaseOpenedKind, 1, ledger.Bawaslu, caseNumber(70), at.Add(-time.Hour), opened)
	b.add(ledger.CaseRecommendedKind, 1, ledger.KASN, caseNumber(70), at, ledger.CaseRecommended{
		Letter: letter, Sent: letter.Date, Authority: authorities[0], Respondents: []ledger.RecommendedRespondent{{ID: "r1", Family: ledger.FamilyDiscipline, Sanction: "medium"}},
	})
	b.recorded = at.AddDate(1, 0, 0)
	b.add(ledger.CaseOpenedKind, 1, ledger.Bawaslu, caseNumber(71), b.recorded, opened)
	project(t, url, b.feed(100))
	awaitColumns(t, r)
	q := ledger.Query{Unit: ledger.UnitRespondent, AsOf: b.recorded, KnownAt: ledger.Position(len(b.records))}
	steps := []Step{
		{ledger.MilestoneRecommended, ledger.MilestoneSent},
		{ledger.MilestoneOpened, ledger.MilestoneChecked},
		{ledger.MilestoneOpened, ledger.MilestoneDelivered},
		{ledger.MilestoneRecommended, ledger.MilestoneDecreed},
	}
	for _, reader := range []*Reader{sql, r} {
		_, got, err := reader.Durations(t.Context(), q, steps, "")
		if err != nil {
			t.Fatal(err)
		}
		for i, step := range steps {
			if want := waits(b.rows(q.KnownAt), q, step, ""); fmt.Sprint(got[i]) != fmt.Sprint(want) {
				t.Errorf("from %s to %s: %v, the ledger says %v", step.From, step.To, got[i], want)
			}
		}
		if done := got[0][0].Done; len(done) == 0 || done[0] == 0 {
			t.Errorf("the letter was not sent on its day: %v", got[0])
		}
		if open := got[1][0].Open; len(open) < 100 || len(open) > 367 || len(got[2][0].Open) < 500 {
			t.Errorf("waits do not end with the decree, or all do: %d and %d days", len(open), len(got[2][0].Open))
		}
	}
}

// TestColumnsBetweenMigrations: a column that is about to come is waited for without
// an alarm.
func TestColumnsBetweenMigrations(t *testing.T) {
	url := testkit.DB(t)
	conn := connectTo(t, url)
	project(t, url, year(3).feed(100))
	rename := func(from, to string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), fmt.Sprintf("ALTER TABLE projection.respondent_history RENAME %s TO %s", from, to)); err != nil {
			t.Fatal(err)
		}
	}
	rename("reached_processed", "not_yet")
	var alarms bytes.Buffer
	r := openReader(t, url)
	r.KeepColumns(slog.New(slog.NewTextHandler(&alarms, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if _, _, err := r.columns.load(t.Context()); !noColumn(err) {
		t.Fatalf("a column was missing: %v", err)
	}
	rename("not_yet", "reached_processed")
	awaitColumns(t, r)
	if alarms.Len() > 0 {
		t.Errorf("it was said: %s", &alarms)
	}
}

// TestColumnsSurviveAPanic: what panics while columns are loaded or brought up to date
// is said, and SQL answers.
func TestColumnsSurviveAPanic(t *testing.T) {
	url := testkit.DB(t)
	b := year(3)
	project(t, url, (&book{records: b.records[:len(b.records)/2]}).feed(100))
	told := make(chan string, 100)
	r := openReader(t, url)
	r.keepColumns(slog.New(slog.NewTextHandler(teller(told), nil)), 0, 40) // no rows at a time
	for said := ""; !strings.Contains(said, "panicked"); {
		select {
		case said = <-told:
		case <-time.After(20 * time.Second):
			t.Fatal("nobody said that it panicked")
		}
	}
	if _, s, err := r.stand(t.Context()); s != nil || err != nil {
		t.Fatalf("columns answer, or %v", err)
	}
	r = openColumnReader(t, url, 100, 40)
	awaitColumns(t, r)
	r.columns.mu.Lock()
	r.columns.words = nil
	r.columns.mu.Unlock()
	project(t, url, b.feed(100))
	if _, s, err := r.stand(t.Context()); s != nil || err != nil {
		t.Fatalf("columns answer, or %v", err)
	}
	awaitColumns(t, r)
	sameEverywhere(t, r, openReader(t, url), b)
}

// teller tells what is written, as long as there is room.
type teller chan string

func (c teller) Write(b []byte) (int, error) {
	select {
	case c <- string(b):
	default:
	}
	return len(b), nil
}
