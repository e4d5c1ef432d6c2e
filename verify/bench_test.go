package verify_test

import (
	"crypto/ed25519"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// loaded is a ledger of so many cases of internal/simulate's load, recorded
// in 2026 under mandates for late recording.
func loaded(t testing.TB, cases int) *book {
	t.Helper()
	b := newBook(t)
	b.records = b.records[:len(b.records)-1] // the history publishes its own contests
	for _, a := range simulate.Agencies {
		grant := ledger.Grant{Agency: a, Mandate: ledger.MandateLate, Scope: ledger.ScopeAll, Basis: "UU 5/2014", Doubt: ledger.DoubtNone, Happened: &ledger.Days{From: "2018-01-01", Until: "2026-01-01"}}
		body := b.Event(ledger.Bawaslu, ledger.MandateGrantedKind, string(a), b.clock, ledger.MandateGranted{Grant: grant})
		b.write(b.Sign(ledger.Bawaslu, body, testkit.RootKey(ledger.Bawaslu), testkit.RootKey(ledger.KASN), testkit.RootKey(ledger.BKN)))
	}
	signers := map[ledger.AgencyID]agencies.Signer{}
	for _, a := range simulate.Agencies {
		s, err := agencies.NewSigner(testkit.EventKey(a), b.Private(testkit.EventKey(a)))
		if err != nil {
			t.Fatal(err)
		}
		signers[a] = s
	}
	b.clock = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	for step, err := range simulate.Load(simulate.LoadConfig{Config: simulate.Config{Origin: b.Origin, Signers: signers, Seed: 5}, Cases: cases}) {
		if err != nil {
			t.Fatal(err)
		}
		b.clock = b.clock.Add(time.Millisecond)
		b.records = append(b.records, b.Record(b.records, step.Submission, b.clock))
	}
	return b
}

// BenchmarkAudit against BenchmarkVerify: the second is the limit that the first
// is measured by, the Ed25519 verifications of all cores.
func BenchmarkAudit(b *testing.B) {
	bk := loaded(b, 3000)
	leaves := bk.all()
	signed := bk.checkpoint(leaves)
	for _, with := range []bool{false, true} {
		name := "signatures"
		if with {
			name = "schemas"
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			began := cpuTime(b)
			for b.Loop() {
				a := bk.auditor(leaves, func(c *verify.Config) {
					c.Workers = 0
					if !with {
						c.Schemas = nil
					}
				})
				for i := 0; i < len(leaves); i += 1024 {
					if err := a.Take(ledger.Position(i+1), leaves[i:min(i+1024, len(leaves))]); err != nil {
						b.Fatal(err)
					}
				}
				if r := bk.finish(a, signed); !r.Valid {
					b.Fatalf("%+v", r.Findings)
				}
			}
			b.ReportMetric(float64(b.N)*float64(len(leaves))/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(cpu(b, began)/float64(b.N*len(leaves)), "cpu-µs/record")
		})
	}
	b.Run("limit", func(b *testing.B) {
		signatures, public := 0, map[ledger.KeyID]ed25519.PublicKey{}
		for _, r := range bk.records {
			for _, s := range r.Signatures {
				signatures++
				public[s.Key] = bk.Private(s.Key).Public().(ed25519.PublicKey)
			}
		}
		began := cpuTime(b)
		for b.Loop() {
			parallel(len(bk.records), func(i int) {
				r := bk.records[i]
				for _, s := range r.Signatures {
					if !s.Fits(public[s.Key], r.Body) {
						b.Error("a signature does not fit")
					}
				}
			})
		}
		b.ReportMetric(float64(b.N)*float64(signatures)/b.Elapsed().Seconds(), "signatures/s")
		b.ReportMetric(cpu(b, began)/float64(b.N*len(leaves)), "cpu-µs/record")
	})
	b.Run("validations", func(b *testing.B) {
		began := cpuTime(b)
		for b.Loop() {
			parallel(len(bk.records), func(i int) {
				e, err := ledger.DecodeRecord(bk.records[i])
				if err != nil || validator().Refusal(e.Kind, e.Version, e.Data) != nil {
					b.Error("does not fit")
				}
			})
		}
		b.ReportMetric(float64(b.N)*float64(len(leaves))/b.Elapsed().Seconds(), "records/s")
		b.ReportMetric(cpu(b, began)/float64(b.N*len(leaves)), "cpu-µs/record")
	})
}

// cpuTime is the processor time that this process has taken: neighbours on the
// machine disturb it less than a clock.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func cpu(b *testing.B, began time.Duration) float64 {
	return float64((cpuTime(b) - began).Nanoseconds()) / 1000
}

func parallel(n int, do func(int)) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1) - 1); i < n; i = int(next.Add(1) - 1) {
				do(i)
			}
		})
	}
	wg.Wait()
}

// TestLoadIsValid: nothing is found in a generated history, by which speed is
// measured.
func TestLoadIsValid(t *testing.T) {
	b := loaded(t, 300)
	want(t, b.audit())
}
