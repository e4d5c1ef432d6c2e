package schemas_test

import (
	"testing"

	"github.com/berkas-ledger/berkas/schemas"
)

func newValidator(t testing.TB) *schemas.Validator {
	t.Helper()
	v, err := schemas.New()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEverySchemaCompiles(t *testing.T) { newValidator(t) }

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		newValidator(b)
	}
}
