package registrar_test

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// BenchmarkDecide is everything a registrar does between intake and store:
// signatures, schemas, mandates, case rules, records, receipts. The store takes
// what it is given; nothing is written. One op is one batch of events on their
// way from opening to decision.
func BenchmarkDecide(b *testing.B) {
	for _, size := range []int{64, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) { benchmarkDecide(b, size) })
	}
}

func benchmarkDecide(b *testing.B, size int) {
	n := newNode(b)
	founding := n.store.all()
	batches := make([][]registrar.Message, 16_000/size)
	for i := range batches {
		batches[i] = n.batch(size)
	}
	var g *registrar.Registrar
	// Again from the founding, when all batches are used up.
	begin := func() {
		n.store = newStore(founding)
		c := n.config()
		c.Intake = dropped{}
		var err error
		if g, err = registrar.New(c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	cpu, ops := processorTime(b), 0
	for b.Loop() {
		if ops%len(batches) == 0 {
			b.StopTimer()
			if ops > 0 {
				n.allAdmitted(size * len(batches))
			}
			begin()
			b.StartTimer()
		}
		if err := g.Settle(b.Context(), batches[ops%len(batches)]); err != nil {
			b.Fatal(err)
		}
		ops++
	}
	events := float64(ops * size)
	b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric((processorTime(b)-cpu).Seconds()*1e6/events, "cpu-µs/event")
	b.ReportMetric(0, "ns/op")
}

// processorTime is what this process has used of all cores: a measure that other
// processes disturb less than the clock on the wall.
func processorTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (n *node) allAdmitted(events int) {
	records := n.store.all()[n.founded:]
	if len(records) != events {
		n.t.Fatalf("%d records for %d events", len(records), events)
	}
	for _, r := range records {
		if r.CaseID() == "" {
			n.t.Fatalf("something was refused")
		}
	}
}

// batch draws events of many cases, as they come in when several agencies work.
func (n *node) batch(size int) []registrar.Message {
	var stories [][]ledger.Submission
	for range (size + 7) / 8 {
		stories = append(stories, n.Story(n.NewID(), today.Add(-10*time.Hour), 1))
	}
	var out []registrar.Message
	for step := range 8 {
		for _, s := range stories {
			if len(out) < size {
				out = append(out, message(s[step]))
				out[len(out)-1].Ack = func() {}
			}
		}
	}
	return out
}

// dropped is an intake from which nothing comes and to which nothing matters.
type dropped struct{ registrar.Intake }

func (dropped) SendReceipt(ledger.AgencyID, ledger.Hash, []byte) error { return nil }
func (dropped) Flush() error                                           { return nil }

// BenchmarkReplay is the start: all records are decoded and folded. One op is a
// ledger of 10,000 events.
func BenchmarkReplay(b *testing.B) {
	w := testkit.NewWorld()
	records := w.Founding()
	for len(records) < 10_000 {
		for _, s := range w.Story(w.NewID(), today.Add(-10*time.Hour), 1) {
			records = append(records, w.Record(records, s, today))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		j := registrar.NewJudge(validator(), func(ledger.Kind, int) bool { return true }, nil)
		if err := j.Replay(b.Context(), testkit.Feed(records)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(records))/b.Elapsed().Seconds(), "events/s")
}
