package eventstore

import (
	"fmt"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 64, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			j := openTestJournal(b, newJournal(b, 0), JournalOptions{})
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				leaves := leavesOf(newRecords(j.Len()+1, n, "", 1000))
				b.StartTimer()
				check(b, j.Append(leaves))
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func BenchmarkParseLeaf(b *testing.B) {
	leaf := newRecord(1, "", 1000).Leaf()
	b.ReportAllocs()
	for b.Loop() {
		_, err := ledger.ParseLeaf(leaf)
		check(b, err)
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := newJournal(b, 50000)
	for b.Loop() {
		j, err := OpenJournal(b.Context(), dir, "", JournalOptions{})
		check(b, err)
		check(b, j.Close())
	}
	b.ReportMetric(float64(b.N*50000)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkJournalFeed(b *testing.B) {
	j := openTestJournal(b, newJournal(b, 50000), JournalOptions{})
	b.ReportAllocs()
	for b.Loop() {
		check(b, j.Feed()(b.Context(), 0, func([]ledger.Record) error { return nil }))
	}
	b.ReportMetric(float64(b.N*50000)/b.Elapsed().Seconds(), "records/s")
}
