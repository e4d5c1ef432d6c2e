package projections

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// TestLatestIsKept: what is owed now is answered as it was a few seconds ago while
// it is worked out anew, and never as it was long ago; every answer is right for the
// position that it names.
func TestLatestIsKept(t *testing.T) {
	url := testkit.DB(t)
	b := yearUnderRules(20)
	r := openColumnReader(t, url, 100, 40)
	var clock atomic.Int64
	r.columns.latest.from, r.columns.latest.clock = 1, func() time.Time { return time.Unix(1_600_000_000, clock.Load()) }
	pass := func(d time.Duration) { clock.Add(int64(d)) }
	part := func(n int) *book { return &book{records: b.records[:len(b.records)*n/4]} }
	tell := func(n int) ledger.Position {
		t.Helper()
		project(t, url, part(n).feed(100))
		awaitColumns(t, r)
		return ledger.Position(len(part(n).records))
	}
	ask := func(want ledger.Position) {
		t.Helper()
		got, err := r.Backlog(t.Context(), BacklogQuery{Longest: 3, TrendOf: func(at time.Time) []time.Time { return []time.Time{at.AddDate(0, -1, 0), at} }})
		if err != nil {
			t.Fatal(err)
		}
		list, err := r.WorkList(t.Context(), WorkQuery{Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		if got.Query.KnownAt != want || list.Query.KnownAt != want {
			t.Fatalf("known at %d and %d, not %d", got.Query.KnownAt, list.Query.KnownAt, want)
		}
		if last := b.records[want-1]; !got.Query.AsOf.Equal(last.Recorded) || len(got.Trend) != 2 || list.Total != len(b.obligations(WorkQuery{AsOf: last.Recorded, KnownAt: want})) {
			t.Fatalf("as of %v, %d moments, %d owed", got.Query.AsOf, len(got.Trend), list.Total)
		}
		compareBacklog(t, got, b)
	}
	first := tell(1)
	ask(first)
	second := tell(2)
	ask(first)
	pass(latestFresh)
	ask(first) // and it is worked out anew
	r.columns.under.Wait()
	ask(second)
	third := tell(3)
	pass(latestStale)
	ask(third)
	if _, err := Rebuild(t.Context(), Config{URL: url}, part(3).feed(100), RebuildOptions{}); err != nil {
		t.Fatal(err)
	}
	ask(tell(4)) // tables are others
}
