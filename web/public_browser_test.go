//go:build !race

package web

import "testing"

// TestPublicInBrowser looks at the public tables in headless Chromium, as
// somebody who has no credential.
func TestPublicInBrowser(t *testing.T) {
	t.Parallel()
	s := newLiveShelf(t, "public", newLiveBook(t))
	inBrowser(t, "public.mjs", s, s.looks("/public/2020-q3", "/public/2019-q1"))
}
