package schemas_test

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/berkas-ledger/berkas/ledger"
)

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		newValidator(b)
	}
}

// BenchmarkValidate: one op is one event; the small ones are a case of one
// respondent from opening to decision.
func BenchmarkValidate(b *testing.B) {
	small := []ledger.Kind{
		ledger.CaseOpenedKind, ledger.CompletenessCheckedKind, ledger.CaseRegisteredKind, ledger.CaseAssessedKind,
		ledger.CaseForwardedKind, ledger.CaseReceivedKind, ledger.CaseClarifiedKind, ledger.CaseRecommendedKind,
		ledger.DecisionRecordedKind,
	}
	b.Run("small", func(b *testing.B) { benchmarkValidate(b, small, 1) })
	b.Run("opened-1-sealed-0", func(b *testing.B) { benchmarkValidate(b, []ledger.Kind{ledger.CaseOpenedKind}, 1) })
	b.Run("opened-3-sealed-4", func(b *testing.B) { benchmarkValidate(b, []ledger.Kind{ledger.CaseOpenedKind}, 2) })
	b.Run("decision-4", func(b *testing.B) { benchmarkValidate(b, []ledger.Kind{ledger.DecisionRecordedKind}, 2) })
}

func benchmarkValidate(b *testing.B, kinds []ledger.Kind, n int) {
	v := newValidator(b)
	data := make([][]byte, len(kinds))
	size := 0
	for i, k := range kinds {
		// As an agency sends it: without the spaces of the example file.
		d := jsontext.Value(bytes.Clone(accepted(b, ledger.KindInfo{Kind: k, Version: 1}, n)))
		if err := d.Compact(); err != nil {
			b.Fatal(err)
		}
		data[i] = d
		size += len(d)
	}
	b.SetBytes(int64(size / len(kinds)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if got := v.Validate(kinds[i], 1, data[i]); got != nil {
			b.Fatal(got)
		}
		i = (i + 1) % len(kinds)
	}
}
