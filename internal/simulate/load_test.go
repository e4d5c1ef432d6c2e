package simulate

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// A load is a course whose events are told by agencies that have a signer, within
// what mandates for late recording reach.
func TestLoad(t *testing.T) {
	c := LoadConfig{Config: Config{Origin: origin, Seed: 3}, Cases: 600}
	opened, end := 0, time.Date(2025, 12, 31, 17, 0, 0, 0, time.UTC)
	for s, err := range Load(c) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Time.After(end) || !slices.Contains(Agencies, s.Submission.Agency) {
			t.Errorf("%s of %s at %v", s.Kind, s.Submission.Agency, s.Time)
		}
		if e, bad := ledger.Decode(s.Submission.Body); bad != nil || e.ID != s.ID || e.Subject != s.Subject {
			t.Fatalf("%v: %s", bad, s.Body)
		}
		if s.Kind == ledger.CaseOpenedKind {
			opened++
		}
	}
	if opened != c.Cases {
		t.Errorf("%d cases, want %d", opened, c.Cases)
	}
	c.Cases = 0
	for _, err := range Load(c) {
		if err == nil {
			t.Error("a load of no cases")
		}
	}
}

func TestLoadIsRepeatable(t *testing.T) {
	c := LoadConfig{Config: Config{Origin: origin, Seed: 3}, Cases: 100, Bare: true}
	var one [][]byte
	for s, err := range Load(c) {
		if err != nil {
			t.Fatal(err)
		}
		if info, _ := ledger.LookupKind(s.Kind, 1); info.Stream == ledger.StreamRoster {
			t.Errorf("%s in a bare history", s.Kind)
		}
		one = append(one, s.Body)
	}
	i := 0
	for s, err := range Load(c) {
		if err != nil || !bytes.Equal(s.Body, one[i]) {
			t.Fatalf("event %d differs", i)
		}
		i++
	}
}

// BenchmarkLoad: an operation is one event, unsigned.
func BenchmarkLoad(b *testing.B) {
	n, size := 0, 0
	for s, err := range Load(LoadConfig{Config: Config{Origin: origin, Seed: 1}, Cases: b.N}) {
		if err != nil {
			b.Fatal(err)
		}
		size += len(s.Body)
		if n++; n == b.N {
			break
		}
	}
	b.SetBytes(int64(size / max(n, 1)))
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
