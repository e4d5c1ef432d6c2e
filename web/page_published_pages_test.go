package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// TestPublishedPages: pages have every figure once, the newest publication first,
// each says which of how many, and there is none after the last.
func TestPublishedPages(t *testing.T) {
	var lines []projections.Line
	const publications, each = 2*publicationsShown + 3, 4
	for i := range publications {
		for n := range each {
			l := projections.Line{Reason: projections.ReasonUnknown, Figure: projections.PublishedFigure{
				Table: fmt.Sprintf("t%d", i), Publisher: ledger.BKN, AsOf: "2020-12-31", Unit: ledger.UnitCase, Measure: "opened", Position: ledger.Position(i + 1), Ordinal: n + 1,
			}}
			if n == 0 {
				l.Reason = projections.ReasonEqual
			}
			lines = append(lines, l)
		}
	}
	seen := map[string]bool{}
	last := ledger.Position(publications + 1)
	for number := 1; ; number++ {
		q := &publishedQuestion{page: number}
		var p publishedPage
		shown, ok := p.cut(q, lines)
		if !ok {
			if number != 4 {
				t.Errorf("page %d is not there", number)
			}
			break
		}
		if p.Equal != publications || p.Differ != publications*(each-1) || p.Publications != publications || p.To-p.From+1 != len(p.Tables) || len(shown) != each*len(p.Tables) {
			t.Errorf("page %d: %d and %d of %d, %d to %d", number, p.Equal, p.Differ, p.Publications, p.From, p.To)
		}
		if (p.Before == "") != (number == 1) || (p.After == "") != (number == 3) {
			t.Errorf("page %d is between %q and %q", number, p.Before, p.After)
		}
		for _, table := range p.Tables {
			if table.Position >= last || table.Equal != 1 {
				t.Errorf("page %d: position %d after %d, %d equal", number, table.Position, last, table.Equal)
			}
			last = table.Position
			for _, l := range table.Lines {
				if seen[l.Anchor] {
					t.Errorf("%s stands twice", l.Anchor)
				}
				seen[l.Anchor] = true
			}
		}
	}
	if len(seen) != len(lines) {
		t.Errorf("%d of %d figures are shown", len(seen), len(lines))
	}
	series := seriesOf(&publishedQuestion{}, lines)
	if len(series) != 1 || series[0].Of != len(lines) || len(series[0].Values) != seriesShown || series[0].Values[seriesShown-1].Figure.Position != publications {
		t.Errorf("the series is not cut to its last values: %+v", series)
	}
}

// TestPublishedWhileRecordsCome: a comparison that takes long is shown as it was,
// at the position that it names, and exact for it; then the next one is.
func TestPublishedWhileRecordsCome(t *testing.T) {
	b := newBook(t)
	part := *b
	part.records = b.records[:len(b.records)*9/10]
	s := newLiveShelf(t, "published-young", &part)
	ask := func() publishedPage {
		t.Helper()
		page, err := s.server.publishedPage(httptest.NewRequest(http.MethodGet, "/published", nil), &publishedQuestion{page: 1})
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	isTheLedgers := func(page publishedPage, known *book) {
		t.Helper()
		if want := ledger.Position(len(known.records)); page.KnownAt != want || page.Settled.Position != want {
			t.Fatalf("known at %d, not %d", page.KnownAt, want)
		}
		rows, asked := known.rows(t), 0
		for _, table := range page.Tables {
			for _, l := range table.Lines {
				if !l.Asked {
					continue
				}
				asked++
				query, err := l.Figure.Query(0)
				if err != nil {
					t.Fatal(err)
				}
				if want := ledger.Count(rows, query); l.Ledger != want || !strings.Contains(l.Href, fmt.Sprintf("known-at=%d", page.KnownAt)) {
					t.Errorf("%s: %d, the ledger says %d at %d", l.Href, l.Ledger, want, page.KnownAt)
				}
			}
		}
		if asked < 12 {
			t.Fatalf("only %d numbers", asked)
		}
	}
	isTheLedgers(ask(), &part)
	prepared := s.server.comparisons
	prepared.mu.Lock()
	prepared.by[""].took, prepared.by[""].ended = time.Hour, time.Now()
	prepared.mu.Unlock()
	if err := projections.NewProjector(projections.Config{URL: s.url}).Run(t.Context(), testkit.Feed(b.records)); err != nil {
		t.Fatal(err)
	}
	page := ask()
	isTheLedgers(page, &part)
	if page.Now != ledger.Position(len(b.records)) {
		t.Errorf("the page does not say that the tables are at %d: %d", len(b.records), page.Now)
	}
	prepared.mu.Lock()
	prepared.by[""].took = 0
	prepared.mu.Unlock()
	page = ask()
	isTheLedgers(page, b)
	if page.Now != 0 {
		t.Errorf("there is something newer: %d", page.Now)
	}
}
