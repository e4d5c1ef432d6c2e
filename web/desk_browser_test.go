//go:build !race

package web

import (
	"fmt"
	"testing"
)

// TestDeskInBrowser looks at the desk in headless Chromium.
func TestDeskInBrowser(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	newest := d.sizes[len(d.sizes)-1]
	signed, err := d.log.Fetch(t.Context(), fmt.Sprintf("checkpoints/%d", newest))
	if err != nil {
		t.Fatal(err)
	}
	d.audits = []AuditFile{{Name: "universitas-contoh.json", At: imported, Body: d.report(signed)}, {Name: "rusak.json", At: imported, Body: []byte("{}")}}
	d.forget()
	inBrowser(t, "desk.mjs", d.shelf, map[string]any{
		"looks": d.looks(d.deskPages()...), "at": len(d.records) - 40, "last": len(d.records), "walk": d.walks[1].Case,
	})
}
