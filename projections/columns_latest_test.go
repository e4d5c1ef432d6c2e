package projections

import (
	"context"
	"errors"
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

// TestLatestIsWorkedOutOnce: whoever asks while a question is worked out for the first
// time waits for that, as long as he has time; and work that comes to nothing is begun
// again, whatever became of it.
func TestLatestIsWorkedOutOnce(t *testing.T) {
	url := testkit.DB(t)
	b := year(12)
	r := openColumnReader(t, url, 100, 40)
	var clock atomic.Int64
	r.columns.latest.from, r.columns.latest.clock = 1, func() time.Time { return time.Unix(1_600_000_000, clock.Load()) }
	half := len(b.records) / 2
	project(t, url, (&book{records: b.records[:half]}).feed(100))
	awaitColumns(t, r)
	position := func(_ context.Context, at Settled) (ledger.Position, error) { return at.Position, nil }
	ask := func(want ledger.Position) {
		t.Helper()
		if got, err := latestOf(t.Context(), r, "asked", position); err != nil || got != want {
			t.Fatalf("known at %d, not %d: %v", got, want, err)
		}
	}
	// anew has the question worked out anew beside another that is answered from what is kept.
	anew := func(kept ledger.Position, work func(context.Context, Settled) (ledger.Position, error)) {
		t.Helper()
		clock.Add(int64(latestFresh))
		got, err := latestOf(t.Context(), r, "asked", func(ctx context.Context, at Settled) (ledger.Position, error) {
			if at.Position == kept {
				return at.Position, nil
			}
			return work(ctx, at)
		})
		if r.columns.under.Wait(); err != nil || got != kept {
			t.Fatalf("known at %d, not %d: %v", got, kept, err)
		}
	}
	begun, end, first := make(chan struct{}), make(chan struct{}), make(chan ledger.Position)
	go func() {
		got, _ := latestOf(t.Context(), r, "asked", func(_ context.Context, at Settled) (ledger.Position, error) {
			close(begun)
			<-end
			return at.Position, nil
		})
		first <- got
	}()
	<-begun
	project(t, url, b.feed(100))
	awaitColumns(t, r)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got, err := latestOf(ctx, r, "asked", position); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while it was worked out it was answered at %d: %v", got, err)
	}
	close(end)
	if got := <-first; got != ledger.Position(half) {
		t.Fatalf("worked out at %d", got)
	}
	ask(ledger.Position(half))
	anew(ledger.Position(half), func(context.Context, Settled) (ledger.Position, error) { return 0, errors.New("it failed") })
	anew(ledger.Position(half), func(context.Context, Settled) (ledger.Position, error) { panic("it panicked") })
	anew(ledger.Position(half), position)
	ask(ledger.Position(len(b.records)))
}
