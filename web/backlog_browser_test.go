//go:build !race

package web

import (
	"html"
	"testing"
)

// TestBacklogInBrowser walks through the backlog with its calendar, the work list,
// and published figures with their traces.
func TestBacklogInBrowser(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	trace := html.UnescapeString(traceLink.FindStringSubmatch(s.shows("/published?reason=late-recording"))[1])
	inBrowser(t, "backlog.mjs", s, map[string]any{
		"pages": s.looks("/backlog?as-of=2020-11-26", "/worklist?as-of=2020-11-26&state=overdue&kind=duty", "/published", trace),
		"trace": trace,
	})
}
