package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
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
		page, err := s.server.publishedPage(t.Context(), &publishedQuestion{page: 1})
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
	prepared.by[comparedKey{}].took, prepared.by[comparedKey{}].ended = time.Hour, time.Now()
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
	prepared.by[comparedKey{}].took = 0
	prepared.mu.Unlock()
	page = ask()
	isTheLedgers(page, b)
	if page.Now != 0 {
		t.Errorf("there is something newer: %d", page.Now)
	}
}

// TestPublishedFileIsThePage: the file that a page links to has the figures of all
// the page's pages, with the same numbers and reasons.
func TestPublishedFileIsThePage(t *testing.T) {
	s := newShelf(t)
	csv := regexp.MustCompile(`href="(/v1/exports/published[^"]*format=csv)"`)
	for query, least := range map[string]int{
		"": 30, "publisher=bkn": 5, "reason=late-recording": 3, "known-at=published": 30, "known-at=" + strconv.Itoa(len(s.records)/2): 30, "table=bkn20&publisher=bkn": 1,
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		q, err := parsePublishedQuestion(values)
		if err != nil {
			t.Fatal(err)
		}
		var shown, had []string
		for more := true; more; q.page++ {
			page, err := s.server.publishedPage(t.Context(), &q)
			if err != nil {
				t.Fatal(err)
			}
			for _, table := range page.Tables {
				for _, l := range table.Lines {
					ours := ""
					if l.Asked {
						ours = strconv.FormatUint(l.Ledger, 10)
					}
					shown = append(shown, fmt.Sprint(table.Position, " ", table.Table, " ", l.Figure.Measure, " ", l.Figure.AsOf, " ", l.Figure.Value, " ", ours, " ", l.Reason))
				}
			}
			more = page.After != ""
		}
		link := csv.FindStringSubmatch(s.shows("/published?" + query))
		if link == nil {
			t.Fatalf("%s: there is no file", query)
		}
		for _, r := range s.rowsOf(html.UnescapeString(link[1])) {
			had = append(had, fmt.Sprint(r["position"], " ", r["table"], " ", r["measure"], " ", r["as_of"], " ", r["published"], " ", r["ledger"], " ", r["reason"]))
		}
		slices.Sort(shown)
		slices.Sort(had)
		if len(had) < least || !slices.Equal(shown, had) {
			t.Errorf("%s: the page has %d figures, its file %d:\n%s\n%s", query, len(shown), len(had), strings.Join(shown, "\n"), strings.Join(had, "\n"))
		}
	}
	if w, _ := s.fetch("/v1/exports/published?page=2"); w.Code != http.StatusBadRequest {
		t.Errorf("a page of a file: %d", w.Code)
	}
}

// TestPublishedOfAFlood: of a publisher with more figures than are compared at a
// time the last ones are, everybody else's stay, and the older ones are said, found
// by their publication, and traced.
func TestPublishedOfAFlood(t *testing.T) {
	s := newShelf(t)
	const most = 2
	s.server.figuresCompared = most
	figures, err := s.server.Figures.PublishedFigures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	of := map[ledger.AgencyID][]projections.PublishedFigure{}
	for _, f := range figures {
		of[f.Publisher] = append(of[f.Publisher], f)
	}
	page, err := s.server.publishedPage(t.Context(), &publishedQuestion{page: 1})
	if err != nil {
		t.Fatal(err)
	}
	older := map[ledger.AgencyID]int{}
	for _, o := range page.Older {
		older[o.Publisher] = o.N
	}
	shown := map[string]bool{}
	for _, table := range page.Tables {
		for _, l := range table.Lines {
			shown[l.Anchor] = true
		}
	}
	var first projections.PublishedFigure
	for publisher, list := range of {
		if older[publisher] != max(0, len(list)-most) {
			t.Errorf("%s: %d older figures are said of %d", publisher, older[publisher], len(list))
		}
		for i, f := range list {
			if anchor := fmt.Sprintf("f-%d-%d", f.Position, f.Ordinal); shown[anchor] != (i >= len(list)-most) {
				t.Errorf("%s, figure %d of %d: shown is %v", publisher, i+1, len(list), shown[anchor])
			}
		}
		if len(list) > most {
			first = list[0]
		}
	}
	if first.Table == "" || !strings.Contains(s.shows("/published?lang=en"), "older figures are not compared here") {
		t.Fatal("nothing is left out, or it is not said")
	}
	s.server.figuresCompared = 1000
	anchor := fmt.Sprintf(`id="f-%d-%d"`, first.Position, first.Ordinal)
	if !strings.Contains(s.shows("/published?table="+url.QueryEscape(first.Table)), anchor) {
		t.Errorf("%s is not found by its publication", first.Table)
	}
	s.shows(tracePath(first))
	for _, path := range []string{"/published/0/1", "/published/1/1", "/published/x/1", "/published/1/99999999999", "/published/99999999999999999999/1", strings.Replace(tracePath(first), "published/", "published/0", 1)} {
		if status, _ := s.page(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}
