package agencies

import (
	"slices"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// BenchmarkSubmitAll: an operation is one submission from its bytes to its
// verified receipt, with a registrar that only signs.
func BenchmarkSubmitAll(b *testing.B) {
	key, verifier := receiptKeys(b)
	r := newRegistrar(b, testkit.NATS(b).ClientURL(), key)
	r.intake(ledger.Bawaslu, -1)
	r.work(ledger.Bawaslu)
	clients := Clients{ledger.Bawaslu: dial(b, r.conn.ConnectedUrl(), ledger.Bawaslu, verifier, 10*time.Second)}
	s := signer(b, "bawaslu/2026a")
	subs := make([]ledger.Submission, b.N)
	for i := range subs {
		subs[i] = opening(b, s)
	}
	b.ResetTimer()
	for res := range clients.SubmitAll(b.Context(), slices.Values(subs), 4096) {
		if res.Err != nil {
			b.Fatal(res.Err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "receipts/s")
}
