package simulate

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/schemas"
)

// grantsOfTests are the mandates that the tests' ledgers need: those of testkit's
// world, of which control was granted anew when reprimands came, and what happened
// until the end of 2025 may be recorded late.
func grantsOfTests() []ledger.Grant {
	var list []ledger.Grant
	for _, g := range testkit.NewWorld().Mandates() {
		if g.Mandate == ledger.MandateControl {
			before := g
			before.Until, g.From = reprimanded, reprimanded
			list = append(list, before)
		}
		if g.Mandate == ledger.MandateLate {
			g.Happened = &ledger.Days{From: "2018-01-01", Until: "2026-01-01"}
		}
		list = append(list, g)
	}
	return list
}

func simulated(cases int, seed uint64, until ledger.Date) Ledger {
	return Ledger{Course: Course{Cases: cases, Seed: seed, Until: until}, Grants: grantsOfTests()}
}

// all gives a ledger's records.
func all(t testing.TB, l Ledger) []ledger.Record {
	t.Helper()
	var out []ledger.Record
	err := l.Feed()(t.Context(), 0, func(list []ledger.Record) error {
		out = append(out, list...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Every record passes the registrar's judgement at the moment at which the ledger
// says it was recorded, with everything before it recorded.
func TestLedgerIsAsTheRegistrarWouldHaveIt(t *testing.T) {
	for seed := range uint64(3) {
		records := all(t, simulated(400, seed, "2026-10-31"))
		v, err := schemas.New()
		if err != nil {
			t.Fatal(err)
		}
		j := registrar.NewJudge(v, func(ledger.Kind, int) bool { return true }, func(p ledger.Position) (ledger.Record, error) { return records[p-1], nil })
		fold := func(list []ledger.Record) {
			if err := j.Replay(t.Context(), func(_ context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
				return yield(append(records[after:after+1:after+1], list...))
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Replay(t.Context(), func(_ context.Context, _ ledger.Position, yield func([]ledger.Record) error) error {
			return yield(records[:1])
		}); err != nil {
			t.Fatal(err)
		}
		late, previous := 0, time.Time{}
		for _, r := range records[1:] {
			e, err := ledger.DecodeRecord(r)
			if err != nil {
				t.Fatal(err)
			}
			if r.Recorded.Before(previous) {
				t.Fatalf("position %d is recorded before the one before it", r.Position)
			}
			previous = r.Recorded
			if e.Source != ledger.Registrar {
				bad, err := j.Check(e.Source, r.Body, r.Recorded, r.Signatures...)
				if err != nil || bad != nil {
					t.Fatalf("seed %d, position %d, %s of %s at %v, recorded %v: %v %v\n%s", seed, r.Position, e.Kind, e.Source, e.Time, r.Recorded, bad, err, r.Body)
				}
				if j.Roster().Genesis().Late(e.Time, r.Recorded) {
					late++
				}
			}
			fold([]ledger.Record{r})
		}
		if late*200 < len(records) || late*5 > len(records) {
			t.Errorf("%d of %d records are late", late, len(records))
		}
		t.Logf("%d records, %d late, the last at %v", len(records), late, previous)
	}
}

// The genesis record and the roster say in the end what the mandates of today do.
func TestMandatesComeAndGo(t *testing.T) {
	l := simulated(1, 1, "2026-10-31")
	records := all(t, l)
	r, err := roster.Start(records[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range records[1:] {
		e, err := ledger.DecodeRecord(x)
		if err != nil {
			t.Fatal(err)
		}
		if r, err = r.Apply(x.Position, e); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range l.Grants {
		found := false
		for _, g := range r.Grants() {
			found = found || g.Agency == want.Agency && g.Mandate == want.Mandate && g.From == want.From && g.Until == want.Until && g.Scope == want.Scope
		}
		if !found {
			t.Errorf("no grant as %+v", want)
		}
	}
	if len(r.Grants()) != len(l.Grants) {
		t.Errorf("%d grants, want %d", len(r.Grants()), len(l.Grants))
	}
}

// BenchmarkCourse: an operation is one event; told only, as lines, as unsigned and
// as signed records.
func BenchmarkCourse(b *testing.B) {
	report := func(b *testing.B, n int) { b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s") }
	b.Run("told", func(b *testing.B) {
		n := 0
		for range (Course{Cases: b.N/10 + 1, Seed: 1, Until: "2025-12-31"}).Events() {
			n++
		}
		report(b, n)
	})
	b.Run("lines", func(b *testing.B) {
		n := 0
		if err := (Course{Cases: b.N/10 + 1, Seed: 1, Until: "2025-12-31"}).Lines(b.Context(), io.Discard, func(total int) { n = total }); err != nil {
			b.Fatal(err)
		}
		report(b, n)
	})
	for name, unsigned := range map[string]bool{"signed": false, "unsigned": true} {
		b.Run(name, func(b *testing.B) {
			n := 0
			l := simulated(b.N/10+1, 1, "2025-12-31")
			l.Unsigned = unsigned
			if err := l.Feed()(b.Context(), 0, func(list []ledger.Record) error {
				n += len(list)
				return nil
			}); err != nil {
				b.Fatal(err)
			}
			report(b, n)
		})
	}
}
