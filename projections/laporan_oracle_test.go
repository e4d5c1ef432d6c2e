package projections

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// reportColumns has the column of laporan.respondent_history for each of
// ledger.Filters.
func reportColumn(filter string) string {
	if filter == "item" {
		return "items"
	}
	return strings.ReplaceAll(filter, "-", "_")
}

// askHistory counts over laporan.respondent_history as docs/laporan.md shows.
func askHistory(t failer, conn *pgx.Conn, q ledger.Query) (sum uint64) {
	t.Helper()
	for _, m := range q.Measures {
		since := sinceColumn(m, q.Unit) + "_since"
		where := []string{
			"happened_from <= $1", "(happened_to IS NULL OR happened_to > $1)",
			"recorded_from <= $2", "(recorded_to IS NULL OR recorded_to > $2)", since + " IS NOT NULL",
		}
		args := []any{q.AsOf, int64(q.KnownAt)}
		and := func(condition string, value any) {
			args = append(args, value)
			where = append(where, strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(args))))
		}
		if !q.Since.IsZero() {
			and(since+" > ?", q.Since)
		}
		if q.SeenBy != "" {
			and("? = ANY (string_to_array(seen_by, ','))", string(q.SeenBy))
		}
		for _, name := range slices.Sorted(maps.Keys(q.Filter)) {
			and("? = ANY (string_to_array("+reportColumn(name)+", ','))", q.Filter[name])
		}
		key := map[ledger.Unit]string{
			ledger.UnitCase: "case_id", ledger.UnitRespondent: "(case_id, respondent)",
			ledger.UnitRecommendation: "recommendation", ledger.UnitPPK: "ppk",
		}[q.Unit]
		var n uint64
		if err := conn.QueryRow(context.Background(), "SELECT count(DISTINCT "+key+") FROM laporan.respondent_history WHERE "+
			strings.Join(where, " AND "), args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// askNational calls laporan.national_at and gives its values by measure.
func askNational(t failer, conn *pgx.Conn, q ledger.Query) map[string]uint64 {
	t.Helper()
	var since string
	if !q.Since.IsZero() {
		since = q.Since.Format(ledger.RecordedFormat)
	}
	return valuesBy(t, conn, "SELECT measure, value FROM laporan.national_at($1, $2, $3, $4, $5)",
		q.AsOf.Format(ledger.RecordedFormat), fmt.Sprint(q.KnownAt), string(q.Unit), string(q.SeenBy), since)
}

// valuesBy asks for a key and a value in each row.
func valuesBy(t failer, conn *pgx.Conn, sql string, args ...any) map[string]uint64 {
	t.Helper()
	rows, err := conn.Query(context.Background(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]uint64)
	var key string
	var value uint64
	if _, err := pgx.ForEachRow(rows, []any{&key, &value}, func() error {
		out[key] = value
		return nil
	}); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// checkReports compares the views of laporan with what the ledger counts: now,
// and at random pairs of times.
func checkReports(t *rapid.T, conn *pgx.Conn, b *book) {
	last := b.records[len(b.records)-1]
	now := ledger.Query{AsOf: last.Recorded, KnownAt: last.Position}
	rows := b.rows(now.KnownAt)
	checkNow(t, conn, now, rows)
	values := dimensionValues(rows)
	for range 3 {
		q := drawQuery(t, b, values)
		known := b.rows(q.KnownAt)
		if got, want := askHistory(t, conn, q), ledger.Count(known, q); got != want {
			t.Fatalf("question %s:\nrespondent_history says %d, the ledger %d", describe(q), got, want)
		}
		q.Filter = nil
		got := askNational(t, conn, q)
		for _, m := range ledger.MeasureTable {
			q.Measures = []ledger.Measure{m.Measure}
			if want := ledger.Count(known, q); got[m.Name] != want {
				t.Fatalf("question %s:\nnational_at says %d, the ledger %d", describe(q), got[m.Name], want)
			}
		}
	}
}

// checkNow compares the views of what is so now.
func checkNow(t *rapid.T, conn *pgx.Conn, now ledger.Query, rows []ledger.Row) {
	national := valuesBy(t, conn, "SELECT unit || ' ' || measure, value FROM laporan.national")
	if len(national) != len(ledger.Units)*ledger.MeasureCount {
		t.Fatalf("laporan.national has %d rows", len(national))
	}
	var cs, rs []string
	for _, m := range ledger.MeasureTable {
		cs = append(cs, fmt.Sprintf("'case %s', count(*) FILTER (WHERE %[1]s)", m.Name))
		rs = append(rs, fmt.Sprintf("'respondent %s', count(%[1]s_since)", m.Name))
	}
	listed := valuesBy(t, conn, `
		SELECT e.key, e.value::bigint FROM (SELECT json_build_object(`+strings.Join(cs, ", ")+`) FROM laporan.cases) s (j) CROSS JOIN LATERAL json_each_text(j) e
		UNION ALL
		SELECT e.key, e.value::bigint FROM (SELECT json_build_object(`+strings.Join(rs, ", ")+`) FROM laporan.respondents) s (j) CROSS JOIN LATERAL json_each_text(j) e`)
	for _, m := range ledger.MeasureTable {
		q := now
		q.Measures = []ledger.Measure{m.Measure}
		for _, q.Unit = range ledger.Units {
			key, want := string(q.Unit)+" "+m.Name, ledger.Count(rows, q)
			if got := national[key]; got != want {
				t.Fatalf("laporan.national: %d %s, the ledger %d", got, key, want)
			}
			if got, is := listed[key]; got != want && (is || q.Unit == ledger.UnitCase || q.Unit == ledger.UnitRespondent) {
				t.Fatalf("laporan.cases and respondents: %d %s, the ledger %d", got, key, want)
			}
		}
	}
	cases := make(map[string]bool)
	respondents := 0
	for _, r := range rows {
		cases[r.Case] = true
		if r.To.IsZero() {
			respondents++
		}
	}
	var n, sum int
	if err := conn.QueryRow(context.Background(), "SELECT count(*), coalesce(sum(respondents), 0) FROM laporan.cases").Scan(&n, &sum); err != nil || n != len(cases) || sum != respondents {
		t.Fatalf("laporan.cases has %d rows with %d respondents, the ledger %d with %d (%v)", n, sum, len(cases), respondents, err)
	}
}

// demo is the history of 2020 as if it had been recorded in 2026.
func demo(t *testing.T) *book {
	t.Helper()
	b := newBook(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	for s, err := range simulate.Pilkada2020(simulate.Config{Origin: origin, Seed: 2020}) {
		if err != nil {
			t.Fatal(err)
		}
		info, known := ledger.LookupKind(s.Kind, 1)
		if !known {
			t.Fatalf("unknown kind %s", s.Kind)
		}
		e, bad := ledger.Decode(s.Body)
		if bad != nil {
			t.Fatal(bad)
		}
		b.recorded = b.recorded.Add(time.Millisecond)
		b.records = append(b.records, ledger.Record{
			Position: ledger.Position(len(b.records) + 1), Recorded: b.recorded, Subject: ledger.SubjectOf(e, info), Body: s.Body,
			Signatures: []ledger.Signature{ledger.Sign("bkn/2020a", writerKey, s.Body)},
		})
	}
	return b
}

// TestReportsGiveThePublishedFigures asks laporan every figure of the four
// tables published in 2020, in both ways, and compares with berkas national.
func TestReportsGiveThePublishedFigures(t *testing.T) {
	url := testkit.DB(t)
	projectLoudly(t, url, demo(t).feed(1000))
	conn, reader := connectTo(t, url), openReader(t, url)
	figures, err := reader.PublishedFigures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tables := make(map[string]int)
	whole := 0
	for _, f := range figures {
		q, err := f.Query(0)
		if err != nil {
			t.Fatal(err)
		}
		national, err := reader.Figure(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		tables[f.Table]++
		if national.Value != f.Value {
			t.Errorf("%s: berkas national says %d, published %d", describe(q), national.Value, f.Value)
		}
		if got := askHistory(t, conn, national.Query); got != f.Value {
			t.Errorf("%s: laporan.respondent_history says %d, published %d", describe(q), got, f.Value)
		}
		if len(f.Filter) > 0 {
			continue
		}
		whole++
		// As a person asks: with dates.
		var sum uint64
		if err := conn.QueryRow(t.Context(), "SELECT sum(value) FROM laporan.national_at(as_of => $1, unit => $2, seen_by => $3, since => $4) WHERE measure = ANY (string_to_array($5, '+'))",
			string(f.AsOf), string(f.Unit), string(f.SeenBy), string(f.Since), f.Measure).Scan(&sum); err != nil || sum != f.Value {
			t.Errorf("%s: laporan.national_at says %d, published %d (%v)", describe(q), sum, f.Value, err)
		}
	}
	if want := map[string]int{"bws20": 6, "mdn20": 8, "bkn20": 12, "bkn20lakip": 6}; !maps.Equal(tables, want) || whole < 10 {
		t.Errorf("asked for %v figures, %d without filter; want %v", tables, whole, want)
	}
	shown := strs(t, conn, `SELECT publication || ' ' || as_of || ' ' || coalesce(filter, '-') || ' ' || value FROM laporan.figures WHERE publication = 'bkn20' AND measure = 'blocked' ORDER BY ordinal`)
	if want := []string{
		"bkn20 2020-11-26 - 26", "bkn20 2020-11-26 office=central 17", "bkn20 2020-11-26 office=IV 5",
		"bkn20 2020-11-26 office=IX 2", "bkn20 2020-11-26 office=III 1", "bkn20 2020-11-26 office=XII 1",
	}; !slices.Equal(shown, want) {
		t.Errorf("laporan.figures shows %q, want %q", shown, want)
	}
	// Spans that have not ended end with NULL, which every tool reads, and not with
	// infinity or the largest number.
	if got, want := one(t, conn, `
		SELECT concat_ws(' ', count(*) FILTER (WHERE happened_to = 'infinity'), count(*) FILTER (WHERE recorded_to > (SELECT position FROM laporan.progress)),
			count(*) FILTER (WHERE happened_to IS NULL AND recorded_to IS NULL), count(*) FILTER (WHERE recorded_from_at IS NULL OR (recorded_to IS NULL) <> (recorded_to_at IS NULL)))
		FROM laporan.respondent_history`), "0 0 "+one(t, conn, "SELECT count(*) FROM laporan.respondents")+" 0"; got != want {
		t.Errorf("ends of spans: %s, want %s", got, want)
	}
}
