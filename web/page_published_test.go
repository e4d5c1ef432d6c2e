package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

var (
	traceLink  = regexp.MustCompile(`<a class="trace" href="([^"]+)"`)
	ledgerCell = regexp.MustCompile(`<a href="(/cases\?[^"]+)">([0-9.,]+)</a>`)
)

// TestPublishedPage: figures stand beside the ledger's of the same question, are
// filtered, and traced to the cases.
func TestPublishedPage(t *testing.T) {
	s := newShelf(t)
	for name, look := range map[string]func(*testing.T, *shelf){
		"numbers": publishedIsTheLedgers, "traces": tracesAreTheLedgers, "filters": publishedIsFiltered, "hostile": hostilePublished,
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			look(t, s)
		})
	}
}

// ledgerCells are the ledger's numbers on a page, each with its question.
func (s *shelf) ledgerCells(t *testing.T, path string) (numbers []uint64, questions []question) {
	t.Helper()
	for _, m := range ledgerCell.FindAllStringSubmatch(s.shows(path), -1) {
		address, err := url.Parse(html.UnescapeString(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		q, err := parseQuestion(address.RawQuery)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		numbers, questions = append(numbers, plain(t, m[2])), append(questions, q)
	}
	return numbers, questions
}

func publishedIsTheLedgers(t *testing.T, s *shelf) {
	rows := map[string][]ledger.Row{}
	for _, path := range []string{"/published", "/published?known-at=published", fmt.Sprintf("/published?publisher=bkn&known-at=%d", len(s.records)/2)} {
		numbers, questions := s.ledgerCells(t, path)
		if len(numbers) < 12 {
			t.Fatalf("%s: %d numbers", path, len(numbers))
		}
		for i, q := range questions {
			if rows[q.Known] == nil {
				part := *s.book
				var n int
				if _, err := fmt.Sscan(q.Known, &n); err != nil {
					t.Fatal(err)
				}
				part.records = s.records[:n]
				rows[q.Known] = part.rows(t)
			}
			if want := ledger.Count(rows[q.Known], q.Query); numbers[i] != want {
				t.Errorf("%s: the page says %d, the ledger %d of %s", path, numbers[i], want, q.address("/cases"))
			}
		}
	}
	body := s.shows("/published?lang=en")
	for _, want := range []string{"The same figure over time", "Agency beside agency", "another unit", "Published"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
}

// tracesAreTheLedgers: each reading's number is that of the list behind it.
func tracesAreTheLedgers(t *testing.T, s *shelf) {
	links := traceLink.FindAllStringSubmatch(s.shows("/published?reason=late-recording&lang=en"), -1)
	if len(links) != 3 {
		t.Fatalf("%d figures were recorded late", len(links))
	}
	rows := s.rows(t)
	for i, l := range links {
		path := html.UnescapeString(l[1])
		body := s.shows(path)
		if !strings.Contains(body, shortID(s.strange)) || !strings.Contains(body, `class="fits"`) {
			t.Errorf("%s does not lead to the case that was recorded later", path)
		}
		numbers, questions := s.ledgerCells(t, path)
		if len(numbers) < 6 {
			t.Fatalf("%s: %d readings", path, len(numbers))
		}
		for n, q := range questions {
			if q.Known != fmt.Sprint(len(s.records)) {
				continue // looked at by the tests of projections
			}
			if want := ledger.Count(rows, q.Query); numbers[n] != want {
				t.Errorf("%s: the page says %d, the ledger %d of %s", path, numbers[n], want, q.address("/cases"))
			}
		}
		if i == 0 {
			list := s.shows(html.UnescapeString(ledgerCell.FindStringSubmatch(body)[1]))
			if got := plain(t, bigNumber.FindStringSubmatch(list)[1]); got != numbers[0] {
				t.Errorf("%s: %d, the list has %d", path, numbers[0], got)
			}
		}
	}
	if body := s.shows(html.UnescapeString(links[0][1]) + "?known-at=published"); !strings.Contains(body, ">0</span>") {
		t.Error("where it was published there was a difference")
	}
}

func publishedIsFiltered(t *testing.T, s *shelf) {
	if body := s.shows("/published?publisher=kemendagri"); strings.Contains(body, "bkn20lakip</span>") || strings.Count(body, `class="trace"`) != 8 {
		t.Errorf("Kemendagri published %d figures", strings.Count(body, `class="trace"`))
	}
	if body := s.shows("/published?table=bws20"); strings.Count(body, `class="trace"`) != 6 {
		t.Errorf("bws20 has %d figures", strings.Count(body, `class="trace"`))
	}
	if body := s.shows("/published?table=nothing"); !strings.Contains(body, "Tidak ada angka terbitan yang demikian") {
		t.Error("a publication that there is not is shown")
	}
}

func hostilePublished(t *testing.T, s *shelf) {
	for path, status := range map[string]int{
		"/published?publisher=B": 400, "/published?table=%3Cb%3E": 400, "/published?reason=guilt": 400, "/published?known-at=x": 400, "/published?known-at=0": 400,
		"/published?by=x": 400, "/published/1/1": 404, "/published/x/y": 404, "/published/1/0?known-at=x": 404, "/published?known-at=99999999": 409, "/published/01/1": 404,
	} {
		if got, _ := s.page(path); got != status {
			t.Errorf("%s: %d, not %d", path, got, status)
		}
	}
	if status, _ := s.page(html.UnescapeString(traceLink.FindStringSubmatch(s.shows("/published"))[1]) + "?known-at=1"); status != http.StatusOK {
		t.Errorf("known before the figure was published: %d", status)
	}
}

// TestSeries: what was said again of one day stands beside what had been said, and
// agencies that asked the same are compared.
func TestSeries(t *testing.T) {
	figure := func(publisher ledger.AgencyID, table string, asOf ledger.Date, at ledger.Position, value uint64) projections.Line {
		return projections.Line{
			Figure: projections.PublishedFigure{Table: table, Publisher: publisher, SeenBy: publisher, AsOf: asOf, Unit: ledger.UnitCase, Measure: "opened", Value: value, Position: at, Ordinal: 1},
			Answer: projections.Answer{Value: 10},
		}
	}
	lines := []projections.Line{
		figure(ledger.BKN, "b", "2020-12-31", 9, 12), figure(ledger.BKN, "a", "2020-11-26", 5, 7), figure(ledger.Bawaslu, "w", "2020-12-31", 7, 15), figure(ledger.BKN, "c", "2020-12-31", 11, 14),
	}
	q := &publishedQuestion{}
	series := seriesOf(q, lines)
	if len(series) != 1 || series[0].Restated != 1 || len(series[0].Values) != 3 || series[0].Most != 14 {
		t.Fatalf("%+v", series)
	}
	last := series[0].Values[2]
	if !last.Changed || last.Before != 12 || last.BeforeTable != "b" || last.Figure.Table != "c" || series[0].Values[0].Again || last.Width != "100.00%" {
		t.Errorf("%+v", last)
	}
	groups := besideOf(q, lines)
	if len(groups) != 1 || !groups[0].Same || len(groups[0].Lines) != 4 {
		t.Fatalf("%+v", groups)
	}
	if l := groups[0].Lines[2]; l.Twin != ledger.BKN || l.Apart != 3 {
		t.Errorf("%+v", l)
	}
	if l := groups[0].Lines[1]; l.Twin != "" || len(l.Differs) != 1 {
		t.Errorf("%+v", l)
	}
}

// FuzzPublished: whatever stands in an address is read without panic, and written
// again as it was.
func FuzzPublished(f *testing.F) {
	for _, seed := range []string{"", "publisher=bkn&table=bkn20&reason=late-recording&known-at=published", "publisher=%ff", "table=a%00b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		values, _, err := tidy(raw)
		if err != nil {
			return
		}
		q, err := parsePublishedQuestion(values)
		if err != nil {
			return
		}
		address, err := url.Parse(q.address(publishedPath))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parsePublishedQuestion(address.Query()); err != nil || again != q {
			t.Fatalf("%q became %q: %v", raw, address, err)
		}
	})
}
