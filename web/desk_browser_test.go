package web

import (
	"fmt"
	"testing"
)

// deskPages are addresses of every kind of page of the desk.
func (d *deskShelf) deskPages() []string {
	last := len(d.records)
	return []string{
		"/desk", "/desk/checkpoints", proofAddress(d.sizes[1], d.sizes[len(d.sizes)-1]),
		"/desk/compare?as-of=2020-10-04&then-as-of=2020-11-26&measure=recommended",
		fmt.Sprintf("/desk/replay?at=%d", last-40),
		"/desk/replay/" + d.walks[1].Case + "?step=6", "/desk/audits",
		"/desk/sample?measure=not_followed_up&as-of=2020-11-26&n=3&by=office&seed=undian+2711",
	}
}

// deskInBrowser looks at the desk in headless Chromium.
func deskInBrowser(t *testing.T, d *deskShelf) {
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
