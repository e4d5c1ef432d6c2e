//go:build !race

package web

import "testing"

// TestCaseInBrowser walks through cases and the search in headless Chromium.
func TestCaseInBrowser(t *testing.T) {
	t.Parallel()
	s := newCaseShelf(t)
	first, corrected := s.walks[0].Case, s.walks[1].Case
	inBrowser(t, "case.mjs", s, map[string]any{
		"corrected": corrected,
		"looks":     s.looks("/cases/"+first, "/cases/"+corrected+"?known-at=8230", "/search?q=CONTOH-9001", "/search?q=sulawesi", "/search?refused=personal"),
	})
}
