package projections

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

func compareWith(t *testing.T, url string, b *book) Compared {
	t.Helper()
	out, err := Compare(t.Context(), Config{URL: url}, b.feed(10), ledger.Position(len(b.records)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCompareNamesEveryRow: whatever row of whatever table is changed, it is named,
// and nothing is mended.
func TestCompareNamesEveryRow(t *testing.T) {
	url := testkit.DB(t)
	b := findings(20)
	project(t, url, b.feed(10))
	out := compareWith(t, url, b)
	if len(out.Differences) > 0 || out.Position != ledger.Position(len(b.records)) || out.Rows < int64(len(b.records)) || out.Indexes != "amcheck" {
		t.Fatalf("sound tables: %+v", out)
	}
	admin := connectTo(t, url)
	for _, change := range []struct{ table, sql, row, problem string }{
		{"respondent_history", "UPDATE projection.respondent_history SET office = 'II' WHERE ctid = (SELECT min(ctid) FROM projection.respondent_history)", "case_id=", "not what the ledger gives: office"},
		{"record", "DELETE FROM projection.record WHERE position = 5", "position=5", "the row is missing"},
		{"refusal", "INSERT INTO projection.refusal VALUES (7, now(), 'bkn', 'schema', '{}', '00', NULL)", "position=7", "the ledger gives no such row"},
		{"progress", "UPDATE projection.progress SET unknown = 1", "one=true", "not what the ledger gives: unknown"},
		{"progress", "UPDATE projection.progress SET position = 1000000", "one=true", "not what the ledger gives: position"},
		{"progress", "DELETE FROM projection.progress", "", "no rows"},
		{"record", `UPDATE projection.record SET data = (data::text || ' ')::json WHERE position = 7`, "position=7", "not what the ledger gives: how JSON is written"},
	} {
		if _, err := admin.Exec(t.Context(), change.sql); err != nil {
			t.Fatal(err)
		}
		for range 2 { // it mends nothing
			out := compareWith(t, url, b)
			if len(out.Differences) == 0 || out.Differences[0].Table != change.table ||
				!strings.HasPrefix(out.Differences[0].Row, change.row) || !strings.Contains(out.Differences[0].Problem, change.problem) {
				t.Fatalf("%s: found %+v", change.sql, out.Differences)
			}
		}
		if _, err := Rebuild(t.Context(), Config{URL: url}, b.feed(10), RebuildOptions{Anew: true}); err != nil {
			t.Fatalf("after %s: %v", change.sql, err)
		}
		if out := compareWith(t, url, b); len(out.Differences) > 0 {
			t.Fatalf("a rebuild after %s leaves %+v", change.sql, out.Differences)
		}
	}
	var schemas int
	if err := admin.QueryRow(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'projection%'").Scan(&schemas); err != nil || schemas != 1 {
		t.Errorf("%d schemas are left, want one (%v)", schemas, err)
	}
}

// TestCompareCountsTheRest: a table that is wrong altogether is not listed row by
// row.
func TestCompareCountsTheRest(t *testing.T) {
	url := testkit.DB(t)
	b := findings(30)
	project(t, url, b.feed(10))
	if _, err := connectTo(t, url).Exec(t.Context(), "DELETE FROM projection.record"); err != nil {
		t.Fatal(err)
	}
	out := compareWith(t, url, b)
	if len(out.Differences) != MostDifferences+1 || !strings.HasPrefix(out.Differences[MostDifferences].Problem, "and ") {
		t.Errorf("%d differences: %+v", len(out.Differences), out.Differences)
	}
}

// TestCompareFindsHiddenRows: an index that lacks a row hides it from whoever asks
// by it. With PostgreSQL's checker, and without.
func TestCompareFindsHiddenRows(t *testing.T) {
	url := testkit.DB(t)
	b := findings(20)
	project(t, url, b.feed(10))
	admin := connectTo(t, url)
	ready := func(yes string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), "UPDATE pg_index SET indisready = "+yes+", indisvalid = "+yes+" WHERE indexrelid = 'projection.record_by_recorded'::regclass"); err != nil {
			t.Fatal(err)
		}
	}
	ready("false")
	again := connectTo(t, url)
	if _, err := again.Exec(t.Context(), "DELETE FROM projection.record WHERE position = 9"); err != nil {
		t.Fatal(err)
	}
	insertRecord(t, again, url, b, 9)
	ready("true")
	out := compareWith(t, url, b)
	if len(out.Differences) != 1 || out.Differences[0].Table != "record" || !strings.Contains(out.Differences[0].Problem, "index record_by_recorded") {
		t.Errorf("with amcheck: %+v", out)
	}
	c := &comparison{rebuild: rebuild{conn: connectTo(t, url)}}
	list, err := c.listIndexes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		tx, err := c.conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = c.scan(t.Context(), tx, i)
		if (err != nil) != (i.name == "record_by_recorded") {
			t.Errorf("scanning index %s of %s: %v", i.name, i.table, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// insertRecord puts the row of a position back as a projector writes it.
func insertRecord(t *testing.T, conn *pgx.Conn, url string, b *book, p ledger.Position) {
	t.Helper()
	if err := migrate(t.Context(), url, "elsewhere"); err != nil {
		t.Fatal(err)
	}
	writing, err := connect(t.Context(), url, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(context.Background(), writing)
	w := &writer{conn: writing, schema: "elsewhere", beside: true}
	if err := (Config{URL: url}).follow(t.Context(), w, b.feed(10), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO projection.record SELECT * FROM elsewhere.record WHERE position = $1", int64(p)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "DROP SCHEMA elsewhere CASCADE"); err != nil {
		t.Fatal(err)
	}
}

// TestCompareBesideAProjector: comparing while records come finds nothing.
func TestCompareBesideAProjector(t *testing.T) {
	url := testkit.DB(t)
	b := findings(200)
	source := newTap()
	source.add(b.records[:100]...)
	p := start(t, Config{URL: url, batchRecords: 5}, source.feed)
	waitFor(t, openReader(t, url), 100)
	grown := make(chan struct{})
	go func() {
		defer close(grown)
		for i := 100; i < len(b.records); i += 5 {
			source.add(b.records[i:min(i+5, len(b.records))]...)
		}
	}()
	for range 3 {
		out, err := Compare(t.Context(), Config{URL: url}, source.feed, 0)
		if err != nil || len(out.Differences) > 0 || out.Position < 100 {
			t.Fatalf("beside a projector: %+v, %v", out, err)
		}
	}
	<-grown
	waitFor(t, openReader(t, url), ledger.Position(len(b.records)))
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
}
