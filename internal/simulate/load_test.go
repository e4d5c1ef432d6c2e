package simulate

import (
	"bytes"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

func TestLoadIsValid(t *testing.T) {
	c := LoadConfig{Config: Config{Origin: origin, Seed: 3}, Cases: 600, Abreast: 50}
	h := take(t, Load(c))
	if len(h.cases) != c.Cases {
		t.Errorf("%d cases, want %d", len(h.cases), c.Cases)
	}
	kinds := map[ledger.Kind]int{}
	several := 0
	end := time.Date(2025, 12, 31, 17, 0, 0, 0, time.UTC)
	for _, s := range h.steps {
		kinds[s.Kind]++
		if s.Time.After(end) {
			t.Errorf("%s at %v", s.Kind, s.Time)
		}
		if s.Submission.Agency == ledger.KASN && !s.Time.Before(ledger.Date("2024-09-04").Start()) {
			t.Errorf("%s by KASN at %v", s.Kind, s.Time)
		}
	}
	for _, events := range h.cases {
		if len(ledger.Fold(events).Respondents) > 1 {
			several++
		}
	}
	for _, k := range ledger.Kinds {
		special := k.Party == ledger.PartyRegistrar || k.Party == ledger.PartyRoots || k.Party == ledger.PartyOwnRoot ||
			k.Mandate == ledger.MandateVault || k.Kind == ledger.HolidaysPublishedKind
		if !special && kinds[k.Kind] == 0 {
			t.Errorf("no %s among %d events", k.Kind, len(h.steps))
		}
	}
	if several < c.Cases/5 {
		t.Errorf("%d cases with several respondents", several)
	}
	t.Logf("%d events: %v", len(h.steps), kinds)
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
