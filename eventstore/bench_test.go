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

func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{1, 64, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := newNode(b).open(b)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				records := newRecords(s.Journal().Len()+1, n, "", 1000)
				b.StartTimer()
				check(b, s.Commit(b.Context(), records, func() {}))
			}
			check(b, s.settle(b.Context()))
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkIntake takes submissions that wait, and acknowledges them.
func BenchmarkIntake(b *testing.B) {
	n := newNode(b)
	s := n.open(b)
	const waiting = 20000
	for b.Loop() {
		b.StopTimer()
		n.server.submit(b, ledger.Bawaslu, numbered("x", waiting)...)
		b.StartTimer()
		in := n.intake(b, s, ledger.Bawaslu)
		for taken := 0; taken < waiting; {
			list, err := in.Next(b.Context(), MaxBatch)
			check(b, err)
			for _, m := range list {
				m.Ack()
			}
			taken += len(list)
		}
		check(b, flush(b.Context(), s.conn.Conn))
		check(b, in.Close())
	}
	b.ReportMetric(float64(b.N*waiting)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkRecover compares journal and LEDGER.
func BenchmarkRecover(b *testing.B) {
	s := newNode(b).open(b)
	const length = 50
	for range length {
		commit(b, s, newRecords(s.Journal().Len()+1, MaxBatch, "", 1000))
	}
	for b.Loop() {
		check(b, s.Recover(b.Context()))
	}
	b.ReportMetric(float64(b.N*length*MaxBatch)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkFollow reads LEDGER from the beginning.
func BenchmarkFollow(b *testing.B) {
	n := newNode(b)
	s := n.open(b)
	const length = 50
	for range length {
		commit(b, s, newRecords(s.Journal().Len()+1, MaxBatch, "", 1000))
	}
	for b.Loop() {
		if got := n.onLedger(b); len(got) != length*MaxBatch+1 {
			b.Fatalf("read %d records", len(got))
		}
	}
	b.ReportMetric(float64(b.N*length*MaxBatch)/b.Elapsed().Seconds(), "records/s")
}
