package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// caseJournal makes a journal of cases whose records stand between one another.
func caseJournal(t testing.TB, cases int) (*eventstore.Journal, []ledger.Record) {
	t.Helper()
	w := testkit.NewWorld()
	records := w.Founding()
	add := func(s ledger.Submission) {
		records = append(records, w.Record(records, s, w.Start.Add(time.Duration(len(records))*time.Millisecond)))
	}
	var stories [][]ledger.Submission
	for range cases {
		stories = append(stories, w.Story(w.NewID(), time.Date(2020, 7, 1, 3, 0, 0, 0, time.UTC), 1))
	}
	for i := range stories[0] {
		for _, s := range stories {
			add(s[i])
		}
	}
	dir := filepath.Join(t.TempDir(), "journal")
	if err := eventstore.CreateJournal(dir, w.Origin, records[0]); err != nil {
		t.Fatal(err)
	}
	j, err := eventstore.OpenJournal(t.Context(), dir, w.Origin, eventstore.JournalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	var leaves [][]byte
	for _, r := range records[1:] {
		leaves = append(leaves, r.Leaf())
	}
	if err := j.Append(leaves); err != nil {
		t.Fatal(err)
	}
	return j, records
}

// TestCaseIndexFindsEveryRecord: whatever the index has seen before, it finds the
// records of each case and of the roster that looking through the journal finds.
func TestCaseIndexFindsEveryRecord(t *testing.T) {
	j, records := caseJournal(t, 5)
	want := map[uuid.UUID][]ledger.Position{}
	for _, r := range records {
		if key, ok := keyOfCase(r.CaseID()); ok {
			want[key] = append(want[key], r.Position)
		} else if r.Subject == ledger.SubjectRoster {
			want[uuid.Nil] = append(want[uuid.Nil], r.Position)
		}
	}
	for _, seen := range []int{0, 1, len(records) / 2, len(records)} {
		x := newCaseIndex()
		err := x.watch(testkit.Feed(records[:seen]))(t.Context(), 0, func([]ledger.Record) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		var asking sync.WaitGroup
		for key, list := range want {
			asking.Go(func() {
				if got, err := x.of(t.Context(), j, key); err != nil || !slices.Equal(got, list) {
					t.Errorf("%s after %d records: %v, not %v: %v", key, seen, got, list, err)
				}
			})
		}
		asking.Wait()
		if got, err := x.of(t.Context(), j, uuid.New()); err != nil || len(got) > 0 {
			t.Errorf("a case that is not there: %v %v", got, err)
		}
	}
}

// TestCaseIndexNeedsEveryRecord: a gap stops it, records that come twice do not, and
// a question that was given up is no answer.
func TestCaseIndexNeedsEveryRecord(t *testing.T) {
	j, records := caseJournal(t, 2)
	x := newCaseIndex()
	if err := x.add(records[:3]); err != nil {
		t.Fatal(err)
	}
	if err := x.add(records[1:4]); err != nil || x.at != 4 {
		t.Fatal(x.at, err)
	}
	var broken *ledger.ErrBroken
	if err := x.add(records[5:6]); !errors.As(err, &broken) || broken.Position != 5 {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.of(ctx, j, uuid.Nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for _, id := range []string{"", "x", uuid.Nil.String(), "01726DF4-2380-7000-8000-000000000009", "{01726df4-2380-7000-8000-00000000000}"} {
		if _, ok := keyOfCase(id); ok {
			t.Errorf("%q is a case", id)
		}
	}
}

// BenchmarkCaseRecords reads cases whose records lie far apart in the journal.
func BenchmarkCaseRecords(b *testing.B) {
	j, records := caseJournal(b, 5000)
	x := newCaseIndex()
	if err := x.add(records); err != nil {
		b.Fatal(err)
	}
	var keys []uuid.UUID
	for key := range x.last {
		if key != uuid.Nil {
			keys = append(keys, key)
		}
	}
	for i := 0; b.Loop(); i++ {
		positions, err := x.of(b.Context(), j, keys[i%len(keys)])
		if err != nil {
			b.Fatal(err)
		}
		for _, p := range positions {
			leaf, err := j.Leaf(p)
			if err == nil {
				_, err = ledger.ParseLeaf(leaf)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(records)), "records")
}
