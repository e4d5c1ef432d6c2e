package projections

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

func TestReaderWithoutTables(t *testing.T) {
	r := openReader(t, testkit.DB(t))
	if _, err := r.Progress(t.Context()); !errors.Is(err, ErrNoTables) {
		t.Fatalf("Progress: %v, want %v", err, ErrNoTables)
	}
	if _, err := r.Figure(t.Context(), ledger.Query{Measures: []ledger.Measure{ledger.Opened}, Unit: ledger.UnitCase}); !errors.Is(err, ErrNoTables) {
		t.Fatalf("Figure: %v, want %v", err, ErrNoTables)
	}
}

func TestWaitComesBeforeTheTables(t *testing.T) {
	url := testkit.DB(t)
	r := openReader(t, url)
	waited := make(chan error)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go func() { waited <- r.Wait(ctx, 20) }()
	source := newTap()
	start(t, Config{URL: url}, source.feed)
	source.add(findings(20).records...)
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNotSettled(t *testing.T) {
	url := testkit.DB(t)
	r := openReader(t, url)
	project(t, url, sliceFeed(nil, 1))
	q := ledger.Query{Measures: []ledger.Measure{ledger.Opened}, Unit: ledger.UnitCase}
	var early *ErrNotSettled
	if _, err := r.Figure(t.Context(), q); !errors.As(err, &early) || early.Position != 0 {
		t.Fatalf("a figure of an empty ledger: %v", err)
	}
	b := findings(10)
	last := b.records[len(b.records)-1]
	project(t, url, b.feed(10))
	for _, c := range []struct {
		name string
		ask  func() error
	}{
		{"as-of", func() error {
			_, err := r.Figure(t.Context(), with(q, func(q *ledger.Query) { q.AsOf = last.Recorded.Add(time.Microsecond) }))
			return err
		}},
		{"known-at", func() error {
			_, err := r.Figure(t.Context(), with(q, func(q *ledger.Query) { q.KnownAt = last.Position + 1 }))
			return err
		}},
		{"known-at", func() error { _, err := r.PositionAt(t.Context(), last.Recorded.Add(time.Microsecond)); return err }},
		{"known-at", func() error { _, err := r.Timeline(t.Context(), caseNumber(1), last.Position+1); return err }},
		{"known-at", func() error { _, err := r.Reconcile(t.Context(), someFigure(), last.Position+1); return err }},
	} {
		var late *ErrNotSettled
		if err := c.ask(); !errors.As(err, &late) || late.Position != last.Position || !late.Recorded.Equal(last.Recorded) || late.What != c.name {
			t.Fatalf("%s after the last record: %v", c.name, err)
		}
	}
	a, err := r.Figure(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if a.Value != 10 || a.Query.KnownAt != last.Position || !a.Query.AsOf.Equal(last.Recorded) || !a.Known.Equal(last.Recorded) || a.Settled.Position != last.Position {
		t.Fatalf("answer %+v", a)
	}
}

func with(q ledger.Query, change func(*ledger.Query)) ledger.Query {
	change(&q)
	return q
}

func someFigure() []PublishedFigure {
	return []PublishedFigure{{Publisher: ledger.BKN, AsOf: "2020-09-01", Unit: ledger.UnitCase, Measure: "opened"}}
}

func TestPositionAt(t *testing.T) {
	url := testkit.DB(t)
	r := openReader(t, url)
	b := findings(10)
	project(t, url, b.feed(10))
	for _, record := range b.records {
		same := record.Position // several records may share a recorded time
		for int(same) < len(b.records) && b.records[same].Recorded.Equal(record.Recorded) {
			same++
		}
		if p, err := r.PositionAt(t.Context(), record.Recorded); err != nil || p != same {
			t.Fatalf("known at %s: position %d, %v; want %d", record.Recorded, p, err, same)
		}
	}
	if p, err := r.PositionAt(t.Context(), b.records[0].Recorded.Add(-time.Microsecond)); err != nil || p != 0 {
		t.Fatalf("known before the first record: %d, %v", p, err)
	}
}

func TestTimeline(t *testing.T) {
	url := testkit.DB(t)
	r := openReader(t, url)
	b := findings(2)
	b.recorded = b.recorded.Add(10 * day)
	b.add("case.foretold", 1, ledger.BKN, caseNumber(0), firstDay.Add(-time.Hour), map[string]any{"by": "stars\x00"})
	b.add("case.foretold", 1, ledger.BKN, "ffffffff-ffff-ffff-ffff-ffffffffffff", firstDay, map[string]any{})
	b.add("case.foretold", 1, ledger.BKN, "------------------------------------", firstDay, map[string]any{})
	project(t, url, b.feed(10))
	list, err := r.Timeline(t.Context(), caseNumber(0), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].Kind != "case.foretold" || list[0].Known || !list[0].Late || list[1].Kind != ledger.CaseOpenedKind || list[1].Late {
		t.Fatalf("timeline %+v", list)
	}
	e, record := list[1], b.records[1]
	if e.Position != 2 || !e.Recorded.Equal(record.Recorded) || e.Leaf != record.LeafHash() || e.Case != caseNumber(0) ||
		e.Agency != ledger.Bawaslu || !slices.Equal(e.Keys, []ledger.KeyID{"bawaslu/2020a"}) || len(e.Data) == 0 {
		t.Fatalf("entry %+v", e)
	}
	if list, err = r.Timeline(t.Context(), caseNumber(0), 3); err != nil || len(list) != 1 {
		t.Fatalf("timeline as known at 3: %+v, %v", list, err)
	}
	for _, id := range []string{caseNumber(77), "nonsense"} {
		if _, err := r.Timeline(t.Context(), id, 0); !errors.Is(err, ErrNotFound) {
			t.Fatalf("timeline of %s: %v, want %v", id, err, ErrNotFound)
		}
	}
	p, err := r.Progress(t.Context())
	if err != nil || p.Unknown != 3 {
		t.Fatalf("progress %+v, %v; want 3 unknown records", p, err)
	}
	kinds, err := r.Kinds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []KindCount{{"case.foretold", 1, false, 3}, {ledger.CaseOpenedKind, 1, true, 2}, {ledger.GenesisKind, 1, true, 1}}
	if !slices.Equal(kinds, want) {
		t.Fatalf("kinds %+v, want %+v", kinds, want)
	}
}

func TestRefusals(t *testing.T) {
	url := testkit.DB(t)
	r := openReader(t, url)
	b := newBook(firstDay)
	b.genesis(3)
	for i, agency := range []ledger.AgencyID{ledger.KASN, ledger.BKN, ledger.KASN} {
		b.add(ledger.SubmissionRefusedKind, 1, ledger.Registrar, string(agency), b.recorded, ledger.SubmissionRefused{
			Agency: agency, Reason: ledger.CodeSchema, Pointers: []string{"/data"}, Digest: "ab", First: ledger.Position(i),
		})
	}
	project(t, url, b.feed(10))
	list, err := r.Refusals(t.Context(), ledger.KASN, 10)
	if err != nil || len(list) != 2 || list[0].Position != 4 || list[0].First != 2 || list[1].First != 0 || list[0].Reason != ledger.CodeSchema {
		t.Fatalf("refusals of KASN: %+v, %v", list, err)
	}
	if list, err = r.Refusals(t.Context(), "", 2); err != nil || len(list) != 2 || list[1].Agency != ledger.BKN {
		t.Fatalf("the last two refusals: %+v, %v", list, err)
	}
}

// The tables have a column for each measure, each filter a column, each unit a
// key; whoever adds one in ledger is told here.
func TestColumnsFollowTheLedger(t *testing.T) {
	url := testkit.DB(t)
	project(t, url, findings(1).feed(1))
	rows, err := connectTo(t, url).Query(t.Context(), `
		SELECT attname::text FROM pg_attribute
		WHERE attrelid = 'projection.respondent_history'::regclass AND attnum > 0 ORDER BY attnum`)
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(columns, historyColumns) {
		t.Fatalf("columns of the table:\n%v\nas encoded:\n%v", columns, historyColumns)
	}
	for _, f := range ledger.Filters {
		if !slices.Contains(columns, dimensions[f].column) {
			t.Errorf("filter %s has no column", f)
		}
	}
	if len(dimensions) != len(ledger.Filters) || len(unitKeys) != len(ledger.Units) {
		t.Error("dimensions or units differ from the ledger's")
	}
}

// TestScansLeaveConnections: who reads whole tables waits for a place, which he
// leaves again; others do not wait.
func TestScansLeaveConnections(t *testing.T) {
	url := testkit.DB(t)
	b := year(3)
	project(t, url, b.feed(100))
	r := openReader(t, url)
	if n := cap(r.scans); n < 1 || n >= int(r.pool.Config().MaxConns) {
		t.Fatalf("%d scans at once of %d connections", n, r.pool.Config().MaxConns)
	}
	q := ledger.Query{Measures: []ledger.Measure{ledger.Opened}, Unit: ledger.UnitCase}
	for range cap(r.scans) {
		r.scans <- struct{}{}
	}
	gone, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 2)
	go func() { _, err := r.Figure(gone, q); asked <- err }()
	go func() { _, _, err := r.RecentFigures(gone, ledger.Position(len(b.records)), "", 10); asked <- err }()
	if _, err := r.Progress(t.Context()); err != nil {
		t.Error(err)
	}
	cancel()
	for range cap(asked) {
		if err := <-asked; !errors.Is(err, context.Canceled) {
			t.Errorf("who has gone is told %v", err)
		}
	}
	for range cap(r.scans) {
		<-r.scans
	}
	if _, _, err := r.FiguresBy(t.Context(), q, "class"); err != nil {
		t.Error(err)
	}
	if _, err := r.WorkList(t.Context(), WorkQuery{}); err != nil {
		t.Error(err)
	}
	if _, _, err := r.RecentFigures(t.Context(), ledger.Position(len(b.records)), "", 10); err != nil {
		t.Error(err)
	}
	if len(r.scans) != 0 {
		t.Errorf("%d places are held by nobody", len(r.scans))
	}
}
