package ledger_test

import (
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

func TestInvented(t *testing.T) {
	for origin, want := range map[string]bool{
		"berkas.example/simulated-7": true, "berkas.example/dev": true,
		"berkas.example/uji": false, "berkas.example/developed": false, "berkas.go.id/2026": false, "berkas.go.id/simulated-7": false, "": false,
	} {
		english, indonesian := ledger.Invented(origin)
		if (english != "") != want || (indonesian != "") != want {
			t.Errorf("%s: %q, %q", origin, english, indonesian)
		}
	}
}
