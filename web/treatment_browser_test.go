//go:build !race

package web

import "testing"

// TestTreatmentInBrowser looks at the shares and times in headless Chromium.
func TestTreatmentInBrowser(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	inBrowser(t, "treatment.mjs", s, s.looks(
		"/treatment/blocked?as-of=2020-11-26", "/treatment/wait-decided?as-of=2020-11-26&by=office", "/treatment?by=item&filter=family%3Dethics",
	))
}
